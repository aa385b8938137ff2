"""What a pod's containers are to have, and the JSON patches that give it to them: at creation, or while they run.

Everything here is made of what `scaler.vertical.rules` says and the pod has; a patch holds whole quantities only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from scaler.api.verticalpodautoscaler import IN_PLACE_UPDATED, OBSERVED_CONTAINERS, POD_UPDATES
from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.boost import ended_boosts, with_boost
from scaler.vertical.forbidden_sizes import forbidden
from scaler.vertical.limit_ranges import NO_RANGES, Ranges
from scaler.vertical.limits import limits_for
from scaler.vertical.observed import (
    BOOST,
    boosted_containers,
    pointer,
    read_original,
    written_containers,
    written_original,
)
from scaler.vertical.pod_capping import Capped, cap_for_pod
from scaler.vertical.pods import QosClass, Sized, SizedPod, as_specified, qos_class, sized
from scaler.vertical.quantities import spelt
from scaler.vertical.rules import RESIZING, Rules

ANNOTATIONS = "/metadata/annotations"


class Add(msgspec.Struct, frozen=True, tag_field="op", tag="add", gc=False):
    """One operation of a JSON patch: write a value."""

    path: str
    value: Any


class Remove(msgspec.Struct, frozen=True, tag_field="op", tag="remove", gc=False):
    """One operation of a JSON patch: take something away that is there."""

    path: str


Operation = Add | Remove


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """What one container is to have, as far as it is sized."""

    requests: Amounts = {}
    limits: Amounts = {}
    removed: tuple[Resource, ...] = ()
    """Limits that it has and is to have no more."""
    notes: tuple[str, ...] = ()
    """What was done to the recommendation, in upstream's words."""

    def __bool__(self) -> bool:
        return bool(self.requests or self.limits or self.removed)


_NOTHING = Wanted()


class Admission(msgspec.Struct, frozen=True):
    """The answer to a pod that is being created."""

    patch: tuple[Operation, ...] = ()
    problem: str = ""
    """Why the pod is admitted as it is, though it should have been sized; empty when all is well."""


class Resize(msgspec.Struct, frozen=True):
    """What a running pod is to be patched with."""

    patch: tuple[Operation, ...] = ()
    """For the subresource /resize; empty when there is nothing to resize."""
    before: QosClass = "BestEffort"
    after: QosClass = "BestEffort"
    """Kubernetes refuses a resize after which a pod would be of another quality of service."""
    unboosted: tuple[str, ...] = ()
    """Containers whose boost this takes away."""


def wanted_sizes(containers: Sequence[Sized], rules: Rules, ranges: Ranges = NO_RANGES) -> list[Wanted]:
    """What each of these containers is to have by the recommendation, in their order."""
    capped = cap_for_pod(containers, rules, ranges)
    return [_wanted(container, capped, rules, ranges) for container in containers]


def unfit(containers: Sequence[Sized], wanted: Sequence[Wanted], ranges: Ranges) -> str:
    """Why the namespace would refuse a pod of these sizes; empty when it would not."""
    return forbidden(containers, [(size.requests, size.limits) for size in wanted], ranges)


def _wanted(container: Sized, capped: Capped, rules: Rules, ranges: Ranges) -> Wanted:
    bounds = capped.recommendation.get(container.name)
    if bounds is None:
        return _NOTHING
    default = ranges.container.default if ranges.container else {}
    limits = limits_for(container, bounds.target, rules.of(container.name), default)
    notes = (*capped.notes.get(container.name, ()), *limits.notes)
    return Wanted(bounds.target, limits.amounts, limits.removed, notes)


# -- a pod that is being created -------------------------------------------------------------------------------


def admit(pod: SizedPod, rules: Rules, ranges: Ranges = NO_RANGES, max_boost: int = 0) -> Admission:
    """The patch for a pod that is being created; `max_boost` is in millicores, 0 for none.

    In mode Off only a startup boost is given. Raises Invalid for a boost that cannot be.
    """
    containers = sized(pod, rules.init_containers)
    wanted = [_NOTHING] * len(containers) if rules.mode == "Off" else wanted_sizes(containers, rules, ranges)
    if any(wanted):
        problem = ranges.contradiction or unfit(containers, wanted, ranges)
        if problem:
            return Admission(problem=problem)
    operations = list(sizes_at_creation(containers, wanted, rules, max_boost))
    return Admission((*_annotations_object(pod), *operations, _observed(containers)))


def sizes_at_creation(
    containers: Sequence[Sized], wanted: Sequence[Wanted], rules: Rules, max_boost: int = 0
) -> Iterator[Operation]:
    said: list[str] = []
    for container, size in zip(containers, wanted, strict=True):
        own = rules.of(container.name)
        if own.boost is not None and own.off:
            continue  # without a boost a container that is off takes part in a pod LimitRange
        requests, limits = with_boost(container, own, size.requests, size.limits, max_boost)
        if own.boost is not None:
            path = f"{ANNOTATIONS}/{pointer(BOOST + container.name)}"
            yield Add(path, written_original(container))
        final = Wanted(requests, limits, size.removed, size.notes)
        yield from set_resources(container, final, container.has_requests, container.has_limits)
        if final:
            said.append(f"{_called(container)}: {', '.join(_changes(final))}")
    if said:
        yield Add(f"{ANNOTATIONS}/{POD_UPDATES}", f"Pod resources updated by {rules.name}: {'; '.join(said)}")


def _called(container: Sized) -> str:
    return f"{'container' if container.role == 'container' else 'init container'} {container.index}"


def _changes(size: Wanted) -> Iterator[str]:
    yield from size.notes
    yield from (f"{resource} request" for resource in RESOURCES if resource in size.requests)
    yield from (f"{resource} limit" for resource in RESOURCES if resource in size.limits)
    yield from (f"{resource} limit removed" for resource in size.removed)


def _annotations_object(pod: SizedPod) -> Iterator[Operation]:
    if pod.metadata.annotations is None:
        yield Add(ANNOTATIONS, {})


def _observed(containers: Iterable[Sized]) -> Operation:
    names = written_containers(container.name for container in containers)
    return Add(f"{ANNOTATIONS}/{OBSERVED_CONTAINERS}", names)


# -- a pod that runs -------------------------------------------------------------------------------------------


def resize(pod: SizedPod, rules: Rules, ranges: Ranges, now: float) -> Resize:
    """The patch for a pod that runs: the recommendation, and back from a boost that has ended.

    A container that is still boosted is left alone. In mode Off, or without a recommendation, a container whose boost
    has ended goes back to what it would have had. Limits are not taken away, which Kubernetes refuses while a pod
    runs. Raises ValueError when what a boost remembers cannot be read.
    """
    containers = [each for each in sized(pod, rules.init_containers) if each.role != "init"]
    wanted = [_NOTHING] * len(containers) if rules.mode == "Off" else wanted_sizes(containers, rules, ranges)
    ended, boosted = set(ended_boosts(pod, rules, now)), set(boosted_containers(pod))
    specified = {container.path: container for container in as_specified(pod)}
    after = {path: (container.requests, container.limits) for path, container in specified.items()}
    operations: list[Operation] = []
    for container, size in zip(containers, wanted, strict=True):
        if container.name in ended:
            final = _unboosted(pod, container, size)
        elif container.name in boosted or rules.mode not in RESIZING:
            continue
        else:
            final = _kept(container, size)
        spec = specified[container.path]
        operations += set_resources(container, final, spec.has_requests, spec.has_limits) if final else ()
        after[container.path] = ({**spec.requests, **final.requests}, {**spec.limits, **final.limits})
    before = qos_class((container.requests, container.limits) for container in specified.values())
    done = tuple(container.name for container in containers if container.name in ended)
    return Resize(tuple(operations), before, qos_class(after.values()), done)


def _unboosted(pod: SizedPod, container: Sized, size: Wanted) -> Wanted:
    if size:
        return _kept(container, size)
    original = read_original(pod, container.name)
    return Wanted(*original) if original is not None else _NOTHING


def _kept(container: Sized, size: Wanted) -> Wanted:
    """A limit that would be taken away stays, and grows with the request where it would be in its way."""
    if not size.removed:
        return size
    grown = {resource: max(container.limits[resource], size.requests.get(resource, 0)) for resource in size.removed}
    return Wanted(size.requests, {**size.limits, **grown}, (), size.notes)


def boosts_taken_away(pod: SizedPod, containers: Iterable[str]) -> tuple[Operation, ...]:
    """The patch of a pod's annotations after a resize, with those of these containers' boosts removed."""
    removed = (Remove(f"{ANNOTATIONS}/{pointer(BOOST + name)}") for name in containers)
    mark = Add(f"{ANNOTATIONS}/{IN_PLACE_UPDATED}", "true")
    return (*_annotations_object(pod), mark, *removed)


# -- both ------------------------------------------------------------------------------------------------------


def set_resources(container: Sized, size: Wanted, has_requests: bool, has_limits: bool) -> Iterator[Operation]:
    """The operations that give a container what it is to have.

    As upstream a container with neither list gets an empty object even when nothing is put into it.
    """
    base = container.path
    if not has_requests and not has_limits:
        yield Add(base, {})
    yield from _list(f"{base}/requests", size.requests, has_requests)
    yield from _list(f"{base}/limits", size.limits, has_limits)
    yield from (Remove(f"{base}/limits/{resource}") for resource in size.removed)


def _list(path: str, amounts: Amounts, there: bool) -> Iterator[Operation]:
    if amounts and not there:
        yield Add(path, {})
    for resource in RESOURCES:
        if resource in amounts:
            yield Add(f"{path}/{resource}", spelt(resource, amounts[resource]))
