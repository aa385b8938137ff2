"""Reads of namespaces that were not taken over, asked of the server that the APIService led to before us.

The caller has been authenticated and authorised here; the other server is asked in our own name, for it believes
neither our word about a user nor a certificate that we could have. Its answer is passed on as it is.

It is reached as the API server reaches it: by its Service, with a certificate for ``NAME.NAMESPACE.svc``.
"""

import logging
import ssl
from collections import Counter
from collections.abc import Callable

import aiohttp
from yarl import URL

from scaler.api.meta import Raw
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.resources import SERVICES
from scaler.serving.external_metrics import Asked, How
from scaler.serving.listener import Request, refusal, response
from scaler.takeover.record import Backend, Record

log = logging.getLogger("scaler.serving")

SECONDS = 10.0
"""For one answer; the HPA controller waits three times as long."""
KNOWN_FOR = 60.0
"""Seconds that a Service's address is believed without looking again."""


class Forwarding:
    """Forwards while a record of takeovers says to whom."""

    def __init__(self, connection: Connection, now: Callable[[], float], reads: Counter[tuple[How, int]]) -> None:
        self._connection = connection
        self._now = now
        self._reads = reads
        self._record: Record | None = None
        self._session: aiohttp.ClientSession | None = None
        self._address: tuple[str, float] | None = None
        self._trust: ssl.SSLContext | bool = True
        self._said = ""

    def take(self, record: Record | None) -> None:
        """What was taken over, from now on."""
        before = self._record.backend if self._record else None
        self._record = record
        backend = record.backend if record else None
        if backend != before:
            self._address = None
            self._trust = True if backend is None else trust(backend)

    def concerns(self, namespace: str) -> bool:
        """Whether somebody else answers for this namespace."""
        record = self._record
        return record is not None and record.backend is not None and namespace not in record.served

    async def forward(self, request: Request, asked: Asked) -> bytes:
        """The other server's response."""
        backend = self._record.backend if self._record else None
        if backend is None:  # taken back since it was asked
            return self._refuse(asked, "it was just given back")
        try:
            status, kind, body = await self._ask(backend, request)
        except (aiohttp.ClientError, OSError, ApiError) as error:
            self._address = None  # the Service may have moved
            return self._refuse(asked, f"{backend.namespace}/{backend.name} does not answer: {_why(error)}")
        self._said = ""
        self._reads["forwarded", status] += 1
        return response(status, body, kind)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, backend: Backend, request: Request) -> tuple[int, str, bytes]:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        url = URL(f"https://{await self._host(backend)}:{backend.port}{request.target}", encoded=True)
        headers = {"Accept": next((value for name, value in request.headers if name == "accept"), "application/json")}
        authorization = self._connection.server.authorization
        ours = None if authorization is None else await authorization.header()
        if ours:
            headers["Authorization"] = ours
        name = f"{backend.name}.{backend.namespace}.svc"
        asking = self._session.get(url, headers=headers, ssl=self._trust, server_hostname=name, allow_redirects=False)
        async with asking as answer:
            return answer.status, answer.headers.get("Content-Type", "application/json"), await answer.read()

    async def _host(self, backend: Backend) -> str:
        if self._address is not None and self._now() - self._address[1] < KNOWN_FOR:
            return self._address[0]
        service = await self._connection.get(SERVICES, backend.namespace, backend.name, into=Raw)
        spec = service.get("spec") or {}
        host = spec.get("externalName") if spec.get("type") == "ExternalName" else spec.get("clusterIP")
        if not host or host == "None":
            raise OSError(f"its Service has no address ({spec.get('type')})")
        self._address = (f"[{host}]" if ":" in host else host, self._now())
        return self._address[0]

    def _refuse(self, asked: Asked, why: str) -> bytes:
        if why != self._said:
            log.warning("external metrics of namespaces that are not ours cannot be had", extra={"error": why})
        self._said = why
        self._reads["forwarded", 503] += 1
        message = f"{asked} is asked of the server that was here before, but {why}"
        return refusal(503, "ServiceUnavailable", message)


def trust(backend: Backend) -> ssl.SSLContext | bool:
    """As the APIService has it; True is the system's trust, and what is no PEM trusts nobody."""
    if backend.insecure_skip_tls_verify:
        return False
    if not backend.ca_bundle:
        return True
    import base64

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=base64.b64decode(backend.ca_bundle).decode("ascii"))
    except (ValueError, ssl.SSLError) as wrong:
        log.warning("the authority that the former APIService names cannot be read: %s", wrong)
    return context


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
