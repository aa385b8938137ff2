"""What the HPA is told for each metric, and which triggers are active: one judgement for a poll and an HPA read.

Failures are counted, fallbacks stand in, a formula makes its composite metric, and an error is passed on as an
error: it never becomes a zero. What the workload should do is `decide`'s business.

metric           failures counted    the HPA is told        its trigger is
read             set to 0            the value              active above its activation threshold
failed           <= threshold        the error              inactive, and the object has an error
failed           >  threshold        target x R             active when R > 0
failed (formula  >  threshold        nil to the formula     nothing: the composite value says
  stands in)

Source: upstream's fallback, scaling modifiers and activity rules. Deliberately not upstream's: a formula that fails
counts as an error and so holds the replicas, and a fallback figure of zero activates nothing.
"""

from collections.abc import Collection, Iterable

import msgspec

from scaler.api.scaledobject import Fallback, Health
from scaler.horizontal import fallback as fallbacks
from scaler.horizontal import modifiers
from scaler.horizontal.arithmetic import reported
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.readings import (
    Composite,
    Failure,
    Memory,
    MetricAnswer,
    MetricSpec,
    NoScale,
    Reading,
    Scale,
    Subject,
    TriggerPlan,
)

_NO_TRIGGER = -1
"""The index of a failure that is the formula's own."""


class Answers(msgspec.Struct, frozen=True):
    """What one look at the triggers says."""

    metrics: dict[str, MetricAnswer]
    """By the name the HPA asks for; with a formula the composite metric alone."""
    memory: Memory
    """The memory it was answered from, with the new health."""
    active: bool
    """Whether the object is active."""
    active_triggers: tuple[str, ...]
    """Metric names of what makes it so."""
    activity: dict[str, bool]
    """Each external metric's own activity."""
    failures: tuple[Failure, ...]
    """What failed and has no fallback (yet)."""
    covered: tuple[Failure, ...]
    """What failed and a fallback stands in for."""
    fallback: bool
    """Some metric is beyond its failures."""
    readings: tuple[Reading | Failure, ...] = ()
    """What was judged, one for each external metric."""
    composite: Composite | None = None
    """How the formula was computed, if there is one."""


class _Case(msgspec.Struct, frozen=True):
    """What every metric of one look is judged with."""

    subject: Subject
    fallback: Fallback | None
    scale: Scale | NoScale
    now: float


class _Look(msgspec.Struct, frozen=True):
    """One metric after counting and substituting."""

    plan: TriggerPlan
    spec: MetricSpec
    seen: Reading | Failure
    told: MetricAnswer
    active: bool
    is_nil: bool = False
    """The formula sees nil."""

    @property
    def failed(self) -> bool:
        return self.told.value is None and not self.is_nil


def answer(
    subject: Subject,
    readings: Iterable[Reading | Failure],
    scale: Scale | NoScale,
    memory: Memory,
    now: float,
    *,
    counting: Collection[str] | None = None,
) -> Answers:
    """Judge what was seen of all metrics; `counting` names the metrics that were looked at now (None: all).

    A metric that nobody read is a failure, and so is each trigger that could not be built.
    """
    case = _Case(subject, fallbacks.valid(subject.scaled), scale, now)
    seen = {reading.metric or reading.trigger: reading for reading in readings}
    looks: list[_Look] = []
    health: dict[str, Health] = {}
    for plan in subject.triggers:
        for spec in plan.metrics:
            found = _found(seen, plan, spec, now)
            known = memory.health.get(spec.name)
            if counting is None or spec.name in counting:
                known = fallbacks.counted(known, failed=isinstance(found, Failure))
            if known is not None:
                health[spec.name] = known
            looks.append(_judged(case, plan, spec, found, known))
    if case.fallback is not None:
        memory = msgspec.structs.replace(memory, health=health)
    return _summed(case, looks, _without_metrics(case, seen), memory)


def replaced(last: Iterable[Reading | Failure], fresh: Iterable[Reading | Failure]) -> tuple[Reading | Failure, ...]:
    """The last readings, with the fresh ones in the place of those of the same metric."""
    merged = {(reading.trigger, reading.metric): reading for reading in last}
    merged.update({(reading.trigger, reading.metric): reading for reading in fresh})
    return tuple(merged.values())


# -- one metric ------------------------------------------------------------------------------------------------


def _found(
    seen: dict[str | int, Reading | Failure], plan: TriggerPlan, spec: MetricSpec, now: float
) -> Reading | Failure:
    if plan.problem:
        return Failure(plan.index, spec.name, plan.problem, now)
    found = seen.get(spec.name) or seen.get(plan.index)
    if found is None:
        return Failure(plan.index, spec.name, "it has not been read yet", now)
    if isinstance(found, Failure) and not found.metric:
        return Failure(plan.index, spec.name, found.why, found.at)
    return found


def _judged(
    case: _Case, plan: TriggerPlan, spec: MetricSpec, seen: Reading | Failure, health: Health | None
) -> _Look:
    if isinstance(seen, Reading):
        return _Look(plan, spec, seen, MetricAnswer(spec.name, seen.at, seen.value), seen.active)
    error = MetricAnswer(spec.name, seen.at, error=seen.why)
    if case.fallback is None or not fallbacks.engaged(case.fallback, health):
        return _Look(plan, spec, seen, error, active=False)
    if fallbacks.to_formula(case.subject.scaled, case.fallback):
        return _Look(plan, spec, seen, error, active=False, is_nil=True)
    figure = fallbacks.replicas(case.fallback, case.scale)
    told = None if figure is None else _stand_in(case, spec, figure)
    if figure is None or told is None:
        return _Look(plan, spec, seen, error, active=False)
    return _Look(plan, spec, seen, told, active=figure > 0)


def _stand_in(case: _Case, spec: MetricSpec, figure: int) -> MetricAnswer | None:
    """What asks the HPA for `figure` replicas, in the formula's own measure when there is one."""
    if case.subject.scaled.spec.advanced.scaling_modifiers.used:
        spec = modifiers.composite_spec(case.subject.scaled)
    value = fallbacks.value(spec, figure, case.scale)
    return None if value is None else MetricAnswer(spec.name, case.now, value, fallback=True)


# -- the whole -------------------------------------------------------------------------------------------------


def _summed(case: _Case, looks: list[_Look], nameless: list[Failure], memory: Memory) -> Answers:
    unread = [look.seen for look in looks if look.failed and isinstance(look.seen, Failure)]
    failures = unread + nameless
    active = tuple(look.spec.name for look in looks if look.active)
    metrics = {look.told.metric: look.told for look in looks}
    composite = None
    if case.subject.scaled.spec.advanced.scaling_modifiers.used and looks:
        composite, told, is_active = _composite(case, looks, failures)
        active, metrics = (COMPOSITE,) if is_active else (), {COMPOSITE: told}
        if composite.error and not failures:
            failures = [Failure(_NO_TRIGGER, COMPOSITE, composite.error, case.now)]
    elif not failures and not active:
        active = _resources_alone(case.subject)
    return Answers(
        metrics=metrics,
        memory=memory,
        active=bool(active),
        active_triggers=active,
        activity={look.spec.name: look.active for look in looks},
        failures=tuple(failures),
        covered=tuple(look.seen for look in looks if not look.failed and isinstance(look.seen, Failure)),
        fallback=_engaged(case, looks, memory),
        readings=tuple(look.seen for look in looks),
        composite=composite,
    )


def _without_metrics(case: _Case, seen: dict[str | int, Reading | Failure]) -> list[Failure]:
    """Triggers that could not be built, or whose source has not said yet which metrics it has."""
    failures = []
    for plan in case.subject.triggers:
        if not plan.metrics and plan.resource is None:
            found = seen.get(plan.index)
            why = plan.problem or (found.why if isinstance(found, Failure) else "its metrics are not known yet")
            failures.append(Failure(plan.index, "", why, case.now))
    return failures


def _engaged(case: _Case, looks: list[_Look], memory: Memory) -> bool:
    fallback = case.fallback
    return fallback is not None and any(
        fallbacks.engaged(fallback, memory.health.get(look.spec.name)) for look in looks
    )


def _resources_alone(subject: Subject) -> tuple[str, ...]:
    """Triggers of cpu and memory alone are always active: nothing else could ever wake the workload."""
    types = tuple(trigger.type for trigger in subject.scaled.spec.triggers)
    return types if all(kind in modifiers.RESOURCE_TYPES for kind in types) else ()


def _composite(case: _Case, looks: list[_Look], failures: list[Failure]) -> tuple[Composite, MetricAnswer, bool]:
    """The composite metric, what the HPA is told of it, and whether it is active."""
    scaled = case.subject.scaled
    text = scaled.spec.advanced.scaling_modifiers.formula
    stand_in = next((look for look in looks if look.told.fallback), None)
    if stand_in is not None:
        return Composite(text, value=stand_in.told.value, fallback=True), stand_in.told, stand_in.active
    if failures:
        why = f"a trigger of the formula failed: {failures[0].why}"
        return Composite(text, error=why), MetricAnswer(COMPOSITE, case.now, error=why), False
    computed = modifiers.compute(scaled, _variables(looks), case.now)
    if computed.value is None and not computed.error:
        return _without_result(case, computed)
    told = MetricAnswer(COMPOSITE, min(look.seen.at for look in looks), computed.value, computed.error)
    threshold = modifiers.composite_spec(scaled).activation
    return computed, told, computed.value is not None and computed.value > threshold


def _without_result(case: _Case, computed: Composite) -> tuple[Composite, MetricAnswer, bool]:
    """The formula gave nil: fallback.replicas stand in when the formula was to substitute by itself."""
    fallback = case.fallback
    if fallback is not None and fallbacks.to_formula(case.subject.scaled, fallback):
        told = _stand_in(case, modifiers.composite_spec(case.subject.scaled), fallback.replicas)
        if told is not None:
            return msgspec.structs.replace(computed, value=told.value, fallback=True), told, fallback.replicas > 0
    error = "the formula gave nil and nothing stands in: end it with a number, as in a ?? b ?? 1"
    return msgspec.structs.replace(computed, error=error), MetricAnswer(COMPOSITE, case.now, error=error), False


def _variables(looks: list[_Look]) -> dict[str, float | None]:
    # A trigger with several metrics gives its last one, as upstream's map does.
    return {
        look.plan.name: None if look.is_nil or not isinstance(look.seen, Reading) else reported(look.seen.value)
        for look in looks
    }
