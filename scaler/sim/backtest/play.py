"""Playing a scene under a policy: nature a step, then whoever is due, in the order of a cluster's minute.

    the workload's controller    as many pods as wanted, of the shape that is given to new ones
    pods                         work, fill their memory, die
    metrics-server               looks
    the operator                 checks a ScaledObject's triggers
    the HPA controller           changes what is wanted
    recommender, updater         change what new pods are given, and pods that run

Everything is a function of the scene, the policy and the seed.
"""

import math

import numpy as np

from scaler.api.meta import Raw
from scaler.sim.backtest.autoscaler import Autoscaler
from scaler.sim.backtest.fleet import Fleet, Happened, Shape, shape
from scaler.sim.backtest.joint import Joint
from scaler.sim.backtest.run import Event, EventKind, Run, Series
from scaler.sim.backtest.samples import Samples
from scaler.sim.backtest.scene import Floats, Policy, Scene
from scaler.sim.backtest.triggers import Operator
from scaler.sim.backtest.vertical import MINUTE, Vertical

SYNC = 15.0
"""Seconds between two decisions of the HPA controller, upstream's default."""
COARSELY = 300.0
"""Seconds between two rounds of recommender and updater where a step is a minute or more."""


def play(scene: Scene, policy: Policy, *, seed: int = 0, step: float = 15.0, forget: float = math.inf) -> Run:
    """Play the whole load of a scene, in steps of so many seconds.

    Each `forget` seconds recommender and operator start anew, with what stands on objects.
    """
    if not 1.0 <= step <= 300.0:
        raise ValueError(f"a step is 1 to 300 seconds, not {step:g}")
    world = World(scene, policy, seed, step)
    due = scene.load.start + forget
    for index in range(world.steps):
        world.advance(index)
        if world.now >= due:
            due += forget
            world.restart()
    return world.run()


class World:
    """One workload in time."""

    def __init__(self, scene: Scene, policy: Policy, seed: int, step: float) -> None:
        self.scene, self.policy, self.seed, self.step = scene, policy, seed, step
        load, nature, workload = scene.load, scene.nature, scene.workload
        self.steps = math.floor(load.length / step)
        if self.steps < 1:
            raise ValueError(f"a load of {load.length:g} s is shorter than one step of {step:g} s")
        times: Floats = np.arange(self.steps, dtype=np.float64) * step
        self._cores = self._noisy(load.at(load.cores, times))
        self._kept = None if load.memory is None else load.at(load.memory, times)
        self._arrivals = None if load.queue is None else self._noisy(load.at(load.queue.arrivals, times))
        self._metrics = {name: self._recorded(values, times) for name, values in load.metrics.items()}
        self.now = load.start
        self.given: Shape = shape(
            [container.requests for container in workload.containers],
            [container.limits for container in workload.containers],
        )
        self.wanted = workload.replicas
        self.backlog = 0.0
        self.fleet = Fleet(workload, nature, self._random(1))
        self.fleet.add(self.wanted, self.given, self.now, self.now)
        self.samples = Samples(nature, self.now, self._random(2))
        self._rollouts = sorted(nature.rollouts)
        self._operator = self._make_operator()
        self._autoscaler = self._make_autoscaler()
        self._vertical = self._make_vertical()
        self._sync_due = self.now + SYNC
        self._events: list[Event] = []
        self._rows = np.full((self.steps, len(Series.__struct_fields__)), np.nan)

    def _random(self, stream: int) -> np.random.Generator:
        """One stream for each use, so that all policies meet the same load."""
        return np.random.default_rng([self.seed, stream])

    def _noisy(self, values: Floats) -> Floats:
        if not self.scene.nature.noise:
            return values
        return values * np.maximum(1.0 + self._random(0).normal(0.0, self.scene.nature.noise, len(values)), 0.0)

    def _recorded(self, values: Floats, times: Floats) -> Floats:
        """A recorded metric holds until the next value; where there was none there is none."""
        rows = np.minimum((times / self.scene.load.step).astype(np.int64), len(values) - 1)
        return values[rows]

    def _make_operator(self) -> Operator | None:
        if self.scene.subject is None or self.policy in {"as-it-is", "vpa"}:
            return None
        return Operator(self.scene.subject, self.scene.policy, self.now)

    def _make_autoscaler(self) -> Autoscaler | None:
        body: Raw | None = self._operator.hpa if self._operator is not None else self.scene.hpa
        if body is None or self.policy in {"as-it-is", "vpa"}:
            return None
        names = [container.name for container in self.scene.workload.containers]
        return Autoscaler(body, names, self.scene.nature.window)

    def _make_vertical(self) -> Vertical | None:
        if self.scene.vpa is None or self.policy in {"as-it-is", "hpa"}:
            return None
        every = MINUTE if self.step < MINUTE else COARSELY
        vertical = Vertical(self.scene, self.given, self.now, self._random(3), every)
        if self.policy == "together" and self._autoscaler is not None:
            vertical.joint = Joint(self.scene.workload, self.given, vertical.rules, vertical.recommender)
            self._autoscaler.apply(vertical.joint.couple(self._autoscaler.hpa))
        if self.scene.learned:
            vertical.learn(self.scene.learned, self.now)
        return vertical

    def restart(self) -> None:
        """The programs start anew and know what stands on objects."""
        if self._vertical is not None and self._vertical.joint is not None:
            self._vertical.joint.restart()

    # -- one step ----------------------------------------------------------------------------------------------

    def advance(self, index: int) -> None:
        """One step."""
        self._roll_out()
        self.fleet.reconcile(self.wanted, self.given, self.now)
        demand = self._demand(index)
        kept = None if self._kept is None else float(self._kept[index])
        self.now = self.scene.load.start + (index + 1) * self.step
        happened = self.fleet.step(demand, kept, self.now)
        self._work_off(index, happened)
        self.samples.take(self.fleet, self.now)
        self._scale(index, happened.ready)
        self._size()
        self._record(index, demand, happened)

    def _roll_out(self) -> None:
        while self._rollouts and self.scene.load.start + self._rollouts[0] <= self.now:
            self._rollouts.pop(0)
            self.fleet.roll_out(self.now)
            self.tell("rollout", "the user rolls out", len(self.fleet))

    def _demand(self, index: int) -> float:
        """Cores that the load wants now: pods that work a queue want as much as there is work for them."""
        demand = float(self._cores[index])
        queue = self.scene.load.queue
        if queue is None or self._arrivals is None:
            return demand
        self.backlog += float(self._arrivals[index]) * self.step
        pods = int((self.fleet.ready_at <= self.now).sum())
        busy = min(self.backlog / (queue.rate * self.step), float(pods))
        return demand + busy * queue.cores

    def _work_off(self, index: int, happened: Happened) -> None:
        queue = self.scene.load.queue
        if queue is None or queue.cores <= 0:
            return
        share = max(happened.used - float(self._cores[index]), 0.0) / queue.cores
        self.backlog = max(self.backlog - share * queue.rate * self.step, 0.0)

    def _scale(self, index: int, ready: int) -> None:
        if self._operator is not None:
            self._want(self._operator.check(self._outside(index), self.wanted, ready, self.now), "by its triggers")
        if self._autoscaler is None or self.now < self._sync_due:
            return
        self._sync_due = max(self._sync_due + SYNC, self.now)
        outside: dict[str, float | None] = dict(self._outside(index))
        if self._operator is not None:
            outside = self._operator.tell(self._outside(index), self.wanted, ready, self.now)
        sample = self.samples.latest(self.now, self.step)
        self._want(self._autoscaler.judge(self.fleet, sample, outside, self.wanted, self.now), "by the HPA")

    def _size(self) -> None:
        if self._vertical is None:
            return
        sample = self.samples.latest(self.now, self.step)
        self._vertical.advance(self.fleet, sample, self.wanted, self.now, self._autoscaler)
        self.given = self._vertical.given
        self._events += self._vertical.told
        self._vertical.told.clear()

    def _scale_point(self) -> float:
        joint = self._vertical.joint if self._vertical is not None else None
        return math.nan if joint is None else joint.memory.standing.scale_points.get("cpu", math.nan)

    def _outside(self, index: int) -> dict[str, float]:
        """What external metrics show now."""
        if any(first <= index * self.step < last for first, last in self.scene.nature.blind):
            return {}
        shown = {name: float(values[index]) for name, values in self._metrics.items()}
        queue = self.scene.load.queue
        if queue is not None:
            shown |= dict.fromkeys(queue.visible, math.floor(self.backlog))
        return shown

    def _want(self, replicas: int, why: str) -> None:
        if replicas != self.wanted:
            text = f"from {self.wanted} to {replicas}, {why}"
            self.tell("replicas", text, abs(replicas - self.wanted))
            self.wanted = replicas

    def tell(self, kind: EventKind, text: str, count: int = 1) -> None:
        """Note an event."""
        self._events.append(Event(self.now, kind, text, count))

    # -- the record --------------------------------------------------------------------------------------------

    def _record(self, index: int, demand: float, happened: Happened) -> None:
        if happened.killed:
            self.tell("oom", "killed for memory", happened.killed)
        requested = self.fleet.requests.sum(axis=(0, 1))
        given = self.given.requests.sum(axis=0)
        self._rows[index] = (
            self.now,
            demand,
            happened.used,
            self.wanted,
            happened.ready,
            requested[0] / 1000.0,
            requested[1],
            happened.memory,
            given[0],
            given[1],
            self._scale_point(),
            self.backlog,
            happened.short,
            happened.at_risk,
        )

    def run(self) -> Run:
        """All of it."""
        series = Series(*(self._rows[:, column].copy() for column in range(self._rows.shape[1])))
        return Run(self.policy, self.seed, self.step, series, tuple(self._events))
