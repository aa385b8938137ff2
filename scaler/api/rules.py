"""The rules of a ScaledObject that no schema can say, each a pure function from what it needs to the problems found.

Rejections carry upstream's reason (a metric label there). Those that look at other objects are in
`scaler.api.neighbours`; those of the formula need its language and are in `scaler.horizontal.modifiers`.

Source: upstream's admission webhook. Bounds, triggers and formula are checked by its controller, too.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from scaler.api import scaledobject as so
from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject, ScaleTargetRef
from scaler.errors import Problem
from scaler.quantity import parse_quantity

LONGEST_NAME = 63
"""Characters of a label's value: the object's name is one, and so is its HPA's."""

_RESOURCES = frozenset({"cpu", "memory"})
_UNCACHED = frozenset({"cpu", "memory", "cron"})
"""Types that have nothing to cache: no source is asked."""
_WITH_PODS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet")})
"""Targets whose containers upstream looks at."""
_CHOICES = {so.NO_DATA: ("upstream", "strict"), so.ACTIVATE_TO: ("minimum", "demand")}


class Refusal(msgspec.Struct, frozen=True):
    """A problem and the reason under which it is counted."""

    reason: str
    problem: Problem


class _Scales(Protocol):
    @property
    def scale_target_ref(self) -> ScaleTargetRef: ...


class Scaling(Protocol):
    """Whatever says which workload it scales: a ScaledObject, or the part of one that others must know."""

    @property
    def spec(self) -> _Scales: ...


def own_refusals(scaled: ScaledObject) -> list[Refusal]:
    """Everything wrong with the object by itself, its formula aside."""
    return [
        *because("incorrect-replicas", bounds(scaled)),
        *because("incorrect-fallback", fallback(scaled)),
        *because("scaling-modifiers-fallback", fallback_to_formula(scaled)),
        *because("name-too-long", name(scaled)),
        *because("hpa-name-too-long", hpa_name(scaled)),
        *because("incorrect-triggers", triggers(scaled)),
        *because("incorrect-annotations", annotations(scaled)),
    ]


def pod_refusals(scaled: ScaledObject, pod_spec: Raw | None, limit_ranges: Sequence[Raw] = ()) -> list[Refusal]:
    """What cpu and memory triggers need of the target's pods; nothing for kinds whose pods are not looked at."""
    if target_of(scaled)[:2] not in _WITH_PODS:
        return []
    found = because("scale-to-zero-requirements-not-met", scale_to_zero(scaled))
    if pod_spec is not None:
        found += because("missing-requests", missing_requests(scaled, pod_spec, limit_ranges))
    return found


def because(reason: str, problems: Iterable[Problem]) -> list[Refusal]:
    """These problems under one reason."""
    return [Refusal(reason, problem) for problem in problems]


def target_of(scaled: Scaling) -> tuple[str, str, str]:
    """Group, kind and name of the workload; versions of one group do not count."""
    ref = scaled.spec.scale_target_ref
    return group(ref.api_version or "apps/v1"), ref.kind or "Deployment", ref.name


def group(api_version: str) -> str:
    """The group of an apiVersion; the core group is the empty text."""
    return api_version.rpartition("/")[0]


# -- by itself -------------------------------------------------------------------------------------------------


def bounds(scaled: ScaledObject) -> list[Problem]:
    """The order of idle, minimum and maximum. An unset minimum counts as 0 for idle, an explicit 0 as 1."""
    spec = scaled.spec
    found = []
    if spec.minimum > spec.maximum:
        message = f"{spec.minimum} is above maxReplicaCount {spec.maximum}: it must be at most that"
        found.append(Problem("spec.minReplicaCount", message, spec.minimum))
    floor = 0 if spec.min_replica_count is None else max(spec.min_replica_count, 1)
    idle = spec.idle_replica_count
    if idle is not None and idle >= floor:
        least = "minReplicaCount, which is unset" if spec.min_replica_count is None else f"minReplicaCount {floor}"
        message = f"{idle} is not below {least}: set minReplicaCount above it, or remove it"
        found.append(Problem("spec.idleReplicaCount", message, idle))
    return found


def fallback(scaled: ScaledObject) -> list[Problem]:
    """A fallback needs figures that are not negative, and a source that can fail: cpu and memory have none."""
    given = scaled.spec.fallback
    if given is None:
        return []
    figures = {"failureThreshold": given.failure_threshold, "replicas": given.replicas}
    found = [
        Problem(f"spec.fallback.{field}", f"{figure} is negative: write 0 or more", figure)
        for field, figure in figures.items()
        if figure < 0
    ]
    if not scaled.spec.advanced.scaling_modifiers.formula and _only_resources(scaled):
        message = "has no effect on cpu and memory triggers alone: add another trigger, or remove it"
        found.append(Problem("spec.fallback", message))
    return found


def fallback_to_formula(scaled: ScaledObject) -> list[Problem]:
    """The behaviour scalingModifiers hands the failure to a formula, so there must be one."""
    given = scaled.spec.fallback
    if given is None or given.behavior != "scalingModifiers" or scaled.spec.advanced.scaling_modifiers.formula:
        return []
    message = "scalingModifiers needs spec.advanced.scalingModifiers.formula, to which it leaves what to do"
    return [Problem("spec.fallback.behavior", message, given.behavior)]


def name(scaled: ScaledObject) -> list[Problem]:
    """The object's name becomes a label's value."""
    own = scaled.metadata.name
    if len(own) <= LONGEST_NAME:
        return []
    message = f"{own} has {len(own)} characters: a label's value holds {LONGEST_NAME}"
    return [Problem("metadata.name", message, own)]


def hpa_name(scaled: ScaledObject) -> list[Problem]:
    """The HPA's name becomes a label's value."""
    own = scaled.hpa_name
    if len(own) <= LONGEST_NAME:
        return []
    path = "spec.advanced.horizontalPodAutoscalerConfig.name"
    message = f"the HPA's name {own} has {len(own)} characters: write one of at most {LONGEST_NAME}"
    return [Problem(path, message, own)]


def triggers(scaled: ScaledObject) -> list[Problem]:
    """At least one; names are unique; nothing is cached that no source gives."""
    if not scaled.spec.triggers:
        return [Problem("spec.triggers", "is empty: at least one trigger is needed")]
    found = []
    first: dict[str, int] = {}
    for index, trigger in enumerate(scaled.spec.triggers):
        path = f"spec.triggers[{index}]"
        if trigger.name and first.setdefault(trigger.name, index) != index:
            message = f'"{trigger.name}" is the name of trigger {first[trigger.name]} already: names are unique'
            found.append(Problem(f"{path}.name", message, trigger.name))
        if trigger.use_cached_metrics and trigger.type in _UNCACHED:
            message = f"has no effect on a {trigger.type} trigger, which asks no source: remove it"
            found.append(Problem(f"{path}.useCachedMetrics", message, value=True))
    return found


def annotations(scaled: ScaledObject) -> list[Problem]:
    """Our own annotations have few values; upstream's are read leniently and refuse nothing."""
    found = []
    for key, choices in _CHOICES.items():
        text = scaled.metadata.annotations.get(key)
        if text is not None and text not in choices:
            message = f'"{text}" is none of {" and ".join(choices)}'
            found.append(Problem(f"metadata.annotations[{key}]", message, text))
    return found


# -- the target's pods -----------------------------------------------------------------------------------------


def scale_to_zero(scaled: ScaledObject) -> list[Problem]:
    """Nothing wakes a workload at zero whose only triggers are its own cpu and memory."""
    if scaled.spec.minimum or not _only_resources(scaled):
        return []
    message = "must be 1 or more with only cpu and memory triggers: at zero replicas there is nothing they could see"
    return [Problem("spec.minReplicaCount", message, scaled.spec.min_replica_count)]


def missing_requests(scaled: ScaledObject, pod_spec: Raw, limit_ranges: Sequence[Raw]) -> list[Problem]:
    """Usage is measured against requests (limits and a LimitRange's defaults do as well), so each must have some."""
    found = []
    for index, trigger in enumerate(scaled.spec.triggers):
        if trigger.type in _RESOURCES and not _defaulted(trigger.type, limit_ranges):
            path, wanted = f"spec.triggers[{index}]", trigger.metadata.get("containerName", "")
            containers = [one for one in pod_spec.get("containers") or [] if wanted in {"", one.get("name")}]
            if not containers:
                message = f"the target has no container {wanted}"
                found.append(Problem(f"{path}.metadata.containerName", message, wanted))
            found += [
                Problem(path, f"container {one.get('name')} of the target requests no {trigger.type}: it needs to")
                for one in containers
                if not _has(trigger.type, one.get("resources") or {}, "requests", "limits")
            ]
    return found


def _only_resources(scaled: ScaledObject) -> bool:
    return all(trigger.type in _RESOURCES for trigger in scaled.spec.triggers)


def _defaulted(resource: str, limit_ranges: Sequence[Raw]) -> bool:
    limits = [limit for one in limit_ranges for limit in (one.get("spec") or {}).get("limits") or []]
    return any(
        limit.get("type") == "Container" and _has(resource, limit, "defaultRequest", "default") for limit in limits
    )


def _has(resource: str, holder: Raw, *fields: str) -> bool:
    amounts = ((holder.get(field) or {}).get(resource) for field in fields)
    return any(amount is not None and parse_quantity(amount) > 0 for amount in amounts)


# -- warnings --------------------------------------------------------------------------------------------------


def warnings(scaled: ScaledObject) -> list[str]:
    """Fields that have no effect as they stand; nothing is refused for them."""
    spec = scaled.spec
    if not spec.minimum or spec.idle_replica_count is not None:
        return []
    found = []
    if spec.polling_interval is not None and not any(trigger.use_cached_metrics for trigger in spec.triggers):
        found.append(f"spec.pollingInterval has no effect: minReplicaCount is {spec.minimum} and nothing is cached")
    if spec.cooldown_period is not None:
        found.append(
            f"spec.cooldownPeriod has no effect: minReplicaCount is {spec.minimum} and idleReplicaCount is unset"
        )
    return found
