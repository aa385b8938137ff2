"""What a part of a formula is worth: its type, known before it runs, and the function that computes it.

Types are those a formula can meet: variables are numbers, literals give the rest. A part of type ANY is checked
when it runs. Any part may turn out nil, because a trigger that failed is nil.
"""

import enum
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from scaler.horizontal.formula.errors import Fault

Frame = list[Any]
"""What a running formula sees: the values, the time, what is left of its budget, then its own variables."""
Run = Callable[[Frame], Any]

VALUES: Final = 0
NOW: Final = 1
BUDGET: Final = 2
FIRST_SLOT: Final = 3

MOST_WORK: Final = 10_000
"""Elements that one evaluation may make or look at: some milliseconds. Upstream allows a million."""


class Kind(enum.Enum):
    """The kinds of value, in a user's words."""

    ANY = "a value"
    INTEGER = "an integer"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    TEXT = "a string"
    NIL = "nil"
    ARRAY = "an array"
    MAP = "a map"
    TIME = "a time"
    ZONE = "a time zone"


class Type(NamedTuple):
    """A kind, and for an array that of its elements."""

    kind: Kind
    element: "Type | None" = None

    @property
    def is_number(self) -> bool:
        return self.kind is Kind.NUMBER or self.kind is Kind.INTEGER

    def __str__(self) -> str:
        return self.kind.value


ANY: Final = Type(Kind.ANY)
INTEGER: Final = Type(Kind.INTEGER)
NUMBER: Final = Type(Kind.NUMBER)
BOOLEAN: Final = Type(Kind.BOOLEAN)
TEXT: Final = Type(Kind.TEXT)
NIL: Final = Type(Kind.NIL)
MAP: Final = Type(Kind.MAP)
TIME: Final = Type(Kind.TIME)
ZONE: Final = Type(Kind.ZONE)


class Typed(NamedTuple):
    """A compiled part of a formula."""

    type: Type
    run: Run
    at: int
    """Where an error about it points."""


_NAMES: Final[dict[type, str]] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a map",
}


def array_of(element: Type) -> Type:
    """Give the type of an array of such elements."""
    return Type(Kind.ARRAY, element)


def element_of(array: Type) -> Type:
    """Give the type of an array's elements; ANY of what may be an array."""
    return array.element or ANY


def common(one: Type, other: Type) -> Type:
    """Give the type of what is either the one or the other."""
    if one == other or other is NIL:
        return one
    if one is NIL:
        return other
    return array_of(ANY) if one.kind is other.kind is Kind.ARRAY else ANY


def name_of(value: object) -> str:
    """Say what a value is, for an error."""
    return "nil" if value is None else _NAMES.get(type(value), "a time")


def spend(frame: Frame, work: int, at: int) -> None:
    """Take from the budget, so that no formula can hold up the others."""
    frame[BUDGET] -= work
    if frame[BUDGET] < 0:
        raise Fault(f"the formula goes over more than {MOST_WORK} elements", at)


NIL_HINT: Final = "a trigger that failed is nil here; put a number in its place, as in (name ?? 0)"
