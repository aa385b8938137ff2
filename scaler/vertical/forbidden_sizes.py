"""Sizes that the namespace would refuse: a policy wins over a LimitRange, as VPA has it, and the API server does not.

Upstream sizes such a pod all the same, and nothing is created any more. Here the pod is left as it is.
"""

from collections.abc import Iterator, Mapping, Sequence

from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.limit_ranges import Item, Ranges
from scaler.vertical.pods import Sized
from scaler.vertical.quantities import spelt


def forbidden(containers: Sequence[Sized], sizes: Sequence[tuple[Amounts, Amounts]], ranges: Ranges) -> str:
    """Why no pod with these requests and limits can be made; empty when one can.

    `sizes` are what each container is to have beside what it has.
    """
    after = [
        ({**container.requests, **requests}, {**container.limits, **limits})
        for container, (requests, limits) in zip(containers, sizes, strict=True)
    ]
    return next(_broken(containers, after, ranges), "")


def _broken(containers: Sequence[Sized], after: Sequence[tuple[Amounts, Amounts]], ranges: Ranges) -> Iterator[str]:
    if ranges.container is not None:
        for container, (requests, limits) in zip(containers, after, strict=True):
            yield from _outside(f"container {container.name}", requests, limits, ranges.container)
    if ranges.pod is not None:
        sums = [
            {resource: sum(each[which].get(resource, 0) for each in after) for resource in RESOURCES}
            for which in (0, 1)
        ]
        yield from _outside("the pod", sums[0], sums[1], ranges.pod)


def _outside(who: str, requests: Mapping[Resource, int], limits: Mapping[Resource, int], item: Item) -> Iterator[str]:
    for resource in RESOURCES:
        request, most = requests.get(resource, 0), max(requests.get(resource, 0), limits.get(resource, 0))
        low, high = item.minimum.get(resource, 0), item.maximum.get(resource, 0)
        if high and most > high:
            yield _said(who, resource, most, f"allows {spelt(resource, high)} at most")
        if request and request < low:
            yield _said(who, resource, request, f"wants {spelt(resource, low)} at least")


def _said(who: str, resource: Resource, amount: int, rule: str) -> str:
    return f"{who} would have {spelt(resource, amount)} of {resource}, and a LimitRange of the namespace {rule}"
