"""A recommendation made to fit one pod: what the namespace allows, what the policy says, what a fixed limit leaves.

In this order, for each container (VPA's; the policy comes after the LimitRange and so wins over it)::

    1. pod LimitRange        all containers together, in proportion
    2. container LimitRange  the request whose proportional limit is within it
    3. policy                up to minAllowed, then down to maxAllowed
    4. RequestsOnly          down to the limit that stays

Notes are kept of the target alone, in upstream's words.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from scaler.vertical.amounts import RESOURCES, Amounts, Bounds, Recommendation, Resource
from scaler.vertical.limit_ranges import NO_RANGES, Item, Ranges
from scaler.vertical.limits import boundary_request
from scaler.vertical.pod_range import fit_into_pod_range
from scaler.vertical.pods import Sized
from scaler.vertical.rules import ContainerRules, Rules

TO_MINIMUM = "{} capped to minAllowed"
TO_MAXIMUM = "{} capped to maxAllowed"
TO_LIMIT = "{} capped to container limit"
TO_RANGE_MINIMUM = "{} capped to fit Min in container LimitRange"
TO_RANGE_MAXIMUM = "{} capped to fit Max in container LimitRange"

_NOTHING: Amounts = {}


class Capped(msgspec.Struct, frozen=True):
    """A recommendation that fits a pod."""

    recommendation: Recommendation = {}
    """Of containers that the pod has."""
    notes: Mapping[str, tuple[str, ...]] = {}
    """By container: what was done to its target."""


def cap_for_pod(containers: Sequence[Sized], rules: Rules, ranges: Ranges = NO_RANGES) -> Capped:
    """The recommendation as it fits these containers; nothing while there is none.

    Where a pod LimitRange stands, containers without a recommendation take part with what they request, whatever
    their mode: otherwise the sum of the pod would break it.
    """
    recommendation = rules.recommendation
    if recommendation is None:
        return Capped()
    if ranges.pod is not None:
        recommendation = fit_into_pod_range(containers, rules, ranges.pod)
    fitted: dict[str, Bounds] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for container in containers:
        bounds = recommendation.get(container.name)
        if bounds is None:
            continue
        said: list[str] = []
        fitted[container.name] = _capped(container, bounds, rules.of(container.name), ranges.container, said)
        if said:
            notes[container.name] = tuple(said)
    return Capped(fitted, notes)


def _capped(container: Sized, bounds: Bounds, rules: ContainerRules, item: Item | None, notes: list[str]) -> Bounds:
    steps = _steps(container, rules, item)
    if not steps:
        return bounds
    unheard: list[str] = []
    return Bounds(
        _stepped(bounds.target, steps, notes),
        _stepped(bounds.lower, steps, unheard),
        _stepped(bounds.upper, steps, unheard),
        bounds.uncapped,
    )


_Step = tuple[Mapping[Resource, int], bool, str]
"""Bounds by resource, whether they bound from above, and the note."""


def _steps(container: Sized, rules: ContainerRules, item: Item | None) -> list[_Step]:
    """What bounds this container, each in its turn; nothing bounds where a bound is missing or zero."""
    steps: list[_Step] = []
    if item is not None:
        low, high = _range_bounds(container, item)
        steps += [(low, False, TO_RANGE_MINIMUM), (high, True, TO_RANGE_MAXIMUM)]
    if rules.minimum:
        steps.append((rules.minimum, False, TO_MINIMUM))
    if rules.maximum:
        steps.append((rules.maximum, True, TO_MAXIMUM))
    if rules.requests_only and container.limits:
        steps.append((container.limits, True, TO_LIMIT))
    return steps


def _stepped(amounts: Amounts, steps: Iterable[_Step], notes: list[str]) -> Amounts:
    fitted = dict(amounts)
    for bounds, above, note in steps:
        for resource, amount in fitted.items():
            bound = bounds.get(resource)
            if bound and (amount > bound if above else amount < bound):
                fitted[resource] = bound
                notes.append(note.format(resource))
    return fitted


def _range_bounds(container: Sized, item: Item) -> tuple[Amounts, Amounts]:
    """The least and the most that may be requested so that request and proportional limit are within the range."""
    low: dict[Resource, int] = {}
    high: dict[Resource, int] = {}
    for resource in RESOURCES:
        request, limit = container.requests.get(resource), container.limits.get(resource)
        default, minimum = item.default.get(resource), item.minimum.get(resource, 0)
        low[resource] = max(minimum, boundary_request(minimum, request, limit, default))
        high[resource] = boundary_request(item.maximum.get(resource), request, limit, default)
    return low, high
