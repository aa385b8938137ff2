"""The VPA recommender of a backtest: `scaler.vertical`'s columns with one aggregate a container, asked in its order.

Samples are counted when metrics-server has new ones; sizes are asked for as often as the recommender's loop runs.
"""

import numpy as np

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.sim.backtest.fleet import Fleet
from scaler.sim.backtest.samples import Sample
from scaler.sim.backtest.scene import Floats, Workload
from scaler.vertical.amounts import Amounts, Recommendation
from scaler.vertical.estimation import Estimation, amounts, confidence
from scaler.vertical.histograms import Groups
from scaler.vertical.reading import rules_of
from scaler.vertical.series import add_cpu_series, add_memory_series
from scaler.vertical.sizing import Evidence, Rounding, Rules, bounds, estimates, sizes
from scaler.vertical.usage import Aggregates, Containers, MemoryRules

NEARLY_ALL, BIGGEST = 0.99, 0.999
"""The percentiles that stand for the peak of cpu, and for the memory of the biggest pod: that one is remembered for
about a week."""


class Recommender:
    """What one VPA's containers were seen to use, and what is recommended from it."""

    def __init__(self, vpa: VerticalPodAutoscaler, workload: Workload, begin: float) -> None:
        self.how = Estimation()
        self._names = [container.name for container in workload.containers]
        self._aggregates = Aggregates()
        self._containers = Containers(self._aggregates)
        self._columns = [self._aggregates.new(begin, MemoryRules()) for _ in self._names]
        self._rows: dict[int, list[int]] = {}
        """Of each pod, by its id: the row of each container."""
        self._seen = -np.inf
        self._most = np.zeros((0, 2), dtype=np.int64)
        """What nearly all samples stay within, by container: millicores and bytes."""
        rules = rules_of(vpa)
        self.sized = [name for name in self._names if not rules.of(name).off]
        at = [self._names.index(name) for name in self.sized]
        self._groups = Groups(np.array([self._columns[index] for index in at]), np.arange(len(at)))
        self._minimum = np.tile(np.array(self.how.minimum(max(len(at), 1))), (len(at), 1))
        self._rules = Rules(
            np.array([[of in rules.of(name).controlled for of in ("cpu", "memory")] for name in self.sized]),
            _table([rules.of(name).minimum for name in self.sized]),
            _table([rules.of(name).maximum for name in self.sized]),
            np.zeros(len(at), dtype=np.bool_),
        )

    def look(self, sample: Sample | None, fleet: Fleet, weight: float = 1.0) -> None:
        """Count a sample once; `weight` says what one pod's cpu stands for."""
        if sample is None or sample.at <= self._seen:
            return
        self._seen = sample.at
        self._forget(fleet)
        ids = sample.ids.tolist()
        if not ids:
            return
        rows = np.array([self._rows.get(pod) or self._new(pod) for pod in ids])
        times = np.full(rows.shape, sample.at).reshape(-1)
        cpu = sample.cpu if weight == 1.0 else np.ceil(sample.cpu * weight)
        self._containers.add_cpu(rows.reshape(-1), times, cpu.astype(np.int64).reshape(-1))
        self._containers.add_memory(rows.reshape(-1), times, sample.memory.astype(np.int64).reshape(-1))

    def learn(self, times: Floats, cpu: Floats, memory: Floats) -> None:
        """What one pod used before the beginning: millicores and bytes by time and container."""
        for number, column in enumerate(self._columns):
            row = self._containers.new(column)
            add_cpu_series(self._containers, row, times, np.ceil(cpu[:, number]).astype(np.int64))
            add_memory_series(self._containers, row, times, memory[:, number].astype(np.int64))
            self._containers.drop(row)

    def killed(self, pod: int, container: int, time: float, size: float) -> None:
        """A container was killed for memory while it requested `size` bytes."""
        rows = self._rows.get(pod) or self._new(pod)
        self._containers.record_oom(rows[container], time, int(size))

    def _new(self, pod: int) -> list[int]:
        self._rows[pod] = [self._containers.new(column) for column in self._columns]
        return self._rows[pod]

    def _forget(self, fleet: Fleet) -> None:
        if len(self._rows) > len(fleet):
            for pod in self._rows.keys() - set(fleet.ids.tolist()):
                for row in self._rows.pop(pod):
                    self._containers.drop(row)

    # -- what is recommended -----------------------------------------------------------------------------------

    @property
    def knows(self) -> bool:
        """Whether anything was seen at all."""
        return bool(self._aggregates.count[self._columns].any())

    def recommend(self) -> Recommendation:
        """By VPA's rule."""
        held, how, rows = self._aggregates, self.how, self._groups.rows
        cpu = amounts(held.cpu.percentiles(self._groups, (*how.cpu.wanted, NEARLY_ALL)) * 1000.0)
        memory = amounts(held.memory.percentiles(self._groups, (*how.memory.wanted, BIGGEST)))
        self._most = np.stack([cpu[:, 3], memory[:, 3]], axis=1)
        shares = np.stack([cpu[:, :3], memory[:, :3]], axis=2)
        found = Evidence(shares, held.first[rows], held.last[rows], held.count[rows])
        sized = sizes(estimates(found, self._minimum, how), self._rules, Rounding())
        return {
            name: bounds(size, controlled)
            for name, size, controlled in zip(self.sized, sized, self._rules.controlled, strict=True)
        }

    def peaks(self) -> dict[str, Amounts]:
        """Cpu that nearly every sample stays within, and what the biggest pod needs of memory, by container.

        As of the last recommendation.
        """
        rows = np.array(list(self._rows.values()), dtype=np.int64).reshape(-1, len(self._names))
        biggest = np.maximum(self._containers.peak[rows], self._containers.oom_peak[rows])
        running = biggest.max(axis=0, initial=0)
        return {
            name: {"cpu": int(cpu), "memory": max(int(memory), int(running[self._names.index(name)]))}
            for name, (cpu, memory) in zip(self.sized, self._most, strict=True)
        }

    @property
    def history(self) -> float:
        """Days of usage that are known, as VPA's confidence has them; of the container that is known least."""
        held, rows = self._aggregates, np.array(self._columns)
        return float(confidence(held.first[rows], held.last[rows], held.count[rows], self.how.cpu_confidence).min())


def _table(policies: list[Amounts]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array([[one.get("cpu", 0), one.get("memory", 0)] for one in policies], dtype=np.int64).reshape(-1, 2)
