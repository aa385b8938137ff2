"""What the pods of a workload use as load arrives: shared by those that are ready, held back by their limits.

Values in, values out; the embedded cluster and the metrics server of the tests' real control plane compute with it
alike, so that usage follows load, replicas and resources on both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from scaler.quantity import parse_quantity

Usage = tuple[float, float]
"""Cores and bytes."""
Pod = Mapping[str, Any]

MIB = float(1 << 20)


class Demand(msgspec.Struct, frozen=True):
    """The work of a workload, and what it takes."""

    cores: Callable[[float], float]
    """Cores that all pods together would use at a time (epoch seconds), had they no limits."""
    idle: Usage = (0.0, 64 * MIB)
    """What each pod uses beside the work: cores and bytes."""
    memory_per_core: float = 0.0
    """Bytes that each core's worth of work keeps busy, on top of the idle ones."""
    shares: Mapping[str, float] = {}
    """How the work of a pod falls on its containers, by name; they sum to 1. Empty: all on the first."""

    def wanted(self, pod: Pod, replicas: int, now: float) -> dict[str, Usage]:
        """What each container would use if nothing held it back, of a pod that works beside `replicas` - 1 others.

        A pod that is not ready gets no work.
        """
        names = [container["name"] for container in pod["spec"]["containers"]]
        shares = self.shares or {names[0]: 1.0}
        work = max(self.cores(now), 0.0) / replicas if is_ready(pod) and replicas > 0 else 0.0
        cores, size = (amount / len(names) for amount in self.idle)
        done = {name: work * shares.get(name, 0.0) for name in names}
        return {name: (cores + part, size + part * self.memory_per_core) for name, part in done.items()}

    def used(self, pod: Pod, replicas: int, now: float) -> dict[str, Usage]:
        """The same with each container's limits: cpu is throttled there, and no more memory can be had."""
        wanted = self.wanted(pod, replicas, now)
        return {name: _within(amounts, limits_of(pod, name)) for name, amounts in wanted.items()}

    def starving(self, pod: Pod, replicas: int, now: float) -> list[str]:
        """The containers that want more memory than their limit: the kernel would kill them."""
        wanted = self.wanted(pod, replicas, now)
        return [name for name, (_, size) in wanted.items() if size > limits_of(pod, name)[1]]


def limits_of(pod: Pod, name: str) -> Usage:
    """The limits in force of a container: those its status tells, else those of the spec; infinite where none is."""
    status = pod.get("status") or {}
    told = [one.get("resources") for one in status.get("containerStatuses") or () if one["name"] == name]
    asked = next(container for container in pod["spec"]["containers"] if container["name"] == name)
    resources = next((found for found in told if found is not None), None) or asked.get("resources") or {}
    limits = resources.get("limits") or {}
    cores, size = (parse_quantity(limits[one]) if one in limits else float("inf") for one in ("cpu", "memory"))
    return cores, size


def is_ready(pod: Pod) -> bool:
    """Whether load reaches the pod."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    going = pod["metadata"].get("deletionTimestamp")
    return not going and any(part["type"] == "Ready" and part["status"] == "True" for part in conditions)


def _within(amounts: Usage, limits: Usage) -> Usage:
    return min(amounts[0], limits[0]), min(amounts[1], limits[1])
