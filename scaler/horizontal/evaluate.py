"""A poll: what the HPA is told, what is done with the workload, and what the user gets to see of both.

One answer and one decision make one `Evaluation`; nothing is carried out here. Conditions and events come from the
same record, so that status, log, event and explanation cannot disagree.
"""

import math
import re
from collections.abc import Iterable

from scaler.actions import SetReplicas, Tell
from scaler.api import reasons
from scaler.api.meta import Condition, Raw
from scaler.api.scaledobject import GroupVersionKindResource
from scaler.horizontal import conditions, events, pauses
from scaler.horizontal import fallback as fallbacks
from scaler.horizontal.answer import Answers, answer
from scaler.horizontal.decide import decide, is_active
from scaler.horizontal.freshness import freshness
from scaler.horizontal.readings import (
    Decision,
    Evaluation,
    Failure,
    Memory,
    NoScale,
    Policy,
    Reading,
    Scale,
    Subject,
)

_LOOKED = frozenset({"unreadable-scale", "paused"})
"""Rules that end a check before it comes to activity."""
_REFRESHING = frozenset({"activate", "active"})
"""Rules of a healthy active check: the cooldown counts from here."""
_TOLD_BEFORE = frozenset({conditions.TRIGGER_ERROR, conditions.PARTIAL_ERROR, conditions.CHECK_FAILED})
_VARYING = re.compile(r"[0-9A-Fa-f]{8,}|[0-9]+")
"""What differs from one failure to the next without meaning anything: ids, ports, durations."""


def evaluate(  # noqa: PLR0917 - judgement takes what it judges
    subject: Subject,
    readings: Iterable[Reading | Failure],
    scale: Scale | NoScale,
    memory: Memory,
    policy: Policy,
    now: float,
    hpa: Raw | None = None,
) -> Evaluation:
    """Judge one check of all triggers. `hpa` is the object's HPA as last seen, for the HPAActive condition."""
    answers = answer(subject, readings, scale, memory, now)
    decision = decide(subject, answers, scale, policy, now)
    failing = _failing(answers, memory)
    after = _remembered(subject, answers, decision, failing, now)
    ready = _ready(subject, answers, decision, policy, failing)
    return Evaluation(
        at=now,
        metrics=answers.metrics,
        decision=decision,
        memory=after,
        active_triggers=answers.active_triggers,
        readings=answers.readings,
        conditions=_conditions(subject, answers, decision, (ready, *_data(subject, answers, failing, now)), hpa),
        activity=answers.activity,
        events=_events(subject, answers, memory, failing),
        scale=scale,
        composite=answers.composite,
        fallback=answers.fallback,
        no_data=pauses.no_data(subject.scaled, policy),
        activate_to=pauses.activate_to(subject.scaled, policy),
        recommendation_only=policy.recommendation_only,
    )


def scaling(subject: Subject, evaluation: Evaluation) -> SetReplicas | None:
    """The decision as an action."""
    to = evaluation.decision.replicas
    if to is None:
        return None
    target, meta = subject.target, subject.scaled.metadata
    name = subject.scaled.spec.scale_target_ref.name
    return SetReplicas(target.group, target.version, target.resource, meta.namespace, name, to)


def outcome(subject: Subject, evaluation: Evaluation, error: str = "") -> Tell | None:
    """What to tell once the scaling was carried out, or failed with `error`; raising to the minimum is no event."""
    decision, scaled = evaluation.decision, subject.scaled
    if decision.replicas is None or not isinstance(evaluation.scale, Scale):
        return None
    what = f"{_workload(subject)} from {evaluation.scale.replicas} to {decision.replicas}"
    if decision.rule == "activate":
        by = "forced by annotation" if pauses.forced_active(scaled) else ";".join(evaluation.active_triggers)
        reason = reasons.TARGET_ACTIVATION_FAILED if error else reasons.TARGET_ACTIVATED
        return events.scaled_to(scaled, reason, f"Activation of {what}, by {by}", error)
    if decision.rule == "deactivate":
        reason = reasons.TARGET_DEACTIVATION_FAILED if error else reasons.TARGET_DEACTIVATED
        return events.scaled_to(scaled, reason, f"Deactivation of {what}", error)
    if not error:
        return None
    return events.scaled_to(scaled, reasons.TARGET_ACTIVATION_FAILED, f"Raising {what}", error)


def kind_of(target: GroupVersionKindResource) -> str:
    """The target's kind as status.scaleTargetKind has it: ``apps/v1.Deployment``."""
    return f"{target.group}/{target.version}.{target.kind}" if target.group else f"{target.version}.{target.kind}"


def _workload(subject: Subject) -> str:
    return (
        f"{kind_of(subject.target)} {subject.scaled.metadata.namespace}/{subject.scaled.spec.scale_target_ref.name}"
    )


# -- memory ----------------------------------------------------------------------------------------------------


def _failing(answers: Answers, memory: Memory) -> dict[str, str]:
    """What fails and why; in the words it was first seen in as long as it is the same failure."""
    failing = {}
    for failure in (*answers.failures, *answers.covered):
        key = failure.metric or f"trigger {failure.trigger}"
        known = memory.failing.get(key)
        same = known is not None and _shape(known) == _shape(failure.why)
        failing[key] = known if known is not None and same else failure.why
    return failing


def _shape(why: str) -> str:
    return _VARYING.sub("#", why)


def _remembered(
    subject: Subject, answers: Answers, decision: Decision, failing: dict[str, str], now: float
) -> Memory:
    memory = answers.memory
    # Whole seconds, upwards: the status holds no finer ones, and a cooldown may end late but not early.
    last_active = float(math.ceil(now)) if decision.rule in _REFRESHING else memory.last_active
    active = memory.active if decision.rule in _LOOKED else is_active(subject, answers)
    return Memory(last_active, memory.health, active, answers.fallback, failing)


# -- conditions and events -------------------------------------------------------------------------------------


def _conditions(
    subject: Subject, answers: Answers, decision: Decision, known: tuple[Condition, ...], hpa: Raw | None
) -> tuple[Condition, ...]:
    """`known` is what the readings alone say: Ready first."""
    if decision.rule == "paused":
        return ()
    if decision.rule == "unreadable-scale":
        return known[:1]
    forced = pauses.forced_active(subject.scaled)
    mirrored = conditions.hpa_active(hpa)
    return (
        *known,
        conditions.active(decision, is_active=answers.active or forced, forced=forced),
        conditions.fallback(engaged=answers.fallback),
        *((mirrored,) if mirrored is not None else ()),
    )


def _data(subject: Subject, answers: Answers, failing: dict[str, str], now: float) -> tuple[Condition, ...]:
    """How good the data is; nothing where the HPA alone reads (cpu, memory)."""
    polling = subject.scaled.spec.polling
    states = {seen.metric: freshness(seen, now, polling) for seen in answers.readings if seen.metric}
    nameless = [failure for failure in answers.failures if not failure.metric]
    states.update({f"trigger {failure.trigger}": "error" for failure in nameless})
    return (conditions.trigger_data(states, failing),) if states else ()


def _ready(
    subject: Subject, answers: Answers, decision: Decision, policy: Policy, failing: dict[str, str]
) -> Condition:
    if decision.rule == "unreadable-scale":
        return conditions.scale_error(decision.message)
    unbuilt = conditions.unbuilt(subject.triggers)
    if unbuilt:
        return conditions.check_failed(unbuilt)
    if decision.rule == "error":
        return conditions.trigger_error(failing)
    if answers.failures and is_active(subject, answers):
        return conditions.partial_error(failing)
    note = f"; its fallback covers what cannot be read: {conditions.failures(failing)}" if failing else ""
    if failing and fallbacks.is_zero(subject.scaled):
        note = f"; its fallback of 0 replicas is in force for what cannot be read: {conditions.failures(failing)}"
    return conditions.ready(subject.scaled, policy, note)


def _events(subject: Subject, answers: Answers, before: Memory, failing: dict[str, str]) -> tuple[Tell, ...]:
    """What has changed since the last check; the first since the start compares with the object's status."""
    scaled, status = subject.scaled, subject.scaled.status
    told = []
    if before.active is not None or conditions.found(status.conditions, conditions.READY).reason not in _TOLD_BEFORE:
        new = {metric: why for metric, why in failing.items() if before.failing.get(metric) != why}
        told += [events.trigger_failed(scaled, metric, why) for metric, why in new.items()]
    was = before.fallback
    if was is None:
        was = conditions.found(status.conditions, conditions.FALLBACK).status == conditions.TRUE
    if was != answers.fallback:
        told.append(events.fallback(scaled, engaged=answers.fallback, why=conditions.failures(failing)))
    return tuple(told)
