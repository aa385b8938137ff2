"""Amounts as people read them."""

import math

import pytest

from scaler.drawing.units import Unit, counted, shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "cores", "0"),
        (0.0001, "cores", "<1m"),
        (0.025, "cores", "25m"),
        (0.9994, "cores", "999m"),
        (0.9996, "cores", "1"),
        (1.5, "cores", "1.5"),
        (1234.5, "cores", "1,234"),
        (0.0, "bytes", "0 B"),
        (262144000.0, "bytes", "250 MiB"),
        (1023.9 * 2**20, "bytes", "1 GiB"),
        (1.5 * 2**40, "bytes", "1.5 TiB"),
        (3.0, "replicas", "3"),
        (0.0, "money", "$0"),
        (12.3, "money", "$12.30"),
        (0.0042, "money", "$0.0042"),
        (5320.4, "money", "$5,320"),
        (0.125, "share", "12.5 %"),
        (0.25, "seconds", "250 ms"),
        (0.0, "seconds", "0 s"),
        (5400.0, "seconds", "1.5 h"),
        (-0.5, "cores", "-500m"),
        (math.nan, "bytes", "\N{EN DASH}"),
        (math.inf, "cores", "unbounded"),
    ],
)
def test_an_amount_reads_as_people_write_it(value: float, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


def test_money_is_of_the_currency_that_was_asked_for() -> None:
    assert shown(7, "money", "EUR ") == "EUR 7"


def test_one_is_not_many() -> None:
    assert (counted(1, "pod"), counted(1200, "pod")) == ("1 pod", "1,200 pods")
