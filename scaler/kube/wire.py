"""HTTP calls to one API server: sent, retried while that is safe, counted, and refused as `ApiError`.

It knows neither kinds nor verbs' meaning (see `scaler.kube.connection`). How many calls are under way at once is
bounded, and the server's own 429s are obeyed; a rate is set only where a program has one.
"""

import asyncio
import itertools
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from scaler.errors import ApiError, said
from scaler.kube.answers import NoAnswer, refusal
from scaler.kube.lanes import Gate, Lane
from scaler.kube.pace import Pace

JSON = "application/json"
USER_AGENT = "kube-scaler"
"""Who we are to the API server: it names the manager of the fields that we write after it."""

FIRST_WAIT = 0.2
"""Seconds before the first retry, doubled for each further one."""
LONGEST_WAIT = 5.0
"""Seconds; what the server asks for in Retry-After may be longer."""


class Authorization(Protocol):
    """Where the Authorization header comes from."""

    async def header(self) -> str | None:
        """The header's value now; None for none (client certificates, or an open server)."""
        ...

    async def renew(self) -> bool:
        """The server answered 401: get new credentials; False when there are no others."""
        ...


class Server(msgspec.Struct, frozen=True):
    """How to reach an API server."""

    url: str
    """Without a slash at its end."""
    tls: ssl.SSLContext | None = None
    """Trust and client certificate; None for plain HTTP or the system's trust."""
    authorization: Authorization | None = None
    name: str | None = None
    """The name its certificate is checked for, when that is not the URL's."""
    proxy: str | None = None
    namespace: str = ""
    """The namespace that the configuration prefers; empty when it names none."""


class Limits(msgspec.Struct, frozen=True):
    """How patient and how greedy a connection is."""

    concurrency: int = 32
    """Calls under way at once; watches are not counted."""
    timeout: float = 30.0
    """Seconds for one try."""
    patience: float = 30.0
    """Seconds for all tries of a call."""
    rate: float = 0.0
    """Calls a second, watches and what is urgent aside; 0 for no such limit."""
    burst: int = 1
    """Calls at once after a quiet time, where there is a rate."""


class Call(msgspec.Struct, frozen=True):
    """One request, before it is sent."""

    verb: str
    """As Kubernetes says it: get list watch create update patch delete."""
    resource: str
    """Plural, for the count; empty outside the resources."""
    method: str
    path: str
    query: Mapping[str, str] = {}
    payload: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    lane: Lane = Lane.NORMAL

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return self.verb != "create"


class Wire:
    """The sockets to one API server. It belongs to the event loop that first uses it."""

    def __init__(self, server: Server, limits: Limits) -> None:
        self.server = server
        self.counts: Counter[tuple[str, str, str]] = Counter()
        """Answers by (verb, resource, HTTP status); no answer at all is ``error``."""
        self.gate = Gate(limits.concurrency)
        self._pace = Pace(limits.rate, limits.burst)
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._retired: set[aiohttp.ClientSession] = set()
        self._closing: set[asyncio.Future[None]] = set()

    async def close(self) -> None:
        """Close every socket; a later call would open new ones."""
        for session in (self._session, *self._retired):
            if session is not None:
                await session.close()
        self._session = None
        self._retired.clear()

    async def call(self, call: Call) -> bytes:
        """The body of the answer; `ApiError` when the server refuses or does not answer in time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.patience
        for tries in itertools.count():
            if call.lane is not Lane.URGENT:
                await self._pace.turn(call.lane)
            try:
                async with self.gate.passing(call.lane):
                    return await self._once(call)
            except ApiError as error:
                wait = await self._wait(call, error, tries)
                if wait is None or loop.time() + wait > until:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError  # count() does not end

    @asynccontextmanager
    async def stream(self, call: Call, idle: float) -> AsyncIterator[aiohttp.StreamReader]:
        """The body as it comes; `NoAnswer` when it breaks off, or is silent for `idle` seconds."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.timeout, sock_read=idle)
        with _unanswered():
            async with await self._begin(call, timeout) as answer:
                try:
                    yield answer.content
                finally:  # nobody waits for the end of a watch, nor for its farewell
                    if answer.connection is not None and answer.connection.transport is not None:
                        answer.connection.transport.abort()

    async def _begin(self, call: Call, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        try:
            return await self._accepted(call, timeout)
        except ApiError as error:
            if not await self._renewed(error):
                raise
        return await self._accepted(call, timeout)

    async def _accepted(self, call: Call, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        answer = await self._send(call, timeout)
        try:
            await self._accept(call, answer)
        except BaseException:
            answer.close()
            raise
        return answer

    async def _once(self, call: Call) -> bytes:
        with _unanswered():
            try:
                timeout = aiohttp.ClientTimeout(total=self._limits.timeout)
                async with await self._accepted(call, timeout) as answer:
                    return await answer.read()
            except (aiohttp.ClientError, TimeoutError):
                self.counts[call.verb, call.resource, "error"] += 1
                raise

    async def _send(self, call: Call, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        headers = {"Accept": call.accept}
        if call.payload is not None:
            headers["Content-Type"] = call.content_type
        authorization = self.server.authorization
        token = await authorization.header() if authorization else None
        if token:
            headers["Authorization"] = token
        query = f"?{urlencode(call.query)}" if call.query else ""
        url = URL(self.server.url + call.path + query, encoded=True)
        return await self._open().request(
            call.method,
            url,
            data=call.payload,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            server_hostname=self.server.name,
            proxy=self.server.proxy,
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = self.server.tls if self.server.tls is not None else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=60),
                # Packed answers would cost both ends more CPU than the bytes they save inside a cluster.
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=2**18,
            )
        return self._session

    async def _accept(self, call: Call, answer: aiohttp.ClientResponse) -> None:
        self.counts[call.verb, call.resource, str(answer.status)] += 1
        if answer.status >= 300:
            body = await answer.read()
            raise refusal(answer.status, body, answer.headers.get("Retry-After"), answer.reason or "")

    async def _wait(self, call: Call, error: ApiError, tries: int) -> float | None:
        """Seconds to wait before the call is sent again; None when it must not be."""
        if not tries and await self._renewed(error):
            return 0.0
        if not _passing(call, error):
            return None
        backoff: float = min(FIRST_WAIT * 2**tries, LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311 # spreads load
        return max(error.retry_after or 0.0, backoff)

    async def _renewed(self, error: ApiError) -> bool:
        authorization = self.server.authorization
        if error.status != 401 or authorization is None or not await authorization.renew():
            return False
        self._retire()
        return True

    def _retire(self) -> None:
        """Let new calls open new sockets, which present a new client certificate; those under way end in peace."""
        old, self._session = self._session, None
        if old is not None:
            asyncio.get_running_loop().call_later(self._limits.timeout, self._close_retired, old)
            self._retired.add(old)

    def _close_retired(self, session: aiohttp.ClientSession) -> None:
        self._retired.discard(session)
        closing = asyncio.ensure_future(session.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _passing(call: Call, error: ApiError) -> bool:
    """Whether the same call may well be answered in a moment, and sending it again is safe."""
    if isinstance(error, NoAnswer):
        return call.repeatable or not error.sent
    if "DisruptionBudget" in error.causes:
        return False  # a 429 that says no, as long as other pods are missing
    # A server that says when to come back has not begun the work.
    return error.status == 429 or (error.status >= 500 and error.retry_after is not None)


@contextmanager
def _unanswered() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        raise NoAnswer(said(error), sent=False) from error
    except aiohttp.ClientError as error:
        raise NoAnswer(f"{type(error).__name__}: {said(error)}", sent=True) from error
    except TimeoutError as error:
        raise NoAnswer("no answer in time", sent=True) from error
