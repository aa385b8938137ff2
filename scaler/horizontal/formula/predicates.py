"""Functions that look at every element of an array by a predicate: `count([a, b], {# > 1})` and its like.

A predicate sees the element as `#`, in map and reduce its place as `#index`, in reduce what came so far as `#acc`.
They stand in three slots of the frame, so that predicates may nest.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from scaler.horizontal.formula.arguments import ordered, unfit
from scaler.horizontal.formula.arithmetic import add_values
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import truth
from scaler.horizontal.formula.typed import (
    ANY,
    BOOLEAN,
    INTEGER,
    Frame,
    Kind,
    Run,
    Typed,
    array_of,
    element_of,
    spend,
)

ITEM: Final = 0
INDEX: Final = 1
ACCUMULATED: Final = 2
SLOTS: Final = 3
"""How many slots of the frame one predicate needs; the above are their order."""


class Loop(NamedTuple):
    """A call of such a function."""

    name: str
    at: int
    collection: Typed
    predicate: Typed | None
    """None if it was left out, where it may be."""
    extra: Typed | None
    """What reduce begins with, how sortBy sorts."""
    slot: int
    """The first of the predicate's slots."""


def check_predicate(loop: Loop) -> None:
    """Check that a predicate fits its function."""
    assert loop.predicate is not None
    if loop.name in _YES_OR_NO and loop.predicate.type.kind not in {Kind.BOOLEAN, Kind.ANY}:
        hint = ", as in # > 0" if loop.predicate.type.is_number else ""
        raise Fault(
            f"the predicate of {loop.name} gives a boolean{hint}; this is {loop.predicate.type}", loop.predicate.at
        )


def _elements(loop: Loop, frame: Frame) -> list[Any]:
    values = loop.collection.run(frame)
    if not isinstance(values, list):
        raise Fault(unfit(loop.name, values), loop.at)
    spend(frame, len(values), loop.at)
    return values


def _places(loop: Loop, *, backwards: bool = False) -> Callable[[Frame], Iterator[int]]:
    """Give a function that finds the places whose elements fit."""
    assert loop.predicate is not None
    fits, item = truth(loop.predicate), loop.slot + ITEM

    def places(frame: Frame) -> Iterator[int]:
        values = _elements(loop, frame)
        for place in range(len(values))[:: -1 if backwards else 1]:
            frame[item] = values[place]
            if fits(frame):
                yield place

    return places


def _all(loop: Loop) -> Typed:
    assert loop.predicate is not None
    fits, item = truth(loop.predicate), loop.slot + ITEM

    def run(frame: Frame) -> bool:
        for value in _elements(loop, frame):
            frame[item] = value
            if not fits(frame):
                return False
        return True

    return Typed(BOOLEAN, run, loop.at)


def _any(loop: Loop) -> Typed:
    places = _places(loop)
    return Typed(BOOLEAN, lambda frame: next(places(frame), None) is not None, loop.at)


def _none(loop: Loop) -> Typed:
    places = _places(loop)
    return Typed(BOOLEAN, lambda frame: next(places(frame), None) is None, loop.at)


def _one(loop: Loop) -> Typed:
    places = _places(loop)
    return Typed(BOOLEAN, lambda frame: sum(1 for _ in places(frame)) == 1, loop.at)


def _count(loop: Loop) -> Typed:
    item = loop.slot + ITEM
    itself = Typed(element_of(loop.collection.type), lambda frame: frame[item], loop.at)
    counted = loop if loop.predicate else loop._replace(predicate=itself)
    check_predicate(counted)
    assert counted.predicate is not None
    fits = truth(counted.predicate)

    def run(frame: Frame) -> int:
        found = 0
        for value in _elements(loop, frame):
            frame[item] = value
            found += fits(frame)
        return found

    return Typed(INTEGER, run, loop.at)


def _sum(loop: Loop) -> Typed:
    item = loop.slot + ITEM
    of_one: Run = loop.predicate.run if loop.predicate else lambda frame: frame[item]

    def run(frame: Frame) -> Any:
        total: Any = 0
        for value in _elements(loop, frame):
            frame[item] = value
            total = add_values(total, of_one(frame), loop.at)
        return total

    # An empty array sums up to the integer 0, whatever its elements would have been.
    given = loop.predicate.type if loop.predicate else element_of(loop.collection.type)
    return Typed(INTEGER if given is INTEGER else ANY, run, loop.at)


def _filter(loop: Loop) -> Typed:
    assert loop.predicate is not None
    fits, item = truth(loop.predicate), loop.slot + ITEM

    def run(frame: Frame) -> list[Any]:
        kept = []
        for value in _elements(loop, frame):
            frame[item] = value
            if fits(frame):
                kept.append(value)
        return kept

    return Typed(array_of(element_of(loop.collection.type)), run, loop.at)


def _map(loop: Loop) -> Typed:
    assert loop.predicate is not None
    of_one, item, index = loop.predicate.run, loop.slot + ITEM, loop.slot + INDEX

    def run(frame: Frame) -> list[Any]:
        mapped = []
        for place, value in enumerate(_elements(loop, frame)):
            frame[index], frame[item] = place, value
            mapped.append(of_one(frame))
        return mapped

    return Typed(array_of(loop.predicate.type), run, loop.at)


def _find(loop: Loop, *, backwards: bool) -> Typed:
    places, item = _places(loop, backwards=backwards), loop.slot + ITEM
    return Typed(
        element_of(loop.collection.type),
        lambda frame: None if next(places(frame), None) is None else frame[item],
        loop.at,
    )


def _find_index(loop: Loop, *, backwards: bool) -> Typed:
    places = _places(loop, backwards=backwards)
    # Where nothing fits there is no place; upstream gives nil then.
    return Typed(INTEGER, lambda frame: next(places(frame), None), loop.at)


def _reduce(loop: Loop) -> Typed:
    assert loop.predicate is not None
    step, begin = loop.predicate.run, loop.extra.run if loop.extra else None
    item, index, accumulated = (loop.slot + place for place in (ITEM, INDEX, ACCUMULATED))

    def run(frame: Frame) -> Any:
        values = _elements(loop, frame)
        if begin is None and not values:
            raise Fault("reduce of an empty array needs a third argument to begin with", loop.at)
        so_far, first = (values[0], 1) if begin is None else (begin(frame), 0)
        for place in range(first, len(values)):
            frame[item], frame[index], frame[accumulated] = values[place], place, so_far
            so_far = step(frame)
        return so_far

    return Typed(ANY, run, loop.at)


def _sort_by(loop: Loop) -> Typed:
    assert loop.predicate is not None
    key, item = loop.predicate.run, loop.slot + ITEM
    order: Run = loop.extra.run if loop.extra else lambda _: "asc"

    def run(frame: Frame) -> list[Any]:
        keys = []
        values = _elements(loop, frame)
        for value in values:
            frame[item] = value
            keys.append(key(frame))
        wanted = order(frame)
        if wanted not in {"asc", "desc"}:
            raise Fault('the order is "asc" or "desc"', loop.at)
        return ordered(loop.name, loop.at, frame, values, keys, descending=wanted == "desc")

    return Typed(array_of(element_of(loop.collection.type)), run, loop.at)


LOOPS: Final[dict[str, Callable[[Loop], Typed]]] = {
    "all": _all,
    "any": _any,
    "count": _count,
    "filter": _filter,
    "find": lambda loop: _find(loop, backwards=False),
    "findIndex": lambda loop: _find_index(loop, backwards=False),
    "findLast": lambda loop: _find(loop, backwards=True),
    "findLastIndex": lambda loop: _find_index(loop, backwards=True),
    "map": _map,
    "none": _none,
    "one": _one,
    "reduce": _reduce,
    "sortBy": _sort_by,
    "sum": _sum,
}

_YES_OR_NO: Final = frozenset(
    {"all", "any", "count", "filter", "find", "findIndex", "findLast", "findLastIndex", "none", "one"}
)
POINTERS: Final = {"map": ("index",), "reduce": ("index", "acc")}
"""What a predicate sees besides the element."""
MOST_ARGUMENTS: Final = {"reduce": 3, "sortBy": 3}
WITHOUT_PREDICATE: Final = frozenset({"count", "sum"})
