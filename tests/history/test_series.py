"""What is wrong with a series is mended and counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scaler.history.series import Series, mended

nan = np.nan


def test_a_whole_series_is_left_as_it_is() -> None:
    times, values = np.arange(0.0, 600, 60), np.arange(10.0)
    series, mending = mended(times, values)
    np.testing.assert_array_equal(series.times, times)
    np.testing.assert_array_equal(series.values, values)
    assert mending.notes == ()


def test_everything_that_is_mended_is_counted_and_told() -> None:
    times = np.array([0.0, 60, 60, 180, 120, 240, 300, 3600])
    values = np.array([1.0, 2, 5, nan, -3, np.inf, 4, 7])
    series, mending = mended(times, values)
    np.testing.assert_array_equal(series.times, [0, 60, 120, 180, 240, 300, 3600])
    np.testing.assert_array_equal(series.values, [1, 5, nan, nan, nan, 4, 7])
    assert mending.notes == (
        "2 samples are missing (empty, NaN or infinite)",
        "1 sample is negative: counted as missing",
        "1 sample is earlier than the one before: sorted",
        "1 sample is at the time of another: the highest of each time is kept",
        "1 gap without samples, the longest of 55 minutes",
    )


def test_of_two_values_at_one_time_the_known_one_is_kept() -> None:
    series, _ = mended(np.array([0.0, 0]), np.array([nan, 3]))
    np.testing.assert_array_equal(series.values, [3])


def test_what_was_handed_in_is_not_changed() -> None:
    values = np.array([1.0, -1])
    mended(np.array([0.0, 1]), values)
    np.testing.assert_array_equal(values, [1, -1])


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(allow_nan=True, allow_infinity=True)), max_size=60))
def test_whatever_comes_in_what_goes_out_can_be_computed_with(rows: list[tuple[int, float]]) -> None:
    times = np.array([float(at) for at, _ in rows])
    values = np.array([value for _, value in rows], dtype=np.float64)
    series, mending = mended(times, values)
    assert (np.diff(series.times) > 0).all()
    known = series.known.values
    assert np.isfinite(known).all()
    assert (known >= 0).all()
    good = {at for at, value in rows if np.isfinite(value) and value >= 0}
    assert set(series.known.times.tolist()) == good
    assert len(series) + mending.doubled == len(rows)


def test_a_series_tells_its_span_its_step_and_its_parts() -> None:
    series = Series(np.array([0.0, 60, 120, 600]), np.array([1.0, nan, 3, 4]))
    assert (series.span, series.step, len(series)) == (600, 60, 4)
    assert series.known.times.tolist() == [0, 120, 600]
    assert series.between(60, 600).times.tolist() == [60, 120]
    empty = Series(np.array([]), np.array([]))
    assert (empty.span, empty.step) == (0, 0)
