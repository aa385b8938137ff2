"""Whether a running pod is resized now, later, never again, or evicted instead."""

from typing import Any

import pytest

from scaler.clock import from_rfc3339
from scaler.vertical.amounts import Bounds
from scaler.vertical.disruption import Budgets, count_resize, group_of
from scaler.vertical.in_place import Attempts, asks_less, decide, has_less
from scaler.vertical.pods import SizedPod
from scaler.vertical.quantities import amounts_of
from scaler.vertical.rules import RESIZING, Rules
from tests.vertical import vectors
from tests.vertical.pod_side import pod_of, recommendation_from, rules_from

NAMES = {
    "approved": "InPlaceApproved",
    "deferred": "InPlaceDeferred",
    "evict": "InPlaceEvict",
    "infeasible": "InPlaceInfeasible",
    "cached": "InPlaceInfeasibleCached",
}
FAKE_NOW = 3600.001
"""What upstream's clock shows in these tests where they do not say."""


def decisions(case: vectors.Case) -> None:
    {
        "TestCanInPlaceUpdate": by_table,
        "TestInPlaceSkipDisruptionBudgetWithResizePolicy": with_resize_policy,
        "TestInPlaceModeResizeStatuses": by_status,
    }.get(case.table, counted)(case)


def epoch(text: str | None) -> float:
    """Go's zero time is as long ago as any."""
    return 0.0 if text is None or text.startswith("0001") else from_rfc3339(text)


def by_table(case: vectors.Case) -> None:
    given = case.input
    rules = rules_from(given["vpa"])
    pods = [pod_of(raw) for raw in given["pods"]]
    skip = given["inPlaceSkipDisruptionBudget"]
    minimum = given["minReplicas"] or given["_context"]["minReplicasDefaultWhenZero"]
    group = group_of(
        pods, given["replicas"], Budgets(minimum, given["evictionTolerance"], skip), resizes=rules.mode in RESIZING
    )
    tried = (given["infeasibleAttempts"] or {}).get(pods[0].metadata.uid)
    attempts = Attempts(epoch(given["lastInPlaceAttempt"]), recommendation_from(tried) if tried else None)
    now = FAKE_NOW if given["clockTime"] is None else epoch(given["clockTime"])
    found = decide(pods[0], rules, group, attempts, now, skip_budget=skip)
    assert NAMES[found] == case.expected["expectedInPlaceDecision"]


def by_status(case: vectors.Case) -> None:
    given = case.input
    pods = [pod_of({"status": {"conditions": given["podConditions"]}}), running(1), running(2)]
    rules = Rules(mode=given["updateMode"], recommendation={})
    found = decide(
        pods[0],
        rules,
        group_of(pods, 3, Budgets()),
        Attempts(epoch(given["lastInPlaceAttempt"])),
        epoch(given["clockTime"]),
    )
    assert NAMES[found] == case.expected["expectedDecision"]


def running(index: int, containers: Any = ()) -> SizedPod:
    return pod_of(
        {"metadata": {"name": f"p{index}"}, "spec": {"containers": containers}, "status": {"phase": "Running"}}
    )


def with_resize_policy(case: vectors.Case) -> None:
    around = case.input["_context"]
    skip = case.input["inPlaceSkipDisruptionBudget"]
    pods = [running(index, case.input["containers"]) for index in range(around["livePods"])]
    budgets = Budgets(around["minReplicas"], around["evictionTolerance"], skip)
    rules = Rules(mode=around["updateMode"], recommendation={})
    assert resized(pods, rules, around["replicas"], budgets) == case.expected["expectedUpdateSuccesses"]


def resized(pods: list[SizedPod], rules: Rules, configured: int, budgets: Budgets) -> int:
    group = group_of(pods, configured, budgets, resizes=True)
    found = 0
    for pod in pods:
        if decide(pod, rules, group, Attempts(), 0.0, skip_budget=budgets.skip_for_resizes) == "approved":
            count_resize(group)
            found += 1
    return found


def counted(case: vectors.Case) -> None:
    """So many equal pods, moved for as long as it goes; upstream asks of all of them first in one of its tables."""
    given, wanted = case.input, case.expected
    if given.get("inPlaceFeatureGate") is False:
        return  # our gates are open
    pods = [running(index) for index in range(given["livePods"])]
    budgets = Budgets(given["minReplicas"], given["evictionTolerance"], given["inPlaceSkipDisruptionBudget"])
    rules = Rules(mode=given["updateMode"], recommendation={})
    group = group_of(pods, given["configuredReplicas"], budgets, resizes=True)
    first = decide(pods[0], rules, group, Attempts(), 0.0, skip_budget=budgets.skip_for_resizes)
    assert NAMES[first] in wanted["decision"]
    done = resized(pods, rules, given["configuredReplicas"], budgets)
    if "asked again per pod" in given.get("note", ""):
        before = [decide(pod, rules, group, Attempts(), 0.0) for pod in pods]
        assert before.count("approved") == wanted["successfulInPlaceUpdates"]
        assert done == 1
    elif isinstance(wanted["successfulInPlaceUpdates"], str):
        assert done >= int(wanted["successfulInPlaceUpdates"].split()[-1])
    else:
        assert done == wanted["successfulInPlaceUpdates"]


def infeasible(case: vectors.Case) -> None:
    given, wanted = case.input, case.expected
    if case.table == "TestHasLowerResource":
        assert has_less(amounts_of(given["a"]), amounts_of(given["b"])) == wanted["expected"]
    elif case.table == "TestAddPodWithInfeasibleAttempts":
        rules = rules_from({"spec": {"updatePolicy": {"updateMode": given["updateMode"]}}})
        now, before = recommendation_from(given["currentRecommen"]), given["lastAttempt"]
        blocked = rules.mode == "InPlace" and before is not None and not asks_less(recommendation_from(before), now)
        assert blocked != wanted["shouldAddPod"]
    else:
        before, now = (
            (given.get("lastAttempt"), given.get("newRecommendation"))
            if "lastAttempt" in given
            else (given["a"], given["b"])
        )
        found = asks_less(before and recommendation_from(before), now and recommendation_from(now))
        assert found == wanted["expected"]


PLAYERS = {"inplace_decision": decisions, "inplace_infeasible_retry": infeasible}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_what_no_node_had_room_for_is_tried_again_when_less_is_asked_for() -> None:
    pods = [running(0), running(1)]
    group = group_of(pods, 2, Budgets(), resizes=True)
    tried = Attempts(infeasible={"app": Bounds({"cpu": 2000})})
    for cpu, decision in ((2000, "cached"), (3000, "cached"), (1000, "approved")):
        rules = Rules(mode="InPlace", recommendation={"app": Bounds({"cpu": cpu})})
        assert decide(pods[0], rules, group, tried, 0.0) == decision
