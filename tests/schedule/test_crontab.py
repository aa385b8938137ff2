"""What the text of a schedule may say, and how it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.schedule import parse_schedule, timezone


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 fields: write five"),
        ("* * * *", "has 4 fields: write five"),
        ("0 * * * * *", "has 6 fields: write five"),
        ("0 0 * * 7", 'day of week "7": 7 is not within 0 to 6 or SUN-SAT, Sunday is 0'),
        ("0 0 * * 5-7", "Sunday is 0"),
        ("60 * * * *", 'minute "60": 60 is not within 0 to 59'),
        ("* 24 * * *", 'hour "24": 24 is not within 0 to 23'),
        ("* * 0 * *", 'day of month "0": 0 is not within 1 to 31'),
        ("* * 32 * *", "32 is not within 1 to 31"),
        ("* * * 13 *", "13 is not within 1 to 12 or JAN-DEC"),
        ("* * * FOO *", '"FOO" is not a value'),
        ("MON * * * *", 'minute "MON": "MON" is not a value'),
        ("-5 * * * *", '"" is not a value'),
        ("5-3 * * * *", "the range ends before it begins"),
        ("*/0 * * * *", "a step is at least 1"),
        ("1/2/3 * * * *", "write a value, a range"),
        ("1-2-3 * * * *", "write a value, a range"),
        ("1_0 * * * *", '"1_0" is not a value'),
        (", * * * *", 'minute "," is empty'),
        ("0 0 L * *", '"L" is not a value'),
        ("0 0 * * 1#2", '"1#2" is not a value'),
        ("99999999999 * * * *", "is not a value"),
        ("@daily", 'descriptors are not accepted, write "0 0 * * *"'),
        ("@every 5m", "write five fields such as"),
        ("TZ=Europe/Berln 0 0 * * *", 'did you mean "Europe/Berlin"?'),
        ("CRON_TZ=Nowhere/Land 0 0 * * *", "is not a time zone"),
        ("TZ=UTC", "has 0 fields"),
        ("TZ=UTC @daily", "descriptors are not accepted"),
    ],
)
def test_what_is_no_schedule_is_refused_by_field_and_value(text, says):
    with pytest.raises(ValueError) as refusal:
        parse_schedule(text)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 0 * JAN-MAR SUN", "0 0 * 1-3 0"),
        ("? ? ? ? ?", "* * * * *"),
        ("*/1 * * * *", "* * * * *"),
        ("10/20 * * * *", "10,30,50 * * * *"),
        ("  0\t8 *  * 1-5 ", "0 8 * * 1-5"),
        ("0 0 * jan,FEB,Mar 1,2", "0 0 * 1-3 1-2"),
    ],
)
def test_two_spellings_of_one_schedule_mean_the_same(one, other):
    first, second = parse_schedule(one), parse_schedule(other)
    for part in ("minutes", "hours", "days", "months", "weekdays", "both_days"):
        assert getattr(first, part) == getattr(second, part)


def test_a_step_of_two_restricts_the_day_and_a_step_of_one_does_not():
    assert parse_schedule("0 0 */1 * 1").both_days
    assert not parse_schedule("0 0 */2 * 1").both_days
    assert not parse_schedule("0 0 1-31 * 1").both_days


@pytest.mark.parametrize("name", ["Local", "", "America", "../etc/passwd", "/etc/localtime", "UTC+2"])
def test_a_name_that_is_no_zone_is_refused_by_name(name):
    with pytest.raises(ValueError) as refusal:
        timezone(name)
    assert f'"{name}" is not a time zone' in str(refusal.value)


def test_a_near_miss_of_a_zone_is_named():
    with pytest.raises(ValueError, match='did you mean "Europe/Berlin"'):
        timezone("europe/berlin")


@given(st.text(alphabet="0123456789*?/-,JANMONSU@TZ= ", max_size=24))
def test_any_text_is_read_or_refused(text):
    try:
        schedule = parse_schedule(text)
    except ValueError:
        return
    assert schedule.minutes
    assert schedule.hours
    assert schedule.months
