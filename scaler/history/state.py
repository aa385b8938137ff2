"""What containers ask for now, and what befell them: as kube-state-metrics and the kubelet tell Prometheus."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from scaler.errors import Unreadable
from scaler.history import queries
from scaler.history.pieces import Window, window
from scaler.history.prometheus import Prometheus
from scaler.history.queries import Container, Names

KILL_STEP = 300.0
"""Seconds to which a kill for want of memory is known."""
RECENT = 86400.0
"""Seconds over which throttling is looked at."""
_SERIES = 2000
"""As many series as pieces are cut for; kills are rare, so answers are small."""

NO_STATE = (
    "kube-state-metrics is not scraped (there is no kube_pod_container_resource_requests): what is requested now, "
    "how many replicas there are and what was killed for want of memory is not known, and owners are guessed from "
    "the names of pods"
)

Asked = Mapping[str, float]
"""By cpu and memory: cores and bytes."""


class State(msgspec.Struct, frozen=True):
    """Of every container that is known; one that is not in a mapping says nothing, or nobody knows."""

    requests: Mapping[Container, Asked] = {}
    limits: Mapping[Container, Asked] = {}
    replicas: Mapping[tuple[str, str], int] = {}
    """By namespace and Deployment."""
    kills: Mapping[Container, tuple[float, ...]] = {}
    """When it was killed for want of memory."""
    throttled: Mapping[Container, float] = {}
    """The share of its periods in which its CPU limit held it back, in the last day."""
    notes: tuple[str, ...] = ()
    """What could not be found out, and what that means."""


async def state(prometheus: Prometheus, names: Names, end: float, length: float) -> State:
    """All of it, at the end of so many seconds. What the server lacks is a note; Unreadable when it refuses."""
    requests, limits, replicas, throttled, kills = await asyncio.gather(
        _amounts(prometheus, names, "kube_pod_container_resource_requests", end),
        _amounts(prometheus, names, "kube_pod_container_resource_limits", end),
        _replicas(prometheus, names, end),
        _throttled(prometheus, names, end),
        _kills(prometheus, names, window(end, length, KILL_STEP)),
    )
    return State(requests, limits, replicas, kills, throttled, _notes(bool(requests)))


def _notes(requests: bool) -> tuple[str, ...]:
    if requests:
        return ()
    return (NO_STATE,)


async def _amounts(prometheus: Prometheus, names: Names, metric: str, at: float) -> dict[Container, dict[str, float]]:
    found: dict[Container, dict[str, float]] = defaultdict(dict)
    for labels, value in await prometheus.query(queries.amounts(names, metric), at):
        found[queries.state_place(labels)][queries.stated(labels, "resource")] = value
    return dict(found)


async def _replicas(prometheus: Prometheus, names: Names, at: float) -> dict[tuple[str, str], int]:
    found = await prometheus.query(queries.replicas(names), at)
    return {
        (queries.stated(labels, "namespace"), queries.stated(labels, "deployment")): round(value)
        for labels, value in found
    }


async def _throttled(prometheus: Prometheus, names: Names, at: float) -> dict[Container, float]:
    """Nothing where it would be too much to ask for: it is a remark, no part of the judgement."""
    try:
        found = await prometheus.query(queries.throttled(names, RECENT), at)
    except Unreadable:
        return {}
    return {names.place(labels): value for labels, value in found if 0.0 < value <= 1.0}


async def _kills(prometheus: Prometheus, names: Names, looked: Window) -> dict[Container, tuple[float, ...]]:
    expression = queries.kills(names, KILL_STEP)
    answers = await asyncio.gather(
        *(prometheus.range(expression, part.begin, part.end, part.step) for part in looked.pieces(_SERIES))
    )
    found: dict[Container, list[float]] = defaultdict(list)
    for labels, times, _ in (one for answer in answers for one in answer):
        found[queries.state_place(labels)] += times.tolist()
    return {container: _single(sorted(times)) for container, times in found.items()}


def _single(times: list[float]) -> tuple[float, ...]:
    """One kill is seen in one look or in two that follow each other."""
    return tuple(at for at, before in zip(times, [-1.0, *times], strict=False) if at - before > KILL_STEP)
