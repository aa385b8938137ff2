"""What is sized, and what came of it: one container of a workload, over all its pods."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from scaler.drawing.thinning import Array
from scaler.history.owners import Workload
from scaler.vertical.amounts import Amounts, Bounds, Resource

Risk = Literal["killed", "above-limit", "above-request", "throttled", "no-request"]
"""Why a container is worse off than it should be, the worst first."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of a container beside its usage."""

    requests: Amounts = {}
    """Now; what is missing is not requested, or not known."""
    limits: Amounts = {}
    replicas: int | None = None
    """Pods that the workload has now; None when nobody knows."""
    asked: bool = True
    """Whether it is known what is requested: False where no source tells."""
    kills: Mapping[str, tuple[float, ...]] = {}
    """By pod, when it was killed for want of memory."""
    throttled: float = 0.0
    """The largest share of its periods in which a CPU limit held it back, of all pods, in the last day."""


class Course(msgspec.Struct, frozen=True, eq=False):
    """Usage over time, over all pods, a column after the other."""

    times: Array
    """float64[columns]"""
    low: Array
    """float64[columns], NaN = nothing is known; cores or bytes"""
    mean: Array
    high: Array
    edges: Array
    """float64[buckets + 1]: of the histogram that is judged by"""
    weights: Array
    """float64[buckets]: newer usage weighs more"""
    peak: float
    """The highest sample; NaN without any."""
    over: float
    """The share of samples above what is requested now; 0 when that is not known."""


class Advice(msgspec.Struct, frozen=True, eq=False):
    """One container, judged."""

    workload: Workload
    container: str
    pods: int
    """How many were seen."""
    replicas: int
    """How many there are now, or that were seen last where nobody knows."""
    facts: Facts
    bounds: Bounds
    limits: Amounts
    """The limits that go with the target; empty when there are none now."""
    percentiles: Amounts
    """What the target's percentile of the usage is, before margin and minimum."""
    confidence: float
    """Days of history, by the clock or by samples, whichever says less."""
    samples: int
    """Of cpu."""
    begin: float
    end: float
    """First and last sample of cpu."""
    siblings: int
    """Containers of the pod that share its minimum."""
    risks: tuple[Risk, ...]
    courses: Mapping[Resource, Course]

    @property
    def name(self) -> str:
        return f"{self.workload}/{self.container}"

    @property
    def kills(self) -> tuple[float, ...]:
        """Of all pods."""
        return tuple(sorted(at for times in self.facts.kills.values() for at in times))

    def change(self, resource: Resource) -> int | None:
        """How much more (or less) one pod is to request; None when it is not known what it requests, or wants."""
        now, wanted = self.facts.requests.get(resource), self.bounds.target.get(resource)
        return None if now is None or wanted is None else wanted - now
