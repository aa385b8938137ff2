"""Limits that follow requests: in the ratio that the pod's author chose, or as our own policies say."""

from collections.abc import Mapping

import msgspec

from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.pods import Sized
from scaler.vertical.quantities import LARGEST
from scaler.vertical.rules import ContainerRules

NO_LIMIT = "{}: limit NOT set since originalLimit is nil or 0"
NO_REQUEST = "{}: limit NOT set since recommendedRequest is nil or 0"
TOO_LARGE = "{}: failed to keep limit to request ratio; capping limit to int64"
"""Upstream's words: scripts look for them in the annotation."""

_NOTHING: Amounts = {}


class Limits(msgspec.Struct, frozen=True):
    """The limits that go with new requests."""

    amounts: Amounts = {}
    removed: tuple[Resource, ...] = ()
    """Those that the container has and is to have no more."""
    notes: tuple[str, ...] = ()


def proportional_limit(
    new: int | None, request: int | None, limit: int | None, default: int | None = None
) -> int | None:
    """The limit that stands to the new request as the limit stood to the request; None for no limit.

    A container without a limit has the namespace's default. A limit without a request, or equal to it, becomes
    the new request. More than an int64 holds is `LARGEST`.
    """
    exact = _in_proportion(new, request, limit, default)
    return None if exact is None else min(exact, LARGEST)


def _in_proportion(new: int | None, request: int | None, limit: int | None, default: int | None) -> int | None:
    limit = limit or default
    if not limit or not new:
        return None
    if not request or request == limit:
        return new
    return limit * new // request


def boundary_request(bound: int | None, request: int | None, limit: int | None, default: int | None = None) -> int:
    """The request whose proportional limit is the bound; 0 when nothing bounds it."""
    limit = limit or default
    if not bound or not limit:
        return 0
    if not request:
        return bound
    return min(request * bound // limit, LARGEST)


def limits_for(
    container: Sized, requests: Amounts, rules: ContainerRules, default: Mapping[Resource, int] = _NOTHING
) -> Limits:
    """The limits that a container is to have with these requests; `default` is the namespace's."""
    if rules.requests_only:
        return Limits()
    if rules.limits == "equal":
        return Limits({resource: requests[resource] for resource in RESOURCES if requests.get(resource)})
    kept = RESOURCES if rules.limits == "ratio" else ("memory",)
    found, notes = _in_ratio(container, requests, kept, default)
    removed: tuple[Resource, ...] = ("cpu",) if rules.limits == "no-cpu" and "cpu" in container.limits else ()
    return Limits(found, removed, notes)


def _in_ratio(
    container: Sized, requests: Amounts, kept: tuple[Resource, ...], default: Amounts
) -> tuple[Amounts, tuple[str, ...]]:
    found: dict[Resource, int] = {}
    notes: list[str] = []
    for resource in kept:
        new, had = requests.get(resource), container.limits.get(resource)
        limit = _in_proportion(new, container.requests.get(resource), had, default.get(resource))
        if limit is None:
            notes.append((NO_REQUEST if had or default.get(resource) else NO_LIMIT).format(resource))
            continue
        found[resource] = min(limit, LARGEST)
        if limit > LARGEST:
            notes.append(TOO_LARGE.format(resource))
    return found, tuple(notes) if found else ()
