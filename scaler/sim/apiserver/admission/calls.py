"""Calling a webhook: over TLS, to a URL or through a Service, with a deadline."""

import asyncio
import base64
import ssl
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from scaler.sim.apiserver import services
from scaler.sim.apiserver.admission.reviews import VERSION, Failure
from scaler.sim.apiserver.registry import Registry

Object = dict[str, Any]


class Place(msgspec.Struct, frozen=True):
    """Where a webhook listens."""

    url: str
    """As it is told to people; for a Service with the name that its certificate is for."""
    address: tuple[str, int]
    name: str


class Calls:
    """Keeps its connections."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, webhook: Object, request: Object) -> bytes:
        """The body of the answer; `Failure` says why there is none."""
        config, seconds = webhook["clientConfig"], webhook["timeoutSeconds"]
        url = _spelled(config, seconds)
        review = msgspec.json.encode({"kind": "AdmissionReview", "apiVersion": VERSION, "request": request})
        try:
            return await self._post(self._place(config, url), review, seconds, config.get("caBundle", ""))
        except TimeoutError as error:
            raise Failure(f'Post "{url}": context deadline exceeded') from error
        except (aiohttp.ClientError, OSError) as error:
            raise Failure(f'Post "{url}": {error}') from error

    def _place(self, config: Object, url: str) -> Place:
        service = config.get("service")
        parts = urlsplit(url)
        if not service:
            return Place(url, (parts.hostname or "", parts.port or 443), parts.hostname or "")
        try:
            found = services.address(self.registry, service["namespace"], service["name"], service["port"])
        except services.Unreachable as error:
            missing = error.reason == "ServiceNotFound"
            why = f'service "{service["name"]}" not found' if missing else str(error)
            raise Failure(f'Post "{url}": {why}') from error
        return Place(url, found, services.host_name(service["namespace"], service["name"]))

    async def _post(self, place: Place, review: bytes, seconds: float, authority: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        parts = urlsplit(place.url)
        host, port = place.address
        async with asyncio.timeout(seconds):
            async with self._session.post(
                parts._replace(netloc=f"{host}:{port}").geturl(),
                data=review,
                headers={"Content-Type": "application/json", "Host": parts.netloc},
                ssl=self._context(authority),
                server_hostname=place.name,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                if response.status >= 300:
                    raise Failure(_said(response.status, body))
                return body

    def _context(self, authority: str) -> ssl.SSLContext:
        """Trusts this bundle, or whom the machine trusts when there is none."""
        if authority not in self._contexts:
            known = base64.b64decode(authority).decode() if authority else None
            self._contexts[authority] = ssl.create_default_context(cadata=known)
        return self._contexts[authority]


def _spelled(config: Object, seconds: int) -> str:
    service = config.get("service")
    url = config.get("url", "")
    if service:
        name = services.host_name(service["namespace"], service["name"])
        url = f"https://{name}:{service['port']}/{(service.get('path') or '').lstrip('/')}"
    return f"{url}?timeout={seconds}s"


def _said(status: int, body: bytes) -> str:
    if status >= 500:
        text = body.decode(errors="replace")
        return f'an error on the server ("{text}") has prevented the request from succeeding'
    return "the server rejected our request for an unknown reason"
