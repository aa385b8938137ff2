"""The aggregation layer: groups that another server answers, by its APIService.

Requests go on to the Service's place with the caller's name in front-proxy headers, over TLS.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import services
from scaler.sim.apiserver.callers import Identity
from scaler.sim.apiserver.certificates import FrontProxy
from scaler.sim.apiserver.discovery import Discovery
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.services import Unreachable
from scaler.sim.apiserver.store import DELETED, Event, Object, Table

NAME = "apiservices.apiregistration.k8s.io"
PROBE_EVERY = 5.0
PROBE_FAILING_EVERY = 1.0
PATIENCE = aiohttp.ClientTimeout(total=30)
PROBE_PATIENCE = aiohttp.ClientTimeout(total=5)
AGGREGATOR = Identity("system:kube-aggregator", ("system:masters",))
DROPPED = frozenset({"host", "authorization", "content-length", "connection", "transfer-encoding", "keep-alive"})
REACHED = (aiohttp.ClientError, OSError, TimeoutError)
"""What can go wrong on the way to another server."""


class Message(msgspec.Struct, frozen=True):
    """A request to be sent on."""

    method: str
    path: str
    """With its query."""
    user: Identity
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True):
    """What the other server said."""

    status: int
    content_type: str
    body: bytes


class Place(msgspec.Struct, frozen=True):
    """Where a group is answered."""

    host: str
    port: int
    name: str
    """What its certificate is for."""
    tls: ssl.SSLContext


class Aggregator:
    """Knows the APIServices, forwards to them, and says on each whether it answers."""

    def __init__(self, registry: Registry, discovery: Discovery, front: FrontProxy) -> None:
        self.registry = registry
        self.discovery = discovery
        self.front = front
        self.services: dict[tuple[str, str], str] = {}
        """Names of the APIServices, by group and version."""
        self._contexts: dict[bytes | None, ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None
        self._changed = asyncio.Event()
        registry.store.observers.append(self._observe)

    def _observe(self, table: Table, event: Event) -> None:
        if table.name in {NAME, "services", "endpoints"}:
            self._changed.set()
        if table.name != NAME:
            return
        spec = event.now.object["spec"]
        key = (spec.get("group", ""), spec.get("version", ""))
        if event.type == DELETED or not spec.get("service"):
            self.services.pop(key, None)
            self.discovery.others.pop(key, None)
        else:
            self.services[key] = event.now.object["metadata"]["name"]

    def answers(self, group: str, version: str) -> bool:
        return (group, version) in self.services

    async def forward(self, group: str, version: str, message: Message) -> Reply:
        """Send a request on; 503 in plain words when the group is not available or its server does not answer."""
        service = self._service(group, version)
        if not _is_available(service):
            return _unavailable("service unavailable")
        try:
            return await self._send(self._place(service), message, PATIENCE)
        except (*REACHED, Unreachable) as error:
            return _unavailable(f"error trying to reach service: {error}")

    async def run(self) -> None:
        """Probe every APIService, for ever: at once when something changes, and now and then."""
        while True:
            self._changed.clear()
            failing = [not await self._probe(*key) for key in list(self.services)]
            try:
                async with asyncio.timeout(PROBE_FAILING_EVERY if any(failing) else PROBE_EVERY):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # -- finding and calling -----------------------------------------------------------------------------------

    def _service(self, group: str, version: str) -> Object:
        table = self.registry.store.table(NAME)
        return table.objects["", self.services[group, version]].object

    def _place(self, service: Object) -> Place:
        spec, reference = service["spec"], service["spec"]["service"]
        namespace, name = reference["namespace"], reference["name"]
        host, port = services.address(self.registry, namespace, name, reference.get("port", 443))
        authority = None
        if not spec.get("insecureSkipTLSVerify"):
            authority = base64.b64decode(spec.get("caBundle") or "")
        if authority not in self._contexts:
            self._contexts[authority] = self.front.context(authority)
        return Place(host, port, services.host_name(namespace, name), self._contexts[authority])

    async def _send(self, place: Place, message: Message, patience: aiohttp.ClientTimeout) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        kept = [(name, value) for name, value in message.headers.items() if name.lower() not in DROPPED]
        groups = [("X-Remote-Group", name) for name in message.user.groups]
        async with self._session.request(
            message.method,
            f"https://{place.host}:{place.port}{message.path}",
            data=message.body or None,
            headers=[*kept, ("X-Remote-User", message.user.name), *groups],
            ssl=place.tls,
            server_hostname=place.name,
            timeout=patience,
            allow_redirects=False,
        ) as response:
            return Reply(response.status, response.headers.get("Content-Type", ""), await response.read())

    # -- availability ------------------------------------------------------------------------------------------

    async def _probe(self, group: str, version: str) -> bool:
        """Ask for the group's resources, and write down whether it answered."""
        if (group, version) not in self.services:
            return True
        reason, said = "Passed", "all checks passed"
        try:
            place = self._place(self._service(group, version))
            message = Message("GET", f"/apis/{group}/{version}", AGGREGATOR)
            reply = await self._send(place, message, PROBE_PATIENCE)
            if reply.status >= 300:
                reason, said = "FailedDiscoveryCheck", f"failing or missing response: bad status {reply.status}"
            else:
                self.discovery.others[group, version] = _resources(reply.body)
        except Unreachable as error:
            reason, said = error.reason, str(error)
        except REACHED as error:
            reason, said = "FailedDiscoveryCheck", f"failing or missing response: {error or type(error).__name__}"
        if reason != "Passed":
            self.discovery.others.pop((group, version), None)
        await self._note(group, version, reason, said)
        return reason == "Passed"

    async def _note(self, group: str, version: str, reason: str, message: str) -> None:
        name = self.services.get((group, version))
        if name is None:
            return
        status = "True" if reason == "Passed" else "False"
        stamp = to_rfc3339(self.registry.clock.now())

        def noted(service: Object) -> Object:
            old = _condition(service)
            since = old["lastTransitionTime"] if old and old["status"] == status else stamp
            condition = {"type": "Available", "status": status, "reason": reason, "message": message}
            return {**service, "status": {"conditions": [{**condition, "lastTransitionTime": since}]}}

        served = self.registry.kind("apiservices", "apiregistration.k8s.io")
        await self.registry.update(served, ("", name), noted, subresource="status")


def _unavailable(why: str) -> Reply:
    return Reply(503, "text/plain; charset=utf-8", f"{why}\n".encode())


def _condition(service: Object) -> Object | None:
    conditions: list[Object] = at(service, "status.conditions") or []
    return next((part for part in conditions if part["type"] == "Available"), None)


def _is_available(service: Object) -> bool:
    condition = _condition(service)
    return condition is not None and condition["status"] == "True"


def _resources(body: bytes) -> list[Any]:
    try:
        listed: list[Any] = msgspec.json.decode(body)["resources"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return []
    return listed
