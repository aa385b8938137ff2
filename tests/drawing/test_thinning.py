"""Fewer points, the same picture."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scaler.drawing.thinning import changes, envelope, gaps, runs, stretches

nan = np.nan


def test_each_column_has_the_extremes_of_its_samples() -> None:
    seen = envelope(np.arange(8.0), np.array([1.0, 5, 2, nan, 7, 7, nan, nan]), 0, 8, 4)
    np.testing.assert_array_equal(seen.low, [1, 2, 7, nan])
    np.testing.assert_array_equal(seen.high, [5, 2, 7, nan])


@given(
    values=arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1e6)),
    columns=st.integers(1, 120),
)
def test_no_peak_and_no_trough_is_lost(values: np.ndarray, columns: int) -> None:
    seen = envelope(np.arange(len(values), dtype=float), values, 0, max(1, len(values) - 1), columns)
    assert np.nanmax(seen.high) == values.max()
    assert np.nanmin(seen.low) == values.min()
    assert (seen.low <= seen.high)[~np.isnan(seen.low)].all()


def test_columns_between_two_samples_are_bridged_but_not_in_a_gap() -> None:
    times = np.array([0.0, 2, 4, 6, 20])
    seen = envelope(times, times, 0, 20, 20)
    assert not np.isnan(seen.low[:7]).any()
    np.testing.assert_allclose(seen.low[:7], np.arange(7.0))
    assert np.isnan(seen.low[8:19]).all()


def test_samples_outside_of_the_picture_are_left_out() -> None:
    seen = envelope(np.array([-5.0, 1, 9, 50]), np.array([100.0, 1, 2, 100]), 0, 10, 2)
    np.testing.assert_array_equal(seen.high, [1, 2])
    assert np.isnan(envelope(np.array([]), np.array([]), 0, 10, 2).low).all()


def test_a_line_is_cut_where_values_are_missing_and_where_samples_stay_away() -> None:
    times = np.array([0.0, 1, 2, 3, 4, 5, 50, 51])
    values = np.array([1.0, 1, nan, 1, 1, 1, 1, 1])
    assert stretches(times, values) == [(0, 2), (3, 6), (6, 8)]
    assert gaps(times, values) == [(1, 3), (5, 50)]


def test_what_is_never_known_is_one_gap() -> None:
    assert gaps(np.array([3.0, 4]), np.array([nan, nan])) == [(3, 4)]
    assert gaps(np.array([]), np.array([])) == []
    assert gaps(np.array([0.0, 1, 2]), np.array([nan, 1, nan])) == [(0, 1), (1, 2)]


def test_a_step_line_needs_its_changes_only() -> None:
    assert changes(np.array([1.0, 1, 2, nan, nan, 2, 2])).tolist() == [0, 2, 3, 5]


def test_runs_are_found_at_the_edges_too() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.array([], dtype=bool)) == []
