"""The operators by their symbols, and what is said when they do not fit their operands.

Where the types of both operands are known beforehand, the plain Python operator runs; otherwise the values are
looked at first.
"""

from typing import Any, Final

from scaler.horizontal.formula.arithmetic import ARITHMETIC
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import (
    is_number,
    truth,
)
from scaler.horizontal.formula.relations import RELATIONS
from scaler.horizontal.formula.typed import (
    ANY,
    BOOLEAN,
    NIL_HINT,
    Frame,
    Kind,
    Run,
    Type,
    Typed,
    name_of,
)

_SPELT: Final = {"&&": "and", "||": "or", "!": "not", "^": "**"}


def unary(symbol: str, at: int, operand: Typed) -> Typed:
    """Compile an operator before its operand."""
    word = _SPELT.get(symbol, symbol)
    if word == "not":
        if operand.type.kind not in {Kind.BOOLEAN, Kind.ANY}:
            raise Fault(f"not takes a boolean, this is {operand.type}{_boolean_hint(operand.type)}", at)
        inner = truth(operand)
        return Typed(BOOLEAN, lambda frame: not inner(frame), at)
    if not (operand.type.is_number or operand.type is ANY):
        raise Fault(f"{symbol} takes a number, this is {operand.type}", at)
    return Typed(operand.type, _signed(symbol, at, operand.run), at)


def binary(symbol: str, at: int, left: Typed, right: Typed) -> Typed:
    """Compile an operator between its operands."""
    word = _SPELT.get(symbol, symbol)
    build = _BUILDERS.get(word)
    if build is None:
        raise Fault(f"{symbol} is not available in a formula", at)
    compiled = build(word, at, left, right)
    if compiled is None:
        raise Fault(_mismatch(word, left.type, right.type), at)
    return compiled


def _signed(symbol: str, at: int, operand: Run) -> Run:
    negative = symbol == "-"

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if not is_number(value):
            hint = f": {NIL_HINT}" if value is None else ""
            raise Fault(f"{symbol} does not take {name_of(value)}{hint}", at)
        return -value if negative else value

    return run


def _mismatch(symbol: str, left: Type, right: Type) -> str:
    said = f"{symbol} does not take {left} and {right}"
    if symbol in {"and", "or"}:
        return said + (_boolean_hint(left) or _boolean_hint(right))
    if symbol == "%":
        return f"{said}: it takes integers, as int(...) gives them"
    return said


def _boolean_hint(found: Type) -> str:
    return ": compare it, as in a > 0" if found.is_number else ""


_BUILDERS: Final = ARITHMETIC | RELATIONS
