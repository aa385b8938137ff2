"""kopf in a thread of its own: it watches our kinds and tells of every change. It writes nothing, ever.

Only ``on.event`` is used: other handlers make kopf write to users' objects. kopf has an event loop of its own, since
on a shared one it delays everything else by hundreds of milliseconds, and cancels tasks that are not its. It does not
list either: its millisecond an object would keep all threads waiting, so it is told from which version to go on.
"""

import asyncio
import contextlib
import itertools
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import kopf
import msgspec

from scaler.kube.wire import Server

GROUP, VERSION = "keda.sh", "v1alpha1"

REFUSED_PAUSE = 5.0
"""Seconds before a call is sent again whose credentials are refused and cannot be renewed."""
FAREWELL = 0.2
"""Seconds in which sockets say goodbye, as TLS has it."""

Told = Callable[[str, str | None, dict[str, Any]], None]
"""Plural, what happened (None for what is there already), and the object as it is on the wire."""


Since = Callable[[str, str], Awaitable[str]]
"""Called on the main loop: from which version to follow a plural in a namespace (empty for all)."""


class Selection(msgspec.Struct, frozen=True):
    """What is watched."""

    plurals: tuple[str, ...]
    namespaces: tuple[str, ...] = ()
    """All when empty."""
    labels: dict[str, str] = {}
    """Label selector by plural."""


class KopfThread:
    """Starts and ends with the program. `told` is called on kopf's thread."""

    def __init__(self, server: Server, selection: Selection, told: Told, since: Since) -> None:
        self._server = server
        self._selection = selection
        self._told = told
        self._since = since
        self._stop = threading.Event()
        self._sessions: list[aiohttp.ClientSession] = []
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done with kopf's error when it ended by itself."""
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    async def stop(self, patience: float = 7.0) -> None:
        """End it; kopf takes five seconds while it starts. What takes longer is left behind, as a daemon."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, patience)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._operate())
        except BaseException as raised:  # noqa: BLE001 - whatever ended it, the program must know
            error = raised
        with contextlib.suppress(RuntimeError):  # the main loop may be closed by now
            self._loop.call_soon_threadsafe(self._say_ended, error)

    def _say_ended(self, error: BaseException | None) -> None:
        if self.ended.done():
            return
        if self._stop.is_set():
            self.ended.set_result(None)
        else:
            ended = RuntimeError(f"kopf ended by itself: {error!r}")
            ended.__cause__ = error
            self.ended.set_exception(ended)

    async def _operate(self) -> None:
        namespaces = self._selection.namespaces
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=self._settings(),
                standalone=True,
                clusterwide=not namespaces,
                namespaces=namespaces,
                stop_flag=self._stop,
            )
        finally:  # kopf closes them only when it ends well
            for session in self._sessions:
                await session.close()
            await asyncio.sleep(FAREWELL)

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        for plural in self._selection.plurals:
            kopf.on.event(GROUP, VERSION, plural, registry=registry)(self._handler(plural))
        return registry

    def _handler(self, plural: str) -> Callable[..., Any]:
        async def tell(event: Any, **_: Any) -> None:
            self._told(plural, event["type"], event["object"])

        return tell

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.posting.loggers = False
        settings.scanning.disabled = True  # else it watches all namespaces and all definitions, schemas included
        settings.process.ultimate_exiting_timeout = None  # else it may kill the process ten minutes later
        settings.watching.initial_streaming = True  # a watch instead of a list: see `_resume`
        settings.queueing.idle_timeout = 0.1  # else a task for every object stays for seconds
        settings.networking.error_backoffs = _Backoffs()
        settings.persistence.diffbase_storage = _NoDiffBase()
        settings.persistence.progress_storage = _NoProgress()
        for plural, labels in self._selection.labels.items():
            if labels:
                settings.watching.label_selectors[GROUP, VERSION, plural] = labels
        return settings

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        """Kopf's calls go out with our own trust and credentials."""
        server = self._server
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=server.tls if server.tls is not None else True),
            headers={"User-Agent": "kube-scaler", "Accept-Encoding": "identity"},
            middlewares=(self._resume, self._authorize),
            proxy=server.proxy or None,
            trust_env=False,
        )
        self._sessions.append(session)
        return kopf.AiohttpSession(server=server.url, aiohttp_session=session)

    async def _resume(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Let a watch that asks for everything there is begin where our own list ended."""
        if "sendInitialEvents" in request.url.query:
            *_, scope, name, plural = request.url.path.split("/")
            namespace = name if scope == "namespaces" else ""
            version = await self._on_main_loop(lambda: self._since(plural, namespace))
            url = request.url.without_query_params("sendInitialEvents", "resourceVersionMatch")
            request.url = url.update_query(resourceVersion=version)
        return await handler(request)

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Our header on each call. kopf never sees a 401: it would close its sockets under other calls, and end."""
        server = self._server
        if server.name:
            request.server_hostname = server.name
        if server.authorization is None:
            return await handler(request)
        while True:
            header = await self._on_main_loop(server.authorization.header)
            if header:
                request.headers["Authorization"] = header
            else:
                request.headers.pop("Authorization", None)
            answer = await handler(request)
            if answer.status != 401 or self._stop.is_set():
                return answer
            answer.release()
            if not await self._on_main_loop(server.authorization.renew):
                await asyncio.sleep(REFUSED_PAUSE)

    async def _on_main_loop(self, ask: Callable[[], Any]) -> Any:
        """Credentials belong to the main loop: their locks and plugins live there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), self._loop))


class _Backoffs:
    """Seconds between kopf's tries, without end: a list would make it give up, and end, after a minute."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.2, 0.5, 1.0, 2.0), itertools.repeat(5.0))


class _NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is compared with what was seen before: copying every object for that is most of kopf's work."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """No handler of ours has any progress to keep."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class _OfSignals(logging.Filter):
    """Takes out the warning that signals are not kopf's: they are the program's."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "OS signals are ignored" not in record.getMessage()


def quieten() -> None:
    """Kopf logs each of its own steps; what matters of them we log ourselves."""
    logging.getLogger("kopf").setLevel(logging.WARNING)
    running = logging.getLogger("kopf._core.reactor.running")
    if not any(isinstance(known, _OfSignals) for known in running.filters):
        running.addFilter(_OfSignals())
