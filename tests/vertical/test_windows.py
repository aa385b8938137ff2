"""When and how many pods may be moved."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scaler.api.disruption_budgets import budgets_of
from scaler.vertical.priority import Priority
from scaler.vertical.windows import allowed, counts, reason_of


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


OFFICE_HOURS = budgets_of('[{"pods": "0", "schedule": "0 9 * * mon-fri", "duration": "8h"}]')


@pytest.mark.parametrize(
    ("now", "forbidden"),
    [
        ("2026-01-05T08:59:59", False),  # a Monday
        ("2026-01-05T09:00:00", True),
        ("2026-01-05T16:59:59", True),
        ("2026-01-05T17:00:00", False),
        ("2026-01-04T12:00:00", False),  # a Sunday
    ],
)
def test_a_window_begins_with_its_schedule_and_ends_after_its_duration(now: str, forbidden: bool) -> None:
    assert counts(OFFICE_HOURS[0], at(now)) == forbidden
    assert allowed(OFFICE_HOURS, "Oversized", 10, at(now)) == (0 if forbidden else None)


def test_a_schedule_may_name_its_zone() -> None:
    [berlin] = budgets_of('[{"pods": "0", "schedule": "TZ=Europe/Berlin 0 9 * * *", "duration": "1h"}]')
    assert counts(berlin, at("2026-01-05T08:30:00"))
    assert not counts(berlin, at("2026-01-05T09:30:00"))


@pytest.mark.parametrize(("of", "pods"), [(10, 2), (11, 3), (1, 1), (0, 0)])
def test_a_part_of_the_pods_is_rounded_up(of: int, pods: int) -> None:
    assert allowed(budgets_of('[{"pods": "20%"}]'), "Drifted", of, 0.0) == pods


def test_the_strictest_of_all_that_count_holds_for_its_reasons() -> None:
    budgets = budgets_of('[{"pods": "50%"}, {"pods": "1", "reasons": ["Drifted", "Oversized"]}]')
    assert allowed(budgets, "Drifted", 10, 0.0) == 1
    assert allowed(budgets, "OutOfMemory", 10, 0.0) == 5


@pytest.mark.parametrize(
    ("why", "scale_up", "reason"),
    [
        ("quick-oom", True, "OutOfMemory"),
        ("drifted", True, "Drifted"),
        ("outside-range", True, "Undersized"),
        ("outside-range", False, "Oversized"),
    ],
)
def test_why_a_pod_is_moved_is_a_reason_of_budgets(why: Any, scale_up: bool, reason: str) -> None:
    assert reason_of(why, Priority(scale_up=scale_up)) == reason
