"""cron: a window of time, by arithmetic alone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from scaler.triggers.connections import Connections
from tests.triggers.building import built, good, reading, said

OFFICE = {"start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "timezone": "Europe/Berlin", "desiredReplicas": "7"}


def at(text: str) -> Connections:
    epoch = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    return Connections(now=lambda: epoch)


@pytest.mark.parametrize(
    ("moment", "replicas"),
    [
        ("2026-03-02T07:59:59", 0),
        ("2026-03-02T08:00:00", 7),
        ("2026-03-02T12:00:00", 7),
        ("2026-03-02T17:59:59", 7),
        ("2026-03-02T18:00:00", 0),
        ("2026-03-07T12:00:00", 0),
        ("2026-03-30T08:00:00", 7),  # the morning after the clock was put forward
    ],
)
async def test_gives_its_replicas_from_start_to_end(moment: str, replicas: int) -> None:
    async with at(moment) as io:
        shown = await reading(io, "cron", OFFICE)
    assert (shown.value, shown.active) == (replicas, replicas > 0)


async def test_a_window_may_go_over_midnight() -> None:
    night = {**OFFICE, "start": "0 22 * * *", "end": "0 6 * * *"}
    async with at("2026-03-03T02:00:00") as io:
        assert (await reading(io, "cron", night)).value == 7
    async with at("2026-03-03T12:00:00") as io:
        assert (await reading(io, "cron", night)).value == 0


def test_the_metrics_name_spells_out_the_schedules() -> None:
    given = {**OFFICE, "start": "*/5 8,9 ? * 1-5", "timezone": "Etc/UTC"}
    (metric,) = good("cron", given, index=1).plan.metrics
    assert metric.name == "s1-cron-Etc-UTC-xSl58Cm9Qmx1-5-018xx1-5"
    assert (metric.target, metric.metric_type) == (1, "AverageValue")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"start": "0 25 * * *"}, 'metadata.start: hour "25"'),
        ({"end": "@daily"}, 'metadata.end: schedule "@daily": descriptors are not accepted, write "0 0 * * *"'),
        ({"timezone": "Europe/Berlinn"}, 'metadata.timezone: "Europe/Berlinn" is not a time zone: did you mean'),
        ({"end": OFFICE["start"]}, "metadata.end: must differ from start"),
        ({"desiredReplicas": "0"}, "metadata.desiredReplicas: must be at least 1"),
        ({"desiredReplicas": "many"}, 'metadata.desiredReplicas: "many" is not a whole number such as "5"'),
        ({"timezone": " "}, "metadata.timezone: is required: give it here"),
    ],
)
def test_refuses_with_the_place_and_the_remedy(given: dict[str, str], problem: str) -> None:
    (only,) = said(built("cron", {**OFFICE, **given}))
    assert only.startswith(problem)


def test_names_every_problem_at_once() -> None:
    problems = said(built("cron", {"start": "x", "end": "y", "timezone": "z", "desiredReplicas": "0"}))
    assert [problem.split(":")[0] for problem in problems] == [
        "metadata.start",
        "metadata.end",
        "metadata.timezone",
        "metadata.desiredReplicas",
    ]
