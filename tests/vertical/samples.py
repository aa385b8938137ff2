"""Makers of columns from the few values of a test."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scaler.vertical import buckets
from scaler.vertical.buckets import Buckets
from scaler.vertical.decay import YEAR_ONE
from scaler.vertical.histograms import Groups, Histograms

DAY = 86400.0
NAMED = {"cpu_cores": buckets.CPU, "memory_bytes": buckets.MEMORY}


def one(value: float) -> Any:
    return np.array([value], dtype=float)


def rows(*numbers: int) -> Any:
    return np.array(numbers, dtype=np.int64)


def each(*numbers: int) -> Groups:
    """Every row a group of its own."""
    return Groups(rows(*numbers), np.arange(len(numbers)))


def together(*numbers: int) -> Groups:
    """All rows one group."""
    return Groups(rows(*numbers), rows(0))


def linear(largest: float, size: float, epsilon: float) -> Buckets:
    count = int(np.ceil(largest / size)) + 1
    return Buckets(np.arange(count) * size, epsilon=epsilon)


def options(given: str | Mapping[str, Any]) -> Buckets:
    """The buckets that a case of upstream's names or describes."""
    if isinstance(given, str):
        return NAMED[given]
    if given["type"] == "exponential":
        return buckets.exponential(given["firstBucketSize"], given["max"], given["ratio"])
    return linear(given["max"], given["bucketSize"], given["epsilon"])


def add(histograms: Histograms, samples: Iterable[Mapping[str, float]], row: int = 0) -> None:
    """Samples without a time are not decayed."""
    found = list(samples)
    histograms.add(
        np.full(len(found), row),
        np.array([sample["value"] for sample in found], dtype=float),
        np.array([sample["weight"] for sample in found], dtype=float),
        np.array([sample.get("unix", YEAR_ONE) for sample in found], dtype=float),
    )


def percentiles(histograms: Histograms, wanted: Sequence[float], groups: Groups | None = None) -> list[float]:
    return histograms.percentiles(groups or each(0), tuple(wanted))[0].tolist()
