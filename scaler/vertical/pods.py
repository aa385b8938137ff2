"""A pod, as far as its size goes: read from an admission review or a watch in one pass.

What a container has is what the kubelet reports of it, where it does, and else what its spec says.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from scaler.api.meta import Kind
from scaler.vertical.amounts import RESOURCES, Amounts
from scaler.vertical.quantities import millicores, whole_bytes

InitContainers = Literal["none", "sidecars", "all"]
"""Which init containers are sized beside the others; sidecars are those that restart always."""
QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]


class Quantities(Kind, frozen=True, gc=False):
    """The resources that are ours, of a list of them."""

    cpu: str | int | float | None = None
    memory: str | int | float | None = None


class Resources(Kind, frozen=True, gc=False):
    """What a container requests and is limited to."""

    requests: Quantities | None = None
    limits: Quantities | None = None


class ResizePolicy(Kind, frozen=True, gc=False):
    """Whether a change of one resource restarts the container."""

    resource_name: str = ""
    restart_policy: str = ""


class Container(Kind, frozen=True, gc=False):
    """A container of a pod's spec."""

    name: str = ""
    resources: Resources = Resources()
    resize_policy: tuple[ResizePolicy, ...] | None = None
    restart_policy: str = ""
    """Always makes an init container a sidecar."""


class Terminated(Kind, frozen=True, gc=False):
    """How a container ended."""

    reason: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Kind, frozen=True, gc=False):
    """The state of a container, as far as it ended."""

    terminated: Terminated | None = None


class ContainerStatus(Kind, frozen=True, gc=False):
    """What the kubelet reports of a container."""

    name: str = ""
    resources: Resources | None = None
    last_state: ContainerState = ContainerState()


class PodCondition(Kind, frozen=True, gc=False):
    """One condition of a pod."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class Owner(Kind, frozen=True, gc=False):
    """Whose pod it is."""

    kind: str = ""
    name: str = ""
    api_version: str = ""
    controller: bool | None = None


class PodMeta(Kind, frozen=True, gc=False):
    """The metadata of a pod."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    """None is not the same as empty: a patch must make the object first."""
    owner_references: tuple[Owner, ...] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class PodSpec(Kind, frozen=True, gc=False):
    """What a pod is asked to be."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    node_name: str = ""


class PodStatus(Kind, frozen=True, gc=False):
    """How a pod is."""

    phase: str = ""
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    start_time: str | None = None


class SizedPod(Kind, frozen=True, gc=False):
    """A pod, as far as its size goes."""

    metadata: PodMeta = PodMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations, empty when it has none."""
        return self.metadata.annotations or {}

    @property
    def owner(self) -> Owner | None:
        """Its controller."""
        return next((owner for owner in self.metadata.owner_references or () if owner.controller), None)

    @property
    def display_name(self) -> str:
        """Its name, before it has one what the name will begin with."""
        return self.metadata.name or f"{self.metadata.generate_name}%"

    def condition(self, type_: str) -> PodCondition | None:
        """One of its conditions."""
        for each in self.status.conditions or ():  # a generator would cost a fifth of a whole judgement
            if each.type == type_:
                return each
        return None


class Sized(msgspec.Struct, frozen=True, gc=False):
    """One container with what it has."""

    name: str
    path: str
    """Where its resources stand, as a JSON pointer."""
    index: int
    role: Literal["container", "sidecar", "init"]
    requests: Amounts
    limits: Amounts
    has_requests: bool
    """Whether there is a list of requests, be it empty or of other resources."""
    has_limits: bool


def sized(pod: SizedPod, init_containers: InitContainers = "none") -> tuple[Sized, ...]:
    """The containers that may be sized, with what each has now."""
    found = [
        _sized(container, index, pod.status.container_statuses, "container")
        for index, container in enumerate(pod.spec.containers or ())
    ]
    if init_containers != "none":
        found += _sized_init(pod, init_containers)
    return tuple(found)


def as_specified(pod: SizedPod) -> tuple[Sized, ...]:
    """Every container with what its spec says, init containers too, whatever the kubelet reports."""
    plain = [_sized(one, at, None, "container") for at, one in enumerate(pod.spec.containers or ())]
    first = [_sized(one, at, None, _role(one)) for at, one in enumerate(pod.spec.init_containers or ())]
    return (*plain, *first)


def container_amounts(pod: SizedPod, name: str, *, init: bool = False) -> tuple[Amounts, Amounts] | None:
    """Requests and limits of a container by name; None when the pod has none of that name."""
    statuses = pod.status.init_container_statuses if init else pod.status.container_statuses
    reported = _reported(name, statuses)
    if reported is None:
        among = (pod.spec.init_containers if init else pod.spec.containers) or ()
        reported = next((container.resources for container in among if container.name == name), None)
    if reported is None:
        return None
    return _amounts(reported.requests), _amounts(reported.limits)


def qos_class(containers: Iterable[tuple[Amounts, Amounts]]) -> QosClass:
    """The quality of service of a pod whose containers, init containers too, have these requests and limits."""
    found = list(containers)
    if not any(amounts.get(resource) for both in found for amounts in both for resource in RESOURCES):
        return "BestEffort"
    guaranteed = all(
        limits.get(resource) and requests.get(resource, limits[resource]) == limits[resource]
        for requests, limits in found
        for resource in RESOURCES
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _sized_init(pod: SizedPod, which: InitContainers) -> Iterator[Sized]:
    for index, container in enumerate(pod.spec.init_containers or ()):
        role = _role(container)
        if role == "sidecar" or which == "all":
            yield _sized(container, index, pod.status.init_container_statuses, role)


def _role(container: Container) -> Literal["sidecar", "init"]:
    return "sidecar" if container.restart_policy == "Always" else "init"


def _sized(
    container: Container,
    index: int,
    statuses: tuple[ContainerStatus, ...] | None,
    role: Literal["container", "sidecar", "init"],
) -> Sized:
    has = _reported(container.name, statuses) or container.resources
    among = "containers" if role == "container" else "initContainers"
    return Sized(
        container.name,
        f"/spec/{among}/{index}/resources",
        index,
        role,
        _amounts(has.requests),
        _amounts(has.limits),
        has.requests is not None,
        has.limits is not None,
    )


def _reported(name: str, statuses: tuple[ContainerStatus, ...] | None) -> Resources | None:
    for status in statuses or ():
        if status.name == name:
            return status.resources
    return None


def _amounts(quantities: Quantities | None) -> Amounts:
    if quantities is None:
        return {}
    if quantities.cpu is None:
        return {} if quantities.memory is None else {"memory": whole_bytes(quantities.memory)}
    if quantities.memory is None:
        return {"cpu": millicores(quantities.cpu)}
    return {"cpu": millicores(quantities.cpu), "memory": whole_bytes(quantities.memory)}
