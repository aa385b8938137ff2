"""The HPA controller's own arithmetic for one external metric: how many replicas it will want.

Used to explain what the HPA is going to do and to activate straight to the demand; the HPA itself decides.
Stabilisation, and how fast a behaviour lets it move, are not looked at.
Source: the replica algorithm of autoscaling/v2, which computes in thousandths.
"""

import math

from scaler.horizontal.readings import MetricSpec, Scale

TOLERANCE = 0.1
"""The controller's default: within a tenth of the target nothing moves."""


def reported(value: float) -> float:
    """The value as the metrics API says it: thousandths; what is negative or no number is zero."""
    return round(value, 3) if 0.0 < value < math.inf else 0.0


def needed(spec: MetricSpec, value: float, replicas: int) -> int:
    """Replicas that bring the metric to its target, tolerance aside; a whole (`Value`) is per present replica."""
    target = _milli(spec.target)
    if target == 0:
        return replicas
    scaled = _milli(value) * (max(replicas, 1) if spec.metric_type == "Value" else 1)
    return -(-scaled // target)


def within_tolerance(spec: MetricSpec, value: float, replicas: int, down: float, up: float) -> bool:
    """Whether the HPA lets the present replicas be: its ratio of usage to target is near enough to one."""
    whole = spec.target if spec.metric_type == "Value" else spec.target * replicas
    return whole > 0 and 1.0 - down <= reported(value) / whole <= 1.0 + up


def desired(spec: MetricSpec, value: float, scale: Scale, down: float = TOLERANCE, up: float = TOLERANCE) -> int:
    """What the HPA makes of one metric, before the bounds."""
    if scale.replicas and within_tolerance(spec, value, scale.replicas, down, up):
        return scale.replicas
    ready = scale.ready if spec.metric_type == "Value" and scale.ready is not None else scale.replicas
    return needed(spec, value, ready)


def _milli(value: float) -> int:
    return round(reported(value) * 1000)
