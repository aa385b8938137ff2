"""The server itself: one HTTP listener on the loopback, and the way of each path to whom answers it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from multidict import MultiMapping

from scaler.clock import Clock
from scaler.sim.apiserver import builtin, openapi, refusals, requests
from scaler.sim.apiserver.admission.namespaces import Namespaces
from scaler.sim.apiserver.admission.nodes import Nodes
from scaler.sim.apiserver.admission.webhooks import Webhooks
from scaler.sim.apiserver.aggregation import Aggregator, Message, Reply
from scaler.sim.apiserver.answers import JSON, Call, answer, refuse, show, text, warn
from scaler.sim.apiserver.callers import Identity, calls
from scaler.sim.apiserver.certificates import FRONT_PROXY, FrontProxy, front_proxy
from scaler.sim.apiserver.definitions import Definitions
from scaler.sim.apiserver.discovery import AGGREGATED, REVIEWS, VERSION, Discovery
from scaler.sim.apiserver.handlers import Handlers
from scaler.sim.apiserver.identities import Identities
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.requests import Target
from scaler.sim.apiserver.store import Object, Store, encode

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
LARGEST_BODY = 3 * 1024 * 1024


class Extension(Protocol):
    """A group that is answered within this process, such as metrics.k8s.io."""

    resources: list[Object]
    """Its APIResources, for discovery."""

    async def answer(self, target: Target, query: Mapping[str, str]) -> Object:
        """GET of a target; raises a `Refusal` for what is not there."""
        ...


class ApiServer:
    """Use it with ``async with``; it listens from then on."""

    def __init__(self, clock: Clock, *, port: int = 0, remembered: int = 10_000) -> None:
        self.clock = clock
        self.port = port
        self.registry = Registry(Store(remembered), clock)
        self.identities = Identities(clock)
        self.discovery = Discovery(self.registry)
        self.handlers = Handlers(self.registry)
        self.front: FrontProxy = front_proxy()
        self.aggregator = Aggregator(self.registry, self.discovery, self.front)
        self.definitions = Definitions(self.registry)
        self.webhooks = Webhooks(self.registry)
        self.registry.mutating += [Namespaces(self.registry).admit, self.webhooks.mutate]
        self.registry.validating += [Nodes(self.registry).judge, self.webhooks.validate]
        self.extensions: dict[tuple[str, str], Extension] = {}
        self.writes: Counter[tuple[str, str, str]] = Counter()
        """Writes over HTTP that were carried out, by verb, resource (``pods``, ``leases.coordination.k8s.io``) and
        subresource."""
        self._tasks: list[asyncio.Task[None]] = []
        for resource in builtin.BUILTIN:
            self.registry.serve(resource)
        group, version = builtin.EVENTS_ALIAS
        self.registry.serve_as(group, version, self.registry.kind("events").resource)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def extend(self, group: str, version: str, extension: Extension) -> None:
        """Answer a group within this process."""
        self.extensions[group, version] = extension
        self.discovery.others[group, version] = extension.resources

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        await self._furnish()
        server = web.Server(self._handle, request_factory=_make_request, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._tasks.append(asyncio.create_task(self.aggregator.run(), name="aggregator"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._runner.cleanup()
        await self.aggregator.close()
        await self.webhooks.calls.close()

    async def _furnish(self) -> None:
        """What every cluster has from its first moment."""
        for name in NAMESPACES:
            await self.registry.create(self.registry.kind("namespaces"), "", {"metadata": {"name": name}})
        data = {
            "requestheader-client-ca-file": self.front.authority,
            "requestheader-allowed-names": f'["{FRONT_PROXY}"]',
            "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        }
        body = {"metadata": {"name": "extension-apiserver-authentication"}, "data": data}
        await self.registry.create(self.registry.kind("configmaps"), "kube-system", body)

    # -- dispatch ----------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            user = self.identities.of(request.headers.get("Authorization", ""))
            caller = calls(user, requests.manager(request.query, request.headers.get("User-Agent", "")))
            response = await self._answer(request, caller.user)
            warn(response, caller.warnings)
        except refusals.Refusal as refusal:
            return refuse(refusal)
        except web.HTTPRequestEntityTooLarge:
            return refuse(refusals.too_large(LARGEST_BODY))
        self._count(request, response.status)
        return response

    def _count(self, request: web.BaseRequest, status: int) -> None:
        verb = WRITES.get(request.method)
        target = requests.target(request.path) if verb and status < 300 else None
        if verb is not None and target is not None:
            name = f"{target.plural}.{target.group}" if target.group else target.plural
            self.writes[verb, name, target.subresource] += 1

    async def _answer(self, request: web.BaseRequest, user: Identity) -> web.StreamResponse:
        target = requests.target(request.path)
        if target is None:
            return self._answer_other(request)
        group, version = target.group, target.version
        if self.aggregator.answers(group, version):
            return await self._forward(request, target, user)
        if not target.plural or not self.discovery.knows(group, version):
            return self._answer_resources(target)
        if (group, version) in self.extensions:
            if request.method != "GET":
                raise refusals.method_not_allowed()
            return show(await self.extensions[group, version].answer(target, request.query))
        if request.method == "POST" and _is_transient(target):
            return await self._answer_transient(request, target, user)
        return await self._answer_call(request, target, user)

    async def _answer_call(self, request: web.BaseRequest, target: Target, user: Identity) -> web.StreamResponse:
        served = self.registry.find(target.group, target.version, target.plural)
        if served.resource.namespaced is not bool(target.namespace):
            if not served.resource.namespaced or target.name:
                raise refusals.no_such_path()
            if request.method != "GET":
                raise refusals.method_not_allowed()
        query: MultiMapping[str] = request.query
        return await self.handlers.answer(Call(request, target, served, query, user))

    def _answer_other(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.rstrip("/") or "/"
        if path in HEALTH:
            return text("ok")
        if path in {"/api", "/apis"}:
            return self._answer_groups(request, core=path == "/api")
        document = self._document(path)
        return _no_page() if document is None else show(document)

    def _document(self, path: str) -> Object | None:
        """What is said of the server as a whole."""
        if path == "/version":
            return VERSION
        if path == "/openapi/v3":
            return openapi.index(self.registry)
        if path.startswith("/openapi/v3/"):
            return openapi.document(self.registry, path.removeprefix("/openapi/v3/"))
        group = path.removeprefix("/apis/")
        if path.startswith("/apis/") and any(group == entry["name"] for entry in self.discovery.groups()["groups"]):
            return {"kind": "APIGroup", "apiVersion": "v1", **self.discovery.group(group)}
        return None

    def _answer_groups(self, request: web.BaseRequest, *, core: bool) -> web.StreamResponse:
        if "as=APIGroupDiscoveryList" in request.headers.get("Accept", ""):
            response = answer(encode(self.discovery.aggregated(core=core)))
            response.headers["Content-Type"] = AGGREGATED
            return response
        if core:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": f"127.0.0.1:{self.port}"}]
            return show({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
        return show(self.discovery.groups())

    def _answer_resources(self, target: Target) -> web.StreamResponse:
        known = self.discovery.knows(target.group, target.version)
        if not known:
            return _no_page()
        return show(self.discovery.resources(target.group, target.version))

    # -- what is not kept --------------------------------------------------------------------------------------

    async def _answer_transient(self, request: web.BaseRequest, target: Target, user: Identity) -> web.StreamResponse:
        content = requests.parsed(request.headers.get("Content-Type", ""), await request.read())
        if target.subresource != "token":
            return show(self.identities.review(target.plural, content, user), 201)
        key = (target.namespace, target.name)
        self.registry.get(self.registry.kind("serviceaccounts"), key)
        return show(self.identities.token_request(*key, content), 201)

    async def fetch(self, target: Target, path: str, query: Mapping[str, str], user: Identity) -> Reply:
        """GET of a group that this server does not keep, for programs within this process."""
        key = (target.group, target.version)
        if self.aggregator.answers(*key):
            spelled = f"{path}?{urlencode(query)}" if query else path
            return await self.aggregator.forward(*key, Message("GET", spelled, user))
        if key not in self.extensions:
            return Reply(404, "text/plain", b"404 page not found\n")
        try:
            return Reply(200, JSON, encode(await self.extensions[key].answer(target, query)))
        except refusals.Refusal as refusal:
            return Reply(refusal.code, JSON, encode(refusal.status))

    async def _forward(self, request: web.BaseRequest, target: Target, user: Identity) -> web.StreamResponse:
        message = Message(request.method, request.raw_path, user, request.headers, await request.read())
        reply = await self.aggregator.forward(target.group, target.version, message)
        headers = {"Content-Type": reply.content_type} if reply.content_type else {}
        return web.Response(body=reply.body, status=reply.status, headers=headers)


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    """A request whose body may be as large as the real server lets it."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


def _no_page() -> web.Response:
    """What no handler answers: not even a Status."""
    return text("404 page not found\n", 404)


def _is_transient(target: Target) -> bool:
    """Whether the target is answered and not kept: reviews and token requests."""
    if (target.plural, target.subresource) == ("serviceaccounts", "token"):
        return True
    return target.plural in {name for name, _, _ in REVIEWS.get(target.group, ())}
