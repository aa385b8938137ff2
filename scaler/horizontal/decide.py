"""The decision table: what to do with the workload now. From zero to one and back is ours; 1 to N is the HPA's.

`cur` is what the workload has, `min` and `max` its bounds, `idle` its idle count. The first row that fits wins.

rule                row  when                                               then
unreadable-scale    0    cur cannot be read                                 nothing
paused              1    paused by annotation                               nothing
-- active, or activation is forced --
activate            2    (idle is set and cur < min) or cur = 0             to min, or 1 when min is 0
scale-out-paused    2    the same, but scaling out is paused                nothing
partial-error       3    some trigger failed                                nothing; last_active stays
active              4    else                                               nothing: the HPA moves it
-- inactive --
hold-for-fallback   5    some trigger failed, and a fallback will engage    nothing
error               6    some trigger failed, and there is no fallback      nothing
scale-in-paused     7    as the next rows, but scaling in is paused         nothing
cooldown            7    as the next row, but too soon                      nothing until then
stale-zero          7    as the next row, but strict and no fresh zero      nothing
deactivate          7    (idle is set and cur > idle) or (cur > 0, min 0)   to idle, or min
raise-to-minimum    8    idle is not set and cur < min                      to min
idle                9    else                                               nothing

The cooldown counts from the last active check; for what was never active, initialCooldownPeriod counts from its
creation. A fallback of 0 replicas takes row 5 away, and so lets row 7 act while a trigger fails.

Source: upstream's executor, row for row. `scale-out-paused`, `scale-in-paused` and `stale-zero` are branches of its
rows by name. Deliberately not upstream's: a fallback that cannot work counts as none, and replicas 0 beside a
behaviour that keeps present replicas does not let a failure lead to zero.
"""

import msgspec

from scaler.api.scaledobject import ScaledObjectSpec
from scaler.clock import to_rfc3339
from scaler.horizontal import demand, pauses
from scaler.horizontal import fallback as fallbacks
from scaler.horizontal.answer import Answers
from scaler.horizontal.freshness import freshness
from scaler.horizontal.readings import (
    Decision,
    NoScale,
    Policy,
    Reading,
    Scale,
    Step,
    Subject,
)

ACTIVE, NOT_ACTIVE, COOLDOWN, UNKNOWN = "ScalerActive", "ScalerNotActive", "ScalerCooldown", "UnknownState"
"""Reasons of the Active condition."""


class _Case(msgspec.Struct, frozen=True):
    subject: Subject
    answers: Answers
    scale: Scale
    policy: Policy
    now: float

    @property
    def spec(self) -> ScaledObjectSpec:
        return self.subject.scaled.spec


def decide(subject: Subject, answers: Answers, scale: Scale | NoScale, policy: Policy, now: float) -> Decision:
    """The row that fits, what it asks for, and why."""
    if isinstance(scale, NoScale):
        return Decision(None, "unreadable-scale", UNKNOWN, f"nothing is done: {scale.why}")
    if pauses.paused(subject.scaled):
        return Decision(None, "paused", UNKNOWN, "nothing is done: paused by annotation")
    case = _Case(subject, answers, scale, policy, now)
    decision = _when_active(case) if is_active(subject, answers) else _when_inactive(case)
    return msgspec.structs.replace(decision, steps=(*demand.steps(subject, answers, scale), *decision.steps))


def is_active(subject: Subject, answers: Answers) -> bool:
    """Active by its triggers, or by force."""
    return answers.active or pauses.forced_active(subject.scaled)


# -- active ----------------------------------------------------------------------------------------------------


def _when_active(case: _Case) -> Decision:
    spec, cur = case.spec, case.scale.replicas
    cause = _cause(case)
    if (spec.idle_replica_count is not None and cur < spec.minimum) or cur == 0:
        return _activation(case, cause)
    if case.answers.failures:
        return Decision(None, "partial-error", ACTIVE, f"{cause}, while {_failed(case.answers)}; the HPA moves it")
    return Decision(None, "active", ACTIVE, f"{cause}; the HPA moves it between {_floor(spec)} and {spec.maximum}")


def _activation(case: _Case, cause: str) -> Decision:
    cur = case.scale.replicas
    to, step = _activated(case)
    if pauses.scale_out_paused(case.subject.scaled):
        message = f"{cause}, but scaling out is paused by annotation: it stays at {cur} instead of {to}"
        return Decision(None, "scale-out-paused", ACTIVE, message)
    return Decision(to, "activate", ACTIVE, f"{cause}: from {cur} to {to}", steps=step)


def _activated(case: _Case) -> tuple[int, tuple[Step, ...]]:
    """Where activation goes: the floor, or what the readings ask for within the bounds."""
    floor = _floor(case.spec)
    if pauses.activate_to(case.subject.scaled, case.policy) != "demand":
        return floor, (Step("activation", f"to minReplicaCount, at least 1: {floor}"),)
    asked = max((ask for _, ask in demand.asks(case.subject, case.answers, case.scale)), default=0)
    to = min(max(asked, floor), max(case.spec.maximum, floor))
    return to, (Step("activation", f"to the demand of {asked}, within {floor} and {case.spec.maximum}: {to}"),)


def _floor(spec: ScaledObjectSpec) -> int:
    return spec.minimum or 1


def _cause(case: _Case) -> str:
    if pauses.forced_active(case.subject.scaled):
        return "activation is forced by annotation"
    return f"active by {';'.join(case.answers.active_triggers)}"


# -- inactive --------------------------------------------------------------------------------------------------


def _when_inactive(case: _Case) -> Decision:
    spec, cur = case.spec, case.scale.replicas
    if case.answers.failures:
        held = _held(case)
        if held is not None:
            return held
    idle = spec.idle_replica_count
    if (idle is not None and cur > idle) or (cur > 0 and spec.minimum == 0):
        return _deactivation(case, spec.minimum if idle is None else idle)
    if idle is None and cur < spec.minimum:
        message = f"not active, but below minReplicaCount: from {cur} to {spec.minimum}"
        return Decision(spec.minimum, "raise-to-minimum", NOT_ACTIVE, message)
    return Decision(None, "idle", NOT_ACTIVE, f"not active, and nothing is to do at {cur}{_zero_note(case)}")


def _held(case: _Case) -> Decision | None:
    """Rows 5 and 6: while a trigger fails replicas are held, unless the user asked for zero then."""
    scaled, cur = case.subject.scaled, case.scale.replicas
    fallback = fallbacks.valid(scaled)
    if fallback is None:
        message = f"{_failed(case.answers)}; {cur} is held"
        return Decision(None, "error", NOT_ACTIVE, message)
    if fallbacks.is_zero(scaled):
        return None
    message = f"{_failed(case.answers)}; {cur} is held until the fallback engages after {fallback.failure_threshold}"
    return Decision(None, "hold-for-fallback", NOT_ACTIVE, f"{message} failures in a row")


def _deactivation(case: _Case, to: int) -> Decision:
    cur = case.scale.replicas
    what = f"not active{_zero_note(case)}"
    if pauses.scale_in_paused(case.subject.scaled):
        message = f"{what}, but scaling in is paused by annotation: it stays at {cur} instead of {to}"
        return Decision(None, "scale-in-paused", NOT_ACTIVE, message)
    end, since = _cooldown_end(case)
    if not end < case.now:
        message = f"{what}; from {cur} to {to} after {to_rfc3339(end)}, {since}"
        return Decision(None, "cooldown", COOLDOWN, message, until=end)
    missing = _without_fresh_zero(case) if to == 0 else ()
    if missing and pauses.no_data(case.subject.scaled, case.policy) == "strict":
        message = f"not active, but {cur} is held: no fresh zero of {', '.join(missing)} (strict no-data semantics)"
        return Decision(None, "stale-zero", NOT_ACTIVE, message)
    return Decision(to, "deactivate", NOT_ACTIVE, f"{what}: from {cur} to {to}, {since}")


def _cooldown_end(case: _Case) -> tuple[float, str]:
    """When row 7 may act (strictly after it), and what it counts from."""
    last, spec = case.answers.memory.last_active, case.spec
    if last is None:
        created = case.subject.scaled.metadata.created
        return (
            created + spec.initial_cooldown,
            f"initialCooldownPeriod {spec.initial_cooldown:g} s since its creation",
        )
    return last + spec.cooldown, f"cooldownPeriod {spec.cooldown:g} s since it was last active at {to_rfc3339(last)}"


def _without_fresh_zero(case: _Case) -> tuple[str, ...]:
    """External metrics that do not say zero by a fresh reading of real data."""
    by_formula = case.answers.composite is not None
    proven = {
        reading.metric
        for reading in case.answers.readings
        if isinstance(reading, Reading)
        and freshness(reading, case.now, case.spec.polling) == "fresh"
        and (by_formula or not reading.active)
    }
    missing = [metric.name for plan in case.subject.triggers for metric in plan.metrics if metric.name not in proven]
    unbuilt = [f"trigger {plan.index}" for plan in case.subject.triggers if plan.problem and not plan.metrics]
    return (*missing, *unbuilt)


def _failed(answers: Answers) -> str:
    names = ", ".join(failure.metric or f"trigger {failure.trigger}" for failure in answers.failures)
    return f"{names} cannot be read" if len(answers.failures) > 1 else f"{names} failed ({answers.failures[0].why})"


def _zero_note(case: _Case) -> str:
    """An explicit fallback of 0 is named while it is what decides."""
    unread = (*case.answers.failures, *case.answers.covered)
    if unread and fallbacks.is_zero(case.subject.scaled):
        return " (a trigger failed, and fallback.replicas is 0)"
    return ""
