"""Buckets that usage is counted in: each wider than the one before, as the Vertical Pod Autoscaler has them.

Bucket i begins at first * (r^i - 1) / (r - 1) with r = 1.05, so that a percentile is off by at most one bucket, about
5 % of the value (15 % at 100 millicores, 105 % at 10). Checkpoints name buckets by number, so the numbers are fixed.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RATIO: Final = 1.05
CPU_WEIGHT: Final = 0.1
"""What a sample of cpu weighs before decay; a peak of memory weighs 1."""
EPSILON: Final = 0.001 * CPU_WEIGHT
"""Less weight than this in a bucket counts as none."""


class Buckets:
    """The buckets of one resource. Values are in its unit of measure (cores, bytes)."""

    def __init__(self, starts: Floats, edges: Floats | None = None, epsilon: float = EPSILON) -> None:
        self.starts = starts
        """Where each begins, the first at 0."""
        self.epsilon = epsilon
        self._edges = starts[1:] if edges is None else edges
        self._answers = np.append(starts[1:], starts[-1])

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.starts)

    def find(self, values: Floats) -> Integers:
        """The number of the bucket of each value: the first for all below, the last for all above."""
        return np.searchsorted(self._edges, values, side="right")

    def answer(self, buckets: Integers) -> Floats:
        """What a percentile in these buckets says: their end, and of the last its beginning."""
        return self._answers[buckets]


def exponential(first: float, largest: float, ratio: float = RATIO) -> Buckets:
    """Buckets from `first` wide up to the one that holds `largest`."""
    count = math.ceil(math.log(largest * (ratio - 1) / first + 1, ratio)) + 1
    starts = [first * (_power(ratio, bucket) - 1) / (ratio - 1) for bucket in range(count)]
    return Buckets(np.array(starts), np.array([first, *(_edge(number, starts, ratio) for number in range(2, count))]))


def _edge(number: int, starts: list[float], ratio: float) -> float:
    """The smallest value of a bucket by upstream's logarithm: a few roundings above its beginning, where they differ.

    Whole bytes show it: 20,500,000 lies in bucket 1 there, though bucket 2 begins at 20,500,000.
    """
    edge = starts[number]
    while math.log(edge * (ratio - 1) / starts[1] + 1) / math.log(ratio) < number:
        edge = math.nextafter(edge, math.inf)
    return edge


def _power(base: float, exponent: int) -> float:
    """By squaring, as upstream's language computes it: its roundings are part of every recommendation."""
    product = 1.0
    while exponent:
        if exponent & 1:
            product *= base
        base *= base
        exponent >>= 1
    return product


CPU: Final = exponential(0.01, 1000.0)
"""Cores."""
MEMORY: Final = exponential(1e7, 1e12)
"""Bytes."""
