"""What containers use, in columns: samples in, histograms and confidence kept, nothing decided.

Two tables. An *aggregate* is what all containers of one name and one label set used together: two histograms, and
when and how often cpu was seen. A *container* is one that runs: the aggregate it adds to, and what is known of its
memory. Memory counts once an interval and container, by its peak; intervals are counted from the container's first
sample, and a peak is stamped with its interval's end.

Rows are handed out and taken back by number. Arrays of them name what is worked on; times are seconds since 1970.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from scaler.vertical.buckets import CPU, CPU_WEIGHT, MEMORY, Floats, Integers
from scaler.vertical.estimation import LARGEST
from scaler.vertical.histograms import Histograms

Truths = NDArray[np.bool_]

NEVER: Final = -np.inf
"""A time before every sample."""
DAY: Final = 86400.0
MEMORY_WEIGHT: Final = 1.0


class MemoryRules(msgspec.Struct, frozen=True):
    """How memory is counted; the defaults are upstream's."""

    interval: float = DAY
    """Seconds whose peak is one sample."""
    intervals: int = 8
    """After so many intervals without a sample an aggregate is forgotten."""
    oom_ratio: float = 1.2
    """A container that was killed for memory needs so many times what it had,"""
    oom_bump: int = 104857600
    """and at least so many bytes more."""


class Rows:
    """Numbers of rows, given out and taken back; those taken back are given out first."""

    def __init__(self) -> None:
        self.top = 0
        """One more than the largest that was ever given out."""
        self._free: list[int] = []

    def take(self) -> int:
        """One that is free."""
        if self._free:
            return self._free.pop()
        self.top += 1
        return self.top - 1

    def give_back(self, row: int) -> None:
        """It may be given out again."""
        self._free.append(row)

    @property
    def used(self) -> int:
        """How many are given out."""
        return self.top - len(self._free)


class Aggregates:
    """Usage by container name and label set."""

    def __init__(self, cpu_half_life: float = DAY, memory_half_life: float = DAY) -> None:
        self.cpu = Histograms(CPU, cpu_half_life)
        self.memory = Histograms(MEMORY, memory_half_life)
        self.first: Floats = np.empty(0)
        """Time of the first sample of cpu; infinite without one."""
        self.last: Floats = np.empty(0)
        """Time of the last sample of cpu; minus infinite without one."""
        self.count: Integers = np.empty(0, np.int64)
        """Samples of cpu."""
        self.created: Floats = np.empty(0)
        self.interval: Floats = np.empty(0)
        self.intervals: Integers = np.empty(0, np.int64)
        self.oom_ratio: Floats = np.empty(0)
        self.oom_bump: Integers = np.empty(0, np.int64)
        """The `MemoryRules` of each."""
        self.rows = Rows()

    def new(self, now: float, rules: MemoryRules) -> int:
        """A row for a new aggregate."""
        row = self.rows.take()
        if row >= len(self.first):
            self._grow(max(64, row + row // 2))
        self._empty(row, now)
        self.follow(row, rules)
        return row

    def renew(self, row: int, now: float) -> None:
        """Forget what it has; whoever adds to it goes on."""
        self._clear(row)
        self._empty(row, now)

    def follow(self, row: int, rules: MemoryRules) -> None:
        """Count memory by these rules from now on."""
        self.interval[row], self.intervals[row] = rules.interval, rules.intervals
        self.oom_ratio[row], self.oom_bump[row] = rules.oom_ratio, rules.oom_bump

    def drop(self, row: int) -> None:
        """Forget an aggregate."""
        self._clear(row)
        self.rows.give_back(row)

    def _empty(self, row: int, now: float) -> None:
        self.first[row], self.last[row], self.count[row] = np.inf, NEVER, 0
        self.created[row] = now

    def _clear(self, row: int) -> None:
        number = np.array([row])
        self.cpu.clear(number)
        self.memory.clear(number)

    def expired(self, rows: Integers, now: float, live: Truths) -> Truths:
        """Which of the rows are no longer worth keeping; `live` says which a running container adds to.

        Those without a sample of cpu once nobody adds to them, or after the time that a last sample is kept for.
        """
        seen = self.count[rows] > 0
        kept = self.interval[rows] * self.intervals[rows]
        since = np.where(seen, self.last[rows], self.created[rows])
        old: Truths = now - since >= kept
        return old | (~seen & ~live)

    def _grow(self, rows: int) -> None:
        self.cpu.resize(rows)
        self.memory.resize(rows)
        for name in ("first", "last", "count", "created", "interval", "intervals", "oom_ratio", "oom_bump"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(rows - len(column), column.dtype)]))


class Containers:
    """The containers that run."""

    def __init__(self, aggregates: Aggregates) -> None:
        self.aggregates = aggregates
        self.aggregate: Integers = np.empty(0, np.int64)
        """The row that each adds to; -1 where there is no container."""
        self.cpu_seen: Floats = np.empty(0)
        """Time of the last sample of cpu."""
        self.memory_seen: Floats = np.empty(0)
        """Time of the last sample of memory."""
        self.window_end: Floats = np.empty(0)
        """When the running interval of memory ends; minus infinite before the first sample."""
        self.peak: Integers = np.empty(0, np.int64)
        """Most bytes seen in the running interval."""
        self.oom_peak: Integers = np.empty(0, np.int64)
        """Most bytes thought to be needed after a container was killed for memory in the running interval."""
        self.rows = Rows()

    def new(self, aggregate: int) -> int:
        """A row for a container that adds to that aggregate."""
        row = self.rows.take()
        if row >= len(self.aggregate):
            self._grow(max(64, row + row // 2))
        self.aggregate[row] = aggregate
        self.cpu_seen[row] = self.memory_seen[row] = self.window_end[row] = NEVER
        self.peak[row] = self.oom_peak[row] = 0
        return row

    def drop(self, row: int) -> None:
        """The container is gone; what it used stays."""
        self.aggregate[row] = -1
        self.rows.give_back(row)

    def add_cpu(self, rows: Integers, times: Floats, millicores: Integers) -> Truths:
        """A sample of cpu for each of these containers, each named once; which samples were taken.

        Refused are negative ones, and those that are not newer than the container's last.
        """
        taken: Truths = (millicores >= 0) & (times > self.cpu_seen[rows])
        rows, times, millicores = rows[taken], times[taken], millicores[taken]
        self.cpu_seen[rows] = times
        self.count_cpu(self.aggregate[rows], times, millicores)
        return taken

    def count_cpu(self, aggregates: Integers, times: Floats, millicores: Integers) -> None:
        """Samples of cpu in the aggregates, without asking whose they are."""
        held = self.aggregates
        held.cpu.add(aggregates, millicores / 1000.0, CPU_WEIGHT, times)
        np.minimum.at(held.first, aggregates, times)
        np.maximum.at(held.last, aggregates, times)
        np.add.at(held.count, aggregates, 1)

    def add_memory(self, rows: Integers, times: Floats, sizes: Integers) -> Truths:
        """A sample of memory, in bytes, for each of these containers, each named once; which samples were taken.

        Refused are negative ones, and those that are older than the container's last.
        """
        taken: Truths = (sizes >= 0) & (times >= self.memory_seen[rows])
        self._take_memory(rows[taken], times[taken], sizes[taken], self.peak)
        return taken

    def record_oom(self, row: int, time: float, size: int) -> bool:
        """A container was killed for memory while it had `size` bytes; False when that is too long ago to count."""
        aggregate = self.aggregate[row]
        if time < self.memory_seen[row] - self.aggregates.interval[aggregate]:
            return False
        used = max(size, int(self.peak[row]))
        ratio, bump = float(self.aggregates.oom_ratio[aggregate]), int(self.aggregates.oom_bump[aggregate])
        needed = min(max(used + bump, int(used * ratio)), LARGEST)
        self._take_memory(np.array([row]), np.array([time]), np.array([needed]), self.oom_peak)
        return True

    def _take_memory(self, rows: Integers, times: Floats, sizes: Integers, peaks: Integers) -> None:
        """Remember the sizes in `peaks` where they are the most of their interval, and count what is the most."""
        self.memory_seen[rows] = times
        self.window_end[rows] = np.where(self.window_end[rows] == NEVER, times, self.window_end[rows])
        fresh = times >= self.window_end[rows]
        before = np.maximum(self.peak[rows], self.oom_peak[rows])
        higher = ~fresh & (before != 0) & (sizes > before)
        self._begin_windows(rows[fresh], times[fresh])
        memory, rising, new = self.aggregates.memory, rows[higher], rows[fresh | higher]
        if len(rising):
            old = before[higher].astype(np.float64)
            memory.subtract(self.aggregate[rising], old, MEMORY_WEIGHT, self.window_end[rising])
        sizes = sizes[fresh | higher]
        memory.add(self.aggregate[new], sizes.astype(np.float64), MEMORY_WEIGHT, self.window_end[new])
        peaks[new] = sizes

    def _begin_windows(self, rows: Integers, times: Floats) -> None:
        interval = self.aggregates.interval[self.aggregate[rows]]
        passed = np.floor((times - self.window_end[rows]) / interval) + 1
        self.window_end[rows] += passed * interval
        self.peak[rows] = self.oom_peak[rows] = 0

    def _grow(self, rows: int) -> None:
        for name in ("aggregate", "cpu_seen", "memory_seen", "window_end", "peak", "oom_peak"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full(rows - len(column), -1, column.dtype)]))
