"""The figure that stands in for a source that cannot be read: when it may, and what it is.

It counts nothing (`answer` does) and knows no formula.

behavior                  R
static (also unset)       fallback.replicas
currentReplicas           the present replicas
currentReplicasIfHigher   the higher of both
currentReplicasIfLower    the lower of both
scalingModifiers          none: the formula sees nil for the trigger and substitutes by itself

The HPA is told the value that makes it want R: target x R for AverageValue, target x R / ready for Value.
Source: upstream's fallback; it engages at one failure more than failureThreshold.
"""

from scaler.api.scaledobject import Fallback, Health, ScaledObject
from scaler.horizontal.readings import MetricSpec, Scale
from scaler.quantity import truncate_milli

HAPPY, FAILING = "Happy", "Failing"

_GIVEN = frozenset({"", "static"})
_INT64_MAX = 2**63 - 1


def valid(scaled: ScaledObject) -> Fallback | None:
    """The fallback, if there is one that can work; beside a formula its target must be a positive whole number."""
    modifiers = scaled.spec.advanced.scaling_modifiers
    if scaled.spec.fallback is not None and modifiers.used and not _positive_integer(modifiers.target):
        return None
    return scaled.spec.fallback


def to_formula(scaled: ScaledObject, fallback: Fallback) -> bool:
    """Whether the formula itself stands in: it sees nil for the trigger."""
    return fallback.behavior == "scalingModifiers" and scaled.spec.advanced.scaling_modifiers.used


def is_zero(scaled: ScaledObject) -> bool:
    """Whether the user asked for zero replicas when a source cannot be read: the one way an error may lead to zero.

    ``replicas: 0`` beside a behaviour that keeps what is there is no such wish.
    """
    fallback = scaled.spec.fallback
    if fallback is None or fallback.replicas:
        return False
    return fallback.behavior in _GIVEN or fallback.behavior == "currentReplicasIfLower"


def counted(health: Health | None, *, failed: bool) -> Health:
    """A metric's health after one more look: a success resets the count."""
    if not failed:
        return Health()
    return Health(number_of_failures=(health.number_of_failures if health else 0) + 1, status=FAILING)


def engaged(fallback: Fallback, health: Health | None) -> bool:
    """Whether a metric has failed more often than is tolerated."""
    return health is not None and health.status == FAILING and health.number_of_failures > fallback.failure_threshold


def replicas(fallback: Fallback, scale: object) -> int | None:
    """R; None when it depends on present replicas that are not known."""
    if fallback.behavior in _GIVEN:
        return fallback.replicas
    if not isinstance(scale, Scale) or fallback.behavior == "scalingModifiers":
        return None
    if fallback.behavior == "currentReplicas":
        return scale.replicas
    choose = max if fallback.behavior == "currentReplicasIfHigher" else min
    return choose(scale.replicas, fallback.replicas)


def value(spec: MetricSpec, figure: int, scale: object) -> float | None:
    """What makes the HPA want `figure` replicas; None for a Value metric without ready pods to divide by."""
    if spec.metric_type != "Value":
        return truncate_milli(spec.target * figure)
    if not isinstance(scale, Scale) or not scale.ready:
        return None
    return truncate_milli(spec.target * figure / scale.ready)


def _positive_integer(text: str) -> bool:
    digits = text.removeprefix("+")
    return digits.isascii() and digits.isdigit() and 0 < int(digits) <= _INT64_MAX
