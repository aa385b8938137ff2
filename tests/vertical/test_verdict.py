"""Whether a running pod is moved now, and every reason on the way."""

from typing import Any

import msgspec
import pytest

from scaler.api.disruption_budgets import budgets_of
from scaler.clock import to_rfc3339
from scaler.vertical.amounts import Bounds
from scaler.vertical.disruption import Budgets, group_of
from scaler.vertical.in_place import Attempts
from scaler.vertical.limit_ranges import NO_RANGES, Item, Ranges
from scaler.vertical.moving import NOT_APPRAISED
from scaler.vertical.pods import SizedPod
from scaler.vertical.priority import Thresholds
from scaler.vertical.rules import Boost, ContainerRules, Requirement, Rules
from scaler.vertical.verdict import (
    Case,
    Circumstances,
    Standing,
    Traffic,
    Verdict,
    appraise,
    circumstances_of,
    judge,
)
from tests.vertical import vectors
from tests.vertical.pod_side import pod_of

NOW = 1767225600.0
READY = {"type": "Ready", "status": "True", "lastTransitionTime": to_rfc3339(NOW - 600)}
TARGET = {"app": Bounds({"cpu": 1000, "memory": 2**30}, {"cpu": 500}, {"cpu": 2000})}
RECREATE = Rules("shop", "web", "Recreate", recommendation=TARGET)
IN_PLACE = msgspec.structs.replace(RECREATE, mode="InPlaceOrRecreate")
NEVER_EVICT = msgspec.structs.replace(RECREATE, mode="InPlace")


def pod(
    cpu: str = "100m", age: float = 60.0, conditions: Any = (READY,), phase: str = "Running", **more: Any
) -> SizedPod:
    """One container that requests this much cpu, and memory as recommended."""
    requests = {"cpu": cpu, "memory": "1Gi"}
    return pod_of(
        {
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", **more.pop("metadata", {})},
            "spec": {"nodeName": "n", "containers": [{"name": "app", "resources": {"requests": requests, **more}}]},
            "status": {"phase": phase, "startTime": to_rfc3339(NOW - age), "conditions": list(conditions)},
        }
    )


def verdict(
    found: SizedPod,
    rules: Rules = RECREATE,
    *,
    others: int = 3,
    ranges: Ranges = NO_RANGES,
    around: Circumstances | None = None,
    **standing: Any,
) -> Verdict:
    """Of a pod among so many others of its controller that run."""
    mine = circumstances_of(rules, around or Circumstances())
    siblings = [found, *(pod("1") for _ in range(others))]
    group = standing.pop("group", group_of(siblings, len(siblings), mine.budgets, resizes=rules.mode != "Recreate"))
    traffic = standing.pop("traffic", Traffic(len(siblings), 0))
    moving = rules.recommendation is not None
    appraisal = appraise(found, rules, ranges, mine.thresholds, NOW) if moving else NOT_APPRAISED
    return judge(Case(found, rules, ranges, appraisal, Standing(group, traffic, **standing), mine, NOW))


def codes(found: Verdict) -> list[str]:
    return [reason.code for reason in found.reasons]


# -- upstream's ------------------------------------------------------------------------------------------------


def modes(case: vectors.Case) -> None:
    """Five pods that all may be moved, or none; a resize that the API server refuses has its sequel."""
    given, wanted = case.input, case.expected
    mode: Any = "Recreate" if given["updateMode"] == "Auto" else given["updateMode"]
    boost = ContainerRules(boost=Boost(factor=2)) if given["isCPUBoostTest"] else ContainerRules()
    rules = msgspec.structs.replace(RECREATE, mode=mode, others=boost)
    evictions = resizes = 0
    for _ in range(5):
        move = verdict(five(case), rules, group=budget_of(case)).move
        resizes += move in {"resize", "unboost"}
        if given["shouldInPlaceFail"]:
            refused = Attempts(resize_refused="no")
            move = verdict(five(case), rules, group=budget_of(case), attempts=refused).move
        evictions += move == "evict"
    assert (evictions, resizes) == (wanted["expectedEvictionCount"], wanted["expectedInPlacedCount"])


def five(case: vectors.Case) -> SizedPod:
    given_up = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}
    boosted = {"annotations": {"vpaCpuStartupBoost/app": '{"requests":{"cpu":"100m"}}'}}
    return pod(
        conditions=[READY, given_up] if case.input["canInPlaceUpdate"] == "InPlaceEvict" else [READY],
        metadata=boosted if case.input["isCPUBoostTest"] else {},
    )


def budget_of(case: vectors.Case) -> Any:
    running = [pod("1") for _ in range(5)]
    return group_of(running, 5, Budgets(tolerance=1.0) if case.input["canEvict"] else Budgets(min_replicas=6))


PLAYERS = {"updater_modes": modes}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- ours ------------------------------------------------------------------------------------------------------


def resizing(reason: str, since: float = 600.0) -> dict[str, str]:
    stamp = to_rfc3339(NOW - since)
    return {"type": "PodResizePending", "status": "True", "reason": reason, "lastTransitionTime": stamp}


BOOSTED = {"annotations": {"vpaCpuStartupBoost/app": '{"requests":{"cpu":"100m"}}'}}
CONTRADICTING = Ranges(Item({"cpu": 100}, {"cpu": 200}))
NO_MORE = [Requirement(("cpu",), "TargetLowerThanRequests")]


@pytest.mark.parametrize(
    ("found", "rules", "facts", "move", "expected"),
    [
        (pod(), RECREATE, {}, "evict", ["OutsideRange", "Evicted"]),
        (pod("600m"), RECREATE, {}, "", ["Young"]),
        (pod("950m", 13 * 3600), RECREATE, {}, "", ["LittleChange"]),
        (pod("600m", 13 * 3600), RECREATE, {}, "evict", ["Drifted", "Evicted"]),
        (pod(), msgspec.structs.replace(RECREATE, mode="Off"), {}, "", ["Mode"]),
        (pod(), msgspec.structs.replace(RECREATE, mode="Initial"), {}, "", ["Mode"]),
        (pod(), msgspec.structs.replace(RECREATE, recommendation=None), {}, "", ["NoRecommendation"]),
        (pod(), msgspec.structs.replace(RECREATE, problem="budgets[0].pods"), {}, "", ["Unreadable"]),
        (pod(), RECREATE, {"ranges": CONTRADICTING}, "", ["LimitRangesContradict"]),
        (
            pod(),
            msgspec.structs.replace(RECREATE, requirements=tuple(NO_MORE)),
            {},
            "",
            ["OutsideRange", "RequirementsUnmet"],
        ),
        (pod(), RECREATE, {"held": "they came back"}, "", ["OutsideRange", "CameBackUnchanged"]),
        (pod(), RECREATE, {"group": None}, "", ["OutsideRange", "NoController"]),
        (pod(), RECREATE, {"others": 0}, "", ["OutsideRange", "TooFewPods"]),
        (pod(phase="Pending", conditions=()), RECREATE, {}, "evict", ["OutsideRange", "Evicted"]),
        # resizes
        (pod(), IN_PLACE, {}, "resize", ["OutsideRange", "Resized"]),
        (pod(phase="Pending"), IN_PLACE, {}, "", ["OutsideRange", "PodPending"]),
        (pod(conditions=[READY, resizing("Deferred", 60)]), IN_PLACE, {}, "", ["OutsideRange", "ResizeUnderWay"]),
        (
            pod(conditions=[READY, resizing("Deferred")]),
            IN_PLACE,
            {},
            "evict",
            ["OutsideRange", "ResizeGivenUp", "Evicted"],
        ),
        (pod(conditions=[READY, resizing("Deferred")]), NEVER_EVICT, {}, "", ["OutsideRange", "ResizeUnderWay"]),
        (
            pod(conditions=[READY, resizing("Infeasible")]),
            NEVER_EVICT,
            {},
            "resize",
            ["OutsideRange", "ResizeRetried"],
        ),
        (
            pod(conditions=[READY, resizing("Infeasible")]),
            NEVER_EVICT,
            {"attempts": Attempts(infeasible=TARGET)},
            "",
            ["OutsideRange", "NoRoom"],
        ),
        (pod(), IN_PLACE, {"others": 0}, "", ["OutsideRange", "TooFewPods"]),
        (
            pod(),
            IN_PLACE,
            {"around": Circumstances(can_resize=False)},
            "evict",
            ["OutsideRange", "ResizeNotServed", "Evicted"],
        ),
        (pod(), NEVER_EVICT, {"around": Circumstances(can_resize=False)}, "", ["OutsideRange", "ResizeNotServed"]),
        # boosts
        (pod(metadata=BOOSTED), RECREATE, {}, "unboost", ["BoostEnded"]),
        (pod(metadata=BOOSTED, conditions=[]), RECREATE, {}, "", ["Boosted"]),
        (
            pod(metadata=BOOSTED, conditions=[READY, resizing("Deferred")]),
            RECREATE,
            {},
            "",
            ["BoostEnded", "BudgetSpent"],
        ),
    ],
)
def test_every_way_a_judgement_can_go(
    found: SizedPod, rules: Rules, facts: Any, move: str, expected: list[str]
) -> None:
    got = verdict(found, rules, **facts)
    assert (got.move, codes(got)) == (move, expected)


def test_a_budget_is_shared_out_pod_by_pod() -> None:
    running = [pod("1") for _ in range(4)]
    group, traffic = group_of(running, 4, Budgets()), Traffic(4, 0)
    got = [verdict(pod(), group=group, traffic=traffic) for _ in range(3)]
    assert [one.move for one in got] == ["evict", "evict", ""]
    assert got[2].reasons[-1].message == "4 of 4 pods run, 2 are on the move, 2 may be missing"
    assert traffic.moving == 2


def test_a_resize_that_would_change_the_quality_of_service_becomes_an_eviction() -> None:
    full = {"limits": {"cpu": "100m", "memory": "1Gi"}}
    only = ContainerRules(requests_only=True, maximum={"cpu": 50})
    for rules, move in ((IN_PLACE, "evict"), (NEVER_EVICT, "")):
        got = verdict(pod(**full), msgspec.structs.replace(rules, others=only))
        assert (got.move, codes(got)[1]) == (move, "QosWouldChange")
        assert got.reasons[1].message == "a running pod keeps its quality of service: Guaranteed, not Burstable"


def test_a_disruption_budget_counts_pods_that_are_not_ready_but_never_the_pod_itself() -> None:
    one = Circumstances(windows=budgets_of('[{"pods": "1"}]'))
    assert verdict(pod(), around=one, traffic=Traffic(4, 0)).move == "evict"
    blocked = verdict(pod(), around=one, traffic=Traffic(4, 1))
    assert blocked.reasons[-1].code == "DisruptionBudget"
    assert blocked.reasons[-1].message == (
        "a disruption budget allows 1 pods for Undersized now, and 1 are on the move or not ready"
    )
    assert verdict(pod(conditions=()), around=one, traffic=Traffic(4, 1)).move == "evict"


def test_what_an_object_says_goes_before_the_updaters_settings() -> None:
    mine = msgspec.structs.replace(
        RECREATE, min_replicas=1, quick_oom=30.0, budgets=budgets_of('[{"pods": "0"}]'), pending_period=7.0
    )
    got = circumstances_of(mine, Circumstances())
    assert (got.budgets.min_replicas, got.thresholds.quick_oom, got.pending_period) == (1, 30.0, 7.0)
    assert verdict(pod(), mine).reasons[-1].code == "DisruptionBudget"
    assert circumstances_of(RECREATE, Circumstances(Thresholds(0.5))) == Circumstances(Thresholds(0.5))


def test_a_boost_that_cannot_be_read_leaves_the_pod() -> None:
    got = verdict(
        pod(metadata={"annotations": {"vpaCpuStartupBoost/app": "{"}}),
        msgspec.structs.replace(RECREATE, mode="Off"),
    )
    assert codes(got) == ["BoostEnded", "Unreadable"]
    assert "vpaCpuStartupBoost/app cannot be read" in got.reasons[1].message


def test_a_refused_resize_gives_way_to_an_eviction_where_the_mode_has_it_so() -> None:
    refused = Attempts(resize_refused="memory limits cannot be decreased")
    assert codes(verdict(pod(), IN_PLACE, attempts=refused)) == ["OutsideRange", "ResizeRefused", "Evicted"]
    assert codes(verdict(pod(), NEVER_EVICT, attempts=refused)) == ["OutsideRange", "ResizeRefused"]
    assert codes(verdict(pod(metadata=BOOSTED), attempts=refused)) == ["BoostEnded", "ResizeRefused"]


def test_a_refused_eviction_waits() -> None:
    refused = Attempts(eviction_refused="a PodDisruptionBudget allows none now")
    found = verdict(pod(), attempts=refused)
    assert codes(found) == ["OutsideRange", "EvictionRefused"]
    assert found.reasons[1].message.endswith("is asked again later: a PodDisruptionBudget allows none now")
