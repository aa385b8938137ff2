"""What is wrong is said where the user looks: condition, event and log name the field, the value and the remedy.

And nothing else suffers: replicas are held, other triggers and objects go on.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.e2e.side_by_side import scenario
from tests.e2e.source import Knob
from tests.e2e.stage import HPAS, Stage, trigger
from tests.processes import free_port

QUICK = {"pollingInterval": 2, "cooldownPeriod": 2, "maxReplicaCount": 5}


def names_in_all_places(
    stage: Stage, *words: str, reason: str = "ScaledObjectCheckFailed", name: str = "web"
) -> None:
    """The Ready condition, a warning and a line of the log have all the words."""

    def lacking(text: str) -> list[str]:
        return [word for word in words if word not in text]

    stage.until(lambda: not lacking(stage.message("Ready", name)), f"a Ready condition of {words}")
    assert stage.condition("Ready", name)[0] in {"False", "Unknown"}

    def warned() -> bool:
        told = [one for one in stage.events(name) if one["type"] == "Warning" and one["reason"] == reason]
        return any(not lacking(one["message"]) for one in told)

    stage.until(warned, f"a warning {reason} of {words}")

    def logged() -> bool:
        return any(program.said(stage.namespace, *words) for program in stage.installation.programs)

    stage.until(logged, f"a log line of {words}")


def companion(stage: Stage) -> Knob:
    """Another object in the same namespace, at 2 replicas."""
    stage.deployment("other")
    load = stage.source("other", 10)
    stage.scaled_object(trigger(load, 5), name="other", **QUICK)
    stage.until_replicas(2, "other")
    return load


def goes_on(stage: Stage, load: Knob) -> None:
    """The other object still follows its load."""
    load.says(20)
    stage.until_replicas(4, "other")


WRONG: dict[str, tuple[Callable[[Stage], Object], tuple[str, ...]]] = {
    "value": (
        lambda stage: trigger(stage.source(value=10), "many"),
        ("spec.triggers[0].metadata.targetValue", "many", "number"),
    ),
    "missing": (
        lambda stage: {"type": "metrics-api", "metadata": {"url": stage.source().url, "targetValue": "5"}},
        ("spec.triggers[0].metadata.valueLocation",),
    ),
    "type": (
        lambda stage: {"type": "metrics-apo", "metadata": {"url": stage.source().url}},
        ("spec.triggers[0].type", "metrics-apo", "metrics-api"),
    ),
    "queue": (
        lambda _: {
            "type": "aws-sqs-queue",
            "metadata": {"queueURL": "https://sqs.eu-west-1.amazonaws.com/work", "awsRegion": "eu-west-1"},
        },
        ("spec.triggers[0].metadata.queueURL", "https://sqs.eu-west-1.amazonaws.com/work"),
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
@scenario
def test_a_wrong_trigger_is_named_and_its_correction_taken_up(stage: Stage, wrong: str) -> None:
    made, words = WRONG[wrong]
    load = companion(stage)
    stage.deployment(replicas=3)
    stage.scaled_object(made(stage), **QUICK)
    names_in_all_places(stage, *words)
    stage.stays(3, 5)
    goes_on(stage, load)
    stage.change(triggers=[trigger(stage.source("right", 5), 5)])
    stage.until_ready()
    stage.until_replicas(1)


MARTIAN = {"timezone": "Mars/Olympus", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "2"}


@scenario
def test_beside_a_wrong_trigger_the_right_one_still_scales(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(trigger(stage.source("good", 15), 5), {"type": "cron", "metadata": MARTIAN}, **QUICK)
    stage.until_replicas(3)
    names_in_all_places(stage, "spec.triggers[1]", "Mars/Olympus")


@scenario
def test_an_unreachable_source_holds_the_replicas(stage: Stage) -> None:
    load = companion(stage)
    stage.deployment(replicas=3)
    url = f"http://127.0.0.1:{free_port()}/nobody"
    stage.scaled_object(
        {"type": "metrics-api", "metadata": {"url": url, "valueLocation": "value", "targetValue": "5"}}, **QUICK
    )
    stage.until_condition("Ready", "False", "TriggerError")
    names_in_all_places(stage, "s0-metric-api-value", url.removesuffix("/nobody"), reason="KEDAScalerFailed")
    stage.stays(3, 8)
    goes_on(stage, load)


MISBEHAVIOURS: dict[str, Callable[[Knob], Any]] = {
    "refuses": lambda knob: knob.fails(503),
    "babbles": lambda knob: knob.babbles(),
    "answers-no-number": lambda knob: knob.babbles('{"value": "lots"}'),
    "answers-something-else": lambda knob: knob.babbles('{"other": 5}'),
    "hangs": lambda knob: knob.hangs(),
    "dawdles": lambda knob: knob.dawdles(50, 10),
}


@pytest.mark.parametrize("how", MISBEHAVIOURS)
@scenario
def test_a_source_that_misbehaves_holds_the_replicas_and_delays_nobody(stage: Stage, how: str) -> None:
    other = companion(stage)
    stage.deployment()
    load = stage.source(value=15)
    stage.scaled_object(trigger(load, 5), **QUICK)
    stage.until_replicas(3)
    MISBEHAVIOURS[how](load)
    stage.until_condition("Ready", "False", "TriggerError")
    names_in_all_places(stage, "s0-metric-api-value", reason="KEDAScalerFailed")
    stage.stays(3, 10)
    polls = [at for at in other.asked if at > other.asked[-1] - 10]
    assert max(later - earlier for earlier, later in itertools.pairwise(polls)) < 3
    goes_on(stage, other)
    load.says(5)
    stage.until_replicas(1)
    stage.until_ready()
    assert 0 not in stage.replica_history()[1:]


@scenario
def test_a_vanished_secret_is_named_and_holds_the_replicas(stage: Stage) -> None:
    load = companion(stage)
    secret = stage.within("/api/v1/secrets")
    stage.api.create(secret, {"metadata": {"name": "keys"}, "stringData": {"id": "testing", "key": "testing"}})
    queue = stage.aws.queue(f"secret-{stage.namespace}")
    stage.aws.send(queue, 15)
    parameters = {"awsAccessKeyID": "id", "awsSecretAccessKey": "key"}
    stage.apply(
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "TriggerAuthentication",
            "metadata": {"name": "keys"},
            "spec": {
                "secretTargetRef": [
                    {"parameter": parameter, "name": "keys", "key": key} for parameter, key in parameters.items()
                ]
            },
        }
    )
    metadata = {"queueURL": queue, "queueLength": "5", "awsRegion": "eu-west-1"}
    queued = {"type": "aws-sqs-queue", "authenticationRef": {"name": "keys"}, "metadata": metadata}
    stage.deployment()
    stage.scaled_object(queued, **QUICK)
    stage.until_replicas(3)
    stage.api.delete(f"{secret}/keys")
    stage.wait(4)  # what was looked up serves for three seconds
    stage.change(triggers=[{**queued, "metadata": {**metadata, "queueLength": "4"}}])
    names_in_all_places(stage, "spec.triggers[0]", "keys", "secret")
    stage.stays(3, 8)
    goes_on(stage, load)
    stage.api.create(secret, {"metadata": {"name": "keys"}, "stringData": {"id": "testing", "key": "testing"}})
    stage.until_ready(timeout=60)
    stage.until_replicas(4)


@scenario
def test_a_missing_target_is_named_and_found_when_it_comes(stage: Stage) -> None:
    load = companion(stage)
    stage.scaled_object(trigger(stage.source(value=10), 5), **QUICK)
    names_in_all_places(stage, "spec.scaleTargetRef", "Deployment", "web")
    assert stage.hpa() is None
    goes_on(stage, load)
    stage.deployment()
    stage.until_ready(timeout=60)
    stage.until_replicas(2)


@scenario
def test_a_kind_that_cannot_be_scaled_is_told_from_one_that_is_not_there(stage: Stage) -> None:
    labels = {"app": "web"}
    stage.api.create(
        stage.within("/apis/apps/v1/daemonsets"),
        {
            "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "none"}]},
                },
            },
        },
    )
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), name="scaleless", target={"kind": "DaemonSet", "name": "web"}, **QUICK)
    names_in_all_places(stage, "spec.scaleTargetRef", "DaemonSet", "scale", name="scaleless")
    unknown = {"apiVersion": "example.com/v1", "kind": "Flotilla", "name": "web"}
    stage.scaled_object(trigger(load, 5), name="kindless", target=unknown, **QUICK)
    names_in_all_places(stage, "spec.scaleTargetRef", "Flotilla", "example.com/v1", name="kindless")
    assert stage.message("Ready", "scaleless") != stage.message("Ready", "kindless")


def foreign_hpa(stage: Stage, name: str, target: str = "web") -> None:
    stage.api.create(
        stage.within(HPAS),
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
                "minReplicas": 3,
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                    }
                ],
            },
        },
    )


@scenario
def test_a_workload_that_another_hpa_scales_is_left_to_it_until_that_is_gone(stage: Stage) -> None:
    stage.deployment(replicas=3)
    foreign_hpa(stage, "mine")
    stage.scaled_object(trigger(stage.source(value=5), 5), **QUICK)
    names_in_all_places(stage, "spec.scaleTargetRef", "mine", "scaledobject.keda.sh/transfer-hpa-ownership")
    assert stage.hpa() is None
    stage.stays(3, 4)
    stage.api.delete(f"{stage.within(HPAS)}/mine")
    stage.until_ready(timeout=60)
    stage.until_replicas(1)


@scenario
def test_an_hpa_of_the_wanted_name_that_is_somebody_elses_stays_as_it_is(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.deployment("another", replicas=3)
    foreign_hpa(stage, "keda-hpa-web", "another")
    stage.scaled_object(trigger(stage.source(value=10), 5), **QUICK)
    names_in_all_places(stage, "spec.advanced.horizontalPodAutoscalerConfig.name", "keda-hpa-web")
    hpa = stage.hpa()
    assert hpa is not None
    assert hpa["spec"]["scaleTargetRef"]["name"] == "another"
    assert "ownerReferences" not in hpa["metadata"]
    stage.stays(1, 4)


@scenario
def test_an_hpa_is_taken_over_where_its_name_and_the_annotation_say_so(stage: Stage) -> None:
    stage.deployment(replicas=3)
    foreign_hpa(stage, "mine")
    stage.scaled_object(
        trigger(stage.source(value=20), 5),
        annotations={"scaledobject.keda.sh/transfer-hpa-ownership": "true"},
        advanced={"horizontalPodAutoscalerConfig": {"name": "mine"}},
        **QUICK,
    )
    stage.until_ready()
    stage.until_replicas(4)
    hpa = stage.hpa("mine")
    assert hpa is not None
    assert hpa["metadata"]["ownerReferences"][0]["name"] == "web"


@scenario
def test_who_takes_over_an_hpa_must_say_which(stage: Stage) -> None:
    stage.deployment(replicas=3)
    foreign_hpa(stage, "mine")
    stage.scaled_object(
        trigger(stage.source(value=20), 5),
        annotations={"scaledobject.keda.sh/transfer-hpa-ownership": "true"},
        **QUICK,
    )
    names_in_all_places(stage, "spec.advanced.horizontalPodAutoscalerConfig.name")
    stage.stays(3, 4)


@scenario
def test_a_name_that_no_label_can_hold_is_refused(stage: Stage) -> None:
    stage.deployment(replicas=1)
    name = "x" * 64
    stage.scaled_object(trigger(stage.source(value=20), 5), name=name, target="web", **QUICK)
    names_in_all_places(stage, "metadata.name", "63", name=name)
    stage.stays(1, 3)


@scenario
def test_an_hpa_that_allows_another_beside_it_is_left_alone(stage: Stage) -> None:
    stage.deployment(replicas=3)
    foreign_hpa(stage, "mine")
    stage.api.patch(
        f"{stage.within(HPAS)}/mine", {"metadata": {"annotations": {"validations.keda.sh/hpa-ownership": "false"}}}
    )
    stage.scaled_object(trigger(stage.source(value=10), 5), **QUICK)
    stage.until_ready()
    assert stage.hpa("mine") is not None
    assert stage.hpa() is not None


@scenario
def test_of_two_objects_on_one_target_the_second_stands_back(stage: Stage) -> None:
    stage.deployment()
    first, second = stage.source("first", 10), stage.source("second", 25)
    stage.scaled_object(trigger(first, 5), **QUICK)
    stage.until_replicas(2)
    stage.scaled_object(trigger(second, 5), name="late", target="web", **QUICK)
    names_in_all_places(stage, "spec.scaleTargetRef", "web", name="late")
    assert stage.hpa("keda-hpa-late") is None
    stage.stays(2, 5)
    assert stage.condition("Ready") == ("True", "ScaledObjectReady")
    first.says(15)
    stage.until_replicas(3)
    stage.delete("web")
    stage.until_ready("late", timeout=60)
    stage.until_replicas(5)


@scenario
def test_two_objects_cannot_share_an_hpa(stage: Stage) -> None:
    stage.deployment()
    stage.deployment("another")
    named = {"horizontalPodAutoscalerConfig": {"name": "shared"}}
    stage.scaled_object(trigger(stage.source(value=10), 5), advanced=named, **QUICK)
    stage.until_replicas(2)
    stage.scaled_object(trigger(stage.source(value=10), 5), name="another", target="another", advanced=named, **QUICK)
    names_in_all_places(stage, "spec.advanced.horizontalPodAutoscalerConfig.name", "shared", "web", name="another")
    stage.stays(2, 4)
