"""kubernetes-workload over a view of the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from scaler.api.selector import parse_selector
from scaler.triggers.connections import Connections
from tests.triggers.building import built, failure, good, reading, said


@dataclass(frozen=True)
class Pod:
    labels: dict[str, str]
    phase: str = "Running"
    node_name: str = "node-1"


class Pods:
    """The pods of a namespace called shop."""

    def __init__(self, *pods: Pod) -> None:
        self._pods = pods

    async def pods(self, namespace: str, selector: str) -> Sequence[Pod]:
        found = parse_selector(selector)
        return [pod for pod in self._pods if namespace == "shop" and found.matches(pod.labels)]

    async def endpoints(self, namespace: str, service: str) -> Sequence[Any]:
        raise AssertionError(f"nobody asks for {service} in {namespace} here")


DEMO = {"app": "demo"}
PODS = Pods(
    Pod(DEMO),
    Pod(DEMO, node_name="node-2"),
    Pod(DEMO, phase="Pending", node_name=""),
    Pod(DEMO, phase="Succeeded", node_name="node-3"),
    Pod(DEMO, phase="Failed", node_name="node-4"),
    Pod({"app": "other"}),
)
GIVEN = {"podSelector": "app in (demo, more)", "value": "2"}


async def test_counts_the_pods_that_have_not_ended() -> None:
    async with Connections(cluster=PODS) as io:
        assert (await reading(io, "kubernetes-workload", GIVEN)).value == 3


async def test_counts_the_nodes_that_they_run_on_when_asked() -> None:
    async with Connections(cluster=PODS) as io:
        assert (await reading(io, "kubernetes-workload", {**GIVEN, "groupByNode": "true"})).value == 2


async def test_looks_only_into_its_own_namespace() -> None:
    async with Connections(cluster=PODS) as io:
        shown = await reading(io, "kubernetes-workload", GIVEN, namespace="elsewhere")
    assert (shown.value, shown.active) == (0, False)


async def test_without_a_cluster_it_is_a_failure(io: Connections) -> None:
    assert "the cluster cannot be looked at from here" in await failure(io, "kubernetes-workload", GIVEN)


def test_the_metric_is_named_after_the_namespace() -> None:
    (metric,) = good("kubernetes-workload", GIVEN, index=2).plan.metrics
    assert (metric.name, metric.target) == ("s2-workload-shop", 2)


def test_the_namespace_is_part_of_the_question() -> None:
    here, there = (good("kubernetes-workload", GIVEN, namespace=name) for name in ("shop", "elsewhere"))
    assert here.source != there.source


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"podSelector": "app in demo"}, "metadata.podSelector: "),
        ({"podSelector": ","}, "metadata.podSelector: "),
        ({"value": "0"}, "metadata.value: must be more than 0"),
        ({"activationValue": "aa"}, 'metadata.activationValue: "aa" is not a whole number'),
    ],
)
def test_refuses_with_the_place_and_the_remedy(given: dict[str, str], problem: str) -> None:
    (only,) = said(built("kubernetes-workload", {**GIVEN, **given}))
    assert only.startswith(problem)
