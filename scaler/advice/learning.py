"""Usage in, a container after the other: counted as the recommender counts it, and kept as a picture; then let go.

A cluster's history is larger than one wants in memory, so a series is not kept: what stays of it are two histograms
and some hundred columns.
"""

from collections.abc import Mapping

import numpy as np

from scaler.drawing.thinning import Array, envelope
from scaler.history.owners import Workload
from scaler.history.series import Series
from scaler.history.usage import ContainerUsage
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.series import add_cpu_series, add_memory_series
from scaler.vertical.usage import Aggregates, Containers, MemoryRules

MINUTE = 60.0
COLUMNS = 120


class Picture:
    """One resource of one container over all its pods."""

    def __init__(self, begin: float, end: float, columns: int) -> None:
        self.begin, self.end = begin, max(end, begin + 1.0)
        self.low, self.high = np.full(columns, np.nan), np.full(columns, np.nan)
        self.sum, self.count = np.zeros(columns), np.zeros(columns)
        self.over = self.samples = 0
        """How many samples lay above the request, of how many."""

    def add(self, series: Series, request: float | None) -> None:
        """One pod more."""
        known = series.known
        if not len(known):
            return
        seen = envelope(series.times, series.values, self.begin, self.end, len(self.low))
        self.low, self.high = np.fmin(self.low, seen.low), np.fmax(self.high, seen.high)
        places = (known.times - self.begin) / (self.end - self.begin) * len(self.low)
        columns = np.clip(places.astype(np.int64), 0, len(self.low) - 1)
        np.add.at(self.sum, columns, known.values)
        np.add.at(self.count, columns, 1.0)
        self.samples += len(known)
        self.over += 0 if request is None else int(np.count_nonzero(known.values > request))

    @property
    def times(self) -> Array:
        """The middle of each column."""
        width = (self.end - self.begin) / len(self.low)
        return self.begin + width * (np.arange(len(self.low), dtype=np.float64) + 0.5)

    @property
    def mean(self) -> Array:
        """Where a column was bridged it is halfway between its edges."""
        between = (self.low + self.high) / 2
        counted = self.count > 0
        return np.where(counted, self.sum / np.where(counted, self.count, 1.0), between)


class Learned:
    """What is known of one container of a workload."""

    def __init__(self, row: int, begin: float, end: float, columns: int) -> None:
        self.row = row
        self.cpu, self.memory = Picture(begin, end, columns), Picture(begin, end, columns)
        self.last: dict[str, float] = {}
        """By pod, when it was last seen."""


class Learning:
    """All containers. Times are those of the history: of the epoch, or since its beginning."""

    def __init__(
        self,
        begin: float,
        end: float,
        *,
        half_lives: tuple[float, float] = (86400.0, 86400.0),
        memory: MemoryRules | None = None,
        columns: int = COLUMNS,
    ) -> None:
        self.begin, self.end, self.columns = begin, end, columns
        self.aggregates = Aggregates(*half_lives)
        self.containers = Containers(self.aggregates)
        self.learned: dict[tuple[Workload, str], Learned] = {}
        self._memory = memory or MemoryRules()

    def add(
        self,
        workload: Workload,
        usage: ContainerUsage,
        requests: Mapping[str, float],
        kills: tuple[float, ...] = (),
    ) -> None:
        """What one container of one pod used; `requests` in cores and bytes, as far as they are known."""
        name = usage.container.container
        found = self.learned.get((workload, name))
        if found is None:
            row = self.aggregates.new(self.begin, self._memory)
            found = self.learned[workload, name] = Learned(row, self.begin, self.end, self.columns)
        container = self.containers.new(found.row)
        cpu, memory = _by_the_minute(usage.cpu), usage.memory.known
        add_cpu_series(self.containers, container, cpu.times, millicores(cpu.values))
        self._add_memory(container, memory, kills, round(requests.get("memory", 0.0)))
        self.containers.drop(container)
        found.cpu.add(usage.cpu, requests.get("cpu"))
        found.memory.add(usage.memory, requests.get("memory"))
        found.last[usage.container.pod] = max(found.last.get(usage.container.pod, -np.inf), usage.last)

    def _add_memory(self, container: int, memory: Series, kills: tuple[float, ...], request: int) -> None:
        """In the order of time, kills among samples, or the older would no longer count."""
        for kill in kills:
            before = memory.between(-np.inf, kill)
            add_memory_series(self.containers, container, before.times, whole(before.values))
            self.containers.record_oom(container, kill, request)
            memory = memory.between(kill, np.inf)
        add_memory_series(self.containers, container, memory.times, whole(memory.values))


def _by_the_minute(series: Series) -> Series:
    """A value of five minutes stands for the five of one minute that the recommender would have counted."""
    known, times = series.known, max(1, round(series.step / MINUTE))
    if times == 1:
        return known
    offsets = np.arange(times - 1, -1, -1, dtype=np.float64) * (series.step / times)
    return Series((known.times[:, None] - offsets).ravel(), np.repeat(known.values, times))


def millicores(cores: Floats) -> Integers:
    """Whole ones, rounded up as the metrics API rounds; what a float adds to a whole number is no reason to."""
    return np.ceil(cores * 1000.0 - 1e-6).astype(np.int64)


def whole(sizes: Floats) -> Integers:
    """Whole bytes."""
    return np.ceil(sizes).astype(np.int64)
