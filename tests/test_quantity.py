"""Quantities against what Kubernetes' own resource.Quantity answered for these inputs."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.quantity import (
    canonical,
    equal_quantities,
    exact_quantity,
    format_milli,
    milli_quantity,
    parse_quantity,
    truncate_milli,
)

# text, exact value, canonical spelling, MilliValue
KNOWN = [
    ("0", "0", "0", 0),
    ("1000m", "1", "1", 1000),
    ("2000", "2000", "2k", 2_000_000),
    ("1500", "1500", "1500", 1_500_000),
    ("+5", "5", "5", 5000),
    ("010", "10", "10", 10_000),
    ("-1.5", "-3/2", "-1500m", -1500),
    ("1.G", "1000000000", "1G", 10**12),
    (".5", "1/2", "500m", 500),
    ("0.1m", "1/10000", "100u", 1),
    ("1.5Gi", "1610612736", "1536Mi", 1_610_612_736_000),
    ("1.1Ki", "5632/5", "1126400m", 1_126_400),
    ("0.5Ki", "512", "512", 512_000),
    ("1Ki", "1024", "1Ki", 1_024_000),
    ("1023Ki", "1047552", "1023Ki", 1_047_552_000),
    ("1048576Ki", "1073741824", "1Gi", 1_073_741_824_000),
    ("2e3", "2000", "2e3", 2_000_000),
    ("2E3", "2000", "2e3", 2_000_000),
    ("1e4", "10000", "10e3", 10_000_000),
    ("1e-3", "1/1000", "1e-3", 1),
    ("12.5e2", "1250", "1250", 1_250_000),
    ("12E", "12000000000000000000", "12E", 12 * 10**21),
    ("0.0000000001", "1/1000000000", "1n", 1),
    ("1.0000000001", "1000000001/1000000000", "1000000001n", 1001),
    ("3e-12", "1/1000000000", "1e-9", 1),
    ("-0.1n", "-1/1000000000", "-1n", -1),
    ("7Ei", "8070450532247928832", "7Ei", 8_070_450_532_247_928_832_000),
    ("9Ei", "9223372036854775807", "9223372036854775807", 9_223_372_036_854_775_807_000),
    ("-9Ei", "-9223372036854775807", "-9223372036854775807", -9_223_372_036_854_775_807_000),
]


@pytest.mark.parametrize(("text", "exact", "spelling", "milli"), KNOWN)
def test_a_quantity_has_the_value_kubernetes_gives_it(text, exact, spelling, milli):
    assert exact_quantity(text) == Fraction(exact)
    assert canonical(text) == spelling
    assert milli_quantity(text) == milli
    assert parse_quantity(text) == pytest.approx(float(Fraction(exact)), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write a number"),
        ("abc", "write a number"),
        ("-", "write a number"),
        (".", "write a number"),
        ("Ki", "write a number"),
        ("1 ", "write a number"),
        (" 1", "write a number"),
        ("0x10", "unknown suffix"),
        ("1_000", "write a number"),
        ("1e3m", "write a number"),
        ("nan", "write a number"),
        ("inf", "write a number"),
        ("1K", 'did you mean "k" (1000) or "Ki" (1024)?'),
        ("5MB", 'did you mean "M" (10^6) or "Mi" (2^20)?'),
        ("1Mi3", "unknown suffix"),
        ("1e", "unknown suffix"),
        ("7x", "known are n u m k M G T P E"),
        ("1e999", "exponent"),
        ("1e1000000000", "exponent"),
        ("9" * 400, "too large"),
    ],
)
def test_what_is_no_quantity_is_refused_by_name(text, says):
    for read in (parse_quantity, exact_quantity, milli_quantity, canonical):
        with pytest.raises(ValueError) as refusal:
            read(text)
        assert says in str(refusal.value)
        assert f'"{text[:70]}' in str(refusal.value)
        assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}, math.nan, math.inf, 10**400])
def test_json_that_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError):
        parse_quantity(value)


def test_a_json_number_is_itself():
    assert parse_quantity(3) == 3.0
    assert parse_quantity(0.25) == 0.25
    assert exact_quantity(0.25) == Fraction(1, 4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (2.5, "2500m"),
        (0.0, "0"),
        (-0.0, "0"),
        (-1.0, "0"),
        (math.nan, "0"),
        (math.inf, "0"),
        (-math.inf, "0"),
        (0.00049, "0"),
        (0.0005, "1m"),  # the float lies just above one half of a milli
        (0.0015, "2m"),
        (0.0625, "62m"),
        (2.0005, "2001m"),
        (0.1 + 0.2, "300m"),
        (1 / 3, "333m"),
        (1500.0, "1500"),
        (2000.0, "2k"),
        (99999999.9999, "100M"),
        (1234567.891, "1234567891m"),
        (1e15, "1P"),
        (1e18, "1E"),
        (1e21, "1000E"),  # upstream prints "1" here, a thousand million million million too little
    ],
)
def test_a_metric_value_is_spelt_with_three_decimals(value, text):
    assert format_milli(value) == text


def test_a_formula_result_is_cut_not_rounded():
    assert truncate_milli(1.9999) == 1.999
    assert truncate_milli(-1.9999) == -1.999
    assert truncate_milli(7.0) == 7.0
    assert truncate_milli(math.nan) == 0.0
    assert truncate_milli(math.inf) == 0.0
    assert truncate_milli(1e306) == 0.0


def test_equality_is_of_amounts_not_of_spellings():
    assert equal_quantities("1000m", "1")
    assert equal_quantities("1Ki", "1024")
    assert equal_quantities("2.500", "2500m")
    assert not equal_quantities("1k", "1Ki")
    assert equal_quantities(5, "5")


@given(st.floats(min_value=0, max_value=1e15))
def test_what_is_reported_reads_back_within_half_a_milli(value):
    assert abs(exact_quantity(format_milli(value)) - Fraction(value)) <= Fraction(1, 2000)


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "e3", "E-2", "e+6"]),
)
def test_the_canonical_spelling_is_stable_and_keeps_the_amount(number, suffix):
    text = f"{number}{suffix}"
    spelling = canonical(text)
    assert exact_quantity(spelling) == exact_quantity(text)
    assert canonical(spelling) == spelling or suffix[0] in "eE"
    assert parse_quantity(text) == pytest.approx(float(exact_quantity(text)), rel=1e-15)


@given(st.text(max_size=8))
def test_any_text_is_read_or_refused(text):
    try:
        value = parse_quantity(text)
    except ValueError:
        return
    assert math.isfinite(value)
    assert float(exact_quantity(text)) == pytest.approx(value, rel=1e-12)
