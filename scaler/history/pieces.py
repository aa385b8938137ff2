"""Large questions in pieces that a server answers: so many points of a series, so many samples of an answer.

Prometheus refuses more than 11,000 points of one series; and both it and we hold a whole answer in memory.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")

MOST_POINTS = 11_000
"""Of one series in one answer: Prometheus' limit."""
MOST_SAMPLES = 400_000
"""Of all series in one answer: about 10 MB of JSON."""
STEPS = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""Resolutions that are chosen from, the finest first."""


class Window(msgspec.Struct, frozen=True):
    """A stretch of time, looked at in steps. Its edges stand on multiples of the step."""

    begin: float
    end: float
    """Included."""
    step: float

    @property
    def points(self) -> int:
        """How many steps one sees, both edges included."""
        return round((self.end - self.begin) / self.step) + 1

    def pieces(self, series: int) -> Iterator["Window"]:
        """One after the other, none larger than an answer of that many series may be."""
        most = max(1, min(MOST_POINTS, MOST_SAMPLES // max(1, series)))
        count = math.ceil(self.points / most)
        each = math.ceil(self.points / count)
        for first in range(0, self.points, each):
            last = min(first + each, self.points) - 1
            yield Window(self.begin + first * self.step, self.begin + last * self.step, self.step)

    def halves(self) -> tuple["Window", "Window"] | None:
        """The two halves; None when there is a single point."""
        if self.points < 2:
            return None
        middle = self.begin + (self.points // 2) * self.step
        return Window(self.begin, middle - self.step, self.step), Window(middle, self.end, self.step)


def window(end: float, length: float, step: float) -> Window:
    """The last `length` seconds before `end`."""
    last = math.floor(end / step) * step
    return Window(last - max(1, round(length / step)) * step, last, step)


def affordable(series: int, length: float, budget: int) -> float:
    """The finest step at which so many series, over so many seconds, stay within a budget of samples."""
    return next((step for step in STEPS if series * length / step <= budget), STEPS[-1])


def batches(groups: Sequence[Sequence[T]], most: int) -> Iterator[list[T]]:
    """Whole groups together as long as they are few, a large one in parts, in their order."""
    batch: list[T] = []
    for group in groups:
        if batch and len(batch) + len(group) > most:
            yield batch
            batch = []
        batch.extend(group)
        while len(batch) > most:
            yield batch[:most]
            batch = batch[most:]
    if batch:
        yield batch
