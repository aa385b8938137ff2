"""Large questions in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.history.pieces import MOST_POINTS, MOST_SAMPLES, Window, affordable, batches, window

DAY = 86400.0


def test_a_window_ends_on_a_whole_step() -> None:
    assert window(1000.0, 300, 60) == Window(660, 960, 60)
    assert window(1000.0, 300, 60).points == 6


@given(points=st.integers(1, 60_000), series=st.integers(1, 5000))
def test_pieces_are_small_enough_and_together_the_whole(points: int, series: int) -> None:
    whole = Window(0, (points - 1) * 60.0, 60)
    parts = list(whole.pieces(series))
    assert all(part.points <= MOST_POINTS for part in parts)
    assert all(part.points * series <= MOST_SAMPLES or part.points == 1 for part in parts)
    seen = [part.begin + k * 60 for part in parts for k in range(part.points)]
    assert seen == [k * 60.0 for k in range(points)]


def test_halves_are_the_whole_and_a_point_has_none() -> None:
    first, second = Window(0, 240, 60).halves() or (None, None)
    assert (first, second) == (Window(0, 60, 60), Window(120, 240, 60))
    assert Window(0, 0, 60).halves() is None


@pytest.mark.parametrize(("series", "step"), [(10, 60), (1000, 60), (2000, 120), (10_000, 600), (1_000_000, 3600)])
def test_the_step_grows_with_what_there_is_to_read(series: int, step: float) -> None:
    assert affordable(series, 8 * DAY, 20_000_000) == step


def test_small_groups_go_together_and_large_ones_in_parts() -> None:
    groups = [["a"] * 2, ["b"] * 2, ["c"] * 7, ["d"]]
    assert list(batches(groups, 4)) == [["a", "a", "b", "b"], ["c"] * 4, ["c", "c", "c", "d"]]
    assert list(batches([], 4)) == []
