"""Texts of parameters read as values, by Go's rules."""

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.triggers.texts import Duration, Exclusive, Ranges, UrlQuery, reader


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_true_has_six_spellings(text: str) -> None:
    assert reader(bool, ())(text) is True


@pytest.mark.parametrize("text", ["yes", "on", "tRUE", "2"])
def test_other_words_are_no_booleans(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" is not a boolean: write "true" or "false"'):
        reader(bool, ())(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_of_64_bits_is_read(number: int) -> None:
    assert reader(int, ())(str(number)) == number


@pytest.mark.parametrize("text", ["5.0", "1e3", "0x10", "", "5 ", "\u0665", str(2**63), "9" * 400])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        reader(int, ())(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read(number: float) -> None:
    assert reader(float, ())(repr(number)) == number


@pytest.mark.parametrize("text", ["nan", "inf", "-Inf", "1_000", "1e999", "0x1p3", "five"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" is not a number such as'):
        reader(float | None, ())(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1500", 1.5), ("0", 0.0), ("30s", 30.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25), (".5s", 0.5)],
)
def test_a_duration_is_go_spelling_or_milliseconds(text: str, seconds: float) -> None:
    assert math.isclose(reader(float, (Duration(),))(text), seconds)


@pytest.mark.parametrize("text", ["30 s", "s", "1d", "5m3", "-5", "1.5", "-3s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" is '):
        reader(float, (Duration(),))(text)


def test_a_list_is_parted_by_commas_and_trimmed() -> None:
    assert reader(tuple[str, ...], ())(" a, b ,c") == ("a", "b", "c")


def test_a_list_of_numbers_may_hold_ranges_where_it_says_so() -> None:
    assert reader(tuple[int, ...], (Ranges(),))("1-3,7,9-9") == (1, 2, 3, 7, 9)
    with pytest.raises(ValueError, match='"1-3" is not a whole number'):
        reader(tuple[int, ...], ())("1-3")


@pytest.mark.parametrize("text", ["1-", "1-2-3", "a-b", "0-100001"])
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" is '):
        reader(tuple[int, ...], (Ranges(),))(text)


def test_values_that_exclude_each_other_are_refused_together() -> None:
    modes = reader(tuple[Literal["a", "b", "c"], ...], (Exclusive(("a", "b")),))
    assert modes("a,c") == ("a", "c")
    with pytest.raises(ValueError, match='"a,b" has more than one of a, b'):
        modes("a,b")
    with pytest.raises(ValueError, match='"d" is not one of a, b, c'):
        modes("a,d")


def test_a_map_is_pairs() -> None:
    assert reader(dict[str, str], ())("a=1, b = 2") == {"a": "1", "b": "2"}


@pytest.mark.parametrize("text", ["a", "a=1,b", "a=1=2"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form key=value"):
        reader(dict[str, str], ())(text)


def test_the_query_of_a_url_keeps_repeated_keys() -> None:
    assert reader(dict[str, tuple[str, ...]], (UrlQuery(),))("a=1&a=2&b=x%20y") == {"a": ("1", "2"), "b": ("x y",)}
