"""Containers that were killed for memory, as their pods and the kubelet's eviction events tell of it.

A kill is told twice: when the container is seen Terminated, and again, as its last state, when it runs anew. Only a
change of what was seen counts, so that neither a list that is read again nor a container that waited between two runs
is counted twice. Source: upstream's OOM observer.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from scaler.clock import from_rfc3339
from scaler.vertical.quantities import whole_bytes

OOM_KILLED: Final = "OOMKilled"
EVICTED: Final = "Evicted"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One container of a pod, as far as kills for memory go."""

    restarts: int = 0
    running: bool = False
    terminated: bool = False
    killed_at: str = ""
    """When it was killed, if it lies killed for memory now."""
    killed_before: str = ""
    """When its last run was, if that ended so."""
    memory: int = 0
    """Bytes it requests."""


class Kill(msgspec.Struct, frozen=True):
    """A container was killed for memory."""

    namespace: str
    pod: str
    container: str
    time: float
    memory: int
    """Bytes it had: its request, or what it used when the kubelet evicted its pod."""


def kills(namespace: str, pod: str, before: Mapping[str, Seen], after: Mapping[str, Seen]) -> Iterator[Kill]:
    """What a change of a pod tells, by container name."""
    for name, now in after.items():
        then = before.get(name)
        if then is None:
            continue
        if now.killed_at and (not then.terminated or now.restarts > then.restarts):
            yield Kill(namespace, pod, name, from_rfc3339(now.killed_at), now.memory)
        elif now.killed_before and now.running and then.running and now.restarts > then.restarts:
            yield Kill(namespace, pod, name, from_rfc3339(now.killed_before), then.memory)


def evictions(namespace: str, pod: str, annotations: Mapping[str, str], time: float) -> list[Kill]:
    """What an event of the reason Evicted tells: containers that starved their node of memory, and what they used."""
    names, usages, resources = (
        annotations.get(key, "").split(",")
        for key in ("offending_containers", "offending_containers_usage", "starved_resource")
    )
    if not len(names) == len(usages) == len(resources):
        return []
    try:
        return [
            Kill(namespace, pod, name, time, whole_bytes(usage))
            for name, usage, resource in zip(names, usages, resources, strict=True)
            if resource == "memory"
        ]
    except ValueError:
        return []
