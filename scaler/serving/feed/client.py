"""A replica's end of the feed: a copy of the board, and questions asked of the leader.

The copy is kept while nobody is connected: who answers from it says how old it is. It judges nothing.
"""

import asyncio
import contextlib
import logging
import math
import ssl
from collections.abc import Callable

import aiohttp
import msgspec

from scaler.errors import said
from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry, Key
from scaler.serving.feed.frames import (
    LARGEST,
    PACE,
    PATH,
    PROTOCOL,
    SILENCE,
    Beat,
    Complete,
    Entries,
    Explained,
    FromLeader,
    Hello,
    Looked,
    decode_from_leader,
    encode,
)
from scaler.serving.feed.questions import Questions
from scaler.serving.truth import LookFailed

log = logging.getLogger("scaler.feed")

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
"""Seconds before the second try to connect, doubling up to the longest."""
CONNECT = 3.0
"""Seconds that a connection may take to stand."""
KEPT = 120.0
"""Seconds that an object which a new leader does not have is kept: it may not have got to it yet."""

Tls = Callable[[], ssl.SSLContext | None]
"""The context for the next connection: certificates change. RuntimeError while there are none."""


class FeedClient:
    """Follows one leader after the other; a `scaler.serving.truth.Truth`."""

    def __init__(self, now: Callable[[], float], tls: Tls, server_name: str = "", silence: float = SILENCE) -> None:
        """`server_name` is the name that the leader's certificate must have, whatever address it has."""
        self.board = Board()
        """The copy."""
        self._now = now
        self._tls = tls
        self._server_name = server_name
        self._silence = silence
        self._ahead = 0.0
        self._address = ""
        self._moved = asyncio.Event()
        self._questions = Questions()
        self._heard = -math.inf
        self._orphans: dict[Key, BoardEntry] = {}
        self._said = ""
        self.holder = ""
        """Who leads, by its own word."""
        self.complete = False
        """Whether a whole snapshot was ever received."""
        self.connects = 0
        """Connections that stood, ever."""
        self.connected = False
        """Whether a leader is there to look."""

    @property
    def lag(self) -> float:
        """Seconds since the leader was last heard; infinite when it never was."""
        return asyncio.get_running_loop().time() - self._heard

    def now(self) -> float:
        return self._now() + self._ahead

    def entry(self, key: Key) -> BoardEntry | None:
        return self.board.get(key)

    def point(self, address: str) -> None:
        """The leader is at this ``host:port`` from now on; empty when nobody leads."""
        if address != self._address:
            self._address = address
            self._moved.set()

    async def look(self, namespace: str, name: str, metric: str, within: float) -> MetricAnswer:
        self._require_leader()
        return await self._questions.look(namespace, name, metric, within)

    async def explain(self, namespace: str, name: str, within: float) -> bytes:
        """Why an object has the replicas it has, as the leader tells it; LookFailed after `within` seconds."""
        self._require_leader()
        return await self._questions.explain(namespace, name, within)

    def _require_leader(self) -> None:
        if not self.connected:
            raise LookFailed("there is no connection to a leader")

    async def run(self) -> None:
        """Keep connected to whoever leads, for ever."""
        wait = FIRST_WAIT
        async with aiohttp.ClientSession() as session:
            while True:
                self._moved.clear()
                if not self._address:
                    await self._moved.wait()
                    continue
                before = self.connects
                why = await self._try(session, self._address)
                self._say(f"{self._address}: {why}")
                wait = FIRST_WAIT if self.connects > before else min(wait * 2, LONGEST_WAIT)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), wait)

    def _say(self, what: str) -> None:
        """Once, not every two seconds."""
        if what != self._said:
            log.info("no feed from %s", what)
        self._said = what

    async def _try(self, session: aiohttp.ClientSession, address: str) -> str:
        try:
            return await self._follow(session, address)
        except (
            aiohttp.ClientError,
            msgspec.MsgspecError,
            OSError,
            RuntimeError,
        ) as error:  # TimeoutError is an OSError
            return said(error)

    async def _follow(self, session: aiohttp.ClientSession, address: str) -> str:
        """One connection, until it ends or the leader is elsewhere; gives why."""
        tls = self._tls()
        url = f"{'http' if tls is None else 'https'}://{address}{PATH}"
        async with asyncio.timeout(CONNECT):
            socket = await session.ws_connect(
                url,
                protocols=(PROTOCOL,),
                ssl=True if tls is None else tls,
                server_hostname=self._server_name or None,
                max_msg_size=LARGEST,
                compress=0,
            )
        try:
            return await self._listen(socket)
        finally:
            self._disconnected()
            await socket.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        self._heard = asyncio.get_running_loop().time()
        parts = (self._read(socket), self._write(socket), self._watch(), self._wait_for_move())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        loop = asyncio.get_running_loop()
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                return f"the leader closed the connection ({socket.close_code})"
            for frame in decode_from_leader(message.data):
                self._take(frame)
            self._heard = loop.time()

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            await self._questions.news.wait()
            await socket.send_bytes(encode(self._questions.take_unsent()))
            await asyncio.sleep(PACE)

    async def _watch(self) -> str:
        while self.lag <= self._silence:  # noqa: ASYNC110 - an event a message would cost more than this
            await asyncio.sleep(self._silence / 4)
        return f"the leader was silent for {self._silence:g} s"

    async def _wait_for_move(self) -> str:
        await self._moved.wait()
        return "another one leads"

    def _take(self, frame: FromLeader) -> None:
        match frame:
            case Looked() | Explained():
                self._questions.answered(frame)
            case Entries(entries):
                for entry in entries:
                    self._orphans.pop(entry.key, None)
                    self.board.publish(entry)
            case Beat(now):
                self._ahead = now - self._now()
            case Hello(holder, now):
                self._greeted(holder, now)
            case Complete():
                self._completed()

    def _greeted(self, holder: str, now: float) -> None:
        self.holder, self._ahead = holder, now - self._now()
        self._orphans = {entry.key: entry for entry in self.board}
        self.connected = True
        self.connects += 1
        self._said = ""
        log.info("following the board of %s", holder)

    def _completed(self) -> None:
        self.complete = True
        orphans, self._orphans = self._orphans, {}
        if orphans:
            asyncio.get_running_loop().call_later(KEPT, self._forget, orphans)

    def _forget(self, orphans: dict[Key, BoardEntry]) -> None:
        """Objects that went while nobody led, or that no later leader had."""
        for key, entry in orphans.items():
            if self.board.get(key) is entry:
                self.board.remove(key)

    def _disconnected(self) -> None:
        self.connected = False
        self._questions.fail_all("the connection to the leader was lost")
