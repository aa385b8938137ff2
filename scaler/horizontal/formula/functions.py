"""The plain functions: each knows what arguments it takes, what it gives, and how it computes.

Functions that look at every element of an array by a predicate are in `predicates`. Of expr-lang's functions those
are here that a formula of numbers can use.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final

from scaler.horizontal.formula.aggregates import AGGREGATES, Build
from scaler.horizontal.formula.arguments import (
    NUMBERS,
    demand,
    number,
    only,
    ordered,
    unfit,
)
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import equal
from scaler.horizontal.formula.typed import (
    ANY,
    INTEGER,
    NUMBER,
    TEXT,
    Frame,
    Kind,
    Type,
    Typed,
    array_of,
    element_of,
    spend,
)

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def _one(name: str, kinds: tuple[Kind, ...], gives: Type | None, compute: Callable[[Any], Any]) -> Build:
    """Declare a function of one argument; `gives` None is the argument's own type."""

    def build(at: int, arguments: list[Typed]) -> Typed:
        argument = only(name, at, arguments)
        demand(name, at, argument.type, kinds)
        given = argument.run

        def run(frame: Frame) -> Any:
            value = given(frame)
            try:
                return compute(value)
            except (TypeError, ValueError, OverflowError):
                raise Fault(unfit(name, value), at) from None

        return Typed(gives or argument.type, run, at)

    return build


def _whole(towards: Callable[[float], int]) -> Callable[[Any], float]:
    """Round to a whole number, which stays one with a fraction; infinities stay as they are."""
    return lambda value: float(towards(value)) if math.isfinite(number(value)) else value


def _half_away(value: float) -> int:
    """Round to the nearest whole number, halves away from zero."""
    whole = math.trunc(value)
    return whole + (1 if value > 0 else -1) if abs(value - whole) >= 0.5 else whole


def to_float(value: Any) -> float:
    """Read a number or a string that spells one; raises TypeError or ValueError."""
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError
        return float(value)
    return float(number(value))


def _to_integer(value: Any) -> int:
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ValueError
        return int(value)
    whole = int(number(value))
    if not -(2**63) <= whole < 2**63:
        raise ValueError
    return whole


def _to_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if not isinstance(value, str | int | float):
        raise TypeError
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _length(value: Any) -> int:
    if not isinstance(value, list | dict | str):
        raise TypeError
    return len(value)


def _end(name: str, index: int) -> Build:
    """Declare first or last; an empty array has nil there."""

    def build(at: int, arguments: list[Typed]) -> Typed:
        argument = only(name, at, arguments)
        demand(name, at, argument.type, (Kind.ARRAY,))
        given = argument.run

        def run(frame: Frame) -> Any:
            value = given(frame)
            return value[index] if isinstance(value, list) and value else None

        return Typed(element_of(argument.type), run, at)

    return build


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _unique(at: int, arguments: list[Typed]) -> Typed:
    argument = only("uniq", at, arguments)
    demand("uniq", at, argument.type, (Kind.ARRAY,))
    given = argument.run

    def run(frame: Frame) -> list[Any]:
        kept: list[Any] = []
        for value in _array_or_fault("uniq", at, given(frame)):
            spend(frame, len(kept) + 1, at)
            if not any(equal(frame, at, value, other) for other in kept):
                kept.append(value)
        return kept

    return Typed(argument.type, run, at)


def _array_or_fault(name: str, at: int, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Fault(unfit(name, value), at)
    return value


def _sort(at: int, arguments: list[Typed]) -> Typed:
    if len(arguments) not in {1, 2}:
        raise Fault(f"sort takes an array and perhaps an order, not {len(arguments)} arguments", at)
    demand("sort", at, arguments[0].type, (Kind.ARRAY,))
    given = arguments[0].run
    order = arguments[1].run if len(arguments) == 2 else lambda _: "asc"

    def run(frame: Frame) -> list[Any]:
        values, wanted = given(frame), order(frame)
        if wanted not in {"asc", "desc"}:
            raise Fault(f'the order is "asc" or "desc", not {_to_text(wanted)}', at)
        return ordered("sort", at, frame, values, values, descending=wanted == "desc")

    return Typed(array_of(element_of(arguments[0].type)), run, at)


def _concat(at: int, arguments: list[Typed]) -> Typed:
    if not arguments:
        raise Fault("concat takes at least one array", at)
    for argument in arguments:
        demand("concat", argument.at, argument.type, (Kind.ARRAY,))
    runs = [argument.run for argument in arguments]

    def run(frame: Frame) -> list[Any]:
        joined: list[Any] = []
        for given in runs:
            value = _array_or_fault("concat", at, given(frame))
            spend(frame, len(value), at)
            joined += value
        return joined

    types = {element_of(argument.type) for argument in arguments}
    return Typed(array_of(types.pop() if len(types) == 1 else ANY), run, at)


FUNCTIONS: Final[dict[str, Build]] = {
    **AGGREGATES,
    "abs": _one("abs", NUMBERS, None, lambda value: abs(number(value))),
    "ceil": _one("ceil", NUMBERS, NUMBER, _whole(math.ceil)),
    "concat": _concat,
    "first": _end("first", 0),
    "float": _one("float", (*NUMBERS, Kind.TEXT), NUMBER, to_float),
    "floor": _one("floor", NUMBERS, NUMBER, _whole(math.floor)),
    "int": _one("int", (*NUMBERS, Kind.TEXT), INTEGER, _to_integer),
    "keys": _one("keys", (Kind.MAP,), array_of(TEXT), lambda value: list(value.keys())),
    "last": _end("last", -1),
    "len": _one("len", (Kind.ARRAY, Kind.MAP, Kind.TEXT), INTEGER, _length),
    "reverse": _one("reverse", (Kind.ARRAY,), None, lambda value: _array(value)[::-1]),
    "round": _one("round", NUMBERS, NUMBER, _whole(_half_away)),
    "sort": _sort,
    "string": _one("string", tuple(Kind), TEXT, _to_text),
    "uniq": _unique,
    "values": _one("values", (Kind.MAP,), array_of(ANY), lambda value: list(value.values())),
}

_TEXT_ONLY: Final = "trim trimPrefix trimSuffix upper lower split splitAfter replace repeat join indexOf lastIndexOf"
_DATA_ONLY: Final = "hasPrefix hasSuffix toJSON fromJSON toBase64 fromBase64 duration date get take toPairs fromPairs"
_OTHERS: Final = "type flatten groupBy bitand bitor bitxor bitnand bitshl bitshr bitushr bitnot"
ELSEWHERE: Final = frozenset(f"{_TEXT_ONLY} {_DATA_ONLY} {_OTHERS}".split())
"""Functions of expr-lang that a formula of numbers has no use for; named, so that an error can say so."""

INSTEAD_OF: Final = {
    "avg": "mean",
    "average": "mean",
    "trunc": "int",
    "truncate": "int",
    "ceiling": "ceil",
    "maximum": "max",
    "minimum": "min",
    "total": "sum",
    "pow": "a ** b",
    "length": "len",
    "coalesce": "a ?? b",
    "mod": "int(a) % int(b)",
}
"""What users of other languages write, and what it is called here."""
