"""The usage of one container by itself: for simulations, histories and tests, where there is no cluster around it."""

import numpy as np

from scaler.vertical.amounts import Amounts, Bounds
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.estimation import Estimation, amounts
from scaler.vertical.histograms import Groups
from scaler.vertical.series import add_cpu_series, add_memory_series
from scaler.vertical.sizing import UNSET, Rounding, Rules, bounds, estimates, evidence, sizes
from scaler.vertical.usage import DAY, Aggregates, Containers, MemoryRules


class UsageHistory:
    """What one container used, and how big that says it should be. Times are seconds since 1970.

    Adding only notes; the numbers are worked out, many samples at once, when somebody asks.
    """

    def __init__(
        self,
        how: Estimation | None = None,
        memory: MemoryRules | None = None,
        *,
        cpu_half_life: float = DAY,
        memory_half_life: float = DAY,
    ) -> None:
        self.how = how or Estimation()
        self.aggregates = Aggregates(cpu_half_life, memory_half_life)
        self.containers = Containers(self.aggregates)
        self.aggregate = self.aggregates.new(0.0, memory or MemoryRules())
        self.container = self.containers.new(self.aggregate)
        self._cpu: list[tuple[float, float]] = []
        self._memory: list[tuple[float, float]] = []

    def add_cpu(self, time: float, cores: float) -> None:
        """It used so many cores; counted in whole millicores, and only when newer than the sample before."""
        self._cpu.append((time, cores))

    def add_memory(self, time: float, size: float) -> None:
        """It used so many bytes."""
        self._memory.append((time, size))

    def record_oom(self, time: float, size: float) -> bool:
        """It was killed for memory, having requested `size` bytes; whether that counts."""
        self._count()
        return self.containers.record_oom(self.container, time, int(size))

    def recommend(
        self,
        *,
        containers: int = 1,
        min_allowed: Amounts | None = None,
        max_allowed: Amounts | None = None,
        rounding: Rounding | None = None,
    ) -> Bounds:
        """How big it should be, as one of so many containers of its pod that are sized."""
        self._count()
        found = evidence(self.aggregates, self.groups, self.how)
        both = np.ones((1, 2), np.bool_)
        rules = Rules(both, _pair(min_allowed), _pair(max_allowed), ~both[:, 0])
        minimum = np.array([self.how.minimum(containers)])
        sized = sizes(estimates(found, minimum, self.how), rules, rounding or Rounding())
        return bounds(sized[0], both[0])

    @property
    def groups(self) -> Groups:
        """Its one aggregate."""
        return Groups(np.array([self.aggregate]), np.array([0]))

    def _count(self) -> None:
        if self._cpu:
            times, cores = np.array(self._cpu).T
            add_cpu_series(self.containers, self.container, times, _whole(cores * 1000.0))
            self._cpu = []
        if self._memory:
            times, used = np.array(self._memory).T
            add_memory_series(self.containers, self.container, times, _whole(used))
            self._memory = []


def _whole(values: Floats) -> Integers:
    """Whole amounts; what is negative or no number becomes -1, which no sample is."""
    return np.where(values >= 0, amounts(values), -1)


def _pair(allowed: Amounts | None) -> Integers:
    found = allowed or {}
    return np.array([[found.get("cpu", UNSET), found.get("memory", UNSET)]])
