"""The vertical half of a backtest: a minute of recommender, webhook and updater, with or without a common plan."""

import numpy as np

from scaler.sim.backtest.autoscaler import Autoscaler
from scaler.sim.backtest.fleet import CPU, MEMORY, Fleet, Rows, Shape
from scaler.sim.backtest.joint import Joint
from scaler.sim.backtest.recommender import Recommender
from scaler.sim.backtest.run import DAY, Event
from scaler.sim.backtest.samples import Sample
from scaler.sim.backtest.scene import Floats, Scene
from scaler.sim.backtest.updater import Updater, admitted, recommended
from scaler.vertical.amounts import Recommendation
from scaler.vertical.reading import rules_of

MINUTE = 60.0
"""Seconds between two rounds of recommender and updater, their defaults."""
SAME = 0.01
"""Requests within this share of each other are one size."""


class Vertical:
    """One VPA at work."""

    def __init__(
        self, scene: Scene, template: Shape, begin: float, random: np.random.Generator, every: float
    ) -> None:
        assert scene.vpa is not None
        self._every = every
        """Seconds between two recommendations."""
        self._ask = begin + every
        self._scene = scene
        self._template = template
        self.rules = rules_of(scene.vpa)
        self.recommender = Recommender(scene.vpa, scene.workload, begin)
        self.joint: Joint | None = None
        """The common plan; None while each axis acts by itself."""
        self._updater = Updater(scene.workload, random)
        self._due = begin + MINUTE
        self._resizing: list[tuple[float, list[int], Shape]] = []
        self._size = template.requests
        self.given = template
        """What new pods are given."""
        self.told: list[Event] = []

    def learn(self, days: float, begin: float) -> None:
        """Take so many days of the load as seen, by pods as many as the set-point asks for, or as there are."""
        load, containers = self._scene.load, self._scene.workload.containers
        times: Floats = np.arange(begin - days * DAY, begin, MINUTE)
        cores = load.at(load.cores, (times - times[0]) % load.length)
        pods = self._pods(cores)
        share = np.array([container.share for container in containers])
        cpu = (cores / pods)[:, None] * share * 1000.0
        base = np.array([container.memory.base for container in containers])
        per_core = np.array([container.memory.per_core for container in containers])
        self.recommender.learn(times, cpu, base + per_core * cpu / 1000.0)
        if self.joint is not None:
            self.joint.begun(begin - days * DAY)

    def _pods(self, cores: Floats) -> Floats:
        point = None if self.joint is None else self.joint.points.get("cpu")
        spec = (self._scene.hpa or {}).get("spec")
        if point is None or spec is None:
            return np.full(len(cores), float(max(self._scene.workload.replicas, 1)))
        asked = np.ceil(cores * 1000.0 / point.amount)
        return np.clip(asked, spec.get("minReplicas", 1), spec["maxReplicas"])

    def advance(
        self, fleet: Fleet, sample: Sample | None, wanted: int, now: float, autoscaler: Autoscaler | None
    ) -> None:
        """A step: resizes end; and when it is time, a round of recommender and updater."""
        for pod, container, size in fleet.killed:
            self.recommender.killed(pod, container, now, size)
        self._finish(fleet, now)
        if now < self._due:
            return
        self._due = max(self._due + MINUTE, now)
        weight = self.joint.weight if self.joint is not None else 1.0
        self.recommender.look(sample, fleet, weight)
        if self.recommender.knows and now >= self._ask:
            self._ask = max(self._ask + self._every, now)
            found = self.recommender.recommend()
            if self.joint is not None and autoscaler is not None:
                found = self.joint.judge(found, fleet, sample, (wanted, now), autoscaler)
            self._publish(found)
            self._update(fleet, wanted, now)

    def _publish(self, found: Recommendation) -> None:
        if found != self.rules.recommendation:
            self.rules = recommended(self.rules, found)
            self.given = admitted(self._scene.workload, self._template, self.rules)

    # -- running pods ------------------------------------------------------------------------------------------

    def _update(self, fleet: Fleet, wanted: int, now: float) -> None:
        busy = {pod for _, pods, _ in self._resizing for pod in pods}
        evicted: Rows = np.zeros(len(fleet), dtype=np.bool_)
        resized: list[int] = []
        for row, given in self._updater.chosen(fleet, self.rules, wanted, now):
            if int(fleet.ids[row]) in busy:
                continue
            self._note(given, now)
            if self._updater.resizes(self.rules, self._scene.nature.infeasible):
                self._resizing.append((now + self._scene.nature.resize, [int(fleet.ids[row])], given))
                resized.append(row)
            elif self.rules.mode != "InPlace":
                evicted[row] = True
        if resized:
            self.told.append(Event(now, "resized", _size(self._size), len(resized)))
        if evicted.any():
            self.told.append(Event(now, "evicted", _size(self._size), int(evicted.sum())))
            fleet.remove(evicted)

    def _note(self, given: Shape, now: float) -> None:
        """A new size is one event, however many pods and rounds it takes."""
        if np.allclose(given.requests, self._size, rtol=SAME):
            return
        text = f"from {_size(self._size)} to {_size(given.requests)}"
        self.told.append(Event(now, "requests", text))
        self._size = given.requests

    def _finish(self, fleet: Fleet, now: float) -> None:
        if not self._resizing or self._resizing[0][0] > now:
            return
        for due, pods, given in self._resizing:
            if due <= now:
                fleet.resize(np.isin(fleet.ids, pods), given)
        self._resizing = [one for one in self._resizing if one[0] > now]


def _size(requests: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    cpu, memory = requests[:, CPU].sum(), requests[:, MEMORY].sum()
    return f"{cpu:.0f}m {memory / 2**20:.0f}Mi"
