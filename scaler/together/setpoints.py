"""Set-points: an HPA's utilisation targets in absolute terms, so that a changed request moves no replicas.

A set-point is target x request, cores or bytes a pod. The request is the one that the user's template had when both
axes met, whatever pods have been given since. It is taken anew when the user changes the target or the template, and
at no other time: it stands in an annotation, and who starts anew reads it there.
"""

from collections.abc import Iterable, Mapping

import msgspec

from scaler.api.scaledobject import OUR_DOMAIN
from scaler.quantity import exact_quantity, format_milli
from scaler.together.metrics import Metric
from scaler.vertical.amounts import Resource

ANNOTATION = f"{OUR_DOMAIN}/set-points"
"""On the HPA that we make or adopt."""


class SetPoint(msgspec.Struct, frozen=True):
    """What a pod is to use, of one metric."""

    utilization: int
    """The user's target, percent."""
    reference: int
    """The request that it is a percentage of; millicores or bytes a pod."""

    @property
    def amount(self) -> int:
        """Millicores or bytes a pod, at least 1."""
        return max(round(self.utilization * self.reference / 100), 1)


SetPoints = Mapping[str, SetPoint]
"""By `Metric.key`."""


class _Written(msgspec.Struct, frozen=True, rename="camel"):
    """As it stands in the annotation."""

    utilization: int
    reference: str
    set_point: str = ""


def kept(
    before: SetPoints, metrics: Iterable[Metric], requests: Mapping[str, int], held: Mapping[str, int]
) -> dict[str, SetPoint]:
    """The set-points of these metrics: as before, unless the user changed the target or his template.

    `requests` has what the template requests a pod, by `Metric.key`; a template that requests nothing is no reason
    for a change, and the first set-point is then taken from what pods hold. A metric without either has none.
    """
    found = {}
    for metric in metrics:
        old, request = before.get(metric.key), requests.get(metric.key)
        same = old is not None and old.utilization == metric.utilization and request in {None, old.reference}
        if old is not None and same:
            found[metric.key] = old
            continue
        reference = request or held.get(metric.key) or (old.reference if old else 0)
        if reference > 0:
            found[metric.key] = SetPoint(metric.utilization, reference)
    return found


def written(points: SetPoints) -> str:
    """The annotation's value."""
    shown = {
        key: _Written(
            point.utilization, quantity(resource_of(key), point.reference), quantity(resource_of(key), point.amount)
        )
        for key, point in sorted(points.items())
    }
    return msgspec.json.encode(shown).decode()


def read(annotation: str | None) -> dict[str, SetPoint]:
    """From the annotation's value; what cannot be read is none, and is then taken anew."""
    if not annotation:
        return {}
    try:
        shown = msgspec.json.decode(annotation, type=dict[str, _Written])
        return {key: SetPoint(one.utilization, amount(resource_of(key), one.reference)) for key, one in shown.items()}
    except (msgspec.MsgspecError, ValueError):
        return {}


def resource_of(key: str) -> Resource:
    """The resource of a `Metric.key`; ValueError for none of ours."""
    resource = key.partition("/")[0]
    if resource == "cpu":
        return "cpu"
    if resource == "memory":
        return "memory"
    raise ValueError(f"{key!r} names no resource: cpu or memory, with a container after a slash if need be")


def quantity(resource: Resource, whole: int) -> str:
    """Millicores or bytes as a quantity."""
    return format_milli(whole / 1000.0) if resource == "cpu" else str(whole)


def amount(resource: Resource, text: str) -> int:
    """Millicores or bytes from a quantity, rounded up."""
    exact = exact_quantity(text)
    return -int(-(exact * 1000 if resource == "cpu" else exact) // 1)
