"""Both axes as one in a backtest: `scaler.together`'s judgement each minute, and the HPA that obeys it.

What would stand in annotations is handed on here; `restart` leaves nothing but their texts.
"""

from collections.abc import Mapping

import numpy as np

from scaler.api.meta import Raw
from scaler.sim.backtest.autoscaler import Autoscaler
from scaler.sim.backtest.fleet import CPU, MEMORY, Fleet, Shape
from scaler.sim.backtest.recommender import Recommender
from scaler.sim.backtest.samples import Sample
from scaler.sim.backtest.scene import Workload
from scaler.together import setpoints, standing
from scaler.together.hpa import coupled
from scaler.together.judge import AROUND, Case, Plan, Pods, judge
from scaler.together.load import Replicas, Usage, weight
from scaler.together.metrics import Metric, utilization_metrics
from scaler.together.sizes import Sizing
from scaler.together.standing import Memory
from scaler.vertical.amounts import RESOURCES, Amounts, Bounds, Recommendation
from scaler.vertical.rules import MOVING, Rules

_AT = dict(zip(RESOURCES, (CPU, MEMORY), strict=True))


class Joint:
    """The common plan of one workload."""

    def __init__(self, workload: Workload, template: Shape, rules: Rules, recommender: Recommender) -> None:
        self._workload = workload
        self._template = template
        self._rules = rules
        self._recommender = recommender
        self._names = [container.name for container in workload.containers]
        self._hpa: Raw = {}
        self._shown: tuple[Mapping[str, int], bool] = ({}, False)
        self.metrics: dict[str, Metric] = {}
        self.points: dict[str, setpoints.SetPoint] = {}
        self.memory = Memory()
        self.published: Recommendation = {}
        self.plan: Plan | None = None
        self.weight = 1.0
        """What one pod's cpu stands for, at the next look."""

    def couple(self, hpa: Raw) -> Raw:
        """The HPA as it is while coupled, from the one that the user wrote or his ScaledObject gives."""
        self._hpa = hpa
        shared = [metric for metric in utilization_metrics(hpa["spec"]["metrics"]) if self._sizes(metric)]
        self.metrics = {metric.key: metric for metric in shared}
        requests = {metric.key: self._requested(metric) for metric in shared}
        self.points = setpoints.kept(self.points, shared, requests, {})
        return self._body({key: point.amount for key, point in self.points.items()}, hold=False)

    def begun(self, at: float) -> None:
        """Both axes have been coupled since then, and nothing has changed since."""
        changed: dict[str, float] = dict.fromkeys(RESOURCES, at)
        points = {key: point.amount for key, point in self.points.items()}
        self.memory = Memory(standing.Standing(points, changed), led=dict.fromkeys(self.metrics, at))
        requests = self._template.requests
        for number, name in enumerate(self._names):
            amounts: Amounts = {"cpu": int(requests[number, CPU]), "memory": int(requests[number, MEMORY])}
            self.published = {**self.published, name: Bounds(amounts, amounts, amounts, amounts)}

    def restart(self) -> None:
        """Know only what stands in annotations."""
        self.memory = Memory(standing.read(standing.written(self.memory.standing)))
        self.points = setpoints.read(setpoints.written(self.points))

    def _sizes(self, metric: Metric) -> bool:
        """Whether the VPA sizes what the metric is held against."""
        rules = [self._rules.of(name) for name in self._names if metric.counts(name)]
        moves = self._rules.mode != "Off"
        return moves and any(not one.off and metric.resource in one.controlled for one in rules)

    def _requested(self, metric: Metric) -> int:
        rows = [number for number, name in enumerate(self._names) if metric.counts(name)]
        return int(self._template.requests[rows, _AT[metric.resource]].sum())

    def _body(self, scale_points: Mapping[str, int], *, hold: bool) -> Raw:
        return {**self._hpa, "spec": coupled(self._hpa["spec"], scale_points, hold=hold)}

    def judge(
        self,
        found: Recommendation,
        fleet: Fleet,
        sample: Sample | None,
        seen: tuple[int, float],
        autoscaler: Autoscaler,
    ) -> Recommendation:
        """Judge, publish, and let the HPA obey. `seen` is what is wanted of the workload, and the time."""
        wanted, now = seen
        if not self.metrics:
            return found
        peaks = self._recommender.peaks()
        case = Case(
            self.metrics,
            self.points,
            Replicas(wanted, autoscaler.least, autoscaler.most, self._elsewhere(autoscaler), autoscaler.scaled_at),
            self._usage(sample),
            self._pods(fleet),
            {name: self._sizing(name, found, peaks) for name in found},
            self.published,
            self._recommender.history,
        )
        self.plan = judge(case, self.memory, now)
        self.memory, self.published = self.plan.memory, self.plan.recommendation
        self.weight = weight(self.plan.load, case.usage, "cpu", exactly=self.plan.hold)
        shown = (self.plan.memory.standing.scale_points, self.plan.hold)
        if shown != self._shown:
            self._shown = shown
            autoscaler.apply(self._body(shown[0], hold=shown[1]))
        return self.published

    def _sizing(self, name: str, found: Recommendation, peaks: Mapping[str, Amounts]) -> Sizing:
        own = self._rules.of(name)
        return Sizing(found[name], peaks.get(name, {}), own.minimum, own.maximum)

    def _elsewhere(self, autoscaler: Autoscaler) -> int:
        return autoscaler.asked_by(lambda metric: metric.resource is None or not self._shares(metric.resource))

    def _shares(self, resource: int) -> bool:
        return any(_AT[metric.resource] == resource for metric in self.metrics.values())

    def _usage(self, sample: Sample | None) -> Usage | None:
        if sample is None or not len(sample.ids):
            return None
        cpu, memory = sample.cpu.sum(axis=0), sample.memory.sum(axis=0)
        used: dict[str, Amounts] = {
            name: {"cpu": int(cpu[at]), "memory": int(memory[at])} for at, name in enumerate(self._names)
        }
        return Usage(len(sample.ids), used)

    def _pods(self, fleet: Fleet) -> Pods:
        if not len(fleet):
            return Pods(acts=self._rules.mode in MOVING)
        least = fleet.requests.min(axis=0)
        held: dict[str, Amounts] = {
            name: {"cpu": int(least[at, CPU]), "memory": int(least[at, MEMORY])}
            for at, name in enumerate(self._names)
        }
        return Pods(held, self._astray(fleet), acts=self._rules.mode in MOVING)

    def _astray(self, fleet: Fleet) -> int:
        """Pods that are not as they are to be."""
        away = np.zeros(len(fleet), dtype=np.bool_)
        for number, name in enumerate(self._names):
            bounds = self.published.get(name)
            for resource, target in bounds.target.items() if bounds else ():
                if resource in {metric.resource for metric in self.metrics.values() if metric.counts(name)}:
                    requests = fleet.requests[:, number, _AT[resource]]
                    away |= np.abs(requests - target) > target * AROUND + 1
        return int(away.sum())
