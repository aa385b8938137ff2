"""The demo in a cluster of one's own: what it would make there, the making, and the taking away.

The programs and the queue stay on this machine. Nothing that is there already is touched: a name that is taken ends
the demo before it begins, and only what this run has made is deleted, dependants before what they depend on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scaler.api.meta import Raw
from scaler.clock import SystemClock
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import (
    API_SERVICES,
    CLUSTER_TRIGGER_AUTHENTICATIONS,
    CRDS,
    DEPLOYMENTS,
    NAMESPACES,
    SCALED_OBJECTS,
    SECRETS,
    TRIGGER_AUTHENTICATIONS,
    Resource,
)
from scaler.kube.upstream import find_rivals
from scaler.programs.demo_scene import DemoFailed, Programs, Scene, free_port, open_queue
from scaler.settings.demo import OwnCluster
from scaler.sim.demo_manifests import QUEUE, SERVED, api_services, metrics_service, workload
from scaler.sim.demo_manifests import namespace as made_namespace
from scaler.sim.sqs import SqsEndpoint
from scaler.sim.world import Queues, Workers

LABEL = {"app.kubernetes.io/managed-by": "scaler-demo"}
"""On everything that is made, so that `kubectl delete -l` finds what a demo that was killed left behind."""
TICK = 0.25
"""Seconds between two steps of the queue."""
REACHED = 60.0
"""Seconds in which the API server must have found the metrics server."""
GONE = 60.0
"""Seconds that something may take to be deleted."""
ORPHANED = 15.0
"""Seconds after which an object is freed whose operator does not let it go."""
_KINDS = {
    "Namespace": NAMESPACES,
    "CustomResourceDefinition": CRDS,
    "APIService": API_SERVICES,
    "Service": Resource("", "v1", "services"),
    "EndpointSlice": Resource("discovery.k8s.io", "v1", "endpointslices"),
    "Deployment": DEPLOYMENTS,
    "Secret": SECRETS,
    "TriggerAuthentication": TRIGGER_AUTHENTICATIONS,
    "ScaledObject": SCALED_OBJECTS,
}
_OURS = {"scaledobjects": SCALED_OBJECTS, "triggerauthentications": TRIGGER_AUTHENTICATIONS}
_OURS["clustertriggerauthentications"] = CLUSTER_TRIGGER_AUTHENTICATIONS


class Survey(msgspec.Struct, frozen=True):
    """What a cluster has, and what the demo would add."""

    server: str
    namespace: str
    missing: tuple[Path, ...]
    """Definitions that are not there."""
    in_the_way: tuple[str, ...]
    """Why nothing must be made."""

    def made(self) -> list[str]:
        """What would be made, a line each."""
        definitions = ", ".join(_name(path) for path in self.missing)
        services = ", ".join(f"{version}.{group}" for group, version in SERVED)
        return [
            f"namespace {self.namespace}: a Deployment, a ScaledObject and its HPA, a Secret, a Service, a Lease",
            f"APIServices {services}: the API server asks the metrics server on this machine",
            f"CustomResourceDefinitions {definitions}" if definitions else "(the definitions are there, and stay)",
        ]


async def survey(settings: OwnCluster, namespace: str, definitions: Sequence[Path]) -> Survey:
    """Look, and change nothing."""
    async with await connect(settings.kubeconfig, settings.context or None) as connection:
        rivals = await find_rivals(
            connection, now=SystemClock().now(), our_service=(namespace, "scaler-metrics"), namespaces=("keda",)
        )
        there = [f"{rival.what} is held by {rival.who}: {rival.remedy}" for rival in rivals]
        taken = [(NAMESPACES, namespace), *((API_SERVICES, f"{version}.{group}") for group, version in SERVED)]
        for resource, name in taken:
            if not there and await _found(connection, resource, "", name):
                words = "is there already: left by another demo, or somebody else's"
                there.append(f"{resource.plural}/{name} {words}; delete it, or choose another --namespace")
        missing = [path for path in definitions if not await _found(connection, CRDS, "", _name(path))]
        return Survey(connection.server.url, namespace, tuple(missing), tuple(there))


def _name(definition: Path) -> str:
    """Of the definition in this file."""
    return str(yaml.safe_load(definition.read_text())["metadata"]["name"])


class Watched(Queues):
    """Queues whose workers are counted by somebody who looks at the cluster."""

    pods = 0

    def ready(self, workers: Workers) -> int:  # noqa: ARG002 - there is one kind of worker
        return self.pods

    async def run(self) -> None:
        """For ever; cancel to stop."""
        while True:
            await self.clock.sleep(TICK)
            self.step()


class _Counting(Scene):
    """A scene whose queue is worked off by the pods that the Deployment says are ready."""

    def __init__(self, connection: Connection, namespace: str, sqs: SqsEndpoint, queues: Watched) -> None:
        super().__init__(connection, namespace, sqs, open_queue(queues, namespace))
        self._queues = queues

    async def workload(self) -> Any:
        found = await super().workload()
        self._queues.pods = found.status.ready_replicas
        return found


@contextlib.asynccontextmanager
async def there(
    settings: OwnCluster, found: Survey, programs: Programs, say: Callable[[str], None]
) -> AsyncIterator[Scene]:
    """The cluster, furnished; at the end, however that comes, all that was made is gone again."""
    flags = ("--kubeconfig", settings.kubeconfig, *(("--context", settings.context) if settings.context else ()))
    flags = (*flags, "--pod-namespace", found.namespace)
    queues, port = Watched(SystemClock()), free_port()
    listens = "0.0.0.0" if settings.reach else "127.0.0.1"  # noqa: S104 - what calls is authenticated
    async with await connect(settings.kubeconfig, settings.context or None) as connection, SqsEndpoint(queues) as sqs:
        guest = Guest(connection, found.namespace, say)
        async with guest.made(*(path.read_text() for path in found.missing)):
            for path in found.missing:
                await guest.served(_OURS[_name(path).partition(".")[0]])
            home = (made_namespace(found.namespace), metrics_service(found.namespace, port, settings.reach))
            at_work = programs.running(*flags, sqs=sqs, listens=listens, port=port, watch=found.namespace)
            async with guest.made(*home), at_work, guest.made(api_services(found.namespace, port)):
                await guest.reached(settings.reach or "its own loopback", port)
                stepping = asyncio.create_task(queues.run())
                scene = _Counting(connection, found.namespace, sqs, queues)
                try:
                    async with guest.made(workload(found.namespace, sqs.queue_url(QUEUE), settings.image)):
                        yield scene
                finally:
                    stepping.cancel()


class _Thing:
    """One object that we make."""

    def __init__(self, resource: Resource, namespace: str, name: str) -> None:
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.ours = True

    def __str__(self) -> str:
        return f"{self.resource.plural}/{self.name}"


class Guest:
    """Makes things in somebody else's cluster, and takes them away."""

    def __init__(self, connection: Connection, namespace: str, say: Callable[[str], None]) -> None:
        self._connection = connection
        self._namespace = namespace
        self._say = say

    @contextlib.asynccontextmanager
    async def made(self, *manifests: str) -> AsyncIterator[None]:
        """Everything of these YAML texts; gone at the end, the last one first."""
        async with contextlib.AsyncExitStack() as stack:
            for document in (document for text in manifests for document in yaml.safe_load_all(text) if document):
                await self._make(document, stack)
            yield

    async def _make(self, document: Raw, stack: contextlib.AsyncExitStack) -> None:
        resource, metadata = _KINDS[document["kind"]], document["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), **LABEL}
        namespace = metadata.get("namespace", "")
        thing = _Thing(resource, namespace, metadata["name"])
        # Before the answer is there: who is interrupted while he waits for it must not leave anything behind.
        stack.push_async_callback(self._take_away, thing)
        try:
            await self._connection.create(resource, namespace, document, into=Ack)
        except ApiError as refused:
            thing.ours = refused.status != 409  # then it came between our survey and now
            raise DemoFailed(f"{thing} could not be made: {refused}") from refused

    async def served(self, resource: Resource) -> None:
        """Until a kind whose definition was just made can be used."""
        await _until(lambda: _listed(self._connection, resource), GONE, f"{resource.plural} were never served")

    async def reached(self, where: str, port: int) -> None:
        """Until the API server has found the metrics server."""
        for group, version in SERVED:
            name = f"{version}.{group}"
            remedy = (
                f"the API server does not reach the metrics server at {where}, port {port} (kubectl get apiservice"
                f" {name} says more): give --reach an IP address of this machine that it can reach"
            )
            await _until(partial(_available, self._connection, name), REACHED, remedy)

    async def _take_away(self, thing: "_Thing") -> None:
        """Delete it and wait until it is gone; what cannot be deleted is named, and the rest goes on."""
        try:
            if not thing.ours:
                return
            if thing.resource is CRDS and await self._in_use(thing.name):
                self._say(f"{thing} stays: somebody uses it by now")
                return
            await self._connection.delete(thing.resource, thing.namespace, thing.name)
            await self._see_it_go(thing)
        except (ApiError, DemoFailed) as error:
            if not isinstance(error, ApiError) or error.status != 404:
                self._say(f"{thing} is left behind: {error}")

    async def _see_it_go(self, thing: "_Thing") -> None:
        gone = partial(_gone, self._connection, thing.resource, thing.namespace, thing.name)
        if thing.resource.group == SCALED_OBJECTS.group and not await _holds(gone, ORPHANED):
            # Its operator died: nobody else would take the finalizer off.
            free = {"metadata": {"finalizers": None}}
            await self._connection.patch(thing.resource, thing.namespace, thing.name, free, into=Ack)
        await _until(gone, GONE, "it was not gone in time")

    async def _in_use(self, definition: str) -> bool:
        """Whether objects of that kind are there outside the demo: they would go with it."""
        found = await self._connection.listing(_OURS[definition.partition(".")[0]], into=Raw)
        return any(item["metadata"].get("namespace") != self._namespace for item in found.items)


async def _found(connection: Connection, resource: Resource, namespace: str, name: str) -> bool:
    return not await _gone(connection, resource, namespace, name)


async def _gone(connection: Connection, resource: Resource, namespace: str, name: str) -> bool:
    try:
        await connection.get(resource, namespace, name, into=Ack)
    except ApiError as error:
        if error.status == 404:
            return True
        raise
    return False


async def _listed(connection: Connection, resource: Resource) -> bool:
    try:
        await connection.listing(resource, into=Ack)
    except ApiError:
        return False
    return True


async def _available(connection: Connection, name: str) -> bool:
    found = await connection.get(API_SERVICES, "", name, into=Raw)
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Available" and each["status"] == "True" for each in conditions)


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float, otherwise: str) -> None:
    if not await _holds(holds, seconds):
        raise DemoFailed(otherwise)


async def _holds(holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether it comes to hold within that time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await holds():
        if loop.time() > end:
            return False
        await asyncio.sleep(0.3)
    return True
