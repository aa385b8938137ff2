"""The HPA while it is coupled: absolute targets at the scale points, and no scale-in while a resize rolls."""

from collections.abc import Mapping

from scaler.api.meta import Raw
from scaler.together.metrics import with_averages
from scaler.together.setpoints import quantity, resource_of


def coupled(spec: Raw, scale_points: Mapping[str, int], *, hold: bool) -> Raw:
    """An HPA's spec with these targets; `hold` says that replicas may not fall. Everything else is as it was."""
    averages = {key: quantity(resource_of(key), point) for key, point in scale_points.items()}
    found = {**spec, "metrics": with_averages(spec["metrics"], averages)}
    if hold:
        behavior = spec.get("behavior") or {}
        found["behavior"] = {
            **behavior,
            "scaleDown": {**(behavior.get("scaleDown") or {}), "selectPolicy": "Disabled"},
        }
    return found
