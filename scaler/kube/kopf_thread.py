"""kopf in a thread of its own: it watches our kinds and tells of every change. It writes nothing, ever.

Only ``on.event`` is used: other handlers make kopf write to users' objects. kopf keeps a loop of its own,
since on a shared one it delays everything else by hundreds of milliseconds, and cancels tasks that are not its.
"""

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf
import msgspec

from scaler.kube.wire import Server

log = logging.getLogger("scaler.intake")

GROUP, VERSION = "keda.sh", "v1alpha1"

Told = Callable[[str, str | None, dict[str, Any]], None]
"""Plural, what happened (None for what is there already), and the object as it is on the wire."""


class Selection(msgspec.Struct, frozen=True):
    """What is watched."""

    plurals: tuple[str, ...]
    namespaces: tuple[str, ...] = ()
    """All when empty."""
    labels: dict[str, str] = {}
    """Label selector by plural."""


class KopfThread:
    """Starts and ends with the program; `ended` tells when it ended by itself."""

    def __init__(self, server: Server, selection: Selection, told: Told) -> None:
        self._server = server
        self._selection = selection
        self._told = told
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    async def stop(self, patience: float = 5.0) -> None:
        """End it; a thread that does not listen is left behind, it is a daemon."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, patience)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._operate()
        except BaseException as raised:  # noqa: BLE001 - whatever ended it, the program must know
            error = raised
        self._loop.call_soon_threadsafe(self._say_ended, error)

    def _say_ended(self, error: BaseException | None) -> None:
        if self.ended.done():
            return
        if error is not None:
            self.ended.set_exception(error)
        elif self._stop.is_set():
            self.ended.set_result(None)
        else:
            self.ended.set_exception(RuntimeError("kopf ended by itself"))

    def _operate(self) -> None:
        namespaces = self._selection.namespaces
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            asyncio.run(
                kopf.operator(
                    registry=self._registry(),
                    settings=self._settings(),
                    standalone=True,
                    clusterwide=not namespaces,
                    namespaces=namespaces,
                    stop_flag=self._stop,
                )
            )

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
        settings.scanning.disabled = True
        settings.process.ultimate_exiting_timeout = None
        settings.watching.chunk_size = 500
        settings.queueing.idle_timeout = 1.0
        for plural, labels in self._selection.labels.items():
            if labels:
                settings.watching.label_selectors[GROUP, VERSION, plural] = labels
        return settings

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        """Kopf's calls go out with our own trust and credentials; asked again after a 401."""
        server = self._server
        return kopf.AiohttpSession(
            server=server.url,
            aiohttp_session=aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=server.tls if server.tls is not None else True),
                middlewares=(self._authorize,),
                proxy=server.proxy or None,
                trust_env=False,
            ),
        )

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        server = self._server
        if server.name:
            request.server_hostname = server.name
        if server.authorization is None:
            return await handler(request)
        header = await self._on_main_loop(server.authorization.header)
        if header:
            request.headers["Authorization"] = header
        answer = await handler(request)
        if answer.status == 401:
            await self._on_main_loop(server.authorization.renew)
        return answer

    async def _on_main_loop(self, ask: Callable[[], Any]) -> Any:
        """Credentials belong to the main loop: their locks and plugins live there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), self._loop))


def quieten() -> None:
    """Kopf logs each of its own steps; what matters of them we log ourselves."""
    logging.getLogger("kopf").setLevel(logging.WARNING)
