"""When a schedule comes next, against what robfig/cron v3.0.1 answered with KEDA's five-field parser."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.schedule import parse_schedule, timezone


def instant(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=timezone(zone)).timestamp()


def shown(found):
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M")


# schedule, zone, wall clock there, the next three instants in UTC
OBSERVED = [
    ("0 8 * * 1-5", "UTC", "2026-05-01T07:59:59", ["2026-05-01T08:00", "2026-05-04T08:00", "2026-05-05T08:00"]),
    ("0 8 * * MON-FRI", "UTC", "2026-05-01T08:00:00", ["2026-05-04T08:00", "2026-05-05T08:00", "2026-05-06T08:00"]),
    ("*/15 * * * *", "UTC", "2026-05-01T23:50:00", ["2026-05-02T00:00", "2026-05-02T00:15", "2026-05-02T00:30"]),
    ("0 0 */2 * 1", "UTC", "2026-05-01T00:00:00", ["2026-05-03T00:00", "2026-05-04T00:00", "2026-05-05T00:00"]),
    ("0 0 */1 * 1", "UTC", "2026-05-01T00:00:00", ["2026-05-04T00:00", "2026-05-11T00:00", "2026-05-18T00:00"]),
    ("0 0 13 * 5", "UTC", "2026-05-01T00:00:00", ["2026-05-08T00:00", "2026-05-13T00:00", "2026-05-15T00:00"]),
    ("0 0 ? * 5", "UTC", "2026-05-01T00:00:00", ["2026-05-08T00:00", "2026-05-15T00:00", "2026-05-22T00:00"]),
    ("0 0 13 * ?", "UTC", "2026-05-01T00:00:00", ["2026-05-13T00:00", "2026-06-13T00:00", "2026-07-13T00:00"]),
    ("5/20 3 * * *", "UTC", "2026-05-01T00:00:00", ["2026-05-01T03:05", "2026-05-01T03:25", "2026-05-01T03:45"]),
    ("0 12 1-7/3 * *", "UTC", "2026-05-01T00:00:00", ["2026-05-01T12:00", "2026-05-04T12:00", "2026-05-07T12:00"]),
    ("0 0 29 2 *", "UTC", "2026-05-01T00:00:00", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
    ("0 0 31 4 *", "UTC", "2026-05-01T00:00:00", [None]),
    ("0 0 1 JAN,jul *", "UTC", "2026-05-01T00:00:00", ["2026-07-01T00:00", "2027-01-01T00:00", "2027-07-01T00:00"]),
    (
        "TZ=Asia/Tokyo 0 9 * * *",
        "UTC",
        "2026-05-01T00:00:00",
        ["2026-05-02T00:00", "2026-05-03T00:00", "2026-05-04T00:00"],
    ),
    (
        "CRON_TZ=America/New_York 30 9 * * *",
        "Europe/Berlin",
        "2026-05-01T00:00:00",
        ["2026-05-01T13:30", "2026-05-02T13:30", "2026-05-03T13:30"],
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00",
        ["2026-03-30T00:30", "2026-03-31T00:30", "2026-04-01T00:30"],
    ),
    (
        "0 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00",
        ["2026-03-30T00:00", "2026-03-31T00:00", "2026-04-01T00:00"],
    ),
    (
        "0 3 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00",
        ["2026-03-29T01:00", "2026-03-30T01:00", "2026-03-31T01:00"],
    ),
    (
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T01:10:00",
        ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00",
        ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-26T01:30"],
    ),
    (
        "0 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:30:00",
        ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T01:00"],
    ),
    (
        "30 1 * * *",
        "America/New_York",
        "2026-10-31T12:00:00",
        ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-02T06:30"],
    ),
    (
        "30 2 * * *",
        "America/New_York",
        "2026-03-07T12:00:00",
        ["2026-03-09T06:30", "2026-03-10T06:30", "2026-03-11T06:30"],
    ),
    (
        "0 0 * * *",
        "America/Santiago",
        "2026-09-05T12:00:00",
        ["2026-09-07T03:00", "2026-09-08T03:00", "2026-09-09T03:00"],
    ),
    (
        "30 0 * * *",
        "America/Havana",
        "2026-03-07T12:00:00",
        ["2026-03-09T04:30", "2026-03-10T04:30", "2026-03-11T04:30"],
    ),
    (
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T12:00:00",
        ["2026-10-04T15:15", "2026-10-05T15:15", "2026-10-06T15:15"],
    ),
    (
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T12:00:00",
        ["2026-04-04T14:45", "2026-04-04T15:15", "2026-04-05T15:15"],
    ),
    (
        "0 8 * * 1-5",
        "Asia/Kolkata",
        "2026-05-01T00:00:00",
        ["2026-05-01T02:30", "2026-05-04T02:30", "2026-05-05T02:30"],
    ),
    (
        "0 0 6 9 *",
        "America/Santiago",
        "2026-09-04T12:00:00",
        ["2027-09-06T03:00", "2028-09-06T03:00", "2029-09-06T03:00"],
    ),
    (",,5 * * * *", "UTC", "2026-05-01T00:00:00", ["2026-05-01T00:05", "2026-05-01T01:05", "2026-05-01T02:05"]),
    ("+5 08 * * *", "UTC", "2026-05-01T00:00:00", ["2026-05-01T08:05", "2026-05-02T08:05", "2026-05-03T08:05"]),
    ("*-3 * * * *", "UTC", "2026-05-01T00:00:00", ["2026-05-01T00:01", "2026-05-01T00:02", "2026-05-01T00:03"]),
]


@pytest.mark.parametrize(("text", "zone", "after", "expected"), OBSERVED)
def test_the_next_occurrences_are_those_upstream_gives(text, zone, after, expected):
    schedule, now, found = parse_schedule(text), instant(after, zone), []
    for _ in expected:
        now = schedule.next(now, timezone(zone))
        found.append(shown(now))
    assert found == expected


def test_an_occurrence_is_later_than_the_instant_asked_about_never_equal():
    schedule, at_eight = parse_schedule("0 8 * * *"), instant("2026-05-01T08:00:00")
    assert schedule.next(at_eight - 0.001, timezone("UTC")) == at_eight
    assert schedule.next(at_eight, timezone("UTC")) == at_eight + 86400


def test_a_day_missing_from_the_calendar_does_not_hold_the_search_for_ever():
    schedule = parse_schedule("0 10-14 * * */3")
    found = schedule.next(instant("2011-12-29T12:00:00", "Pacific/Apia"), timezone("Pacific/Apia"))
    assert shown(found) == "2011-12-30T20:00"


def test_a_month_whose_first_has_no_midnight_does_not_lose_the_month_after_next():
    schedule = parse_schedule("0 12 * 2-7/3 *")
    found = schedule.next(instant("2017-09-29T07:00:00", "America/Asuncion"), timezone("America/Asuncion"))
    assert shown(found) == "2018-02-01T15:00"


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Tokyo"]
FIELD = st.sampled_from(["*", "?", "*/7", "3", "1-4", "2,5", "0"])


@given(
    minute=st.sampled_from(["0", "*/5", "30", "10-20", "59"]),
    hour=st.sampled_from(["*", "0", "1-3", "2", "*/6", "23"]),
    weekday=st.sampled_from(["*", "0", "1-5", "6"]),
    zone=st.sampled_from(ZONES),
    after=st.integers(1_600_000_000, 1_900_000_000),
)
def test_the_next_occurrence_is_the_first_whole_minute_whose_wall_clock_fits(minute, hour, weekday, zone, after):
    schedule, where = parse_schedule(f"{minute} {hour} * * {weekday}"), timezone(zone)
    found = schedule.next(after, where)

    def fits(at):
        wall = datetime.fromtimestamp(at, where)
        return (
            schedule.minutes >> wall.minute & 1 and schedule.hours >> wall.hour & 1 and schedule.fits_day(wall.date())
        )

    assert found is not None
    assert found > after
    assert fits(found)
    minutes_between = range(after - after % 60 + 60, int(found), 60)
    assert not any(fits(at) for at in minutes_between[-3000:])


@given(st.lists(FIELD, min_size=5, max_size=5), st.sampled_from(ZONES), st.integers(0, 4_000_000_000))
def test_occurrences_only_move_forward_and_stay_once_found(fields, zone, after):
    fields[2:4] = ["1" if field == "0" else field for field in fields[2:4]]
    schedule = parse_schedule(" ".join(fields))
    found = schedule.next(after, timezone(zone))
    if found is not None:
        assert found > after
        assert schedule.next((after + found) // 2, timezone(zone)) == found
        assert found - after < timedelta(days=6 * 366).total_seconds()
