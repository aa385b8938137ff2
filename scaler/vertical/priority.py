"""How badly a pod needs another size, and whether it needs it now.

VPA's rules. A pod is moved when a request is outside the recommended range, or after half a day when it is far enough
from the target, or soon after its start when it was killed for memory and the target differs.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from scaler.clock import from_rfc3339
from scaler.vertical.amounts import RESOURCES, Recommendation, Resource
from scaler.vertical.pods import ContainerStatus, Sized, SizedPod
from scaler.vertical.rules import Requirement, Rules

OOM_KILLED = "OOMKilled"
_PER_UNIT: dict[Resource, int] = {"cpu": 1, "memory": 1000}
"""Thousandths in one of ours: sums are compared in thousandths, and none is less than one of them."""


class Thresholds(msgspec.Struct, frozen=True):
    """When a pod is moved; times in seconds."""

    min_change: float = 0.1
    """The least `Priority.difference` for which a pod within its range is moved."""
    lifetime: float = 12 * 3600.0
    """A pod within its range is not moved before this age."""
    quick_oom: float = 600.0
    """A container that was killed for memory within this time of its start is helped at once."""


class Priority(msgspec.Struct, frozen=True, gc=False):
    """How badly a pod needs another size."""

    outside: bool = False
    """A request is outside the recommended range, or missing."""
    scale_up: bool = False
    """A container needs more of something."""
    difference: float = 0.0
    """The distance from the requests to the targets relative to the requests, added up over the resources."""

    @property
    def rank(self) -> tuple[bool, float]:
        """Greater is moved earlier: pods that need more first, then those farther from their targets."""
        return (self.scale_up, self.difference)


Why = Literal[
    "outside-range", "quick-oom", "drifted", "no-start-time", "young", "little-change", "unchanged-after-oom"
]
"""Why a pod is selected (the first three), or why it is not."""

SELECTED: frozenset[Why] = frozenset({"outside-range", "quick-oom", "drifted"})


def update_priority(
    containers: Sequence[Sized], recommendation: Recommendation, observed: Collection[str] | None = None
) -> Priority:
    """The priority of a pod, from the recommendation capped for it; `observed` None judges all containers."""
    requested: dict[Resource, int] = {"cpu": 0, "memory": 0}
    recommended: dict[Resource, int] = {}
    outside = scale_up = False
    for container in containers:
        bounds = recommendation.get(container.name)
        if bounds is None or (observed is not None and container.name not in observed):
            continue
        for resource, target in bounds.target.items():
            recommended[resource] = recommended.get(resource, 0) + target
            request = container.requests.get(resource)
            if request is None:
                outside = scale_up = True
                continue
            requested[resource] += request
            scale_up = scale_up or target > request
            low, high = bounds.lower.get(resource, request), bounds.upper.get(resource, request)
            outside = outside or request < low or request > high
    return Priority(outside, scale_up, _difference(requested, recommended))


def _difference(requested: dict[Resource, int], recommended: dict[Resource, int]) -> float:
    found = 0.0
    for resource in RESOURCES:
        if resource in recommended:
            base = max(float(requested[resource] * _PER_UNIT[resource]), 1.0)
            found += abs(base - recommended[resource] * _PER_UNIT[resource]) / base
    return found


def selection(priority: Priority, started: float | None, quick_oom: bool, now: float, thresholds: Thresholds) -> Why:
    """Whether a pod of this priority is to be moved now, and why or why not; `started` in epoch seconds."""
    if quick_oom:
        return "quick-oom" if priority.difference else "unchanged-after-oom"
    if priority.outside:
        return "outside-range"
    if started is None:
        return "no-start-time"
    if now < started + thresholds.lifetime:
        return "young"
    return "drifted" if priority.difference >= thresholds.min_change else "little-change"


def has_quick_oom(pod: SizedPod, rules: Rules, within: float, observed: Collection[str] | None = None) -> bool:
    """Whether a container that is sized was killed for memory within so many seconds of its start."""
    statuses = pod.status.container_statuses or ()
    if rules.init_containers != "none":
        statuses += pod.status.init_container_statuses or ()
    return any(
        _killed_within(status, within)
        for status in statuses
        if (observed is None or status.name in observed) and not rules.of(status.name).off
    )


def _killed_within(status: ContainerStatus, seconds: float) -> bool:
    ended = status.last_state.terminated
    if ended is None or ended.reason != OOM_KILLED:
        return False
    return _epoch(ended.finished_at) - _epoch(ended.started_at) < seconds


def _epoch(text: str | None) -> float:
    return from_rfc3339(text) if text else 0.0


def meets_requirements(
    containers: Sequence[Sized], recommendation: Recommendation, requirements: Sequence[Requirement]
) -> bool:
    """Whether one container with a recommendation meets all of them; one that lacks a request always does."""
    if not requirements:
        return True
    judged = (container for container in containers if container.name in recommendation)
    return any(_meets_all(container, recommendation, requirements) for container in judged)


def _meets_all(container: Sized, recommendation: Recommendation, requirements: Sequence[Requirement]) -> bool:
    requests, target = container.requests, recommendation[container.name].target
    if not all(requests.get(resource) for resource in RESOURCES):
        return True
    return all(
        any(
            target.get(resource, 0) > requests[resource]
            if requirement.direction == "TargetHigherThanRequests"
            else target.get(resource, 0) < requests[resource]
            for resource in RESOURCES
            if resource in requirement.resources
        )
        for requirement in requirements
    )
