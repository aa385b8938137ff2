"""Workloads and their autoscalers out of manifests."""

from typing import Any

import pytest

from scaler.sim.backtest.manifests import Assumed, Played, played


def deployment(name: str = "web", *, replicas: int | None = 4, containers: list[dict[str, Any]] | None = None) -> Any:
    made = containers or [container("main", cpu="500m", memory="1Gi")]
    spec: dict[str, Any] = {"template": {"spec": {"containers": made}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def container(name: str, **requests: str) -> dict[str, Any]:
    return {"name": name, "image": "none", "resources": {"requests": requests}}


def hpa(name: str = "web", **spec: Any) -> Any:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 9, **spec},
    }


def vpa(name: str = "web") -> Any:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"targetRef": reference},
    }


def scaled_object(name: str = "web", **metadata: str) -> Any:
    about = {"queueURL": "https://sqs.eu-west-1.amazonaws.com/1/work", "awsRegion": "eu-west-1", **metadata}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"name": name},
            "triggers": [{"type": "aws-sqs-queue", "metadata": about, "authenticationRef": {"name": "aws"}}],
        },
    }


def one(*objects: Any, assumed: Assumed | None = None) -> Played:
    found, problems = played(objects, "shop", assumed)
    assert problems == []
    assert len(found) == 1
    return found[0]


def wrong(*objects: Any) -> str:
    found, problems = played(objects, "shop")
    assert found == []
    return "; ".join(map(str, problems))


def test_a_workload_is_played_with_all_that_aims_at_it() -> None:
    found = one(deployment(), hpa(), vpa(), {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})
    assert found.key == ("shop", "Deployment", "web")
    assert found.hpa is not None
    assert found.vpa is not None
    assert found.workload.replicas == 4
    assert found.workload.containers[0].requests == {"cpu": 500, "memory": 2**30}


def test_a_scaled_object_is_planned_without_its_credentials() -> None:
    found = one(deployment(), scaled_object())
    assert found.subject is not None
    assert [spec.name for spec in found.subject.triggers[0].metrics] == ["s0-aws-sqs-work"]


def test_a_limit_without_a_request_is_the_request_as_the_api_server_has_it() -> None:
    limited = {"name": "main", "resources": {"limits": {"cpu": "2", "memory": "64Mi"}}}
    asked = one(deployment(containers=[limited]), hpa()).workload.containers[0]
    assert asked.requests == {"cpu": 2000, "memory": 64 * 2**20}


def test_the_load_is_spread_as_the_requests_are_and_that_is_said() -> None:
    found = one(deployment(containers=[container("main", cpu="3"), container("proxy", cpu="1")]), hpa())
    assert [each.share for each in found.workload.containers] == [0.75, 0.25]
    assert "spread over the containers" in " ".join(found.notes)


def test_replicas_that_are_not_written_begin_at_the_minimum_and_that_is_said() -> None:
    found = one(deployment(replicas=None), hpa(minReplicas=3))
    assert found.workload.replicas == 3
    assert "spec.replicas is not written" in found.notes[0]


def test_an_old_hpa_means_what_it_meant() -> None:
    old = hpa(targetCPUUtilizationPercentage=60) | {"apiVersion": "autoscaling/v1"}
    found = one(deployment(), old).hpa
    assert found is not None
    assert found["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert "targetCPUUtilizationPercentage" not in found["spec"]


def test_what_is_asked_for_is_added_where_it_is_missing_only() -> None:
    found = one(deployment(), hpa(), assumed=Assumed(vpa=True, hpa=70))
    assert found.vpa is not None
    assert found.hpa is not None
    assert found.hpa["spec"]["maxReplicas"] == 9
    assert "a VPA" in found.notes[0]


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([hpa()], "deployment/web in shop: is aimed at and is not in these files"),
        ([deployment()], "no workload with a ScaledObject, an HPA or a VPA"),
        ([deployment(), hpa(), scaled_object()], "several autoscalers for one axis"),
        ([deployment(), vpa(), vpa()], "several autoscalers for one axis"),
        ([deployment(), scaled_object(queueLength="many")], "trigger 0 (aws-sqs-queue): metadata.queueLength"),
        (
            [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "web"}}],
            "scaledobject/web",
        ),
        ([vpa() | {"spec": {}}], "has no spec.targetRef"),
    ],
)
def test_what_cannot_be_played_is_named_with_the_remedy(objects: list[Any], words: str) -> None:
    assert words in wrong(*objects)


def test_every_problem_is_found_at_once() -> None:
    _, problems = played([hpa("a"), hpa("b"), deployment(), vpa()], "shop")
    assert len(problems) == 2
