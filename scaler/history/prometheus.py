"""A client of Prometheus' HTTP API, and of what speaks it: Thanos, Mimir, VictoriaMetrics, managed ones.

It asks what it is told to and decodes the answers. A refusal that a smaller question would not meet is `TooMuch`, so
that who asked can cut it; how questions are cut beforehand is `scaler.history.pieces`.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec
from yarl import URL

from scaler.errors import Unreadable
from scaler.history.answers import Answer, Labels, Listed, Named, Ranged, Sample, excerpt, said

T = TypeVar("T")
_Form = Mapping[str, str] | Sequence[tuple[str, str]]

TRIES = 4
"""Of a question whose answer broke off or that the server had no time for."""
FIRST_WAIT = 0.5
"""Seconds before the second try, doubled for each further one."""
LARGEST = 512 << 20
"""Bytes of one answer that are read."""
_BIG = 1 << 20
"""Answers from this size on are decoded in a thread, so that nothing else waits for them."""


class TooMuch(Unreadable):
    """The server would answer a smaller question."""


class Access(msgspec.Struct, frozen=True):
    """How to reach a server, and how patient and greedy to be with it."""

    url: str
    """Up to before /api/v1."""
    headers: Mapping[str, str] = {}
    """Sent with each request: Authorization, X-Scope-OrgID."""
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    """Whom to trust; the system's authorities when None."""
    timeout: float = 60.0
    """Seconds for one answer."""
    concurrency: int = 4
    """Questions under way at once: a server's default is to compute 20, and others ask too."""


class Prometheus:
    """Use it as an async context manager, or `close` it."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.place = f"Prometheus {_shown(access.url)}"
        self.warnings: dict[str, None] = {}
        """What the server remarked, each once, in order: an answer may be partial."""
        self._session: aiohttp.ClientSession | None = None
        self._gate = asyncio.Semaphore(access.concurrency)
        self._answered = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def query(self, expression: str, at: float) -> list[Sample]:
        """The value of every series at that time. Raises Unreadable."""
        form = {"query": expression, "time": f"{at:.3f}"}
        answer = await self._ask("query", form, Answer)
        self._warned(answer.warnings)
        return answer.samples

    async def range(self, expression: str, begin: float, end: float, step: float) -> list[Ranged]:
        """The values of every series from begin to end, both included. Raises Unreadable."""
        form = {"query": expression, "start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        answer = await self._ask("query_range", form, Answer)
        self._warned(answer.warnings)
        return answer.ranged

    async def series(self, matches: Sequence[str], begin: float, end: float) -> list[Labels]:
        """The labels of every series that had a sample then: read from the index, so that it is cheap."""
        form = [("start", f"{begin:.3f}"), ("end", f"{end:.3f}"), *(("match[]", match) for match in matches)]
        return list((await self._ask("series", form, Listed)).data)

    async def values(self, label: str, begin: float, end: float) -> list[str]:
        """Every value of a label then; of ``__name__``, every metric."""
        query = {"start": f"{begin:.3f}", "end": f"{end:.3f}"}
        return list((await self._ask(f"label/{label}/values", query, Named, method="GET")).data)

    def _warned(self, warnings: Sequence[str]) -> None:
        self.warnings.update(dict.fromkeys(warnings))

    # -- one question ------------------------------------------------------------------------------------------

    async def _ask(self, path: str, form: _Form, into: type[T], method: str = "POST") -> T:
        async with self._gate:
            body = await self._patiently(method, path, form)
        try:
            if len(body) < _BIG:
                return msgspec.json.decode(body, type=into)
            return await asyncio.to_thread(msgspec.json.decode, body, type=into)
        except msgspec.MsgspecError as error:
            raise Unreadable(f"{self.place} is no Prometheus: {excerpt(body)} ({error})") from error

    async def _patiently(self, method: str, path: str, form: _Form) -> bytes:
        for tries in range(TRIES):
            try:
                return await self._once(method, path, form)
            except _Again as again:
                if tries == TRIES - 1 or not (self._answered or again.answered):
                    raise Unreadable(str(again)) from again.__cause__
                await asyncio.sleep(again.wait or FIRST_WAIT * 2**tries)
        raise AssertionError  # the last try returns or raises

    async def _once(self, method: str, path: str, form: _Form) -> bytes:
        session = self._session or self._open()
        url = URL(f"{self.access.url.rstrip('/')}/api/v1/{path}")
        given = {"params": form} if method == "GET" else {"data": form}
        try:
            async with session.request(method, url, allow_redirects=False, **given) as response:  # type: ignore[arg-type] # either
                body = await self._body(response)
                if response.status == 200:
                    self._answered = True
                    return body
                raise self._refused(response, body)
        except TimeoutError as error:
            raise TooMuch(f"{self.place} did not answer within {self.access.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Again(f"{self.place} cannot be reached: {error or type(error).__name__}") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        read = 0
        async for piece in response.content.iter_any():
            read += len(piece)
            if read > LARGEST:
                raise TooMuch(f"{self.place} answered more than {LARGEST >> 20} MiB")
            pieces.append(piece)
        return b"".join(pieces)

    def _refused(self, response: aiohttp.ClientResponse, body: bytes) -> Exception:
        """What a status other than 200 means, with what would help."""
        status, words = response.status, said(body)
        if status in {401, 403}:
            return Unreadable(f"{self.place} answered {status}: {words}; {_credentials(self.access)}")
        if 300 <= status < 400:
            return Unreadable(f"{self.place} sends us to {response.headers.get('Location', '?')}: give that address")
        if status == 422 or (status == 503 and "timed out" in words) or "maximum resolution" in words:
            return TooMuch(f"{self.place} answered {status}: {words}")
        if status in {429, 502, 503, 504}:
            return _Again(f"{self.place} answered {status}: {words}", answered=True, wait=_retry_after(response))
        if status == 404:
            return Unreadable(f"{self.place} has no {response.url.path} (404): is the address right? {words}")
        return Unreadable(f"{self.place} answered {status}: {words}")

    def _open(self) -> aiohttp.ClientSession:
        access = self.access
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=access.concurrency, ssl=access.tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=access.timeout),
            headers={"User-Agent": "kube-scaler", "Accept": "application/json", **_basic(access), **access.headers},
            trust_env=True,
        )
        return self._session


class _Again(Exception):
    """It may go better in a moment."""

    def __init__(self, why: str, *, answered: bool = False, wait: float | None = None) -> None:
        super().__init__(why)
        self.answered, self.wait = answered, wait


def _basic(access: Access) -> dict[str, str]:
    """The header of a name and its password."""
    if not access.username:
        return {}
    pair = b64encode(f"{access.username}:{access.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _credentials(access: Access) -> str:
    given = any(name.lower() == "authorization" for name in access.headers)
    return "are the credentials right?" if given or access.username else "it wants credentials"


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(30.0, float(text)) if text.isdecimal() else None


def _shown(url: str) -> str:
    """An address without the password that may stand in it."""
    return str(URL(url).with_user(None).with_password(None)) if "@" in url else url
