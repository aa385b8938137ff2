"""A ScaledObject's status: what it should say, and the smallest patch that makes it say so.

Every change is a write, so values that only advance are written seldom: ``lastActiveTime`` when activity begins or
ends, on hand-over, and else at most once a minute; a failure count beyond `EXACT_FAILURES` when it has doubled.
Memory holds the exact ones, and after an unclean restart the cooldown errs late, never early.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from scaler.actions import WriteStatus
from scaler.api.meta import Raw
from scaler.api.scaledobject import (
    GroupVersionKindResource,
    Health,
    ScaledObject,
    ScaledObjectStatus,
    TriggerActivity,
)
from scaler.clock import from_rfc3339, to_rfc3339
from scaler.horizontal import conditions
from scaler.horizontal.evaluate import kind_of
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.readings import Evaluation, Memory, Subject

RESOURCE = "scaledobjects"

ADVANCE = 60.0
"""Seconds by which lastActiveTime advances at least, while nothing else happens, unless the installation says."""
EXACT_FAILURES = 20
"""Failures in a row up to which every one is written."""


# -- to and from memory ----------------------------------------------------------------------------------------


def memory_from(scaled: ScaledObject, now: float) -> Memory:
    """What an earlier process knew, from the status it left."""
    status = scaled.status
    was_active = conditions.found(status.conditions, conditions.ACTIVE).status == conditions.TRUE
    # While it was active the time written lags behind, and nobody looked since: then it counts from now.
    last_active = now if was_active else _time(status.last_active_time, now)
    return Memory(last_active, health=dict(status.health))


def judged(
    status: ScaledObjectStatus, evaluation: Evaluation, *, handover: bool = False, advance: float = ADVANCE
) -> ScaledObjectStatus:
    """The status after a check; `handover` writes the exact lastActiveTime for whoever takes over.

    While nothing else happens it is written once it has advanced by `advance` seconds.
    """
    after = conditions.merged(status.conditions, evaluation.conditions)
    activity = {metric: TriggerActivity(active) for metric, active in evaluation.activity.items()}
    wanted = msgspec.structs.replace(
        status,
        conditions=after,
        health=_health(status.health, evaluation.memory.health),
        last_active_time=_last_active(status, evaluation, -math.inf if handover else advance),
        triggers_activity=activity,
    )
    return status if wanted == status else wanted


def _last_active(status: ScaledObjectStatus, evaluation: Evaluation, advance: float) -> str | None:
    written, last = status.last_active_time, evaluation.memory.last_active
    text = None if last is None else to_rfc3339(last)
    if last is None or text == written:
        return written
    before = conditions.found(status.conditions, conditions.ACTIVE).status
    after = conditions.found(evaluation.conditions, conditions.ACTIVE).status
    due = last - (_time(written, -advance) or -advance) >= advance
    return text if due or before != after else written


def _health(written: Mapping[str, Health], known: Mapping[str, Health]) -> dict[str, Health]:
    return {metric: _counted(written.get(metric), health) for metric, health in known.items()}


def _counted(written: Health | None, known: Health) -> Health:
    if written is None or written.status != known.status:
        return known
    count, before = known.number_of_failures, written.number_of_failures
    return written if EXACT_FAILURES < count < 2 * before else known


def _time(text: str | None, otherwise: float) -> float | None:
    """Epoch seconds; a text that is no time counts as `otherwise`."""
    try:
        return from_rfc3339(text) if text else None
    except ValueError:
        return otherwise


# -- what the object is ----------------------------------------------------------------------------------------


def targeted(status: ScaledObjectStatus, target: GroupVersionKindResource, replicas: int) -> ScaledObjectStatus:
    """The status with its resolved target; the `replicas` it has now are kept as the original ones, once."""
    return msgspec.structs.replace(
        status,
        scale_target_kind=kind_of(target),
        scale_target_gvkr=target,
        original_replica_count=replicas if status.original_replica_count is None else status.original_replica_count,
    )


def described(status: ScaledObjectStatus, subject: Subject) -> ScaledObjectStatus:
    """The status with what is known once the triggers are built."""
    scaled, triggers = subject.scaled, subject.scaled.spec.triggers
    external = tuple(metric.name for plan in subject.triggers for metric in plan.metrics)
    if any(not plan.metrics and plan.resource is None for plan in subject.triggers):
        external = status.external_metric_names or external  # what cannot be built now keeps its names and its health
    resources = (plan.resource for plan in subject.triggers if plan.resource is not None)
    authentications = (trigger.authentication_ref.name for trigger in triggers if trigger.authentication_ref)
    composed = scaled.spec.advanced.scaling_modifiers.used and external
    return msgspec.structs.replace(
        status,
        external_metric_names=external,
        resource_metric_names=tuple(resource.resource for resource in resources if not resource.container),
        composite_scaler_name=COMPOSITE if composed else "",
        triggers_types=",".join(dict.fromkeys(trigger.type for trigger in triggers)),
        authentications_types=",".join(dict.fromkeys(authentications)),
        health={metric: health for metric, health in status.health.items() if metric in external},
        triggers_activity={
            metric: activity for metric, activity in status.triggers_activity.items() if metric in external
        },
    )


# -- the patch -------------------------------------------------------------------------------------------------


def status_write(scaled: ScaledObject, present: ScaledObjectStatus, wanted: ScaledObjectStatus) -> WriteStatus | None:
    """The write that brings one to the other, if any is needed."""
    patch = status_patch(present, wanted)
    return None if patch is None else WriteStatus(scaled.ref, RESOURCE, patch)


def status_patch(present: ScaledObjectStatus, wanted: ScaledObjectStatus) -> Raw | None:
    """A merge patch of the status with what differs; lists go as a whole. None when nothing does."""
    if wanted == present:
        return None
    return _difference(_wire(present), _wire(wanted)) or None


def _wire(status: ScaledObjectStatus) -> Raw:
    return msgspec.json.decode(msgspec.json.encode(status), type=Raw)


def _difference(present: dict[str, Any], wanted: dict[str, Any]) -> Raw:
    patch: Raw = {key: None for key in present if key not in wanted}
    for key, value in wanted.items():
        before = present.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = _difference(before, value)
            if inner:
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch
