"""A source whose value a test sets, and that can misbehave in every way a source can."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Self

import msgspec
from aiohttp import web


class Behaviour(msgspec.Struct, frozen=True):
    """How one key is answered."""

    value: float = 0.0
    status: int = 200
    body: str | None = None
    """Instead of JSON with the value."""
    token: str = ""
    """Bearer token without which the answer is 401; nothing is asked for when empty."""
    delay: float = 0.0
    """Seconds before the answer; infinite: none ever."""


class Source:
    """Serves ``/KEY`` on the loopback, on a thread of its own, from `with` to its end: ``{"value": 7}``."""

    def __init__(self) -> None:
        self._behaviours: dict[str, Behaviour] = {}
        self._asked: defaultdict[str, list[float]] = defaultdict(list)
        self.port = 0

    def key(self, name: str) -> "Knob":
        """What a test holds of one key."""
        return Knob(self, name)

    def behave(self, key: str, behaviour: Behaviour) -> None:
        self._behaviours[key] = behaviour

    def asked(self, key: str) -> list[float]:
        """time.time() of every question so far."""
        return list(self._asked[key])

    async def _answer(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self._asked[key].append(time.time())
        behaviour = self._behaviours.get(key, Behaviour(status=404, body="no such key"))
        if behaviour.token and request.headers.get("Authorization") != f"Bearer {behaviour.token}":
            return web.Response(status=401, text="who are you?")
        await asyncio.sleep(min(behaviour.delay, 3600))
        body = behaviour.body if behaviour.body is not None else f'{{"value": {behaviour.value:g}}}'
        return web.Response(status=behaviour.status, text=body, content_type="application/json")

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="source", daemon=True)
        self._thread.start()
        self._wait(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Callable[[], object]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(30)  # type: ignore[arg-type]  # a coroutine

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/{key:.+}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])

    async def _end(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # answers that would hang for ever
            task.cancel()
        await self._runner.cleanup()


class Knob:
    """One key of the source: what it says, and how often it was asked."""

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self.name = name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._source.port}/{self.name}"

    @property
    def asked(self) -> list[float]:
        return self._source.asked(self.name)

    def says(self, value: float, token: str = "") -> None:
        """A value, for everybody or for who has the token."""
        self._source.behave(self.name, Behaviour(value, token=token))

    def fails(self, status: int = 500) -> None:
        self._source.behave(self.name, Behaviour(status=status, body="out of order"))

    def babbles(self, body: str = "<html>not what you think</html>") -> None:
        self._source.behave(self.name, Behaviour(body=body))

    def dawdles(self, value: float, seconds: float) -> None:
        self._source.behave(self.name, Behaviour(value, delay=seconds))

    def hangs(self) -> None:
        self._source.behave(self.name, Behaviour(delay=float("inf")))
