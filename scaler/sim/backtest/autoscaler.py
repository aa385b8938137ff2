"""The HPA controller of a backtest: `scaler.sim.autoscaling` over arrays of pods.

Rates, windows and memory are `limits`' own; what a resource metric asks for is `replicas`', which is held equal to
`calculations`. A metric that cannot be had holds the replicas unless another asks for more, as upstream does.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from scaler.api.meta import Raw
from scaler.quantity import milli_quantity, parse_quantity
from scaler.sim.autoscaling import calculations, limits
from scaler.sim.autoscaling.calculations import CannotCompute, Situation, Timing, Tolerance
from scaler.sim.autoscaling.judgement import Settings
from scaler.sim.autoscaling.limits import Memory, Wish
from scaler.sim.backtest import replicas
from scaler.sim.backtest.fleet import CPU, MEMORY, Fleet
from scaler.sim.backtest.replicas import Rows, Sight, Whole
from scaler.sim.backtest.samples import Ids, Sample

_RULES: dict[str, Raw] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    },
    "scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
}
"""What the API server fills in as soon as any behaviour is given."""


class Metric(msgspec.Struct, frozen=True):
    """One metric of an HPA, read."""

    target: int
    """Percent, or thousandths."""
    resource: int | None = None
    """`CPU` or `MEMORY`; None for a metric from outside."""
    container: str = ""
    """The only container that counts; empty for all."""
    utilization: bool = False
    """Percent of the request."""
    per_pod: bool = True
    """Held against the target a pod, not as a whole."""
    name: str = ""
    """Of a metric from outside."""


class Asked(msgspec.Struct, frozen=True):
    """What all metrics came to."""

    replicas: int | None
    """None when nothing can be said: replicas are held."""
    by: tuple[int | None, ...]
    """By metric; None for one that could not be had."""


def read_metric(metric: Raw) -> Metric:
    """From an HPA's ``spec.metrics``."""
    kind: str = metric["type"]
    source: Raw = metric[kind[0].lower() + kind[1:]]
    target: Raw = source["target"]
    if kind in {"Resource", "ContainerResource"}:
        utilization = target.get("averageUtilization")
        amount = milli_quantity(target["averageValue"]) if utilization is None else int(utilization)
        resource = MEMORY if source["name"] == "memory" else CPU
        return Metric(amount, resource, source.get("container", ""), utilization is not None)
    per_pod = target.get("averageValue") is not None
    return Metric(
        milli_quantity(target["averageValue"] if per_pod else target["value"]),
        per_pod=per_pod,
        name=source["metric"]["name"],
    )


class Autoscaler:
    """One HPA and its memory."""

    def __init__(self, hpa: Raw, containers: list[str], window: float, settings: Settings | None = None) -> None:
        self._containers = containers
        self._window = window
        self.settings = settings or Settings()
        self.memory = Memory()
        self.last = Asked(None, ())
        """What the metrics asked for when they were last looked at."""
        self.scaled_at: float | None = None
        """When it last changed the replicas."""
        self.apply(hpa)

    def apply(self, hpa: Raw) -> None:
        """The HPA was made or changed."""
        spec: dict[str, Any] = hpa["spec"]
        self.hpa = hpa
        self.least: int = spec.get("minReplicas", 1)
        self.most: int = spec["maxReplicas"]
        self.metrics = tuple(read_metric(metric) for metric in spec["metrics"])
        behavior: Raw = spec.get("behavior") or {}
        self.tolerance = Tolerance(*(self._tolerance(behavior.get(side)) for side in ("scaleDown", "scaleUp")))
        self._rules = self._read_rules(behavior) if behavior else None

    def _tolerance(self, rules: Raw | None) -> float:
        own = (rules or {}).get("tolerance")
        return self.settings.tolerance if own is None else parse_quantity(own)

    def _read_rules(self, behavior: Raw) -> tuple[limits.Rules, limits.Rules]:
        window = {"stabilizationWindowSeconds": self.settings.downscale_stabilization}
        given = {side: _given(behavior.get(side)) for side in _RULES}
        up, down = ({**_RULES[side], **given[side]} for side in _RULES)
        return up, {**window, **down}

    def judge(
        self, fleet: Fleet, sample: Sample | None, outside: Mapping[str, float | None], wanted: int, now: float
    ) -> int:
        """How many replicas there are to be; `outside` has each external metric's sum, None where there is none."""
        if wanted == 0:
            return 0
        if not self.least <= wanted <= self.most:
            return self._moved(wanted, min(max(wanted, self.least), self.most), now)
        if self.memory.recommendations is None:
            self.memory = msgspec.structs.replace(self.memory, recommendations=(limits.Moment(wanted, now),))
        found = self.last = self.asked(fleet, sample, outside, wanted, now)
        if found.replicas is None:
            return wanted
        wish = Wish(wanted, found.replicas, self.least, self.most)
        if self._rules is None:
            limited = limits.simple(self.memory, wish, self.settings.downscale_stabilization, now)
        else:
            limited = limits.behaved(self.memory, wish, self._rules, now)
        self.memory = limited.memory
        return self._moved(wanted, limited.replicas, now)

    def asked_by(self, which: Callable[[Metric], bool]) -> int:
        """The most that some of the metrics asked for when they were last looked at."""
        by = zip(self.metrics, self.last.by, strict=False)
        return max((count for metric, count in by if count is not None and which(metric)), default=0)

    def _moved(self, before: int, after: int, now: float) -> int:
        if after != before:
            self.memory = limits.rescaled(self.memory, before, after, self._rules, now)
            self.scaled_at = now
        return after

    def asked(
        self, fleet: Fleet, sample: Sample | None, outside: Mapping[str, float | None], wanted: int, now: float
    ) -> Asked:
        """What the metrics ask for, before rates and bounds."""
        view = _View(fleet, sample, wanted, now, (self._window, self._containers))
        by: list[int | None] = []
        for metric in self.metrics:
            try:
                by.append(self._of(metric, view, outside))
            except CannotCompute:
                by.append(None)
        known = [count for count in by if count is not None]
        highest = max(known, default=0)
        held = not known or (len(known) < len(by) and highest < wanted)
        return Asked(None if held else highest, tuple(by))

    def _of(self, metric: Metric, view: "_View", outside: Mapping[str, float | None]) -> int:
        if metric.resource is None:
            return self._of_outside(metric, view, outside.get(metric.name))
        if view.sample is None:
            raise CannotCompute("no metrics")
        values = view.values(metric)
        requests = view.requests(metric) if metric.utilization else None
        unready = view.unready(self._timing) if metric.resource == CPU else view.nobody
        return replicas.asked(view.sight, values, requests, metric.target, self.tolerance, unready)

    def _of_outside(self, metric: Metric, view: "_View", value: float | None) -> int:
        if value is None:
            raise CannotCompute("no metrics")
        pods = () if metric.per_pod else (calculations.Pod("", ready=True),) * int(view.sight.ready.sum())
        seen = Situation(
            view.sight.replicas, len(view.sight.ready), pods, self.tolerance, self._timing, view.sight.now
        )
        reckon = calculations.by_total_per_pod if metric.per_pod else calculations.by_total
        return reckon(seen, round(value * 1000.0), metric.target).replicas

    @functools.cached_property
    def _timing(self) -> Timing:
        return Timing(self.settings.cpu_initialization, self.settings.readiness_delay)


def _given(rules: Raw | None) -> Raw:
    return {key: value for key, value in (rules or {}).items() if value is not None}


class _View:
    """The pods and their sample in the terms of `replicas`."""

    def __init__(
        self, fleet: Fleet, sample: Sample | None, wanted: int, now: float, fixed: tuple[float, list[str]]
    ) -> None:
        self._fleet = fleet
        self.sample = sample
        window, self._containers = fixed
        pods = len(fleet)
        self._rows: Ids = np.zeros(pods, dtype=np.int64)
        known: Rows = np.zeros(pods, dtype=np.bool_)
        if sample is not None:
            self._rows, known = sample.of(fleet.ids)
        ready = fleet.ready_at <= now
        since = np.where(ready, fleet.ready_at, fleet.born)
        at = sample.at if sample else now
        self.sight = Sight(wanted, fleet.born, ready, since, known, at, window, now)
        self.nobody: Rows = np.zeros(pods, dtype=np.bool_)
        self._unready: Rows | None = None

    def unready(self, timing: Timing) -> Rows:
        if self._unready is None:
            self._unready = replicas.doubtful(self.sight, timing)
        return self._unready

    def values(self, metric: Metric) -> Whole:
        assert self.sample is not None
        if not len(self.sample.ids):
            raise CannotCompute("no metrics")
        table = self.sample.cpu if metric.resource == CPU else self.sample.memory * 1000.0
        return self._summed(table, metric)[self._rows]

    def requests(self, metric: Metric) -> Whole:
        table = self._fleet.requests[:, :, metric.resource or CPU]
        return self._summed(table if metric.resource == CPU else table * 1000.0, metric)

    def _summed(self, table: np.ndarray[Any, Any], metric: Metric) -> Whole:
        if metric.container:
            table = table[:, [self._containers.index(metric.container)]]
        summed: Whole = table.sum(axis=1).astype(np.int64)
        return summed
