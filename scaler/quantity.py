"""Kubernetes quantities: the numbers of manifests and of the metrics API ("250m", "1.5Gi", "2e3").

Reads and writes text only. It knows nothing of what a quantity measures, and it never rounds
silently where an exact answer was asked for: `parse_quantity` gives the nearest float for hot
paths, `exact_quantity` and `milli_quantity` give exact numbers.

The grammar is that of `resource.Quantity`: a signed decimal number, then one of the suffixes
n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or a decimal exponent e3 / E3. Two deviations, both on input
that nobody writes on purpose: text without any digit ("-", ".", "Ki") is refused where upstream
reads zero, and so is an exponent that no float can hold.
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

_GRAMMAR: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?P<suffix>[A-Za-z]*[+-]?[0-9]*)", re.ASCII
)
_EXPONENT: Final = re.compile(r"[eE](?P<power>[+-]?[0-9]{1,3})", re.ASCII)

_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX: Final = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_BINARY_SUFFIX: Final = {power: suffix for suffix, power in _BINARY.items()}

_NANO: Final = Fraction(1, 10**9)
"""The finest step. Anything smaller but not zero becomes one nano: who asks for a little gets a little."""
_BINARY_LIMIT: Final = 2**63 - 1
"""Binary quantities stop here upstream; decimal ones do not."""

_TYPED_FOR: Final = {
    "K": '"k" (1000) or "Ki" (1024)',
    "KI": '"Ki"',
    "ki": '"Ki"',
    "KB": '"k" (1000) or "Ki" (1024)',
    "MB": '"M" (10^6) or "Mi" (2^20)',
    "mi": '"Mi"',
    "MI": '"Mi"',
    "MiB": '"Mi"',
    "g": '"G" (10^9) or "Gi" (2^30)',
    "GB": '"G" (10^9) or "Gi" (2^30)',
    "gi": '"Gi"',
    "GI": '"Gi"',
    "GiB": '"Gi"',
    "t": '"T" (10^12) or "Ti" (2^40)',
    "ti": '"Ti"',
}


def parse_quantity(text: str | float) -> float:
    """Give the nearest float of a quantity; a JSON number passes as itself.

    Raises ValueError naming the text and what would be right.
    """
    if not isinstance(text, str):
        return _checked_number(text)
    number, suffix = _split(text)
    if suffix in _BINARY:
        value = math.copysign(min(abs(float(number)) * 2.0 ** _BINARY[suffix], float(_BINARY_LIMIT)), float(number))
    else:
        # Appending the power keeps one correctly rounded conversion: "0.3" and "300m" are the same float.
        value = float(f"{number}e{_power(text, suffix)}")
    if math.isinf(value):
        raise ValueError(f'"{_shown(text)}" is too large for a quantity: the largest float is about 1.8e308')
    if value and -1e-9 < value < 1e-9:
        return math.copysign(1e-9, value)
    return value


def exact_quantity(text: str | float) -> Fraction:
    """Give the exact value, rounded away from zero to a whole number of nanos as upstream does.

    Raises ValueError naming the text and what would be right.
    """
    if not isinstance(text, str):
        return Fraction(_checked_number(text))
    parse_quantity(text)
    number, suffix = _split(text)
    if suffix in _BINARY:
        value = _to_multiple(Fraction(number) * 2 ** _BINARY[suffix], _NANO)
        return max(min(value, Fraction(_BINARY_LIMIT)), Fraction(-_BINARY_LIMIT))
    return _to_multiple(Fraction(number) * Fraction(10) ** _power(text, suffix), _NANO)


def milli_quantity(text: str | float) -> int:
    """Give thousandths, rounded away from zero: what the HPA controller computes with (`MilliValue`)."""
    return int(_to_multiple(exact_quantity(text), Fraction(1, 1000)) * 1000)


def equal_quantities(one: str | float, other: str | float) -> bool:
    """Tell whether two spellings mean the same amount: "1000m" and "1", "1Ki" and "1024"."""
    return exact_quantity(one) == exact_quantity(other)


def canonical(text: str) -> str:
    """Give the canonical spelling in the text's own family (decimal, binary or exponent).

    No fraction, the largest suffix that loses nothing: "1000m" -> "1", "1.5Gi" -> "1536Mi", "2500" -> "2500".
    """
    value = exact_quantity(text)
    _, suffix = _split(text)
    if suffix in _BINARY:
        return _binary_si(value)
    return _decimal(value, _decimal_suffix if suffix in _DECIMAL else _exponent_suffix)


def format_milli(value: float) -> str:
    """Spell a metric value or a float target as upstream reports it: three decimals, then canonical.

    5.0 -> "5", 2.5 -> "2500m", 2000.0 -> "2k". Rounded to the nearest milli ("%.3f"). NaN, infinities and
    negative numbers have no meaning to the HPA and become "0".
    """
    if not 0.0 < value < math.inf:
        return "0"
    whole, _, thousandths = f"{value:.3f}".partition(".")
    mantissa, power = int(whole + thousandths), -3
    if mantissa == 0:
        return "0"
    while power < 18 and mantissa % 1000 == 0:
        mantissa //= 1000
        power += 3
    return f"{mantissa}{_DECIMAL_SUFFIX[power]}"


def truncate_milli(value: float) -> float:
    """Cut a number to whole milli-units towards zero, as upstream does with the result of a formula.

    What is no finite number becomes 0, as in `format_milli`.
    """
    return math.trunc(value * 1000.0) / 1000.0 if math.isfinite(value * 1000.0) else 0.0


def _checked_number(number: float) -> float:
    if type(number) not in {int, float}:  # a JSON true is an int to isinstance
        raise ValueError(f"{number!r} is not a quantity: write a number or a text such as 250m, 2k or 64Mi")
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{str(number)[:24]} is not a quantity: write a finite number")
    return value


def _shown(text: str) -> str:
    """Keep an error readable when a source answered a whole page instead of a number."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def _split(text: str) -> tuple[str, str]:
    """Part a quantity into its number and its suffix, both checked."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise ValueError(
            f'"{_shown(text)}" is not a quantity: write a number, with a suffix if need be: 250m, 1.5, 2k, 64Mi, 3e2'
        )
    number, suffix = match["number"], match["suffix"]
    if suffix not in _DECIMAL and suffix not in _BINARY and not _EXPONENT.fullmatch(suffix):
        raise ValueError(_unknown_suffix(text, suffix))
    return number, suffix


def _unknown_suffix(text: str, suffix: str) -> str:
    if suffix[0] in "eE" and suffix[1:].lstrip("+-").isdigit():
        return f'"{_shown(text)}" is not a quantity: its exponent is beyond what a number can hold'
    meant = _TYPED_FOR.get(suffix)
    known = "n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent such as e3"
    return f'"{_shown(text)}" is not a quantity: unknown suffix "{suffix}", ' + (
        f"did you mean {meant}?" if meant else f"known are {known}"
    )


def _power(text: str, suffix: str) -> int:
    known = _DECIMAL.get(suffix)
    if known is not None:
        return known
    power = int(suffix[1:])
    if abs(power) > 308:
        raise ValueError(f'"{_shown(text)}" is not a quantity: its exponent is beyond what a number can hold')
    return power


def _to_multiple(value: Fraction, step: Fraction) -> Fraction:
    """Round away from zero to a multiple of the step."""
    steps = math.ceil(abs(value) / step)
    return steps * step if value >= 0 else -steps * step


def _decimal_suffix(power: int) -> str:
    return _DECIMAL_SUFFIX[power]


def _exponent_suffix(power: int) -> str:
    return f"e{power}" if power else ""


def _decimal(value: Fraction, suffix: Callable[[int], str]) -> str:
    if value == 0:
        return "0"
    # The value is a whole number of nanos by construction.
    mantissa, power = int(value * 10**9), -9
    top = 18 if suffix is _decimal_suffix else 999
    while power < top and mantissa % 1000 == 0:
        mantissa //= 1000
        power += 3
    return f"{mantissa}{suffix(power)}"


def _binary_si(value: Fraction) -> str:
    if abs(value) < 1024 or value.denominator != 1:
        return _decimal(value, _decimal_suffix)
    mantissa, power = int(value), 0
    while power < 60 and mantissa % 1024 == 0:
        mantissa //= 1024
        power += 10
    return f"{mantissa}{_BINARY_SUFFIX.get(power, '')}"
