"""The ground that operators share: how values are told apart, and how an operation is applied or refused."""

from collections.abc import Callable
from typing import Any, Final

from scaler.horizontal.formula.errors import Fault
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
    spend,
)

Apply = Callable[[Any, Any], Any]
Build = Callable[[str, int, Typed, Typed], Typed | None]
"""Compiles an operator, its place and its operands; None refuses their types."""

NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMBER})
INTEGERS: Final = frozenset({Kind.INTEGER})
BOOLEANS: Final = frozenset({Kind.BOOLEAN})
TEXTS: Final = frozenset({Kind.TEXT})


def truth(part: Typed) -> Run:
    """Give a function that computes a boolean and refuses anything else."""
    if part.type is BOOLEAN:
        return part.run
    run, at = part.run, part.at

    def checked(frame: Frame) -> bool:
        value = run(frame)
        if value is True or value is False:
            return bool(value)
        raise Fault(f"a boolean belongs here, this is {name_of(value)}", at)

    return checked


def equal(frame: Frame, at: int, one: object, other: object) -> bool:
    """Tell whether two values are equal; a boolean never equals a number, arrays are equal by their elements."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        # Arrays may hold one another many times over, so comparing them is work.
        spend(frame, len(one), at)
        return len(one) == len(other) and all(equal(frame, at, *pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        spend(frame, len(one), at)
        return one.keys() == other.keys() and all(equal(frame, at, one[key], other[key]) for key in one)
    return one == other


def is_number(value: object) -> bool:
    """Tell whether a value is a number, which a boolean is not."""
    return type(value) is float or type(value) is int


def wrapped(number: int) -> int:
    """Bring an integer back into 64 bits, as Go's arithmetic does."""
    return (number + 2**63) % 2**64 - 2**63


def both(left: Type, right: Type, kinds: frozenset[Kind]) -> bool:
    """Tell whether both types are, or may be, of such kinds."""
    return all(part is ANY or part.kind in kinds for part in (left, right))


def applied(symbol: str, at: int, left: Run, right: Run, apply: Apply) -> Run:
    def run(frame: Frame) -> Any:
        one = left(frame)
        other = right(frame)
        try:
            return apply(one, other)
        except TypeError:
            raise Fault(refusal(symbol, one, other), at) from None
        except ZeroDivisionError:
            raise Fault("an integer is divided by zero", at) from None

    return run


def dynamic(apply: Apply, kinds: frozenset[Kind]) -> Apply:
    """Give an operation that looks at its operands first."""
    texts = Kind.TEXT in kinds
    integers = Kind.NUMBER not in kinds

    def checked(one: Any, other: Any) -> Any:
        if type(one) is int and type(other) is int:
            result = apply(one, other)
            return wrapped(result) if type(result) is int else result
        if not integers and is_number(one) and is_number(other):
            return apply(one, other)
        if texts and isinstance(one, str) and isinstance(other, str):
            return apply(one, other)
        raise TypeError

    return checked


def refusal(symbol: str, one: object, other: object) -> str:
    hint = f": {NIL_HINT}" if one is None or other is None else ""
    return f"{symbol} does not take {name_of(one)} and {name_of(other)}{hint}"
