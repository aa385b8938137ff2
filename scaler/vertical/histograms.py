"""Histograms of usage in columns: one row a histogram, all of them in one array, so that a loop costs no object each.

The numbers are those that upstream keeps in an object a histogram: samples are added in the order they come, a
reference moves when a sample is too far from it, weights below epsilon count as none. What is worked on together is
named by arrays of row numbers; a row may stand in them more than once.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scaler.vertical.buckets import Buckets, Floats, Integers
from scaler.vertical.decay import LONGEST, YEAR_ONE, factors, reference_for

CHUNK = 2048
"""Rows worked on at a time: as much as fits into a processor's cache."""


class Groups(NamedTuple):
    """Rows that are merged with each other: all rows, and where in them each group begins. No group is empty."""

    rows: Integers
    begins: Integers

    @property
    def singles(self) -> bool:
        """Whether every group is one row."""
        return len(self.rows) == len(self.begins)

    @classmethod
    def of_lists(cls, rows: list[int], begins: list[int]) -> "Groups":
        """From plain numbers."""
        return cls(np.array(rows, np.int64), np.array(begins, np.int64))

    def of(self, group: int) -> list[int]:
        """The rows of one group."""
        last = self.begins[group + 1] if group + 1 < len(self.begins) else len(self.rows)
        found: list[int] = self.rows[self.begins[group] : last].tolist()
        return found

    def part(self, first: int, last: int) -> "Groups":
        """The groups from number `first` to before `last`."""
        begin = self.begins[first]
        end = self.begins[last] if last < len(self.begins) else len(self.rows)
        return Groups(self.rows[begin:end], self.begins[first:last] - begin)


class Merged(NamedTuple):
    """Histograms that were merged, dense and by themselves."""

    weights: Floats
    """(groups, buckets)."""
    totals: Floats
    references: Floats
    lowest: Integers
    """The first bucket that counts; the last of all in an empty histogram."""
    highest: Integers
    """The last bucket that counts; 0 in an empty histogram."""


class Histograms:
    """One resource's histograms. Weights decay with `half_life`, in seconds."""

    def __init__(self, buckets: Buckets, half_life: float, rows: int = 0) -> None:
        self.buckets = buckets
        self.half_life = half_life
        self.weights: Floats = np.zeros((rows, buckets.count))
        self.totals: Floats = np.zeros(rows)
        self.references: Floats = np.full(rows, YEAR_ONE)

    def resize(self, rows: int) -> None:
        """Make room for so many rows; new ones are empty."""
        kept = min(rows, len(self.totals))
        before = self.weights, self.totals, self.references
        self.weights = np.zeros((rows, self.buckets.count))
        self.totals, self.references = np.zeros(rows), np.full(rows, YEAR_ONE)
        self.weights[:kept], self.totals[:kept], self.references[:kept] = (column[:kept] for column in before)

    def clear(self, rows: Integers) -> None:
        """Forget what these rows have."""
        self.weights[rows] = 0.0
        self.totals[rows] = 0.0
        self.references[rows] = YEAR_ONE

    def add(self, rows: Integers, values: Floats, weight: float | Floats, times: Floats) -> None:
        """Count these samples, in their order."""
        own = np.broadcast_to(weight, times.shape)
        for part in self._parts(rows, times):
            weights = own[part] * factors(times[part], self.references[rows[part]], self.half_life)
            np.add.at(self.weights.reshape(-1), self._cells(rows[part], values[part]), weights)
            np.add.at(self.totals, rows[part], weights)

    def subtract(self, rows: Integers, values: Floats, weight: float | Floats, times: Floats) -> None:
        """Take back samples that were counted; what falls below epsilon is none."""
        own = np.broadcast_to(weight, times.shape)
        for part in self._parts(rows, times):
            weights = own[part] * factors(times[part], self.references[rows[part]], self.half_life)
            flat, cells = self.weights.reshape(-1), self._cells(rows[part], values[part])
            np.subtract.at(flat, cells, weights)
            flat[cells] = np.where(flat[cells] < self.buckets.epsilon, 0.0, flat[cells])
            np.subtract.at(self.totals, rows[part], weights)
            totals = self.totals[rows[part]]
            self.totals[rows[part]] = np.where(totals < self.buckets.epsilon, 0.0, totals)

    def shift(self, rows: Integers, references: Floats) -> None:
        """Count weights from other references; each row once. Both are whole half-lives, so the scaling is exact."""
        exponents = np.rint((self.references[rows] - references) / self.half_life)
        scale = np.ldexp(1.0, np.clip(exponents, -2000, 1000).astype(np.int64))
        weights = self.weights[rows]
        lowest, highest = ends(weights, self.buckets.epsilon)
        numbers = np.arange(self.buckets.count)
        counting = (numbers >= lowest[:, None]) & (numbers <= highest[:, None])
        self.weights[rows] = np.where(counting, weights * scale[:, None], weights)
        self.totals[rows] *= scale
        self.references[rows] = references

    def merged(self, groups: Groups) -> Merged:
        """Each group as one histogram. Rows with an older reference than their group's newest are shifted to it."""
        rows, begins = groups
        references = self.references[rows]
        if not groups.singles:
            newest = np.maximum.reduceat(references, begins)
            wanted = np.repeat(newest, np.diff(np.append(begins, len(rows))))
            late = references != wanted
            if late.any():
                self.shift(rows[late], wanted[late])
            references = newest
        weights, totals = self.weights[rows], self.totals[rows]
        lowest, highest = ends(weights, self.buckets.epsilon)
        if not groups.singles:
            weights, totals = np.add.reduceat(weights, begins, axis=0), np.add.reduceat(totals, begins)
            lowest, highest = np.minimum.reduceat(lowest, begins), np.maximum.reduceat(highest, begins)
        return Merged(weights, totals, references, lowest, highest)

    def percentiles(self, groups: Groups, wanted: tuple[float, ...]) -> Floats:
        """(groups, wanted) values at these percentiles (0 to 1), as `percentiles` has them."""
        found = np.zeros((len(groups.begins), len(wanted)))
        for first in range(0, len(groups.begins), CHUNK):
            last = min(first + CHUNK, len(groups.begins))
            found[first:last] = percentiles(self.buckets, self.merged(groups.part(first, last)), wanted)
        return found

    def empty(self, rows: Integers) -> NDArray[np.bool_]:
        """Whether nothing counts in each row."""
        some = np.asarray((self.weights[rows] >= self.buckets.epsilon).any(axis=1))
        return np.logical_not(some)

    def _cells(self, rows: Integers, values: Floats) -> Integers:
        return rows * self.buckets.count + self.buckets.find(values)

    def _parts(self, rows: Integers, times: Floats) -> Iterator[Integers]:
        """The samples part by part; between two parts, references move that the next sample of a row is too far from.

        Nearly always there is one part. What was counted of a row before its shift is counted before it here, too.
        """
        rest = np.arange(len(rows))
        while True:
            late = times[rest] > self.references[rows[rest]] + LONGEST * self.half_life
            if not late.any():
                yield rest
                return
            moved, first = np.unique(rows[rest[late]], return_index=True)
            turns = np.full(len(self.totals), len(rows))
            turns[moved] = rest[late][first]
            before = rest < turns[rows[rest]]
            yield rest[before]
            self.shift(moved, reference_for(times[turns[moved]], self.half_life))
            rest = rest[~before]


def ends(weights: Floats, epsilon: float) -> tuple[Integers, Integers]:
    """The first and the last bucket of each histogram that count; the wrong way round in an empty one."""
    heavy = weights >= epsilon
    some = heavy.any(axis=1)
    last = weights.shape[1] - 1
    lowest = np.where(some, heavy.argmax(axis=1), last)
    highest = np.where(some, last - heavy[:, ::-1].argmax(axis=1), 0)
    return lowest, highest


def percentiles(buckets: Buckets, merged: Merged, wanted: tuple[float, ...]) -> Floats:
    """(groups, wanted) values at these percentiles (0 to 1), each the end of its bucket; 0 where nothing counts."""
    weights, totals, _, lowest, highest = merged
    numbers = np.arange(buckets.count)
    groups = np.arange(len(totals))
    sums = np.cumsum(np.where(numbers >= lowest[:, None], weights, 0.0), axis=1)
    found = np.empty((len(totals), len(wanted)))
    for column, share in enumerate(wanted):
        reached = sums >= (share * totals)[:, None]
        reached[groups, highest] = True
        found[:, column] = buckets.answer(np.clip(reached.argmax(axis=1), lowest, highest))
    found[weights[groups, lowest] < buckets.epsilon] = 0.0
    return found
