"""Who controls whom, looked up as somebody climbs from a pod to its topmost controller, and remembered.

A controller keeps its owner for life, so an answer serves for minutes; that one is not there is believed for seconds.
Many climb at once when a workload scales up: one question a controller is under way at a time.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from scaler.api.selector import Selector, parse_selector
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.discovery import Discovery, Unknown, resource_of
from scaler.kube.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from scaler.kube.views import ScaleView
from scaler.vertical.targets import Climb, Controller, Known, climb

RESOURCES: Mapping[str, Resource] = {
    "DaemonSet": DAEMON_SETS,
    "Deployment": DEPLOYMENTS,
    "ReplicaSet": REPLICA_SETS,
    "StatefulSet": STATEFUL_SETS,
    "ReplicationController": REPLICATION_CONTROLLERS,
    "Job": JOBS,
    "CronJob": CRON_JOBS,
}
"""Where the well-known kinds live."""

REMEMBERED = 600.0
"""Seconds for which an owner is believed, as upstream believes a scale."""
ABSENT = 5.0
"""Seconds for which a controller that is not there stays so."""
MOST = 50_000
"""Controllers that are remembered; with more, the oldest answers go first."""
LONGEST_WAY = 10
"""Controllers above a pod. Two are common."""


class _Owner(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    name: str = ""
    api_version: str = ""
    controller: bool | None = None


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    owner_references: tuple[_Owner, ...] | None = None


class _Owned(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()


class _Answer(msgspec.Struct, frozen=True, gc=False):
    known: Known
    selector: str
    """Of its pods, for a kind that is not well-known."""
    until: float
    """Loop time."""


class Controllers:
    """The controllers of a cluster; one question at a time is under way for each."""

    def __init__(self, connection: Connection, discovery: Discovery | None = None) -> None:
        self._connection = connection
        self._discovery = discovery or Discovery(connection)
        self._answers: dict[_Place, _Answer] = {}
        self._asking: dict[_Place, asyncio.Task[_Answer]] = {}

    def recall(self, namespace: str, start: Controller | None) -> Climb:
        """The way up as far as memory goes."""
        return climb(start, lambda controller: self._known(namespace, controller))

    async def topmost(self, namespace: str, start: Controller | None) -> Climb:
        """The whole way up; ApiError when the API server could not say. A caller that may not wait sets a timeout."""
        way = self.recall(namespace, start)
        for _ in range(LONGEST_WAY):
            if way.ask is None:
                return way
            await self._answer(namespace, way.ask)
            way = self.recall(namespace, start)
        return way if way.ask is None else Climb(problem=f"more than {LONGEST_WAY} controllers stand above the pod")

    async def selector(self, namespace: str, topmost: Controller) -> Selector | None:
        """Which pods a scalable kind means by its scale; None for a well-known kind, which means all it controls."""
        if topmost.well_known:
            return None
        answer = await self._answer(namespace, topmost)
        try:
            return parse_selector(answer.selector) if answer.selector else Selector(nothing=True)
        except ValueError:
            return Selector(nothing=True)

    def _known(self, namespace: str, controller: Controller) -> Known | None:
        answer = self._answers.get((namespace, controller))
        if answer is None or answer.until < asyncio.get_running_loop().time():
            return None
        return answer.known

    async def _answer(self, namespace: str, controller: Controller) -> _Answer:
        place = (namespace, controller)
        answer = self._answers.get(place)
        if answer is not None and answer.until >= asyncio.get_running_loop().time():
            return answer
        task = self._asking.get(place)
        if task is None:
            task = self._asking[place] = asyncio.ensure_future(self._ask(namespace, controller))
            task.add_done_callback(lambda done: self._answered(place, done))
        # A caller that gives up must not take the answer from the others.
        return await asyncio.shield(task)

    def _answered(self, place: "_Place", task: "asyncio.Task[_Answer]") -> None:
        self._asking.pop(place, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._answers.pop(place, None)  # to the end of the queue
        self._answers[place] = task.result()
        if len(self._answers) > MOST:
            del self._answers[next(iter(self._answers))]

    async def _ask(self, namespace: str, controller: Controller) -> _Answer:
        known, selector = await self._looked_up(namespace, controller)
        there = known.there and (controller.well_known or known.scales)
        until = asyncio.get_running_loop().time() + (REMEMBERED if there else ABSENT)
        return _Answer(known, selector, until)

    async def _looked_up(self, namespace: str, controller: Controller) -> tuple[Known, str]:
        try:
            if controller.well_known:
                resource = RESOURCES[controller.kind]
                found = await self._connection.get(resource, namespace, controller.name, into=_Owned)
                return Known(owner=_controller_of(found)), ""
            return await self._scale_of(namespace, controller)
        except ApiError as error:
            if error.status == 404:
                return Known(there=False, scales=controller.well_known), ""
            raise

    async def _scale_of(self, namespace: str, controller: Controller) -> tuple[Known, str]:
        target = await self._discovery.resolve(controller.api_version, controller.kind)
        if isinstance(target, Unknown):
            return Known(scales=False), ""
        resource = resource_of(target)
        scale = await self._connection.get(resource, namespace, controller.name, into=ScaleView, subresource="scale")
        return Known(), scale.status.selector


_Place = tuple[str, Controller]
"""Namespace and controller."""


def _controller_of(owned: _Owned) -> Controller | None:
    for owner in owned.metadata.owner_references or ():
        if owner.controller:
            return Controller(owner.kind, owner.name, owner.api_version)
    return None
