"""The load in terms of set-points: how many pods it asks for, who leads, and what a sample says of a pod's size."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from scaler.together.metrics import Metric
from scaler.together.setpoints import SetPoints
from scaler.vertical.amounts import Amounts, Resource

TOLERANCE = 0.1
"""The HPA leaves replicas alone while usage is within this share of its target (upstream's default)."""

Stand = Literal["leads", "slack", "short", "unseen"]
"""A metric leads while it alone says how many pods there are, free between the bounds. It is slack at the least
replicas or when another metric asks for more; short when the most replicas are not enough; unseen without usage."""


class Replicas(msgspec.Struct, frozen=True):
    """The horizontal side."""

    now: int
    """What is wanted of the workload."""
    least: int
    most: int
    elsewhere: int = 0
    """What metrics ask for that are not shared: queues, absolute targets."""
    scaled_at: float | None = None
    """When they last changed, epoch seconds; None when nobody knows of a change."""


class Usage(msgspec.Struct, frozen=True):
    """What the workload uses."""

    pods: int
    """Pods with a sample."""
    used: Mapping[str, Amounts]
    """By container, all those pods together."""

    def of(self, metric: Metric) -> int | None:
        """Millicores or bytes of all those pods; None when nothing that the metric counts was seen."""
        resource = metric.resource
        seen = [used[resource] for name, used in self.used.items() if metric.counts(name) and resource in used]
        return sum(seen) if seen and self.pods else None


class Load(msgspec.Struct, frozen=True):
    """What the usage asks for."""

    pods: int | None
    """How many pods set-points and other metrics ask for together, within the bounds; None when nobody can say."""
    stands: Mapping[str, Stand]
    """By `Metric.key`."""


def load(metrics: Mapping[str, Metric], points: SetPoints, replicas: Replicas, usage: Usage | None) -> Load:
    """What this usage asks for at these set-points."""
    asked: dict[str, int] = {}
    for key, metric in metrics.items():
        used = usage.of(metric) if usage else None
        if usage is not None and used is not None and key in points:
            asked[key] = _asked(used, points[key].amount, usage.pods)
    if not asked:
        return Load(None, dict.fromkeys(metrics, "unseen"))
    pods = max(*asked.values(), replicas.elsewhere, replicas.least)
    stands: dict[str, Stand] = dict.fromkeys(metrics, "unseen")
    for key, count in asked.items():
        stands[key] = _stand(count, pods, replicas)
    return Load(min(pods, replicas.most), stands)


def _asked(used: int, point: int, pods: int) -> int:
    """As the HPA reckons: within its tolerance the pods are as many as there should be."""
    ratio = used / (point * pods)
    return pods if abs(ratio - 1.0) <= TOLERANCE else -(-used // point)


def _stand(count: int, pods: int, replicas: Replicas) -> Stand:
    if count > replicas.most:
        return "short"
    return "leads" if count == pods and replicas.least < count < replicas.most else "slack"


def weight(found: Load, usage: Usage | None, resource: Resource, *, exactly: bool) -> float:
    """What one pod's usage stands for, as a factor: its share if as many pods ran as are asked for.

    Pods that are more than the set-point asks for, as after a passing peak, use less each; that is no reason for
    smaller ones. Fewer pods use more each, which counts as it is, unless `exactly` says that pods are being resized:
    then it is the resizing that shows. Memory does not divide like cpu, so it counts as it is.
    """
    if resource != "cpu" or usage is None or not found.pods or not usage.pods:
        return 1.0
    factor = usage.pods / found.pods
    return factor if exactly else max(factor, 1.0)
