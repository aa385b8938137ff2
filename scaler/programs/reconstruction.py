"""An explanation from what a cluster shows by itself, for when the operator cannot be asked. Pure.

The objects' own words and the HPA controller's arithmetic on what it was told. What each trigger showed, and why the
operator decided as it did, is not in the cluster; this says so.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from scaler.api.meta import Condition, Raw
from scaler.api.scaledobject import PAUSED, PAUSED_REPLICAS, PAUSED_SCALE_IN, PAUSED_SCALE_OUT
from scaler.horizontal.arithmetic import TOLERANCE
from scaler.programs.subjects import hpa_name
from scaler.quantity import parse_quantity


class Observed(msgspec.Struct, frozen=True):
    """What was read; None for what could not be, or is not there."""

    scaled: Raw
    scale: Raw | None
    hpa: Raw | None
    events: tuple[Raw, ...] = ()


class MetricSeen(msgspec.Struct, frozen=True):
    """One metric as the HPA has it."""

    name: str
    metric_type: str
    """AverageValue, Value or Utilization."""
    current: str
    """A quantity, or percent; empty when the HPA shows none."""
    target: str
    asks: int | None
    """Replicas by the HPA's arithmetic; None without a value."""


class EventSeen(msgspec.Struct, frozen=True):
    """One event."""

    at: str
    """RFC 3339."""
    type: str
    reason: str
    message: str
    count: int


class Reconstruction(msgspec.Struct, frozen=True):
    """What the cluster shows."""

    namespace: str
    name: str
    why: str
    """Why the operator could not be asked."""
    kind: str
    """Of the target, as in ``apps/v1.Deployment``."""
    target: str
    replicas: int | None
    """spec.replicas of the target."""
    running: int | None
    """status.replicas of the target."""
    minimum: int
    maximum: int
    idle: int | None
    triggers: tuple[str, ...]
    """Their types."""
    conditions: tuple[Condition, ...]
    last_active: str
    annotations: dict[str, str]
    """Those that pause."""
    hpa: str
    """Its name; empty when there is none."""
    desired: int | None
    """status.desiredReplicas of the HPA."""
    metrics: tuple[MetricSeen, ...]
    hpa_conditions: tuple[Condition, ...]
    failing: dict[str, int]
    """Failures in a row by metric, as far as they are counted."""
    events: tuple[EventSeen, ...]


def reconstruct(observed: Observed, why: str) -> Reconstruction:
    """Put together what was read; `why` is why the operator could not be asked."""
    meta, spec, status = (_part(observed.scaled, name) for name in ("metadata", "spec", "status"))
    ref = _part(spec, "scaleTargetRef")
    hpa = observed.hpa or {}
    annotations = _part(meta, "annotations")
    pauses = (PAUSED, PAUSED_REPLICAS, PAUSED_SCALE_IN, PAUSED_SCALE_OUT)
    return Reconstruction(
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        why=why,
        kind=status.get("scaleTargetKind") or f"{ref.get('apiVersion', 'apps/v1')}.{ref.get('kind', 'Deployment')}",
        target=ref.get("name", ""),
        replicas=_replicas(observed.scale, "spec"),
        running=_replicas(observed.scale, "status"),
        minimum=spec.get("minReplicaCount") or 0,
        maximum=100 if spec.get("maxReplicaCount") is None else spec["maxReplicaCount"],
        idle=spec.get("idleReplicaCount"),
        triggers=tuple(str(trigger.get("type")) for trigger in spec.get("triggers") or ()),
        conditions=_conditions(status),
        last_active=status.get("lastActiveTime") or "",
        annotations={key: annotations[key] for key in pauses if key in annotations},
        hpa=hpa_name(observed.scaled) if observed.hpa else "",
        desired=_part(hpa, "status").get("desiredReplicas"),
        metrics=tuple(_metrics(hpa)),
        hpa_conditions=_conditions(_part(hpa, "status")),
        failing=_failing(status),
        events=_events(observed.events),
    )


def _part(holder: Raw, name: str) -> Raw:
    part = holder.get(name)
    return part if isinstance(part, dict) else {}


def _replicas(scale: Raw | None, half: str) -> int | None:
    """spec.replicas that says nothing is 1 in Kubernetes' own words; a status that says nothing is 0."""
    if scale is None:
        return None
    return int(_part(scale, half).get("replicas", 1 if half == "spec" else 0))


def _conditions(status: Raw) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            str(one.get("type", "")),
            str(one.get("status", "")),
            str(one.get("reason", "")),
            str(one.get("message", "")),
        )
        for one in status.get("conditions") or ()
    )


def _failing(status: Raw) -> dict[str, int]:
    health = _part(status, "health")
    counted = {metric: int(one.get("numberOfFailures") or 0) for metric, one in health.items()}
    return {metric: failures for metric, failures in counted.items() if failures}


# -- the HPA's metrics -----------------------------------------------------------------------------------------


def _metrics(hpa: Raw) -> Iterator[MetricSeen]:
    status = _part(hpa, "status")
    seen = {_identity(one): one for one in status.get("currentMetrics") or ()}
    replicas = int(status.get("currentReplicas") or 0)
    for one in _part(hpa, "spec").get("metrics") or ():
        yield _metric(one, seen.get(_identity(one)), replicas)


def _identity(metric: Raw) -> tuple[str, str]:
    kind, source = _source(metric)
    return kind, str(_part(source, "metric").get("name") or source.get("name") or "")


def _source(metric: Raw) -> tuple[str, Raw]:
    kind = str(metric.get("type") or "")
    return kind, _part(metric, kind[:1].lower() + kind[1:])


def _metric(wanted: Raw, seen: Raw | None, replicas: int) -> MetricSeen:
    target = _part(_source(wanted)[1], "target")
    current = {} if seen is None else _part(_source(seen)[1], "current")
    kind = str(target.get("type") or "")
    field = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}.get(kind, "")
    now, goal = current.get(field), target.get(field)
    return MetricSeen(
        name=_identity(wanted)[1],
        metric_type=kind,
        current=_shown(now, kind),
        target=_shown(goal, kind),
        asks=_asks(now, goal, replicas),
    )


def _shown(amount: Any, kind: str) -> str:
    if amount is None:
        return ""
    if kind == "Utilization":
        return f"{amount}%"
    spelt = str(amount)
    return f"{parse_quantity(amount):.10g}" if spelt[-1:] in "0123456789m" else spelt


def _asks(now: Any, goal: Any, replicas: int) -> int | None:
    """All three types ask in proportion to what there is: average per replica, percent, or a whole value."""
    if now is None or goal is None or not parse_quantity(goal):
        return None
    ratio = parse_quantity(now) / parse_quantity(goal)
    if abs(ratio - 1) <= TOLERANCE:
        return replicas
    return math.ceil(round(ratio * replicas, 6))


# -- events ----------------------------------------------------------------------------------------------------


def _events(raw: Sequence[Raw]) -> tuple[EventSeen, ...]:
    seen = [
        EventSeen(
            _when(one), one.get("type", ""), one.get("reason", ""), one.get("message", ""), one.get("count") or 1
        )
        for one in raw
    ]
    return tuple(sorted(seen, key=lambda event: event.at)[-8:])


def _when(event: Raw) -> str:
    times = (event.get("lastTimestamp"), event.get("eventTime"), _part(event, "metadata").get("creationTimestamp"))
    return next((str(time) for time in times if time), "")
