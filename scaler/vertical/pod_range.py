"""A LimitRange of type Pod: the containers of a pod share what it allows, in proportion to what each is to have.

Two of upstream's crashes on this way are none here: a container without recommendation and without requests takes no
part, and a bound that is missing stays missing where it would have to be scaled. Its memory of -1 byte where a value
is missing is none either.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from scaler.vertical.amounts import RESOURCES, Amounts, Bounds, Recommendation, Resource
from scaler.vertical.limit_ranges import Item
from scaler.vertical.limits import proportional_limit
from scaler.vertical.pods import Sized
from scaler.vertical.quantities import LARGEST
from scaler.vertical.rules import Rules

_Field = Literal["target", "lower", "upper"]
_Draft = dict[_Field, dict[Resource, int]]


def fit_into_pod_range(containers: Sequence[Sized], rules: Rules, item: Item) -> Recommendation:
    """The recommendation, with the requests of containers that have none, scaled to be within the range.

    Init containers that run to their end do not count: a pod's sum is that of what runs together.
    """
    recommendation = rules.recommendation or {}
    together = [container for container in containers if container.role != "init"]
    drafts = {name: _draft(bounds) for name, bounds in recommendation.items()}
    for container in together:
        if container.name not in drafts and container.requests:
            drafts[container.name] = {"target": dict(container.requests), "lower": {}, "upper": {}}
    for field in ("upper", "target", "lower"):
        for resource in RESOURCES:
            _fit(together, drafts, rules, item, field, resource)
    uncapped = {name: bounds.uncapped for name, bounds in recommendation.items()}
    return {
        name: Bounds(draft["target"], draft["lower"], draft["upper"], uncapped.get(name, {}))
        for name, draft in drafts.items()
    }


def _draft(bounds: Bounds) -> _Draft:
    return {"target": dict(bounds.target), "lower": dict(bounds.lower), "upper": dict(bounds.upper)}


def _fit(  # noqa: PLR0917 - one resource of one list
    containers: list[Sized],
    drafts: dict[str, _Draft],
    rules: Rules,
    item: Item,
    field: _Field,
    resource: Resource,
) -> None:
    minimum, maximum = item.minimum.get(resource, 0), item.maximum.get(resource, 0)
    requested = limited = 0
    for container in containers:
        amount = _amount(container, drafts.get(container.name), rules, field, resource)
        had = container.requests.get(resource), container.limits.get(resource)
        requested += amount
        limited += proportional_limit(amount, *had, item.default.get(resource)) or 0
    if minimum <= limited and minimum <= requested and (not maximum or maximum >= limited):
        return
    if not limited:
        return
    to_minimum = minimum > requested
    wanted = minimum if to_minimum or not maximum or maximum >= limited else maximum
    total = requested if to_minimum else limited
    for amounts in _scaled(containers, drafts, rules, field, resource):
        if resource in amounts or to_minimum or resource == "cpu":
            amounts[resource] = _share(amounts.get(resource, 0) * wanted, total, up=to_minimum and resource == "cpu")


def _share(whole: int, total: int, *, up: bool) -> int:
    """A part of what is allowed.

    Shares of memory are rounded down even when they should add up to a minimum, so that they may miss it by some
    bytes: that is upstream's, and numbers are to be equal.
    """
    return min(-(-whole // total) if up else whole // total, LARGEST)


def _scaled(
    containers: list[Sized], drafts: dict[str, _Draft], rules: Rules, field: _Field, resource: Resource
) -> Iterator[dict[Resource, int]]:
    for container in containers:
        draft = drafts.get(container.name)
        if draft and draft[field] and _controls(rules, container.name, resource, draft[field]):
            yield draft[field]


def _amount(container: Sized, draft: _Draft | None, rules: Rules, field: _Field, resource: Resource) -> int:
    """What a container takes of the whole. What nobody controls stays as it is requested."""
    if draft is None or not _controls(rules, container.name, resource, draft[field]):
        return container.requests.get(resource, 0)
    return draft[field].get(resource, 0)


def _controls(rules: Rules, name: str, resource: Resource, amounts: Amounts) -> bool:
    return resource in amounts or resource in rules.of(name).controlled
