"""What keeps a workload from moving, and what would move it: sentences from an evaluation, for an explanation."""

import msgspec

from scaler.api import scaledobject as so
from scaler.horizontal import arithmetic
from scaler.horizontal import fallback as fallbacks
from scaler.horizontal.demand import specs
from scaler.horizontal.readings import Evaluation, Failure, Scale, Subject

_PAUSES = {
    "paused": (so.PAUSED, so.PAUSED_REPLICAS),
    "scale-in-paused": (so.PAUSED_SCALE_IN,),
    "scale-out-paused": (so.PAUSED_SCALE_OUT,),
}

_BLOCKING = frozenset(
    {
        "unreadable-scale",
        "paused",
        "scale-out-paused",
        "scale-in-paused",
        "cooldown",
        "stale-zero",
        "error",
        "hold-for-fallback",
    }
)
"""Rules that keep it from where it would go."""


RECOMMENDATION_ONLY = "nothing is carried out: the operator runs with --recommendation-only"


class Change(msgspec.Struct, frozen=True):
    """Something that would change the replicas."""

    what: str
    at: float | None = None
    """When, if it is a matter of time."""


def blocks(evaluation: Evaluation, subject: Subject, asked: int | None, hpa_state: str) -> tuple[str, ...]:
    """What stands in the way; `asked` is what the winning metric asks for, `hpa_state` the HPA's ScalingActive."""
    decision, spec = evaluation.decision, subject.scaled.spec
    found = []
    if evaluation.recommendation_only:
        found.append(RECOMMENDATION_ONLY)
    if decision.rule in _BLOCKING:
        found.append(decision.message)
    failures = [reading for reading in evaluation.readings if isinstance(reading, Failure)]
    found += [f"{failure.metric} cannot be read: {failure.why}" for failure in failures]
    found += [f"trigger {plan.index} cannot be built: {plan.problem}" for plan in subject.triggers if plan.problem]
    if asked is not None and asked > spec.maximum:
        found.append(f"maxReplicaCount {spec.maximum} caps the {asked} that are asked for")
    if evaluation.memory.active and asked is not None and asked < spec.minimum:
        found.append(f"minReplicaCount {spec.minimum} keeps it above the {asked} that are asked for")
    if hpa_state.startswith("False"):
        found.append(f"the HPA does not scale: {hpa_state.removeprefix('False ')}")
    return tuple(found)


def changes(evaluation: Evaluation, subject: Subject, now: float) -> tuple[Change, ...]:
    """What would change it, and when where that is known."""
    rule = evaluation.decision.rule
    if rule in _PAUSES:
        present = [name for name in _PAUSES[rule] if name in subject.scaled.metadata.annotations]
        return tuple(Change(f"removing the annotation {name}") for name in present)
    found = _recoveries(evaluation, subject)
    if rule == "cooldown":
        found.append(Change("no active trigger until then takes it down", evaluation.decision.until))
    if evaluation.memory.active:
        found += _when_active(evaluation, subject)
    else:
        found += [Change(f"{spec.name} above {spec.activation:.10g} activates it") for spec in specs(subject)]
    upcoming = evaluation.at + subject.scaled.spec.polling
    found.append(Change("the next check of all triggers", max(upcoming, now)))
    return tuple(found)


def _recoveries(evaluation: Evaluation, subject: Subject) -> list[Change]:
    found = []
    fallback = fallbacks.valid(subject.scaled)
    for reading in evaluation.readings:
        if isinstance(reading, Failure):
            found.append(Change(f"{reading.metric} can be read again"))
            health = evaluation.memory.health.get(reading.metric)
            if fallback is not None and health is not None and not fallbacks.engaged(fallback, health):
                left = fallback.failure_threshold + 1 - health.number_of_failures
                found.append(Change(f"{left} more failures of {reading.metric} in a row engage the fallback"))
    return found


def _when_active(evaluation: Evaluation, subject: Subject) -> list[Change]:
    spec, scale = subject.scaled.spec, evaluation.scale
    found = []
    if isinstance(scale, Scale) and scale.replicas:
        for metric in specs(subject):
            whole = metric.target * (1 if metric.metric_type == "Value" else scale.replicas)
            more = whole * (1 + arithmetic.TOLERANCE)
            found.append(Change(f"{metric.name} above {more:.10g} asks for more than {scale.replicas}"))
    rest = spec.minimum if spec.idle_replica_count is None else spec.idle_replica_count
    if rest < (spec.minimum or 1):
        found.append(Change(f"{spec.cooldown:g} s without an active trigger take it to {rest}"))
    return found
