"""SVG paths come out where the values are."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.drawing import paths
from scaler.drawing.paths import HEIGHT, Frame

nan = np.nan
Points = list[tuple[float, float]]


def drawn(d: str) -> list[Points]:
    """A path as the strokes that a browser makes of it, by SVG's own rules."""
    strokes: list[Points] = []
    x = y = 0.0
    for letter, rest in re.findall(r"([MlhvHVz])([^MlhvHVz]*)", d):
        numbers = [float(one) for one in re.findall(r"-?\d*\.?\d+", rest)]
        if letter == "M":
            x, y = numbers
            strokes.append([])
        moves = {"h": [(n, 0.0) for n in numbers], "v": [(0.0, n) for n in numbers]}
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True)) if letter == "l" else moves.get(letter, [])
        if letter == "M":
            strokes[-1].append((x, y))
        for dx, dy in pairs:
            x, y = round(x + dx, 6), y + dy
            strokes[-1].append((x, y))
    return strokes


def test_few_samples_are_drawn_each_at_its_place() -> None:
    frame = Frame(0, 10, 4, 100)
    d = paths.line(frame, np.array([0.0, 2.5, 5, 10]), np.array([4.0, 0, 1, 2]))
    assert drawn(d) == [[(0, 0), (25, 1000), (50, 750), (100, 500)]]


def test_a_line_stops_where_nothing_is_known_and_a_lonely_sample_is_a_dot() -> None:
    frame = Frame(0, 4, 1, 100)
    d = paths.line(frame, np.arange(5.0), np.array([0.0, nan, 1, nan, 0]))
    assert [len(stroke) for stroke in drawn(d)] == [2, 2, 2]
    assert drawn(d)[1] == [(50, 0), (50, 0)]


def test_many_samples_become_the_outline_of_their_extremes() -> None:
    frame = Frame(0, 1000, 10, 10)
    times = np.arange(1000.0)
    values = np.where(times % 2 == 0, 2.0, 6.0)
    values[505] = 9.0
    (stroke,) = drawn(paths.line(frame, times, values))
    assert {y for _, y in stroke} == {800.0, 400.0, 100.0}
    assert [x for x, y in stroke if y == 100.0] == [5.0]
    assert stroke == [(0, 400), (4, 400), (5, 100), (6, 400), (9, 400), (9, 800), (0, 800)]


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=400))
def test_rounding_does_not_add_up_along_a_path(values: list[float]) -> None:
    frame = Frame(0, len(values) - 1, 1, 400)
    (stroke,) = drawn(paths.line(frame, np.arange(len(values), dtype=float), np.array(values)))
    assert abs(stroke[-1][0] - 400) <= 0.05
    assert abs(stroke[-1][1] - HEIGHT * (1 - values[-1])) <= 0.5


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=300))
def test_what_is_left_out_would_not_have_been_seen(values: list[float]) -> None:
    frame = Frame(0, len(values) - 1, 1, 300)
    times, wanted = np.arange(len(values), dtype=float), np.array(values)
    (stroke,) = drawn(paths.line(frame, times, wanted))
    xs, ys = (np.array([point[axis] for point in stroke]) for axis in (0, 1))
    shown = np.interp(frame.across(times), xs, ys)
    np.testing.assert_allclose(shown, frame.down(wanted), atol=paths.UNSEEN + 0.5)


def test_a_straight_line_is_two_points() -> None:
    d = paths.line(Frame(0, 500, 500, 600), np.arange(501.0), np.arange(501.0))
    assert len(drawn(d)[0]) == 2


def test_steps_go_across_then_up_and_hold_to_the_end() -> None:
    frame = Frame(0, 10, 10, 100)
    d = paths.steps(frame, np.array([0.0, 1, 2, 5, 10]), np.array([1.0, 1, 1, 5, 5]))
    assert drawn(d) == [[(0, 900), (50, 900), (50, 500), (100, 500)]]


def test_steps_hold_until_nothing_is_known() -> None:
    frame = Frame(0, 10, 10, 100)
    d = paths.steps(frame, np.array([0.0, 4, 6, 10]), np.array([1.0, nan, 2, 2]))
    assert drawn(d) == [[(0, 900), (40, 900)], [(60, 800), (100, 800)]]


def test_steps_that_change_more_often_than_there_are_columns_become_an_outline() -> None:
    frame = Frame(0, 999, 4, 10)
    d = paths.steps(frame, np.arange(1000.0), np.tile([1.0, 3.0], 500))
    assert {y for _, y in drawn(d)[0]} == {750, 250}


def test_an_area_stands_on_zero() -> None:
    frame = Frame(0, 2, 2, 100)
    d = paths.area(frame, np.array([0.0, 1, 2]), np.array([1.0, 2, 1]))
    assert drawn(d) == [[(0, 500), (50, 0), (100, 500), (100, 1000), (0, 1000)]]
    assert d.endswith("z")


def test_a_band_lies_between_its_edges() -> None:
    frame = Frame(0, 1, 4, 100)
    d = paths.band(frame, np.array([0.0, 1]), np.array([1.0, 1]), np.array([2.0, 3]))
    assert drawn(d) == [[(0, 500), (100, 250), (100, 750), (0, 750)]]


@pytest.mark.parametrize("value", [1e14, np.inf])
def test_what_is_far_above_is_cut_just_above_the_picture(value: float) -> None:
    frame = Frame(0, 1, 1, 100)
    d = paths.line(frame, np.array([0.0, 1]), np.array([0.5, value]))
    assert drawn(d)[0][-1] == (100, -10)


def test_a_span_that_is_too_short_to_be_seen_is_seen() -> None:
    d = paths.rectangles(Frame(0, 100, 1, 100), ((10.0, 10.01), (50, 60), (200, 300)))
    assert drawn(d) == [[(10, 0), (10.5, 0), (10.5, 1000), (10, 1000)], [(50, 0), (60, 0), (60, 1000), (50, 1000)]]
