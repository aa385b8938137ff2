"""Wildcard patterns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.triggers.gjson.wildcards import literal_text, matches, read_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("?", "", False),
        ("a*c", "abbbc", True),
        ("a*c", "abbbd", False),
        ("*b*b*", "abab", True),
        ("a?c", "abc", True),
        ("a\\*c", "a*c", True),
        ("a\\*c", "abc", False),
        ("\\?", "?", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_fits_the_whole_text_or_not(pattern, text, fits):
    assert matches(text, read_pattern(pattern)) is fits


def test_a_pattern_without_wildcards_is_one_text():
    assert literal_text(read_pattern("a\\*b")) == "a*b"
    assert literal_text(read_pattern("a*b")) is None


@given(st.text("ab*?", max_size=8), st.text("ab*", max_size=10))
def test_a_pattern_fits_as_the_same_regular_expression(pattern, text):
    expression = "".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern)
    assert matches(text, read_pattern(pattern)) == bool(re.fullmatch(expression, text, re.DOTALL))
