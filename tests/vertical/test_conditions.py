"""Conditions: which there are, since when, and whether they are worth a write."""

from typing import Any

import msgspec
import pytest

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler, VpaCondition
from scaler.clock import from_rfc3339, to_rfc3339
from scaler.vertical.conditions import NO_PODS, PROVIDED, RESOLVED, UNSUPPORTED, Facts, Trouble, conditions, missing
from tests.vertical import vectors

NOW = 1_000_000.0


def play_conditions(case: vectors.Case) -> None:
    facts = Facts(recommended=case.input["hasRecommendation"], matches_pods=case.input["podsMatched"])
    found = {one.type: one for one in conditions(facts, (), NOW)}
    for wanted in case.expected["expectedConditions"]:
        assert found[wanted["type"]].status == wanted["status"]
        assert found[wanted["type"]].reason == wanted.get("reason", "")
    assert not set(case.expected["expectedAbsent"] or ()) & set(found)


def play_missing(case: vectors.Case) -> None:
    first = from_rfc3339(case.input["lastLogged"]) if not case.input["lastLogged"].startswith("0001") else None
    has = bool(case.input["recommendation"])
    assert has != case.expected["expectedEmpty"]
    since, say = missing(first, from_rfc3339(case.input["now"]), recommended=has)
    assert say == bool(case.expected["expectedError"])
    assert (to_rfc3339(since) if since is not None else "0001-01-01T00:00:00Z") == case.expected["expectedLastLogged"]


def play_worth_a_write(case: vectors.Case) -> None:
    observed, updated = (read(case.input[name]) for name in ("observedVpa", "updatedVpa"))
    assert (observed.status != updated.status) == case.expected["expectedUpdate"]


def read(written: dict[str, Any]) -> VerticalPodAutoscaler:
    return msgspec.convert(written, VerticalPodAutoscaler)


TABLES = {
    "TestUpdateConditions": play_conditions,
    "TestRecordRecommendation": play_missing,
    "TestUpdateVpaIfNeeded": play_worth_a_write,
}
PLAYERS = {"status_conditions": lambda case: TABLES[case.table](case)}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


GOOD = Facts(recommended=True, matches_pods=True)


def test_conditions_come_by_type_and_others_stay_as_they_are() -> None:
    other = VpaCondition("ConfigDeprecated", "True", reason="old", last_transition_time="2020-01-01T00:00:00Z")
    trouble = Trouble("NotTopmost", "ReplicaSet a is controlled by Deployment b")
    found = conditions(Facts(recommended=False, matches_pods=False, trouble=trouble), (other,), NOW, 3)
    assert [one.type for one in found] == ["ConfigDeprecated", UNSUPPORTED, NO_PODS, PROVIDED, RESOLVED]
    assert found[0] == other
    assert (found[4].status, found[4].reason, found[4].message) == ("False", "NotTopmost", trouble.message)
    assert {one.observed_generation for one in found[1:]} == {3}


def test_a_condition_keeps_its_time_until_its_status_flips() -> None:
    first = conditions(GOOD, (), NOW)
    assert conditions(GOOD, first, NOW + 60) == first
    flipped = conditions(Facts(recommended=False, matches_pods=True), first, NOW + 60)
    assert flipped[0].last_transition_time == to_rfc3339(NOW + 60)


def test_what_is_over_is_taken_away() -> None:
    trouble = Facts(
        recommended=True, matches_pods=False, trouble=Trouble("NoScale", "no scale"), fetching_history=True
    )
    assert [one.type for one in conditions(GOOD, conditions(trouble, (), NOW), NOW)] == [PROVIDED]
