"""HTTP for triggers: one session for all, its connections kept alive and shared by host and TLS settings.

This is the hot path of a poll. A request comes ready-made; nothing is parsed, merged or timed here that was not
already: the deadline is the caller's.
"""

import asyncio
import os
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote_plus, urlencode

import aiohttp
import msgspec

from scaler.errors import Unreadable, said
from scaler.triggers.http import Asker, HttpAnswer, OAuthClient, Request, excerpt
from scaler.triggers.tls import MinimumTls, Tls

_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are read; a source that says more than this by way of a number is broken."""
_KEEP_ALIVE = 90.0
"""Seconds an idle connection is kept: longer than most polling intervals."""
_EARLY = 30.0
"""Seconds before its end that a token is fetched anew."""
_DEFAULT_LIFE = 300.0
"""Seconds a token is used whose server does not say how long it lasts."""
_MOST_CONTEXTS = 256
"""SSL contexts that are kept: each is some 100 KiB, and certificates that rotate would pile them up."""
NO_STATUS = "error"
"""Instead of a status: the request got no answer."""
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


class Http:
    """Sends requests. Bound to the loop of its first use."""

    def __init__(self, *, ca_folders: tuple[str, ...], minimum: MinimumTls, keep_alive: bool) -> None:
        self._ca_folders = ca_folders
        self._minimum = minimum
        self._keep_alive = keep_alive
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._tokens: dict[OAuthClient, _Token] = {}
        self.on_request: Callable[[Asker, str, float], None] = lambda _asker, _status, _seconds: None
        """Told of each request: for whom, the answer's status or `NO_STATUS`, and how long it took."""

    async def get(self, request: Request, place: str, asker: Asker) -> HttpAnswer:
        """The answer to a GET, whatever its status. Raises Unreadable when there is none."""
        headers = request.headers
        if request.oauth is not None:
            headers = headers.copy()
            headers["Authorization"] = f"Bearer {await self._token(request.oauth)}"
        session = self._session or self._open()
        tls, status, begun = self._context(request.tls), NO_STATUS, time.perf_counter()
        try:
            async with session.get(request.url, headers=headers or None, ssl=tls) as response:
                status = str(response.status)
                if response.status == 401 and request.oauth is not None:
                    self._tokens.pop(request.oauth, None)
                return HttpAnswer(response.status, await _body(response, place))
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreadable(f"{place} cannot be read: {said(error)}") from error
        finally:  # a request that was given up on counts, too
            self.on_request(asker, status, time.perf_counter() - begun)

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def context(self, tls: Tls) -> ssl.SSLContext:
        """The SSL context of these settings, made once. Raises Unreadable."""
        found = self._contexts.get(tls)
        if found is None:
            try:
                found = tls.context(self._minimum, self._ca_folders)
            except (ValueError, OSError) as error:
                raise Unreadable(f"the TLS settings cannot be used: {error}") from error
            if len(self._contexts) >= _MOST_CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[tls] = found
        return found

    def _context(self, tls: Tls) -> ssl.SSLContext:
        return self._contexts.get(tls) or self.context(tls)

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=not self._keep_alive,
            keepalive_timeout=_KEEP_ALIVE if self._keep_alive else None,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"User-Agent": "kube-scaler"},
            # Looking for a proxy reads the whole environment at each request: only where there is one.
            trust_env=any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXY_VARIABLES),
        )
        return self._session

    async def _token(self, client: OAuthClient) -> str:
        token = self._tokens.get(client)
        if token is None or token.until < asyncio.get_running_loop().time():
            token = self._tokens[client] = await self._fetch_token(client)
        return token.text

    async def _fetch_token(self, client: OAuthClient) -> "_Token":
        place = f"the token server {client.token_url}"
        form = {"grant_type": "client_credentials", **dict(client.endpoint_params)}
        if client.scopes:
            form["scope"] = " ".join(client.scopes)
        credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
        headers = {
            "Authorization": f"Basic {b64encode(credentials.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        session = self._session or self._open()
        try:
            async with session.post(
                client.token_url, data=urlencode(form), headers=headers, ssl=self._context(client.tls)
            ) as response:
                body = await _body(response, place)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreadable(f"{place} cannot be read: {said(error)}") from error
        if response.status != 200:
            raise Unreadable(f"{place} answered {response.status} ({excerpt(body)}); see clientID and clientSecret")
        return _token_of(body, place)


class _Token(msgspec.Struct, frozen=True):
    text: str
    until: float
    """Time of the loop."""


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float | None = None


def _token_of(body: bytes, place: str) -> _Token:
    try:
        answer = msgspec.json.decode(body, type=_TokenAnswer, strict=False)
    except msgspec.DecodeError as error:
        raise Unreadable(f"{place} gave no access_token: {error}") from error
    life = _DEFAULT_LIFE if answer.expires_in is None else answer.expires_in
    return _Token(answer.access_token, asyncio.get_running_loop().time() + max(0.0, life - _EARLY))


async def _body(response: aiohttp.ClientResponse, place: str) -> bytes:
    length = response.content_length
    if length is not None and length <= _LARGEST:
        return await response.read()
    pieces: list[bytes] = []
    read = 0
    async for piece in response.content.iter_any():
        read += len(piece)
        if read > _LARGEST:
            raise Unreadable(f"{place} answered more than {_LARGEST >> 20} MiB; see whether the address is right")
        pieces.append(piece)
    return b"".join(pieces)
