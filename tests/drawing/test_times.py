"""Marks of time axes stand at midnights and full hours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.drawing import times

DAY = 86400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("begin", "end", "labels"),
    [
        ("2026-03-03T10:20", "2026-03-03T13:00", ["10:30", "11:00", "11:30", "12:00", "12:30", "13:00"]),
        ("2026-03-03T10:00", "2026-03-04T22:00", ["12:00", "18:00", "4 Mar", "06:00", "12:00", "18:00"]),
        ("2026-02-27T22:00", "2026-03-03T02:00", ["28 Feb", "12:00", "1 Mar", "12:00", "2 Mar"]),
        ("2026-02-26T20:00", "2026-03-05T08:00", ["27 Feb", "Sat 28", "1 Mar", "Mon 2", "Tue 3", "Wed 4", "Thu 5"]),
        ("2026-02-26", "2026-03-30", ["2 Mar", "9 Mar", "16 Mar", "23 Mar", "30 Mar"]),
        ("2025-10-12", "2026-03-20", ["Nov 2025", "Dec", "Jan 2026", "Feb", "Mar"]),
        ("2020-05-01", "2026-03-20", ["Jan 2021", "Jan 2022", "Jan 2023", "Jan 2024", "Jan 2025", "Jan 2026"]),
    ],
)  # fmt: skip
def test_dates_are_marked_at_round_times(begin: str, end: str, labels: list[str]) -> None:
    found = [tick.label for tick in times.dates(at(begin), at(end)).ticks]
    assert found[: len(labels)] == labels


def test_weeks_begin_on_mondays() -> None:
    ticks = times.dates(at("2026-01-01"), at("2026-02-20")).ticks
    assert {datetime.fromtimestamp(tick.at, UTC).weekday() for tick in ticks} == {0}


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (10 * DAY, ["0", "2 d", "4 d", "6 d", "8 d", "10 d"]),
        (2 * DAY, ["0", "6 h", "12 h", "18 h", "1 d", "30 h", "36 h", "42 h", "2 d"]),
        (3600, ["0", "10 min", "20 min", "30 min", "40 min", "50 min", "1 h"]),
        (600 * DAY, ["0", *(f"{days} d" for days in range(90, 601, 90))]),
    ],
)
def test_where_no_date_is_known_time_counts_from_the_beginning(length: float, labels: list[str]) -> None:
    assert [tick.label for tick in times.elapsed(50.0, 50.0 + length).ticks] == labels


@given(begin=st.floats(0, 4e9), length=st.floats(1, 3e8))
def test_there_are_never_more_marks_than_fit(begin: float, length: float) -> None:
    for axis in (times.dates(begin, begin + length), times.elapsed(begin, begin + length)):
        assert len(axis.ticks) <= times.MOST + 2
        assert all(begin <= tick.at <= begin + length for tick in axis.ticks)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(14 * DAY, "14 days"), (DAY, "1 day"), (5400, "1.5 hours"), (1500, "25 minutes"), (75, "75 seconds")],
)
def test_a_length_of_time_reads_as_in_a_sentence(seconds: float, text: str) -> None:
    assert times.span(seconds) == text


def test_a_moment_names_its_day() -> None:
    assert times.moment(at("2026-03-03T14:05")) == "Tue 3 Mar 2026, 14:05"
