"""How badly a pod needs another size, and whether it needs it now."""

from typing import Any

import pytest

from scaler.clock import to_rfc3339
from scaler.vertical.amounts import Bounds
from scaler.vertical.observed import observed_containers
from scaler.vertical.pod_capping import cap_for_pod
from scaler.vertical.pods import SizedPod, sized
from scaler.vertical.priority import (
    SELECTED,
    Priority,
    Thresholds,
    has_quick_oom,
    meets_requirements,
    selection,
    update_priority,
)
from scaler.vertical.quantities import amounts_of
from scaler.vertical.rules import Requirement, Rules
from tests.vertical import vectors
from tests.vertical.pod_side import pod_of, recommendation_from, rules_for, rules_from

NOW = 1767225600.0


def priorities(case: vectors.Case) -> None:
    pod = pod_of(case.input["pod"])
    if case.table == "TestGetUpdatePriority":
        found = update_priority(
            sized(pod), rules_from(case.input["vpa"]).recommendation or {}, observed_containers(pod)
        )
        assert found == priority_of(case.expected["expectedPrio"])
        return
    found = update_priority(sized(pod), recommendation_from(case.input["recommendation"]), observed_containers(pod))
    assert found.difference == pytest.approx(case.expected["want"])


def priority_of(raw: Any) -> Any:
    found = {key[0].lower() + key[1:]: value for key, value in raw.items()}
    return Same(found["outsideRecommendedRange"], found["scaleUp"], found["resourceDiff"])


class Same:
    """A priority with this difference but for the last bits: upstream adds up in any order."""

    def __init__(self, outside: bool, scale_up: bool, difference: float) -> None:
        self.parts = outside, scale_up, pytest.approx(difference, rel=1e-9)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Priority) and (other.outside, other.scale_up, other.difference) == self.parts

    __hash__ = None  # type: ignore[assignment]


def decisions(case: vectors.Case) -> None:
    given = case.input
    ended = given["lastTermination"]
    pod = pod_of(
        {
            "metadata": {"annotations": {"vpaObservedContainers": given["vpaObservedContainers"]}}
            if "vpaObservedContainers" in given
            else {},
            "spec": {"containers": given["containers"]},
            "status": {"containerStatuses": killed(ended["container"], ended["ranSecondsBeforeOOM"])}
            if ended
            else {},
        }
    )
    containers, rules = sized(pod), rules_for(given["recommendation"])
    observed = observed_containers(pod)
    found = update_priority(containers, cap_for_pod(containers, rules).recommendation, observed)
    assert found == Same(
        case.expected["outsideRecommendedRange"], case.expected["scaleUp"], case.expected["resourceDiff"]
    )
    thresholds = Thresholds(
        given["pod-update-threshold"], given["lifetimeThresholdSeconds"], given["oomThresholdSeconds"]
    )
    oom = has_quick_oom(pod, rules, thresholds.quick_oom, observed)
    why = selection(found, NOW - given["podAgeSeconds"], oom, NOW, thresholds)
    assert (why in SELECTED) == case.expected["podSelectedForUpdate"]


def killed(container: str, after: int) -> list[Any]:
    """The status of a container that was killed for memory after so many seconds."""
    ended = {"reason": "OOMKilled", "startedAt": to_rfc3339(NOW - after), "finishedAt": to_rfc3339(NOW)}
    return [{"name": container, "lastState": {"terminated": ended}}]


def order(case: vectors.Case) -> None:
    given = [priority_from(case.input[name]) for name in ("prio", "other")]
    assert (given[0].rank < given[1].rank) == case.expected["isLess"]


def priority_from(raw: Any) -> Priority:
    found = {key[0].lower() + key[1:]: value for key, value in raw.items()}
    return Priority(found["outsideRecommendedRange"], found["scaleUp"], found["resourceDiff"])


def selections(case: vectors.Case) -> None:
    given = case.input
    thresholds = Thresholds(
        given["minChange"], given["lifetimeHours"] * 3600.0, given.get("oomThresholdMinutes", 10) * 60
    )
    oom = given.get("oomKilledAfterSeconds", thresholds.quick_oom) < thresholds.quick_oom
    started = NOW - given["podAgeHours"] * 3600
    pods = {name: priority_from(raw) for name, raw in given["priorities"].items()}
    chosen = [name for name, one in pods.items() if selection(one, started, oom, NOW, thresholds) in SELECTED]
    assert sorted(chosen, key=lambda name: pods[name].rank, reverse=True) == case.expected["order"]


def quick_oom(case: vectors.Case) -> None:
    around = case.input["_context"]
    policy = case.input.get("resourcePolicy")
    annotations = case.input.get("annotation", {"vpaObservedContainers": "container1"})
    pod = oom_killed(around["pod"]["oomKilledAfterSeconds"], annotations)
    rules = rules_for(None, {"containerPolicies": [policy]} if policy else None)
    found = has_quick_oom(pod, rules, around["oomThresholdMinutes"] * 60, observed_containers(pod))
    thresholds = Thresholds(around["minChange"], around["lifetimeHours"] * 3600.0)
    priority = Priority(False, around["priority"]["scaleUp"], around["priority"]["resourceDiff"])
    why = selection(priority, NOW - around["pod"]["ageHours"] * 3600, found, NOW, thresholds)
    assert (why in SELECTED) == case.expected["want"]


def oom_killed(after: int, annotations: Any = None) -> SizedPod:
    statuses = killed("container1", after)
    return pod_of({"metadata": {"annotations": annotations or {}}, "status": {"containerStatuses": statuses}})


def requirements(case: vectors.Case) -> None:
    given = case.input
    statuses = [
        {"name": one["name"], "resources": {"requests": one["statusRequests"]}}
        for one in given["containers"]
        if "statusRequests" in one
    ]
    containers = [{"resources": {"requests": one.get("requests")}, **one} for one in given["containers"]]
    pod = pod_of({"spec": {"containers": containers}, "status": {"containerStatuses": statuses}})
    recommended = recommendation_from(given.get("recommendation")) or {
        name: Bounds(amounts_of(target)) for name, target in (given.get("targets") or {}).items()
    }
    asked = [
        Requirement(tuple(one["resources"]), one["changeRequirement"]) for one in given["evictionRequirements"] or ()
    ]
    assert meets_requirements(sized(pod), recommended, asked) == case.expected["admitted"]


PLAYERS = {
    "update_priority": priorities,
    "update_priority_and_decision": decisions,
    "update_priority_order": order,
    "update_selection": selections,
    "quick_oom": quick_oom,
    "eviction_requirements": requirements,
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- ours ------------------------------------------------------------------------------------------------------

DRIFTED = Priority(difference=0.5)


@pytest.mark.parametrize(
    ("priority", "age", "oom", "why"),
    [
        (Priority(outside=True), 0, False, "outside-range"),
        (Priority(outside=True), 0, True, "unchanged-after-oom"),
        (DRIFTED, 0, True, "quick-oom"),
        (DRIFTED, 12 * 3600 - 1, False, "young"),
        (DRIFTED, 12 * 3600, False, "drifted"),
        (Priority(difference=0.09), 24 * 3600, False, "little-change"),
        (DRIFTED, None, False, "no-start-time"),
    ],
)
def test_why_a_pod_is_moved_or_left(priority: Priority, age: int | None, oom: bool, why: str) -> None:
    assert selection(priority, None if age is None else NOW - age, oom, NOW, Thresholds()) == why


def test_a_kill_of_a_sidecar_counts_where_sidecars_are_sized() -> None:
    pod = pod_of({"status": {"initContainerStatuses": killed("proxy", 60)}})
    assert not has_quick_oom(pod, Rules(), 600)
    assert has_quick_oom(pod, Rules(init_containers="sidecars"), 600)
