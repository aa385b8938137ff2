"""LimitRanges: what a namespace allows a container and a pod, several of them taken together.

Of several the smallest maximum, the largest minimum and the last defaults hold, as VPA has it.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from scaler.api.meta import Kind
from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.pods import Quantities
from scaler.vertical.quantities import millicores, spelt, whole_bytes

Scope = Literal["Container", "Pod"]


class LimitRangeItem(Kind, frozen=True, gc=False):
    """One entry of a LimitRange."""

    type: str = ""
    max: Quantities | None = None
    min: Quantities | None = None
    default: Quantities | None = None


class LimitRangeSpec(Kind, frozen=True, gc=False):
    """What a LimitRange allows."""

    limits: tuple[LimitRangeItem, ...] | None = None


class LimitRangeMeta(Kind, frozen=True, gc=False):
    """The metadata of a LimitRange."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class LimitRange(Kind, frozen=True, gc=False):
    """A LimitRange, as far as cpu and memory go."""

    metadata: LimitRangeMeta = LimitRangeMeta()
    spec: LimitRangeSpec = LimitRangeSpec()


class Item(msgspec.Struct, frozen=True, gc=False):
    """What all LimitRanges of a namespace together allow; what is missing or zero is not bounded."""

    maximum: Amounts = {}
    minimum: Amounts = {}
    default: Amounts = {}
    """Limits of containers that name none."""


class Ranges(msgspec.Struct, frozen=True):
    """What a namespace allows; None where no LimitRange says anything."""

    container: Item | None = None
    pod: Item | None = None

    @property
    def contradiction(self) -> str:
        """Why no pod at all can be within them; empty when one can."""
        for scope, item in (("container", self.container), ("pod", self.pod)):
            for resource in RESOURCES:
                low, high = (item.minimum.get(resource, 0), item.maximum.get(resource, 0)) if item else (0, 0)
                if high and low > high:
                    return _contradiction(scope, resource, low, high)
        return ""


NO_RANGES = Ranges()


def ranges_of(found: Iterable[LimitRange]) -> Ranges:
    """What the LimitRanges of one namespace say together."""
    items = [item for each in found for item in each.spec.limits or ()]
    return Ranges(merged(items, "Container"), merged(items, "Pod")) if items else NO_RANGES


def merged(items: Iterable[LimitRangeItem], scope: Scope) -> Item | None:
    """Those of one scope together; None when none says anything."""
    maximum: dict[Resource, int] = {}
    minimum: dict[Resource, int] = {}
    default: Amounts = {}
    said = False
    for item in items:
        if item.type != scope or (item.max is None and item.min is None and item.default is None):
            continue
        said = True
        for resource, amount in _amounts(item.max):
            maximum[resource] = min(amount, maximum.get(resource, amount))
        for resource, amount in _amounts(item.min):
            minimum[resource] = max(amount, minimum.get(resource, amount))
        if item.default is not None:
            default = dict(_amounts(item.default))
    return Item(maximum, minimum, default) if said else None


def _amounts(quantities: Quantities | None) -> list[tuple[Resource, int]]:
    found: list[tuple[Resource, int]] = []
    if quantities is not None and quantities.cpu is not None:
        found.append(("cpu", millicores(quantities.cpu)))
    if quantities is not None and quantities.memory is not None:
        found.append(("memory", whole_bytes(quantities.memory)))
    return found


def _contradiction(scope: str, resource: Resource, low: int, high: int) -> str:
    return (
        f"the LimitRanges of the namespace contradict each other: a {scope} needs at least {spelt(resource, low)} of"
        f" {resource} and may have {spelt(resource, high)} at most"
    )
