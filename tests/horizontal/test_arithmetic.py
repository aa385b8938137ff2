"""The HPA controller's arithmetic, with numbers that its own algorithm gives."""

import math

import pytest

from scaler.horizontal.arithmetic import desired, needed, reported
from scaler.horizontal.readings import Scale
from tests.horizontal.objects import metric


@pytest.mark.parametrize(
    ("value", "told"),
    [(5, 5), (2.5, 2.5), (1.23456, 1.235), (0.0004, 0), (-1, 0), (math.nan, 0), (math.inf, 0), (-math.inf, 0)],
)
def test_values_are_told_in_thousandths_and_nonsense_as_zero(value, told):
    assert reported(value) == told


# kind, value, target, replicas, ready -> desired
DESIRED = [
    ("AverageValue", 50, 5, 1, None, 10),
    ("AverageValue", 51, 5, 1, None, 11),
    ("AverageValue", 0, 5, 7, None, 0),
    ("AverageValue", 0.001, 5, 7, None, 1),
    ("AverageValue", 16.5, 5, 3, None, 3),
    ("AverageValue", 16.6, 5, 3, None, 4),
    ("AverageValue", 13.5, 5, 3, None, 3),
    ("AverageValue", 13.4, 5, 3, None, 3),
    ("AverageValue", 9.9, 5, 3, None, 2),
    ("AverageValue", 0.3, 0.1, 0, None, 3),
    ("AverageValue", 8, 2, 8, None, 4),
    ("Value", 8, 2, 8, 8, 32),
    ("Value", 8, 2, 8, 5, 20),
    ("Value", 2.1, 2, 8, 5, 8),
    ("Value", 8, 2, 0, 0, 4),
    ("Value", 1, 2, 8, None, 4),
]


@pytest.mark.parametrize("case", DESIRED)
def test_what_the_hpa_wants(case):
    kind, value, target, replicas, ready, wants = case
    assert desired(metric(0, target, kind), value, Scale(replicas, ready)) == wants


def test_a_target_below_a_thousandth_changes_nothing():
    assert needed(metric(0, 0.0001), 50, 3) == 3


def test_a_behaviour_may_have_its_own_tolerance():
    assert desired(metric(), 16, Scale(3)) == 3
    assert desired(metric(), 16, Scale(3), up=0.01) == 4
    assert desired(metric(), 12, Scale(3), down=0.3) == 3
