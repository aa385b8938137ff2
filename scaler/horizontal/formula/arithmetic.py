"""Arithmetic: `+ - * / ** % ..`.

Integers are of 64 bits, `/` and `**` always give a number with a fraction, and division by zero gives an infinity,
all as in Go.
"""

import math
import operator
from typing import Any, Final

from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import (
    INTEGERS,
    NUMBERS,
    TEXTS,
    Apply,
    Build,
    applied,
    both,
    dynamic,
    is_number,
    refusal,
    wrapped,
)
from scaler.horizontal.formula.typed import (
    ANY,
    INTEGER,
    NUMBER,
    TEXT,
    Frame,
    Run,
    Typed,
    array_of,
    spend,
)


def _arithmetic(apply: Apply) -> Build:
    def build(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
        kinds = NUMBERS | TEXTS if symbol == "+" else NUMBERS
        if left.type is right.type is TEXT and symbol == "+":
            return Typed(TEXT, _joined(at, left.run, right.run), at)
        if left.type.is_number and right.type.is_number:
            integers = left.type is right.type is INTEGER
            exact: Apply = (lambda one, other: wrapped(apply(one, other))) if integers else apply
            return Typed(INTEGER if integers else NUMBER, applied(symbol, at, left.run, right.run, exact), at)
        if not (left.type is ANY or right.type is ANY) or not both(left.type, right.type, kinds):
            return None
        return Typed(ANY, applied(symbol, at, left.run, right.run, dynamic(apply, kinds)), at)

    return build


def _joined(at: int, left: Run, right: Run) -> Run:
    def run(frame: Frame) -> str:
        text = left(frame) + right(frame)
        spend(frame, len(text), at)
        return str(text)

    return run


def _fractional(apply: Apply) -> Build:
    def build(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
        if not both(left.type, right.type, NUMBERS):
            return None
        known = left.type.is_number and right.type.is_number
        return Typed(
            NUMBER, applied(symbol, at, left.run, right.run, apply if known else dynamic(apply, NUMBERS)), at
        )

    return build


def add_values(one: Any, other: Any, at: int) -> Any:
    """Add two values whose types are known only now."""
    try:
        return _ADD(one, other)
    except TypeError:
        raise Fault(refusal("+", one, other), at) from None


def _divide(one: float, other: float) -> float:
    try:
        return one / other
    except ZeroDivisionError:
        if one == 0 or math.isnan(one):
            return math.nan
        return math.copysign(math.inf, math.copysign(1.0, one) * math.copysign(1.0, other))


def _power(one: float, other: float) -> float:
    try:
        return math.pow(one, other)
    except OverflowError:
        return -math.inf if one < 0 and other % 2 == 1 else math.inf
    except ValueError:
        # Zero to a negative power is infinite, a negative number to a fraction is none.
        return math.nan if one else math.copysign(math.inf, one) if other % 2 == 1 else math.inf


def _remainder(one: int, other: int) -> int:
    """Give the remainder with the sign of the dividend."""
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _modulo(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    if not both(left.type, right.type, INTEGERS):
        return None
    return Typed(INTEGER, applied(symbol, at, left.run, right.run, dynamic(_remainder, INTEGERS)), at)


def _range(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    if not both(left.type, right.type, INTEGERS):
        return None
    first, last = left.run, right.run

    def run(frame: Frame) -> list[int]:
        low, high = first(frame), last(frame)
        if not is_number(low) or not is_number(high):
            raise Fault(refusal(symbol, low, high), at)
        numbers = range(int(low), int(high) + 1)
        spend(frame, max(0, int(high) + 1 - int(low)), at)
        return list(numbers)

    return Typed(array_of(INTEGER), run, at)


_ADD: Final = dynamic(operator.add, NUMBERS)
ARITHMETIC: Final[dict[str, Build]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _fractional(_divide),
    "**": _fractional(_power),
    "%": _modulo,
    "..": _range,
}
