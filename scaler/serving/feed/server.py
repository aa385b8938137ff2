"""The leader's end of the feed. It reads the board, asks for looks and passes explanations on; it judges nothing."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry, Key
from scaler.serving.feed.frames import (
    HEARTBEAT,
    LARGEST,
    PACE,
    PIECE,
    PROTOCOL,
    SILENCE,
    Beat,
    Complete,
    Entries,
    Explain,
    Explained,
    FromLeader,
    Hello,
    Look,
    Looked,
    decode_from_replica,
    encode,
)
from scaler.serving.truth import Look as LookPort

log = logging.getLogger("scaler.feed")

ExplainPort = Callable[[str, str], bytes]
"""The document that explains an object (namespace, name); LookupError where there is nothing to explain."""


def _nothing_explained(_namespace: str, _name: str) -> bytes:
    raise LookupError("nothing is explained here")


class FeedServer:
    """Gives the board to whoever is connected and ours. Closed until `open`: a standby has nothing to say."""

    def __init__(
        self,
        board: Board,
        look: LookPort,
        now: Callable[[], float],
        *,
        trusts: Callable[[bytes | None], bool],
        holder: str,
        explain: ExplainPort = _nothing_explained,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """`trusts` judges the peer's certificate (DER, None without one): `MutualTls.is_ours`.

        `holder` is our name in the Lease.
        """
        self._board = board
        self._look = look
        self._explain = explain
        self._now = now
        self._trusts = trusts
        self._heartbeat = heartbeat
        self._holder = holder
        self._open = False
        self._replicas: set[_Replica] = set()
        self.looks = 0
        """Looks asked for, ever."""
        self.entries_sent = 0
        """Entries sent, ever, to all replicas together."""

    @property
    def connections(self) -> int:
        """Replicas connected now."""
        return len(self._replicas)

    def open(self) -> None:
        """We lead: serve."""
        self._open = True

    async def close(self) -> None:
        """We lead no more: send everybody away, to find the next leader."""
        self._open = False
        for replica in tuple(self._replicas):
            await replica.end()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket's route, GET `frames.PATH`."""
        if not self._trusts(certificate_of(request)):
            return web.Response(status=403, text="a certificate of our own authority is needed")
        if not self._open:
            return web.Response(status=503, text="this replica does not lead")
        socket = web.WebSocketResponse(protocols=(PROTOCOL,), compress=False, max_msg_size=LARGEST)
        await socket.prepare(request)
        if socket.ws_protocol != PROTOCOL:
            await socket.close(code=WSCloseCode.PROTOCOL_ERROR, message=b"another version")
            return socket
        replica = _Replica(socket, request.transport, self._ask, self._explained, self._heartbeat)
        self._replicas.add(replica)
        leave = self._board.subscribe(replica.changed)
        try:
            await replica.serve(Hello(self._holder, self._now()), self._board.snapshot(), self._now)
        finally:
            leave()
            self._replicas.discard(replica)
            self.entries_sent += replica.entries_sent
        return socket

    def _explained(self, asked: Explain) -> Explained:
        try:
            return Explained(asked.id, self._explain(asked.namespace, asked.name))
        except LookupError as error:
            return Explained(asked.id, None, _words(error))

    async def _ask(self, look: Look) -> Looked:
        self.looks += 1
        try:
            answer: MetricAnswer = await self._look(look.namespace, look.name, look.metric)
        except LookupError as error:
            return Looked(look.id, None, _words(error))
        return Looked(look.id, answer)


class _Replica:
    """One connection: what it still has to be told, coalesced, so that a slow reader costs no memory."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        ask: Callable[[Look], Awaitable[Looked]],
        explained: Callable[[Explain], Explained],
        heartbeat: float,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._ask = ask
        self._explained = explained
        self._heartbeat = heartbeat
        self._changed: dict[Key, BoardEntry] = {}
        self._answers: list[Looked | Explained] = []
        self._looking: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._next_beat: asyncio.TimerHandle | None = None
        self._sending_since: float | None = None
        self.entries_sent = 0

    def changed(self, entry: BoardEntry) -> None:
        self._changed[entry.key] = entry
        self._news.set()

    async def end(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the leader changes")

    async def serve(self, hello: Hello, snapshot: list[BoardEntry], now: Callable[[], float]) -> None:
        """Until either side ends it."""
        writing = asyncio.ensure_future(self._write(hello, snapshot, now))
        writing.add_done_callback(_report)
        self._beat()
        try:
            await self._read()
        finally:
            if self._next_beat is not None:
                self._next_beat.cancel()
            for task in (writing, *self._looking):
                task.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._news.set()
        self._next_beat = loop.call_later(self._heartbeat, self._beat)
        if self._sending_since is not None and loop.time() - self._sending_since > SILENCE:
            self._abort()  # it reads nothing; its side has given us up already

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                break
            try:
                questions = decode_from_replica(message.data)
            except msgspec.MsgspecError as error:
                log.warning("a replica says what we do not understand: %s", error)
                break
            for question in questions:
                if isinstance(question, Look):
                    self._begin(question)
                else:
                    self._answer(self._explained(question))

    def _answer(self, answer: Looked | Explained) -> None:
        self._answers.append(answer)
        self._news.set()

    def _begin(self, look: Look) -> None:
        task = asyncio.ensure_future(self._look(look))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
        task.add_done_callback(_report)

    async def _look(self, look: Look) -> None:
        self._answer(await self._ask(look))

    async def _write(self, hello: Hello, snapshot: list[BoardEntry], now: Callable[[], float]) -> None:
        try:
            await self._send([hello])
            for start in range(0, len(snapshot), PIECE):
                await self._send([Entries(tuple(snapshot[start : start + PIECE]))])
                await asyncio.sleep(0)
            await self._send([Complete()])
            while True:
                await self._news.wait()
                await self._send(self._take(now))
                await asyncio.sleep(PACE)
        except ConnectionError:
            self._abort()

    def _take(self, now: Callable[[], float]) -> list[FromLeader]:
        """All that is new; what came in the same turn of the loop goes along."""
        frames: list[FromLeader] = [Beat(now()), *self._answers]
        if self._changed:
            frames.append(Entries(tuple(self._changed.values())))
        self._changed, self._answers = {}, []
        self._news.clear()
        return frames

    async def _send(self, frames: list[FromLeader]) -> None:
        self.entries_sent += sum(len(frame.entries) for frame in frames if isinstance(frame, Entries))
        self._sending_since = asyncio.get_running_loop().time()
        await self._socket.send_bytes(encode(frames))
        self._sending_since = None

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _report(task: asyncio.Task[None]) -> None:
    """A bug in a task that nobody waits for must not stay unseen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the feed met an error of ours", exc_info=error)


def _words(error: LookupError) -> str:
    return str(error.args[0]) if error.args else "unknown"


def certificate_of(request: web.Request) -> bytes | None:
    """The peer's certificate as TLS verified it, DER; None without one."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
    certificate: bytes | None = tls.getpeercert(True) if tls is not None else None
    return certificate
