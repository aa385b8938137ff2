"""What came of a backtest: time series, events, and a score in what a team pays for and suffers from."""

from typing import Literal

import msgspec
import numpy as np

from scaler.sim.backtest.scene import Floats, Policy

HOUR = 3600.0
DAY = 24 * HOUR
GIB = 2.0**30

EventKind = Literal["replicas", "requests", "resized", "evicted", "rollout", "oom"]


class Prices(msgspec.Struct, frozen=True):
    """What a core and a GiB cost an hour, in any currency."""

    core: float = 0.04048
    """The default is what AWS Fargate asks in us-east-1 (Linux, x86) in US dollars."""
    gib: float = 0.004445
    """Likewise."""


class Event(msgspec.Struct, frozen=True):
    """Something that was done, or happened."""

    at: float
    """Epoch seconds."""
    kind: EventKind
    text: str
    count: int = 1
    """How many pods, or replicas."""


class Series(msgspec.Struct, frozen=True, eq=False):
    """One value a step, each at the end of its step."""

    times: Floats
    """Epoch seconds."""
    demand: Floats
    """Cores that the load asks for."""
    used: Floats
    """Cores that pods give it."""
    replicas: Floats
    """What is wanted of the workload."""
    ready: Floats
    """Pods that work."""
    requested: Floats
    """Cores that all pods request."""
    requested_memory: Floats
    """Bytes that all pods request."""
    memory: Floats
    """Bytes that all pods keep."""
    request: Floats
    """Millicores that a new pod requests."""
    request_memory: Floats
    """Bytes that a new pod requests."""
    scale_point: Floats
    """Millicores a pod that replicas are held at while cpu is coupled; NaN while it is not."""
    backlog: Floats
    """Messages that wait."""
    short: Floats
    """Cores that the load asks for and pods are not sure to have: beyond their limit, without a limit beyond their
    request."""
    at_risk: Floats
    """Pods near the end of their memory: above nine tenths of their limit, without a limit above their request."""


class Score(msgspec.Struct, frozen=True):
    """A run in numbers."""

    days: float
    replicas_mean: float
    replicas_most: int
    core_hours: float
    """Requested."""
    gib_hours: float
    """Requested."""
    cost: float
    """At the prices given, over the whole run."""
    saturated_minutes: float
    """While more than a hundredth of the demand was short."""
    risk_minutes: float
    """While some pod was near the end of its memory."""
    ooms: int
    restarts: int
    """Pods and containers that an autoscaler or the end of their memory made begin anew."""
    replica_changes: int
    request_changes: int
    served: float
    """Core-hours that the load was given."""

    @property
    def replica_changes_a_day(self) -> float:
        return self.replica_changes / self.days

    @property
    def request_changes_a_day(self) -> float:
        return self.request_changes / self.days


class Run(msgspec.Struct, frozen=True, eq=False):
    """One scene under one policy."""

    policy: Policy
    seed: int
    step: float
    """Seconds."""
    series: Series
    events: tuple[Event, ...]

    def score(self, prices: Prices | None = None, since: float = 0.0) -> Score:
        """In numbers; `since` leaves out so many seconds at the beginning, in which things settle."""
        return score(self, prices or Prices(), since)


SHORT = 0.01
"""Less than this share of the demand is no saturation."""


def score(run: Run, prices: Prices, since: float = 0.0) -> Score:
    """A run in numbers."""
    series, hours, minutes = run.series, run.step / HOUR, run.step / 60.0
    begin = series.times[0] - run.step + since
    kept = series.times > begin
    events = [event for event in run.events if event.at > begin]
    core_hours = float(series.requested[kept].sum()) * hours
    gib_hours = float(series.requested_memory[kept].sum()) * hours / GIB
    return Score(
        days=int(kept.sum()) * run.step / DAY,
        replicas_mean=float(series.replicas[kept].mean()),
        replicas_most=int(series.replicas[kept].max()),
        core_hours=core_hours,
        gib_hours=gib_hours,
        cost=core_hours * prices.core + gib_hours * prices.gib,
        saturated_minutes=int(np.sum(series.short[kept] > SHORT * series.demand[kept])) * minutes,
        risk_minutes=int(np.sum(series.at_risk[kept] > 0)) * minutes,
        ooms=_total(events, "oom"),
        restarts=_total(events, "oom", "evicted"),
        replica_changes=sum(event.kind == "replicas" for event in events),
        request_changes=sum(event.kind == "requests" for event in events),
        served=float(series.used[kept].sum()) * hours,
    )


def _total(events: list[Event], *kinds: EventKind) -> int:
    return sum(event.count for event in events if event.kind in kinds)
