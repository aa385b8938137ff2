"""What is filled in, refused and remarked on when somebody writes a VerticalPodAutoscaler."""

from typing import Any

import msgspec
import pytest

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from tests.webhook.reviews import Object, asked
from webhook.review import Answer
from webhook.vpas import Vpas

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def vpa(*, name: str = "web", metadata: Object | None = None, **spec: Any) -> Object:
    own = {"name": name, "namespace": "shop", **(metadata or {})}
    return {"apiVersion": "autoscaling.k8s.io/v1", "metadata": own, "spec": {"targetRef": TARGET, **spec}}


def judged(new: Object | None, old: Object | None = None, *others: Object, **request: Any) -> Answer:
    beside = [msgspec.convert(other, VerticalPodAutoscaler) for other in others]
    return Vpas(lambda _: beside).judge(asked("VerticalPodAutoscaler", new, old, **request))


DEFAULT = [{"op": "add", "path": "/spec/updatePolicy", "value": {"updateMode": "Recreate"}}]


@pytest.mark.parametrize("version", ["v1", "v1beta2"])
def test_an_absent_update_policy_is_filled_in_as_upstream_does(version: str) -> None:
    new = vpa() | {"apiVersion": f"autoscaling.k8s.io/{version}"}
    assert msgspec.to_builtins(list(judged(new).patch)) == DEFAULT
    assert msgspec.to_builtins(list(judged(new, vpa(updatePolicy={"updateMode": "Off"})).patch)) == DEFAULT


def test_a_policy_that_is_there_is_left_alone() -> None:
    assert judged(vpa(updatePolicy={"updateMode": "Off"})) == Answer()


def test_every_problem_is_told_with_what_is_odd_besides() -> None:
    found = judged(
        vpa(updatePolicy={"updateMode": "Auto", "minReplicas": 0}, recommenders=[{"name": "a"}, {"name": "b"}])
    )
    assert not found.allowed
    assert found.message == (
        "spec.updatePolicy.minReplicas: 0 is too few: write 1 or more; "
        "spec.recommenders: names a, b: only one can recommend"
    )
    assert found.warnings[0].startswith("spec.updatePolicy.updateMode: Auto is an old name of Recreate")
    assert found.patch == ()


def test_what_the_definition_refuses_is_told_in_the_words_of_validate() -> None:
    found = judged(vpa(updatePolicy={"updateMode": "off"}, recommenders=[{}]))
    assert not found.allowed
    assert 'spec.updatePolicy.updateMode: "off" is none of Off, Initial' in found.message
    assert "spec.recommenders[0].name: is required" in found.message


def test_a_second_object_on_one_workload_is_warned_of() -> None:
    found = judged(vpa(updatePolicy={"updateMode": "Off"}), None, vpa(name="other"), vpa())
    assert found.allowed
    assert found.warnings == (
        "spec.targetRef: Deployment web is sized by VerticalPodAutoscaler other already: of several, only the oldest counts",
    )


BAD = {"updateMode": "Off", "minReplicas": 0}


def test_who_only_takes_a_finalizer_away_is_not_asked_for_more() -> None:
    old = vpa(updatePolicy=BAD, metadata={"finalizers": ["example.com/x"]})
    assert judged(vpa(updatePolicy=BAD), old) == Answer()
    going = vpa(updatePolicy=BAD, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, startupBoost={})
    assert judged(going, old) == Answer()


def test_a_change_of_the_spec_is_judged_whole() -> None:
    assert not judged(
        vpa(updatePolicy=BAD, startupBoost={}), vpa(updatePolicy=BAD, recommenders=[{"name": "a"}])
    ).allowed


def test_a_value_of_ours_that_changes_in_the_annotations_is_judged() -> None:
    new = vpa(updatePolicy={"updateMode": "Off"}, metadata={"annotations": {"kube-scaler.dev/limits": "half"}})
    assert "is none of ratio, equal, no-cpu" in judged(new, vpa(updatePolicy={"updateMode": "Off"})).message


def test_resources_that_nobody_sizes_stay_where_they_were() -> None:
    def policy(**more: Any) -> Object:
        sized = {"containerName": "main", "controlledResources": ["cpu", "gpu"], **more}
        return vpa(updatePolicy={"updateMode": "Off"}, resourcePolicy={"containerPolicies": [sized]})

    assert not judged(policy()).allowed
    found = judged(policy(minAllowed={"cpu": "1"}), policy())
    assert found.allowed
    assert '"gpu" is not sized' in found.warnings[0]


def test_what_was_there_and_cannot_be_read_excuses_nothing_and_breaks_nothing() -> None:
    assert judged(vpa(updatePolicy={"updateMode": "Off"}), vpa(updatePolicy={"updateMode": 5})) == Answer()


@pytest.mark.parametrize("request_", [{"operation": "DELETE"}, {"subResource": "status"}])
def test_other_requests_are_let_through(request_: Object) -> None:
    assert judged(vpa(updatePolicy=BAD), None, **request_) == Answer()
