"""How many pods of one controller may be moved at once."""

from typing import Any

import pytest

from scaler.vertical.disruption import (
    Budgets,
    count_eviction,
    count_resize,
    gives_up_resize,
    group_of,
    is_alive,
    may_evict,
    resize_restarts,
    resize_status,
)
from scaler.vertical.in_place import NO_ATTEMPTS, decide
from scaler.vertical.pods import SizedPod
from scaler.vertical.rules import RESIZING, Rules
from tests.vertical import vectors
from tests.vertical.pod_side import now_of, pod_of, rules_from

DECISIONS = {"approved": "InPlaceApproved", "deferred": "InPlaceDeferred", "evict": "InPlaceEvict"}


def restrictions(case: vectors.Case) -> None:
    (counted if "livePods" in case.input else one_by_one)(case)


def counted(case: vectors.Case) -> None:
    """So many equal pods, evicted for as long as it goes."""
    given = case.input
    pods = [running(index) for index in range(given["livePods"])]
    budgets = Budgets(
        given["minReplicas"], given["evictionTolerance"], given.get("inPlaceSkipDisruptionBudget", False)
    )
    group = group_of(pods, given["configuredReplicas"], budgets, resizes="inPlaceSkipDisruptionBudget" in given)
    assert may_evict(pods[0], group, 0.0) == case.expected["canEvictBeforeAny"]
    assert evicted(pods, group) == case.expected["successfulEvictionsInOneLoop"]


def running(index: int) -> SizedPod:
    return pod_of({"metadata": {"name": f"p{index}"}, "status": {"phase": "Running"}})


def evicted(pods: list[SizedPod], group: Any) -> int:
    found = 0
    for pod in pods:
        if may_evict(pod, group, 0.0):
            count_eviction(pod, group)
            found += 1
    return found


def one_by_one(case: vectors.Case) -> None:
    """Upstream asks of every pod first, then moves one after the other and asks again each time."""
    given = case.input
    rules = rules_from(given["vpa"])
    pods = [pod_of(raw) for raw in given["pods"]]
    minimum = rules.min_replicas or given["_context"]["minReplicas"]
    group = group_of(
        pods, given["replicas"], Budgets(minimum, given["evictionTolerance"]), resizes=rules.mode in RESIZING
    )
    resizing = rules.mode in RESIZING
    before = [decide(pod, rules, group, NO_ATTEMPTS, 0.0) if resizing else may_evict(pod, group, 0.0) for pod in pods]
    for pod, asked, wanted in zip(pods, before, case.expected["pods"], strict=True):
        if resizing:
            assert DECISIONS[str(asked)] == wanted["canInPlaceUpdate"]
            done = decide(pod, rules, group, NO_ATTEMPTS, 0.0) == "approved"
            if done:
                count_resize(group)
            assert done == wanted["inPlaceUpdateSuccess"]
        else:
            assert asked == wanted["canEvict"]
            assert bool(evicted([pod], group)) == wanted["evictionSuccess"]


def one_loop(case: vectors.Case) -> None:
    given = case.input
    pods = [running(index) for index in range(given["livePods"] - given["pendingPods"])]
    waiting = [pod_of({"status": {"phase": "Pending"}}) for _ in range(given["pendingPods"])]
    group = group_of([*pods, *waiting], given["configuredReplicas"], Budgets(0, given["evictionToleranceFraction"]))
    assert group.tolerance == case.expected["toleranceCount"]
    assert evicted(pods, group) == case.expected["runningPodsEvictableInOneLoop"]


def statuses(case: vectors.Case) -> None:
    pod = pod_of(case.input["pod"])
    if case.table == "TestGetResizeStatus":
        assert f"Resize{resize_status(pod)}" == case.expected["expectedStatus"]
    else:
        assert resize_restarts(pod) != case.expected["expected"]


def lease(case: vectors.Case) -> None:
    raw, timeout = case.input["lease"], case.input["leaseTimeout"]["seconds"]
    renewed, created = (raw.get("spec") or {}).get("renewTime"), raw["metadata"].get("creationTimestamp")
    assert is_alive(renewed, created, now_of(case), timeout) == case.expected["expectedValid"]


PLAYERS = {
    "eviction_restriction": restrictions,
    "eviction_budget_one_loop": one_loop,
    "inplace_resize_status": statuses,
    "admission_liveness_lease": lease,
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- ours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "waited", "gives_up"),
    [
        ("Infeasible", 0, True),
        ("Deferred", 300, False),
        ("Deferred", 301, True),
        ("InProgress", 3600, False),
        ("InProgress", 3601, True),
        ("Error", 0, True),
        ("Unknown", 0, True),
        ("None", 9999, False),
    ],
)
def test_how_long_a_resize_is_waited_for(status: Any, waited: float, gives_up: bool) -> None:
    group = group_of([running(0), running(1)], 2, Budgets())
    assert gives_up_resize(status, group, waited) == gives_up
    group.evicted = 1
    assert not gives_up_resize(status, group, waited)


def test_how_long_a_resize_may_be_deferred_is_a_choice() -> None:
    group = group_of([running(0), running(1)], 2, Budgets())
    assert gives_up_resize("Deferred", group, 31, pending_period=30)
    assert not gives_up_resize("Deferred", group, 301, pending_period=900)


def test_a_controller_that_wants_no_pods_has_none_to_move() -> None:
    assert not group_of([running(0), running(1)], 0, Budgets()).registered


def test_a_lease_that_nobody_made_is_nobodys() -> None:
    assert not is_alive(None, None, 0.0, 60.0)


def test_a_resize_needs_no_budget_when_told_so_but_an_eviction_does() -> None:
    pods = [running(0)]
    group = group_of(pods, 1, Budgets(min_replicas=2, skip_for_resizes=True), resizes=True)
    rules = Rules(mode="InPlaceOrRecreate", recommendation={})
    assert decide(pods[0], rules, group, NO_ATTEMPTS, 0.0, skip_budget=True) == "approved"
    assert not may_evict(pods[0], group, 0.0)
