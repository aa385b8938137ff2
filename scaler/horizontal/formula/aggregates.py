"""Functions of many numbers, given one by one or in arrays: max, min, mean, median."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from scaler.horizontal.formula.arguments import (
    NUMBERS,
    demand,
    unfit,
)
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import is_number
from scaler.horizontal.formula.typed import (
    ANY,
    NUMBER,
    Frame,
    Kind,
    Run,
    Type,
    Typed,
    spend,
)

Build = Callable[[int, list[Typed]], Typed]


def _flat(name: str, at: int, frame: Frame, values: list[Any]) -> Iterator[float]:
    """Give the numbers of arguments that may be arrays of arrays."""
    left = values[::-1]
    while left:
        value = left.pop()
        if isinstance(value, list):
            spend(frame, len(value), at)
            left += value[::-1]
        elif is_number(value):
            yield value
        else:
            raise Fault(unfit(name, value), at)


def _of_many(name: str, gives: Type | None, compute: Callable[[Iterator[float]], float | None]) -> Build:
    """Declare a function of numbers and arrays of numbers; `gives` None is the type of its arguments."""

    def build(at: int, arguments: list[Typed]) -> Typed:
        if not arguments:
            raise Fault(f"{name} takes at least one argument", at)
        for argument in arguments:
            demand(name, argument.at, argument.type, (*NUMBERS, Kind.ARRAY))
        runs = [argument.run for argument in arguments]

        def run(frame: Frame) -> float | None:
            values = [given(frame) for given in runs]
            if len(values) == 1 and values[0] is None and gives is None:
                return None
            return compute(_flat(name, at, frame, values))

        types = {argument.type for argument in arguments}
        own = types.pop() if len(types) == 1 and arguments[0].type.is_number else ANY
        return Typed(gives or own, run, at)

    return build


def _extreme(name: str, prefer: Callable[[float, float], bool]) -> Build:
    """Declare max or min, with a short way for two numbers."""

    def choose(numbers: Iterator[float]) -> float | None:
        best: float | None = None
        for number in numbers:
            best = number if best is None or prefer(number, best) else best
        return best

    of_many = _of_many(name, None, choose)

    def build(at: int, arguments: list[Typed]) -> Typed:
        compiled = of_many(at, arguments)
        if len(arguments) != 2 or not all(argument.type.is_number for argument in arguments):
            return compiled
        return Typed(compiled.type, _of_two(name, at, prefer, *(argument.run for argument in arguments)), at)

    return build


def _of_two(name: str, at: int, prefer: Callable[[float, float], bool], first: Run, second: Run) -> Run:
    def run(frame: Frame) -> Any:
        one, other = first(frame), second(frame)
        try:
            return other if prefer(other, one) else one
        except TypeError:
            raise Fault(unfit(name, None), at) from None

    return run


def _mean(numbers: Iterator[float]) -> float:
    total, count = 0.0, 0
    for number in numbers:
        total += number
        count += 1
    return total / count if count else 0.0


def _median(numbers: Iterator[float]) -> float:
    ordered = sorted(map(float, numbers))
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


AGGREGATES: Final[dict[str, Build]] = {
    "max": _extreme("max", lambda one, best: one > best),
    "mean": _of_many("mean", NUMBER, _mean),
    "median": _of_many("median", NUMBER, _median),
    "min": _extreme("min", lambda one, best: one < best),
}
