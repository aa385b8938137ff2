"""How big pods should be while an HPA leans on their requests: VPA's rule, within the band, never below the biggest.

    cpu       what VPA's rule asks for, and no less than nearly every sample used (its 99th percentile): where limits
              follow requests, what is beyond them is lost
    memory    what VPA's rule asks for, and no less than the biggest pod needs with VPA's margin

Each container's share of the band is as VPA's rule shares; containers that VPA does not size keep what they hold.
"""

from collections.abc import Iterable, Mapping

import msgspec

from scaler.together.band import Edges
from scaler.together.metrics import Metric
from scaler.vertical.amounts import Amounts, Bounds, Resource

MARGIN = 0.15
"""What a pod of memory is given beyond its peak; VPA's own margin."""


class Sizing(msgspec.Struct, frozen=True):
    """What the vertical side says of one container."""

    bounds: Bounds
    """VPA's rule, capped by its policies."""
    peak: Amounts = {}
    """cpu: what 99 % of its samples do not exceed, millicores. memory: what the biggest pod needs, bytes."""
    least: Amounts = {}
    """minAllowed."""
    most: Amounts = {}
    """maxAllowed; wins over minAllowed, as with VPA."""


Sizings = Mapping[str, Sizing]
"""By container; those that VPA sizes."""


def wanted(
    resource: Resource, metrics: Iterable[tuple[Metric, Edges]], sizings: Sizings, held: Mapping[str, Amounts]
) -> dict[str, int]:
    """What each container should request; metrics of one container are served before those of whole pods."""
    sizes = {name: _by_rule(resource, sizing) for name, sizing in sizings.items() if resource in sizing.bounds.target}
    for metric, edges in sorted(metrics, key=lambda pair: not pair[0].container):
        _fit(resource, metric, edges, sizes, held)
    return {name: _allowed(resource, sizings[name], size) for name, size in sizes.items()}


def needed(resource: Resource, sizing: Sizing) -> int:
    """What nothing may go below: of memory what the biggest pod needs, of cpu nothing."""
    return sizing.peak.get("memory", 0) if resource == "memory" else 0


def _by_rule(resource: Resource, sizing: Sizing) -> int:
    rule, peak = sizing.bounds.target[resource], sizing.peak.get(resource, 0)
    return max(rule, peak + int(peak * MARGIN) if resource == "memory" else peak)


def _fit(
    resource: Resource, metric: Metric, edges: Edges, sizes: dict[str, int], held: Mapping[str, Amounts]
) -> None:
    """Scale the sizes that the metric counts so that their sum is within its band; memory only ever upwards."""
    counted = [name for name in sizes if metric.counts(name)]
    fixed = sum(
        amounts.get(resource, 0) for name, amounts in held.items() if metric.counts(name) and name not in sizes
    )
    total = sum(sizes[name] for name in counted)
    if not total:
        return
    fitted = edges.clipped(total + fixed) - fixed
    if resource == "memory":
        fitted = max(fitted, total)
    if fitted <= 0 or fitted == total:
        return
    for name in counted:
        sizes[name] = -int(-sizes[name] * fitted / total // 1)


def _allowed(resource: Resource, sizing: Sizing, size: int) -> int:
    low, high = sizing.least.get(resource, 0), sizing.most.get(resource, 0)
    size = max(size, low)
    return min(size, high) if high else size
