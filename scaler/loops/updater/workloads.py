"""The controllers of pods, followed in lean copies: who stands above whom, and how many replicas each wants."""

import asyncio
from collections.abc import Collection, Mapping

from scaler.api.meta import Kind
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.controllers import RESOURCES, Controllers
from scaler.kube.informer import Informer
from scaler.vertical.pods import Owner
from scaler.vertical.targets import Climb, Controller, Known, climb


class _Meta(Kind, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    owner_references: tuple[Owner, ...] | None = None


class _Spec(Kind, frozen=True, gc=False):
    replicas: int | None = None


class _Status(Kind, frozen=True, gc=False):
    number_ready: int = 0


class Workload(Kind, frozen=True, gc=False):
    """A controller, as far as its pods may be moved."""

    metadata: _Meta = _Meta()
    spec: _Spec = _Spec()
    status: _Status = _Status()

    @property
    def controller(self) -> Controller | None:
        """Its own controller."""
        for owner in self.metadata.owner_references or ():
            if owner.controller:
                return controller_of(owner)
        return None


def controller_of(owner: Owner) -> Controller:
    """Whom an owner reference names."""
    return Controller(owner.kind, owner.name, owner.api_version)


class Workloads:
    """All kinds that every cluster has; others are asked for and remembered."""

    def __init__(self, connection: Connection, namespaces: Collection[str] = ()) -> None:
        self.copies: Mapping[str, Informer[Workload]] = {
            kind: Informer(connection, resource, Workload, namespaces=namespaces)
            for kind, resource in RESOURCES.items()
        }
        self.controllers = Controllers(connection)

    async def run(self) -> None:
        """Follow them, for ever."""
        async with asyncio.TaskGroup() as group:
            for copy in self.copies.values():
                group.create_task(copy.run(), name=copy.resource.plural)

    async def synced(self) -> None:
        """Return once all that there is has been seen."""
        for copy in self.copies.values():
            await copy.synced.wait()

    def configured(self, namespace: str, owner: Owner) -> int | None:
        """How many replicas a controller of pods wants; None for one that is not there, or that is of another kind.

        Of a DaemonSet those that are ready, as upstream counts; 1 where nothing is written.
        """
        copy = self.copies.get(owner.kind)
        found = copy.get(namespace, owner.name) if copy is not None and controller_of(owner).well_known else None
        if found is None:
            return None
        if owner.kind == "DaemonSet":
            return found.status.number_ready
        return 1 if found.spec.replicas is None else found.spec.replicas

    async def topmost(self, namespace: str, owner: Owner) -> Controller | None:
        """The topmost controller above a pod; None when there is none, or nobody could say."""
        start = controller_of(owner)
        way = self._climb(namespace, start)
        if way.ask is not None:
            try:
                await self.controllers.topmost(namespace, way.ask)
            except ApiError:
                return None
            way = self._climb(namespace, start)
        return way.topmost

    def _climb(self, namespace: str, start: Controller) -> Climb:
        return climb(start, lambda controller: self._known(namespace, controller))

    def _known(self, namespace: str, controller: Controller) -> Known | None:
        if not controller.well_known:
            way = self.controllers.recall(namespace, controller)
            if way.ask is not None:
                return None
            above = way.topmost if way.topmost != controller else None
            return Known(scales=way.topmost is not None, owner=above)
        found = self.copies[controller.kind].get(namespace, controller.name)
        return Known(there=False) if found is None else Known(owner=found.controller)
