"""Relations: equality, order, membership, logic and `??`."""

import operator
from typing import Any, Final

from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import (
    BOOLEANS,
    NUMBERS,
    TEXTS,
    Apply,
    Build,
    applied,
    both,
    dynamic,
    equal,
    refusal,
    truth,
)
from scaler.horizontal.formula.typed import (
    ANY,
    BOOLEAN,
    NIL,
    TEXT,
    Frame,
    Kind,
    Typed,
    common,
    element_of,
    spend,
)

_COMPARE: Final[dict[str, Apply]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_IN_TEXT: Final[dict[str, Apply]] = {
    "contains": operator.contains,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}


def _comparison(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    apply = _COMPARE[symbol]
    known = (left.type.is_number and right.type.is_number) or left.type is right.type is TEXT
    if not known and not ((left.type is ANY or right.type is ANY) and both(left.type, right.type, NUMBERS | TEXTS)):
        return None
    return Typed(
        BOOLEAN, applied(symbol, at, left.run, right.run, apply if known else dynamic(apply, NUMBERS | TEXTS)), at
    )


def _equality(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    comparable = (
        {left.type, right.type} & {ANY, NIL}
        or (left.type.is_number and right.type.is_number)
        or left.type.kind is right.type.kind
    )
    if not comparable:
        return None
    one, other = left.run, right.run
    if left.type.is_number and right.type.is_number:
        apply = operator.eq if symbol == "==" else operator.ne
        return Typed(BOOLEAN, lambda frame: apply(one(frame), other(frame)), at)
    wanted = symbol == "=="
    return Typed(BOOLEAN, lambda frame: equal(frame, at, one(frame), other(frame)) is wanted, at)


def _logical(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    if not both(left.type, right.type, BOOLEANS):
        return None
    one, other = truth(left), truth(right)
    if symbol == "and":
        return Typed(BOOLEAN, lambda frame: one(frame) and other(frame), at)
    return Typed(BOOLEAN, lambda frame: one(frame) or other(frame), at)


def _coalesce(_: str, at: int, left: Typed, right: Typed) -> Typed:
    one, other = left.run, right.run

    def run(frame: Frame) -> Any:
        value = one(frame)
        return other(frame) if value is None else value

    return Typed(common(left.type, right.type), run, at)


def _membership(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    one, other = left.run, right.run
    if right.type.kind is Kind.ARRAY:
        element = element_of(right.type)
        if _equality("==", at, left, Typed(element, other, at)) is None:
            raise Fault(f"in looks for {left.type} in an array whose elements are each {element}", at)
    elif right.type.kind is Kind.MAP:
        if left.type.kind not in {Kind.TEXT, Kind.ANY}:
            raise Fault(f"in looks for {left.type} in a map, whose keys are strings", at)
    elif right.type is not ANY:
        return None

    def run(frame: Frame) -> bool:
        value, place = one(frame), other(frame)
        if isinstance(place, list):
            spend(frame, len(place), at)
            return any(equal(frame, at, item, value) for item in place)
        if place is None or isinstance(place, dict):
            return place is not None and isinstance(value, str) and value in place
        raise Fault(refusal(symbol, value, place), at)

    return Typed(BOOLEAN, run, at)


def _text_search(symbol: str, at: int, left: Typed, right: Typed) -> Typed | None:
    if not both(left.type, right.type, TEXTS):
        return None
    apply = _IN_TEXT[symbol]

    def run(one: Any, other: Any) -> bool:
        if one is None or other is None:
            return False
        if isinstance(one, str) and isinstance(other, str):
            return bool(apply(one, other))
        raise TypeError

    return Typed(BOOLEAN, applied(symbol, at, left.run, right.run, run), at)


RELATIONS: Final[dict[str, Build]] = {
    "and": _logical,
    "or": _logical,
    "??": _coalesce,
    "in": _membership,
    **dict.fromkeys(("==", "!="), _equality),
    **dict.fromkeys(_COMPARE, _comparison),
    **dict.fromkeys(_IN_TEXT, _text_search),
}
