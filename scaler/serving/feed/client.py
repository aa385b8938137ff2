"""A replica's end of the feed: a copy of the board, and looks asked of the leader.

The copy is kept while nobody is connected: who answers from it says how old it is. It judges nothing.
"""

import asyncio
import contextlib
import itertools
import logging
import ssl
from collections.abc import Callable

import aiohttp
import msgspec

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry, Key
from scaler.serving.feed.frames import (
    LARGEST,
    PATH,
    PROTOCOL,
    SILENCE,
    Beat,
    Complete,
    Entries,
    FromLeader,
    Hello,
    Look,
    Looked,
    decode_from_leader,
    encode,
)
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
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[MetricAnswer]] = {}
        self._outbox: list[Look] = []
        self._sending: asyncio.Task[None] | None = None
        self._orphans: dict[Key, BoardEntry] = {}
        self._said = ""
        self.holder = ""
        """Who leads, by its own word."""
        self.complete = False
        """Whether a whole snapshot was ever received."""
        self.connects = 0
        """Connections that stood, ever."""
        self.heard = 0.0
        """When the leader was last heard, on our clock; 0 for never."""

    @property
    def connected(self) -> bool:
        """Whether a leader is there to look."""
        return self._socket is not None

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
        if self._socket is None:
            raise LookFailed("there is no connection to a leader")
        look = Look(next(self._ids), namespace, name, metric)
        answer: asyncio.Future[MetricAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[look.id] = answer
        self._outbox.append(look)
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send())
        try:
            async with asyncio.timeout(within):
                return await answer
        except TimeoutError:
            raise LookFailed(f"the source did not answer within {within:g} s") from None
        finally:
            self._waiting.pop(look.id, None)

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
        except (aiohttp.ClientError, msgspec.MsgspecError, OSError, RuntimeError) as error:  # TimeoutError is an OSError
            return str(error) or type(error).__name__

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
        moved = asyncio.ensure_future(self._moved.wait())
        reading = asyncio.ensure_future(self._read(socket))
        try:
            await asyncio.wait({moved, reading}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else "another one leads"
        finally:
            for task in (moved, reading):
                task.cancel()
            await asyncio.gather(moved, reading, return_exceptions=True)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            message = await socket.receive(timeout=self._silence)
            if message.type is not aiohttp.WSMsgType.BINARY:
                return f"the leader closed the connection ({socket.close_code})"
            for frame in decode_from_leader(message.data):
                self._take(frame, socket)
            self.heard = self._now()

    def _take(self, frame: FromLeader, socket: aiohttp.ClientWebSocketResponse) -> None:
        match frame:
            case Looked():
                self._answered(frame)
            case Entries(entries):
                for entry in entries:
                    self._orphans.pop(entry.key, None)
                    self.board.publish(entry)
            case Beat(now):
                self._ahead = now - self._now()
            case Hello(holder, now):
                self._greeted(holder, now, socket)
            case Complete():
                self._completed()

    def _greeted(self, holder: str, now: float, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.holder, self._ahead = holder, now - self._now()
        self._orphans = {entry.key: entry for entry in self.board}
        self._socket = socket
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

    def _answered(self, looked: Looked) -> None:
        waiting = self._waiting.pop(looked.id, None)
        if waiting is None or waiting.done():  # who asked has given up
            return
        if looked.answer is None:
            waiting.set_exception(LookFailed(looked.why, unknown=True))
        else:
            waiting.set_result(looked.answer)

    async def _send(self) -> None:
        """All looks of this turn of the loop in one message."""
        looks, self._outbox = self._outbox, []
        self._sending = None
        if self._socket is not None:
            # the reader sees the end of a connection too, and tells everybody who waits
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                await self._socket.send_bytes(encode(looks))

    def _disconnected(self) -> None:
        self._socket = None
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            if not each.done():
                each.set_exception(LookFailed("the connection to the leader was lost"))
