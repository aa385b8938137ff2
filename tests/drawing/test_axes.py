"""Marks of axes stand on round numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.drawing.axes import amounts
from scaler.drawing.units import Unit

UNITS: list[Unit] = ["cores", "bytes", "replicas", "money", "share", "seconds", "number"]


@pytest.mark.parametrize(
    ("high", "unit", "labels"),
    [
        (0.9, "cores", ["0", "200m", "400m", "600m", "800m", "1"]),
        (8, "cores", ["0", "2", "4", "6", "8"]),
        (900 * 2**20, "bytes", ["0 B", "256 MiB", "512 MiB", "768 MiB", "1 GiB"]),
        (3, "replicas", ["0", "1", "2", "3"]),
        (0.4, "replicas", ["0", "1"]),
        (420, "money", ["$0", "$100", "$200", "$300", "$400", "$500"]),
        (100, "seconds", ["0 s", "30 s", "1 min", "1.5 min", "2 min"]),
    ],
)
def test_marks_are_round_in_the_units_own_counting(high: float, unit: Unit, labels: list[str]) -> None:
    assert [tick.label for tick in amounts(high, unit).ticks] == labels


@given(high=st.floats(0, 1e15), unit=st.sampled_from(UNITS), most=st.integers(2, 8))
def test_an_axis_reaches_what_it_shows_with_few_marks_and_no_two_alike(high: float, unit: Unit, most: int) -> None:
    axis = amounts(high, unit, most)
    assert axis.low == 0
    assert axis.high >= high * (1 - 1e-9)
    assert 2 <= len(axis.ticks) <= most + 1
    assert len({tick.at for tick in axis.ticks}) == len(axis.ticks)
    assert all(0 <= axis.share(tick.at) <= 1 + 1e-12 for tick in axis.ticks)
