"""Limits that follow requests."""

from typing import Any

import msgspec
import pytest

from scaler.vertical.limits import boundary_request, limits_for, proportional_limit
from scaler.vertical.pods import Sized
from scaler.vertical.quantities import LARGEST, amounts_of
from scaler.vertical.rules import ContainerRules
from tests.vertical import vectors
from tests.vertical.pod_side import amount


def proportional(case: vectors.Case) -> None:
    if case.table.startswith("TestScaleQuantity"):
        # Of a base of zero nothing is in proportion: what was there stays.
        assert case.input["scaleBase"] == "0"
        assert boundary_request(5, 0, 7) == 5
    elif case.test:
        single(case)
    else:
        several(case)


def single(case: vectors.Case) -> None:
    resource: Any = "cpu" if case.test.endswith("CPU") else "memory"
    given = {name: amount(resource, text) for name, text in case.input.items()}
    found = proportional_limit(
        given["recommendedRequest"], given["originalRequest"], given["originalLimit"], given["defaultLimit"]
    )
    assert found == amount(resource, case.expected["expectLimit"])


def several(case: vectors.Case) -> None:
    given = {name: amounts_of(texts or {}) for name, texts in case.input.items()}
    container = with_resources(given["originalRequest"], given["originalLimit"])
    found = limits_for(container, given["recommendedRequest"], ContainerRules(), given["limitRangeDefault"])
    assert found.amounts == amounts_of(case.expected["limit"] or {})
    assert sum("capping limit to int64" in note for note in found.notes) == case.expected["resourcesCappedToInt64"]


PLAYERS = {"proportional_limit": proportional}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def with_resources(requests: Any, limits: Any) -> Sized:
    return Sized(
        "app", "/spec/containers/0/resources", 0, "container", requests, limits, bool(requests), bool(limits)
    )


NEW = {"cpu": 300, "memory": 2 * 2**30}
HAD = with_resources({"cpu": 100, "memory": 2**30}, {"cpu": 500, "memory": 2**30})


@pytest.mark.parametrize(
    ("rules", "amounts", "removed"),
    [
        (ContainerRules(), {"cpu": 1500, "memory": 2 * 2**30}, ()),
        (ContainerRules(limits="equal"), NEW, ()),
        (ContainerRules(limits="no-cpu"), {"memory": 2 * 2**30}, ("cpu",)),
        (ContainerRules(requests_only=True), {}, ()),
        (ContainerRules(requests_only=True, limits="equal"), {}, ()),
    ],
)
def test_what_becomes_of_limits_is_a_choice(rules: ContainerRules, amounts: Any, removed: Any) -> None:
    found = limits_for(HAD, NEW, rules)
    assert (found.amounts, found.removed) == (amounts, removed)


def test_limits_equal_to_requests_are_made_where_there_are_none() -> None:
    assert limits_for(with_resources({}, {}), {"cpu": 300}, ContainerRules(limits="equal")).amounts == {"cpu": 300}


def test_no_limit_is_taken_away_that_is_not_there() -> None:
    assert limits_for(with_resources({}, {}), NEW, ContainerRules(limits="no-cpu")).removed == ()


def test_a_limit_that_is_missing_is_noted_beside_one_that_follows() -> None:
    found = limits_for(with_resources({"cpu": 100}, {"cpu": 200}), NEW, ContainerRules())
    assert found.notes == ("memory: limit NOT set since originalLimit is nil or 0",)


def test_a_limit_beyond_an_int64_stops_there_and_is_noted() -> None:
    huge = msgspec.structs.replace(HAD, requests={"memory": 1}, limits={"memory": LARGEST})
    found = limits_for(huge, {"memory": 2}, ContainerRules())
    assert found.amounts == {"memory": LARGEST}
    assert "memory: failed to keep limit to request ratio; capping limit to int64" in found.notes
