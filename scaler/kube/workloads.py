"""How many replicas workloads have: Deployments and StatefulSets from a copy, all else from their /scale."""

import asyncio
from collections.abc import Callable

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import GroupVersionKindResource
from scaler.api.selector import selector_from
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.discovery import resource_of
from scaler.kube.informer import Informer
from scaler.kube.resources import DEPLOYMENTS, STATEFUL_SETS, Resource
from scaler.kube.views import ScaleView, Workload

FOLLOWED = {DEPLOYMENTS: "Deployment", STATEFUL_SETS: "StatefulSet"}

CameOrWent = Callable[[str, str, str], None]
"""Told the namespace, kind and name of a followed workload that was made or deleted."""


Rescaled = Callable[[str, str, str, int], None]
"""Told the namespace, kind and name of a followed workload whose spec.replicas changed, and to what."""


class ScaleNow(msgspec.Struct, frozen=True):
    """What a workload asks for and has."""

    replicas: int
    """Asked for (spec.replicas, 1 when it says nothing)."""
    current: int
    pods: str | Raw
    """Which pods are its own: a label selector in either form."""

    @property
    def selector(self) -> str:
        """Which pods are its own, in the text form; spelt only when somebody asks, since hardly anybody does."""
        return self.pods if isinstance(self.pods, str) else str(selector_from(self.pods))


class NoTarget(msgspec.Struct, frozen=True):
    """There is no such workload."""

    why: str


class Workloads:
    """Follows the common kinds; asks about the others."""

    def __init__(self, connection: Connection, namespaces: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._followed = {
            resource: Informer(connection, resource, Workload, namespaces=namespaces) for resource in FOLLOWED
        }

    def on_came_or_went(self, handler: CameOrWent) -> None:
        """Tell of workloads that were made or deleted; changes are not told."""
        for resource, informer in self._followed.items():
            informer.on_change(_telling(FOLLOWED[resource], handler))

    def on_rescaled(self, handler: Rescaled) -> None:
        """Tell of workloads whose spec.replicas changed, whoever changed it."""
        for resource, informer in self._followed.items():
            informer.on_change(_telling_replicas(FOLLOWED[resource], handler))

    def follows(self, resource: Resource) -> bool:
        """Whether changes of these are told."""
        return resource in self._followed

    async def run(self) -> None:
        """Follow, for ever."""
        async with asyncio.TaskGroup() as group:
            for informer in self._followed.values():
                group.create_task(informer.run())

    async def synced(self) -> None:
        """Return once everything that is there has been seen."""
        for informer in self._followed.values():
            await informer.synced.wait()

    async def read_scale(self, target: GroupVersionKindResource, namespace: str, name: str) -> ScaleNow | NoTarget:
        """What it has now; ApiError when that could not be found out."""
        resource = resource_of(target)
        informer = self._followed.get(resource)
        copy = informer.get(namespace, name) if informer is not None else None
        if copy is not None:
            asked = 1 if copy.spec.replicas is None else copy.spec.replicas
            return ScaleNow(asked, copy.status.replicas, copy.spec.selector)
        return await self._ask(resource, namespace, name)

    async def _ask(self, resource: Resource, namespace: str, name: str) -> ScaleNow | NoTarget:
        try:
            scale = await self._connection.get(resource, namespace, name, into=ScaleView, subresource="scale")
        except ApiError as error:
            if error.status == 404:
                return NoTarget(f"{resource.plural} {namespace}/{name} does not exist")
            raise
        return ScaleNow(scale.spec.replicas, scale.status.replicas, scale.status.selector)


def _telling(kind: str, handler: CameOrWent) -> Callable[[Workload | None, Workload | None], None]:
    def changed(old: Workload | None, new: Workload | None) -> None:
        there = new or old
        if there is not None and (old is None or new is None):
            handler(there.metadata.namespace, kind, there.metadata.name)

    return changed


def _telling_replicas(kind: str, handler: Rescaled) -> Callable[[Workload | None, Workload | None], None]:
    def changed(old: Workload | None, new: Workload | None) -> None:
        if old is not None and new is not None and old.spec.replicas != new.spec.replicas:
            replicas = 1 if new.spec.replicas is None else new.spec.replicas
            handler(new.metadata.namespace, kind, new.metadata.name, replicas)

    return changed
