"""The steps that lead to a recommendation are those that were taken."""

from typing import Any

import msgspec

from scaler.api.verticalpodautoscaler import CheckpointStatus, VerticalPodAutoscaler
from scaler.vertical.checkpoints import learned
from scaler.vertical.explain import ContainerWhy, ResourceWhy, why
from scaler.vertical.history import UsageHistory
from scaler.vertical.roster import Floor
from scaler.vertical.terms import Defaults

START = 1767225600.0
NOW = START + 2 * 86400
MIB = 1 << 20


def checkpoint(cores: float = 0.1, size: float = 300 * MIB) -> CheckpointStatus:
    history = UsageHistory()
    for minute in range(1441):
        history.add_cpu(START + minute * 60, cores)
        history.add_memory(START + minute * 60, size)
    history.recommend()
    return learned(history.containers, history.groups, NOW).status(0, NOW)


def told(
    policy: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    *,
    known: dict[str, CheckpointStatus] | None = None,
    **more: Any,
) -> dict[str, ContainerWhy]:
    policies = {"containerPolicies": [{"containerName": "*", **policy}]} if policy else {}
    meta = {"name": "web", "namespace": "shop", "annotations": annotations or {}}
    vpa = msgspec.convert({"metadata": meta, "spec": {"resourcePolicy": policies}}, VerticalPodAutoscaler)
    found = known or {"app": checkpoint()}
    return {one.name: one for one in why(vpa, found, more.pop("floors", {}), defaults=Defaults(), now=NOW, **more)}


def of(container: ContainerWhy, resource: str) -> ResourceWhy:
    return next(one for one in container.resources if one.resource == resource)


def targets(way: ResourceWhy) -> list[int]:
    return [step.target for step in way.steps]


def test_usage_margin_and_confidence_stand_one_below_the_other() -> None:
    app = told()["app"]
    assert (app.samples, app.confidence, app.first) == (1441, 1.0, START)
    cpu = of(app, "cpu")
    assert [(step.lower, step.target, step.upper) for step in cpu.steps] == [
        (110, 110, 110),
        (126, 126, 126),
        (125, 126, 252),
    ]
    assert cpu.cause == "usage"
    assert "percentiles 50, 90, 95" in cpu.steps[0].what


def test_what_changed_the_target_last_is_its_cause() -> None:
    small = {"app": checkpoint(0.001, MIB), "log": checkpoint(0.001, MIB)}
    least = of(told(known=small)["app"], "memory")
    assert (least.cause, targets(least)[-1]) == ("minimum", 125 * MIB)
    assert least.steps[-1].what == "the recommender's minimum of 250Mi a pod, shared by 2 containers"
    own = of(told(None, {"kube-scaler.dev/pod-minimum-memory": "16Mi"}, known=small)["app"], "memory")
    assert targets(own)[-1] == 11500000
    capped = of(told({"maxAllowed": {"cpu": "50m"}})["app"], "cpu")
    assert (capped.cause, targets(capped)[-1], capped.uncapped) == ("maxAllowed", 50, 126)
    raised = of(told({"minAllowed": {"cpu": 1}})["app"], "cpu")
    assert (raised.cause, targets(raised)[-1]) == ("minAllowed", 1000)


def test_floors_whole_cores_and_nodes_are_steps_too() -> None:
    floored = of(told(floors={"app": Floor(1 << 30, NOW + 60)})["app"], "memory")
    assert (floored.cause, targets(floored)[-1]) == ("oom-floor", 1 << 30)
    assert of(told(floors={"app": Floor(1 << 30, NOW)})["app"], "memory").cause == "usage"
    whole = of(told(None, {"vpa-post-processor.kubernetes.io/app_integerCPU": "true"})["app"], "cpu")
    assert (whole.cause, targets(whole)[-1]) == ("rounding", 1000)
    fits = told(None, {"kube-scaler.dev/fit-largest-node": "true"}, node={"cpu": 100, "memory": 1 << 40})["app"]
    assert (of(fits, "cpu").cause, targets(of(fits, "cpu"))[-1]) == ("largest-node", 100)


def test_what_is_not_sized_says_so() -> None:
    off = told({"mode": "Off"})["app"]
    assert (off.off, off.resources) == (True, ())
    only = told({"controlledResources": ["cpu"]})["app"]
    assert [one.resource for one in only.resources] == ["cpu"]


def test_a_checkpoint_that_does_not_count_is_named() -> None:
    found = told(known={"app": checkpoint(), "bad": CheckpointStatus(version="v9")})
    assert found["bad"].problem == "its version is v9, and only v3 can be read"
    assert found["app"].resources
