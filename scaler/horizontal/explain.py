"""Why a workload has the replicas it has: one value with everything that went into it, for a person or a program.

It reads what an evaluation recorded and judges nothing anew; what it says of the HPA is the controller's own
arithmetic on the values that the HPA was told. Rendering is the programs' business.
"""

from typing import Literal

import msgspec

from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import ScaledObjectSpec
from scaler.horizontal import arithmetic, conditions
from scaler.horizontal.demand import specs
from scaler.horizontal.evaluate import kind_of
from scaler.horizontal.freshness import Freshness, freshness
from scaler.horizontal.outlook import Change, blocks, changes
from scaler.horizontal.readings import (
    Composite,
    Decision,
    Evaluation,
    Failure,
    MetricSpec,
    Reading,
    Scale,
    Subject,
    TriggerPlan,
)
from scaler.quantity import parse_quantity


class TargetLine(msgspec.Struct, frozen=True):
    """What is scaled, and between which bounds."""

    kind: str
    """``apps/v1.Deployment``."""
    name: str
    replicas: int | None
    """What it has; None when that could not be read."""
    ready: int | None
    minimum: int
    maximum: int
    idle: int | None


class TriggerLine(msgspec.Struct, frozen=True):
    """What one metric of one trigger showed."""

    index: int
    type: str
    name: str
    metric: str
    """Empty for a trigger that could not be built."""
    freshness: Freshness
    value: float | None = None
    target: float | None = None
    metric_type: str = ""
    activation: float | None = None
    """Active strictly above it."""
    active: bool = False
    at: float | None = None
    age: float | None = None
    """Seconds."""
    assumed: bool = False
    """The source had no data, and the trigger's parameters take that for this value."""
    failures: int = 0
    """In a row, as far as they are counted."""
    note: str = ""
    """Why it failed, or who reads it instead."""


class FormulaLine(msgspec.Struct, frozen=True):
    """How the composite metric came about."""

    formula: str
    substituted: str
    """The variables with their values."""
    value: float | None
    activation: float
    error: str = ""
    fallback: bool = False


class MetricLine(msgspec.Struct, frozen=True):
    """What the HPA makes of one metric."""

    metric: str
    value: float | None
    """As it is told, in thousandths."""
    target: float
    metric_type: str
    desired: int | None
    """Replicas, before the bounds; None without a value."""
    within_tolerance: bool = False
    fallback: bool = False
    error: str = ""


class HpaLine(msgspec.Struct, frozen=True):
    """What the HPA is going to do with all metrics."""

    name: str
    minimum: int
    maximum: int
    metrics: tuple[MetricLine, ...]
    winner: str = ""
    """The metric that asks for most."""
    asked: int | None = None
    """What it asks for."""
    desired: int | None = None
    """That within the bounds; None while the HPA is off (at zero) or has no value."""
    own: int | None = None
    """status.desiredReplicas of the HPA itself, which also knows stabilisation, cpu and memory."""
    state: str = ""
    """The HPA's ScalingActive condition: status, reason and message."""


class Explanation(msgspec.Struct, frozen=True):
    """Everything that went into the replicas of one workload."""

    ref: ObjectRef
    now: float
    evaluated: float
    """When the triggers were checked last."""
    target: TargetLine
    triggers: tuple[TriggerLine, ...]
    formula: FormulaLine | None
    hpa: HpaLine
    decision: Decision
    active: bool
    last_active: float | None
    fallback: bool
    blocks: tuple[str, ...]
    """What keeps it from moving."""
    changes: tuple[Change, ...]
    """What would change it."""
    no_data: Literal["upstream", "strict"]
    """Which semantics of missing data are in force."""
    activate_to: Literal["minimum", "demand"]


def explain(evaluation: Evaluation, subject: Subject, now: float, hpa: Raw | None = None) -> Explanation:
    """Explain an evaluation as of `now`; `hpa` is the object's HPA as it stands."""
    scaled, spec = subject.scaled, subject.scaled.spec
    scale = evaluation.scale if isinstance(evaluation.scale, Scale) else None
    line = _hpa(evaluation, subject, scale, hpa)
    return Explanation(
        ref=scaled.ref,
        now=now,
        evaluated=evaluation.at,
        target=_target(subject, spec, scale),
        triggers=_triggers(evaluation, subject, now),
        formula=_formula(subject, evaluation.composite),
        hpa=line,
        decision=evaluation.decision,
        active=bool(evaluation.memory.active),
        last_active=evaluation.memory.last_active,
        fallback=evaluation.fallback,
        blocks=blocks(evaluation, subject, line.asked, line.state),
        changes=changes(evaluation, subject, now),
        no_data=evaluation.no_data,
        activate_to=evaluation.activate_to,
    )


def _target(subject: Subject, spec: ScaledObjectSpec, scale: Scale | None) -> TargetLine:
    return TargetLine(
        kind=kind_of(subject.target),
        name=spec.scale_target_ref.name,
        replicas=None if scale is None else scale.replicas,
        ready=None if scale is None else scale.ready,
        minimum=spec.minimum,
        maximum=spec.maximum,
        idle=spec.idle_replica_count,
    )


# -- triggers --------------------------------------------------------------------------------------------------


def _triggers(evaluation: Evaluation, subject: Subject, now: float) -> tuple[TriggerLine, ...]:
    seen = {reading.metric: reading for reading in evaluation.readings}
    polling = subject.scaled.spec.polling
    lines = []
    for plan in subject.triggers:
        if not plan.metrics:
            lines.append(_without_metrics(plan))
        lines += [_line(plan, spec, seen.get(spec.name), evaluation, now, polling) for spec in plan.metrics]
    return tuple(lines)


def _without_metrics(plan: TriggerPlan) -> TriggerLine:
    if plan.resource is not None:
        note, value = "the HPA reads it itself", plan.resource.value
        return TriggerLine(
            plan.index,
            plan.type,
            plan.name,
            plan.resource.resource,
            "fresh",
            target=parse_quantity(value),
            metric_type=plan.resource.metric_type,
            note=note,
        )
    return TriggerLine(
        plan.index, plan.type, plan.name, "", "error", note=plan.problem or "its metrics are not known"
    )


def _line(  # noqa: PLR0917 - one row of a table has many cells
    plan: TriggerPlan,
    spec: MetricSpec,
    seen: Reading | Failure | None,
    evaluation: Evaluation,
    now: float,
    polling: float,
) -> TriggerLine:
    health = evaluation.memory.health.get(spec.name)
    bare = TriggerLine(
        plan.index,
        plan.type,
        plan.name,
        spec.name,
        "missing",
        target=spec.target,
        metric_type=spec.metric_type,
        activation=spec.activation,
        failures=health.number_of_failures if health else 0,
    )
    if seen is None:
        return bare
    age = max(now - seen.at, 0.0)
    if isinstance(seen, Failure):
        return msgspec.structs.replace(bare, freshness="error", at=seen.at, age=age, note=seen.why)
    return msgspec.structs.replace(
        bare,
        freshness=freshness(seen, now, polling),
        value=seen.value,
        active=seen.active,
        assumed=seen.assumed,
        at=seen.at,
        age=age,
    )


def _formula(subject: Subject, composite: Composite | None) -> FormulaLine | None:
    if composite is None:
        return None
    values = (f"{one.name} = {'nil' if one.value is None else f'{one.value:.10g}'}" for one in composite.variables)
    threshold = next((spec.activation for spec in specs(subject)), 0.0)
    return FormulaLine(
        composite.formula, ", ".join(values), composite.value, threshold, composite.error, composite.fallback
    )


# -- the HPA ---------------------------------------------------------------------------------------------------


def _hpa(evaluation: Evaluation, subject: Subject, scale: Scale | None, hpa: Raw | None) -> HpaLine:
    spec = subject.scaled.spec
    lines = tuple(_metric(metric, evaluation, subject, scale) for metric in specs(subject))
    asking = [line for line in lines if line.desired is not None]
    most = max(asking, key=lambda line: line.desired or 0, default=None)
    low, high = spec.minimum or 1, spec.maximum
    asked = None if most is None else most.desired
    is_on = scale is not None and scale.replicas > 0
    said = conditions.hpa_active(hpa)
    return HpaLine(
        name=subject.scaled.hpa_name,
        minimum=low,
        maximum=high,
        metrics=lines,
        winner="" if most is None else most.metric,
        asked=asked,
        desired=min(max(asked, low), high) if asked is not None and is_on else None,
        own=((hpa or {}).get("status") or {}).get("desiredReplicas"),
        state="" if said is None else f"{said.status} {said.reason}: {said.message}".rstrip(": "),
    )


def _metric(spec: MetricSpec, evaluation: Evaluation, subject: Subject, scale: Scale | None) -> MetricLine:
    told = evaluation.metrics.get(spec.name)
    if told is None or told.value is None:
        error = told.error if told is not None else "it has not been read yet"
        return MetricLine(spec.name, None, spec.target, spec.metric_type, None, error=error)
    down, up = _tolerances(subject.scaled.spec)
    now_has = scale or Scale(0)
    return MetricLine(
        spec.name,
        arithmetic.reported(told.value),
        spec.target,
        spec.metric_type,
        arithmetic.desired(spec, told.value, now_has, down, up),
        within_tolerance=now_has.replicas > 0
        and arithmetic.within_tolerance(spec, told.value, now_has.replicas, down, up),
        fallback=told.fallback,
    )


def _tolerances(spec: ScaledObjectSpec) -> tuple[float, float]:
    """Downwards and upwards, as the behaviour has them."""
    behavior = spec.advanced.horizontal_pod_autoscaler_config.behavior
    rules = (None, None) if behavior is None else (behavior.scale_down, behavior.scale_up)
    down, up = (
        arithmetic.TOLERANCE if rule is None or rule.tolerance is None else parse_quantity(rule.tolerance)
        for rule in rules
    )
    return down, up
