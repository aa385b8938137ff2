"""The conditions of a ScaledObject, as values: types and reasons are upstream's, the messages our own.

A message says the same as long as nothing changes, for every change is a write; so no replicas and no ages here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scaler.api.meta import Condition, Raw
from scaler.api.scaledobject import ScaledObject
from scaler.clock import to_rfc3339
from scaler.errors import Problem
from scaler.horizontal import pauses
from scaler.horizontal.freshness import WORST_FIRST, Freshness
from scaler.horizontal.readings import Decision, Policy, TriggerPlan

READY, ACTIVE, FALLBACK, PAUSED, HPA_ACTIVE = "Ready", "Active", "Fallback", "Paused", "HPAActive"
"""Upstream's condition types, in the order they are written."""
TRIGGER_DATA = "TriggerData"
"""Ours, behind them: whether what the triggers showed is fresh data. KEDA leaves alone what it does not know."""

COUPLED = "Coupled"
"""Ours, and there only beside a VPA: whether both axes are judged as one. `scaler.together` says so."""

TRUE, FALSE, UNKNOWN = "True", "False", "Unknown"

IS_READY, CHECK_FAILED = "ScaledObjectReady", "ScaledObjectCheckFailed"
PARTIAL_ERROR, TRIGGER_ERROR = "PartialTriggerError", "TriggerError"
SCALE_ERROR = "ErrorGettingCurrentReplicas"
"""Reasons of Ready."""

_ORDER = {
    kind: index for index, kind in enumerate((READY, ACTIVE, FALLBACK, PAUSED, HPA_ACTIVE, TRIGGER_DATA, COUPLED))
}
_STRICT_NOTE = "; without data it is strict: to zero only on a fresh zero of every trigger"
_LONGEST_WHY = 200
"""Characters of a source's own words that fit into a condition."""

INITIAL = (
    Condition(READY, UNKNOWN),
    Condition(ACTIVE, UNKNOWN),
    Condition(FALLBACK, UNKNOWN),
    Condition(PAUSED, FALSE),
)
"""What a new object starts with."""


def found(conditions: Iterable[Condition], kind: str) -> Condition:
    """The condition of this type, or one that says nothing."""
    return next((condition for condition in conditions if condition.type == kind), Condition(kind, UNKNOWN))


def merged(present: Iterable[Condition], changed: Iterable[Condition]) -> tuple[Condition, ...]:
    """The present conditions with the changed ones in their place; types we do not know stay at the end."""
    by_type = {condition.type: condition for condition in present}
    by_type.update({condition.type: condition for condition in changed})
    return tuple(sorted(by_type.values(), key=lambda condition: _ORDER.get(condition.type, len(_ORDER))))


# -- Ready -----------------------------------------------------------------------------------------------------


def ready(scaled: ScaledObject, policy: Policy, note: str = "") -> Condition:
    """All is well; strict semantics of missing data are named."""
    strict = _STRICT_NOTE if pauses.no_data(scaled, policy) == "strict" else ""
    return Condition(READY, TRUE, IS_READY, f"The ScaledObject is valid and in charge of its workload{note}{strict}")


def ready_paused() -> Condition:
    return Condition(READY, TRUE, IS_READY, "The ScaledObject is valid; it is paused by annotation")


def check_failed(problems: Sequence[Problem]) -> Condition:
    """It cannot work as it stands: every problem with its path."""
    return Condition(READY, FALSE, CHECK_FAILED, "; ".join(str(problem) for problem in problems))


def unbuilt(triggers: Sequence[TriggerPlan]) -> tuple[Problem, ...]:
    """The triggers that could not be built, as problems."""
    return tuple(
        Problem(f"spec.triggers[{plan.index}]", f"the {plan.type} trigger cannot be built: {plan.problem}")
        for plan in triggers
        if plan.problem
    )


def trigger_error(failing: Mapping[str, str]) -> Condition:
    message = f"Nothing can be read from the triggers, so the replicas are held: {failures(failing)}"
    return Condition(READY, FALSE, TRIGGER_ERROR, message)


def partial_error(failing: Mapping[str, str]) -> Condition:
    message = f"Active by other triggers, but some cannot be read: {failures(failing)}"
    return Condition(READY, UNKNOWN, PARTIAL_ERROR, message)


def scale_error(why: str) -> Condition:
    message = f"The workload's replicas cannot be read: {why[:_LONGEST_WHY]}"
    return Condition(READY, FALSE, SCALE_ERROR, message)


def failures(failing: Mapping[str, str]) -> str:
    """Each failing metric and why."""
    return "; ".join(f"{metric}: {why[:_LONGEST_WHY]}" for metric, why in failing.items())


# -- TriggerData -----------------------------------------------------------------------------------------------

_DATA_WORDS: dict[Freshness, str] = {
    "stale": "its last reading is too old",
    "missing": "its source has no data, which the trigger's parameters take for a value",
    "error": "it cannot be read",
}


def trigger_data(states: Mapping[str, Freshness], failing: Mapping[str, str]) -> Condition:
    """How good the data of each metric is, the worst as the reason; `failing` has the words of what failed."""
    worst = next((state for state in WORST_FIRST if state in states.values()), "fresh")
    if worst == "fresh":
        return Condition(TRIGGER_DATA, TRUE, "Fresh", "Every trigger gave fresh data at the last check")
    words = (
        f"{metric} {state}: {failing.get(metric, '')[:_LONGEST_WHY] or _DATA_WORDS[state]}"
        for metric, state in states.items()
        if state != "fresh"
    )
    rest = sum(state == "fresh" for state in states.values())
    return Condition(TRIGGER_DATA, FALSE, worst.capitalize(), "; ".join(words) + (f"; {rest} fresh" if rest else ""))


# -- Active, Fallback, Paused, HPAActive -----------------------------------------------------------------------

_ACTIVE_MESSAGES = {
    "activate": "Triggers are active, so the workload is scaled",
    "active": "Triggers are active, so the workload is scaled",
    "partial-error": "Triggers are active, so the workload is scaled",
    "scale-out-paused": "Triggers are active, but scaling out is paused by annotation",
    "hold-for-fallback": "No trigger is known to be active; the replicas are held until the fallback engages",
    "error": "No trigger is known to be active; the replicas are held",
    "deactivate": "No trigger is active, so the workload rests",
    "scale-in-paused": "No trigger is active, but scaling in is paused by annotation",
    "raise-to-minimum": "No trigger is active, so the workload rests",
    "idle": "No trigger is active, so the workload rests",
    "stale-zero": "No trigger is active, but strict no-data semantics hold the replicas without a fresh zero of each",
}


def active(decision: Decision, *, is_active: bool, forced: bool) -> Condition:
    """Whether the workload is scaled now, by the row that decided."""
    status = TRUE if is_active else FALSE
    message = _ACTIVE_MESSAGES.get(decision.rule, "")
    if decision.until is not None:
        message = f"No trigger is active; the workload rests after {to_rfc3339(decision.until)}"
    elif forced and is_active:
        message = message.replace("Triggers are active", "Activation is forced by annotation")
    return Condition(ACTIVE, status, decision.reason, message)


def active_unknown() -> Condition:
    return Condition(ACTIVE, UNKNOWN, "UnknownState", "The ScaledObject cannot work as it stands")


def fallback(*, engaged: bool) -> Condition:
    if engaged:
        message = "A source cannot be read, and the fallback stands in for it"
        return Condition(FALLBACK, TRUE, "FallbackExists", message)
    return Condition(FALLBACK, FALSE, "NoFallbackFound", "No fallback stands in for any trigger")


def paused(*, how: str) -> Condition:
    """`how` says which of the annotations is in force."""
    return Condition(PAUSED, TRUE, "ScaledObjectPaused", f"Paused by annotation: {how}")


def unpaused() -> Condition:
    return Condition(PAUSED, FALSE, "ScaledObjectUnpaused", "No pause annotation is set any more")


def hpa_active(hpa: Raw | None) -> Condition | None:
    """The HPA's ScalingActive, mirrored; None when it cannot be seen, and what was known stays.

    Scaling that is disabled at zero replicas is how it should be, not a fault.
    """
    said = _scaling_active(hpa)
    if said is None:
        return None
    reason, message = str(said.get("reason") or ""), str(said.get("message") or "")
    if said.get("status") == TRUE:
        return Condition(HPA_ACTIVE, TRUE, "HPAActive", message)
    if reason == "ScalingDisabled":
        return Condition(HPA_ACTIVE, TRUE, "ScalingDisabled", message)
    return Condition(HPA_ACTIVE, FALSE, reason or "HPAMetricsUnavailable", message)


def hpa_words(hpa: Raw | None) -> Raw | None:
    """As much of what an HPA says of itself as `hpa_active` looks at; None when that is nothing."""
    said = _scaling_active(hpa)
    if said is None:
        return None
    kept = {name: said[name] for name in ("type", "status", "reason", "message") if said.get(name)}
    return {"status": {"conditions": [kept]}}


def _scaling_active(hpa: Raw | None) -> dict[str, Any] | None:
    return next((one for one in _hpa_conditions(hpa) if one.get("type") == "ScalingActive"), None)


def _hpa_conditions(hpa: Raw | None) -> list[dict[str, Any]]:
    return ((hpa or {}).get("status") or {}).get("conditions") or []
