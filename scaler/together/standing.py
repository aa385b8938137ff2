"""What one judgement hands to the next: the part that stands in an annotation of the VPA, and the part that may go.

What stands there is all that a restart must not forget: at what replicas are held, when requests last changed,
whether a resize is rolling. The rest errs on the side of leaving things as they are until it is known again.
"""

from collections.abc import Mapping

import msgspec

from scaler.api.scaledobject import OUR_DOMAIN
from scaler.clock import from_rfc3339, to_rfc3339
from scaler.together.setpoints import amount, quantity, resource_of

ANNOTATION = f"{OUR_DOMAIN}/coupling"
"""On the VPA, written by the recommender; the operator's HPA obeys it."""


class Standing(msgspec.Struct, frozen=True):
    """What stands in the annotation."""

    scale_points: Mapping[str, int] = {}
    """What replicas are held at, by `Metric.key`: millicores or bytes a pod."""
    changed: Mapping[str, float] = {}
    """When requests of a resource last changed, or coupling began; epoch seconds, whole."""
    rolling: bool = False
    """A resize is going through the pods: replicas may rise, not fall."""
    set_points: Mapping[str, int] = {}
    """The set-points that this was judged with: with others the scale points mean nothing."""

    def scale_point(self, key: str, set_point: int) -> int:
        """What replicas are held at while this is the set-point."""
        known = self.scale_points.get(key) if self.set_points.get(key) == set_point else None
        return known or set_point


class Memory(msgspec.Struct, frozen=True):
    """All that is handed on."""

    standing: Standing = Standing()
    led: Mapping[str, float] = {}
    """When a metric last led, by `Metric.key`."""
    short: Mapping[str, float] = {}
    """When the most replicas were last not enough for it."""
    due: Mapping[str, float] = {}
    """Since when a change of a resource's requests has been wanted without a break."""
    progress: float = 0.0
    """When the resize that is rolling last got on."""
    astray: int = 0
    """Pods that were not as they are to be then."""


class _Written(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """As it stands in the annotation."""

    scale_points: Mapping[str, str] = {}
    set_points: Mapping[str, str] = {}
    changed: Mapping[str, str] = {}
    resizing: bool = False


def written(standing: Standing) -> str:
    """The annotation's value."""
    shown = _Written(
        {key: quantity(resource_of(key), point) for key, point in sorted(standing.scale_points.items())},
        {key: quantity(resource_of(key), point) for key, point in sorted(standing.set_points.items())},
        {resource: to_rfc3339(at) for resource, at in sorted(standing.changed.items())},
        standing.rolling,
    )
    return msgspec.json.encode(shown).decode()


def read(annotation: str | None) -> Standing:
    """From the annotation's value; what cannot be read is as if nothing stood there, and coupling begins anew."""
    if not annotation:
        return Standing()
    try:
        shown = msgspec.json.decode(annotation, type=_Written)
        return Standing(
            {key: amount(resource_of(key), point) for key, point in shown.scale_points.items()},
            {resource_of(resource): from_rfc3339(at) for resource, at in shown.changed.items()},
            shown.resizing,
            {key: amount(resource_of(key), point) for key, point in shown.set_points.items()},
        )
    except (msgspec.MsgspecError, ValueError):
        return Standing()
