import pytest

from scaler.errors import Invalid
from scaler.sim.load import DAY, HOUR, day, recorded


def test_the_day_has_a_quiet_night_a_ramp_a_burst_and_an_hour_without_sight():
    play = day()
    assert play.length == DAY
    at = {hour: play.at((hour - 5) * HOUR) for hour in (5.5, 7.0, 9.0, 13.5, 20.0, 28.0)}
    assert at[5.5] == at[28.0] == 0
    assert 0 < at[7.0] < at[9.0] < at[13.5] == 1
    assert play.clock(0) == "05:00"
    assert play.clock(19.5 * HOUR) == "00:30"
    assert [play.dark((hour - 5) * HOUR) for hour in (15.9, 16.0, 16.9, 17.0)] == [False, True, True, False]


def test_between_two_times_it_goes_straight_and_outside_there_is_nothing():
    play = day()
    middle = (play.times[1] + play.times[2]) / 2
    assert play.at(middle) == pytest.approx((play.rates[1] + play.rates[2]) / 2)
    assert play.at(-1) == play.at(play.length + 1) == 0


@pytest.mark.parametrize(
    "text",
    ["time,rate\n0,0\n60,5\n120,10\n", "2026-01-31T08:00:00Z,0\n2026-01-31T08:01:00Z,5\n2026-01-31T08:02:00Z,10\n"],
)
def test_a_recorded_load_is_read_from_seconds_or_times(tmp_path, text):
    file = tmp_path / "load.csv"
    file.write_text(text)
    play = recorded(file)
    assert play.times == (0, 60, 120)
    assert play.rates == (0, 0.5, 1)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("0,1\nx,2\n", "load.csv:2", "is no time"),
        ("0,1\ninf,2\n", "load.csv:2", "is no time"),
        ("nan,5\n0,1\n", "load.csv:1", "is no time"),
        ("0,1\n60,many\n", "load.csv:2", "is no number"),
        ("0,1\n60,-2\n", "load.csv:2", "zero or more"),
        ("0,1\n60,nan\n", "load.csv:2", "zero or more"),
        ("60,1\n0,2\n", "load.csv:2", "later than"),
        ("0\n60\n", "load.csv:1", "two columns"),
        ("0,1\n", "load.csv", "at least two rows"),
        ("", "load.csv", "at least two rows"),
    ],
)
def test_a_wrong_file_is_named_by_line_and_remedy(tmp_path, text, where, why):
    file = tmp_path / "load.csv"
    file.write_text(text)
    with pytest.raises(Invalid) as refused:
        recorded(file)
    problem = refused.value.problems[0]
    assert problem.path.endswith(where)
    assert why in problem.message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"nothing\.csv"):
        recorded(tmp_path / "nothing.csv")
