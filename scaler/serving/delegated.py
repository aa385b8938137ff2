"""Authentication and authorisation as an aggregated API server must delegate them.

Who asks is said, in this order, by the API server's front proxy (headers, believed only from a certificate of its
own authority), by a client certificate of the cluster, or by a bearer token. Which authorities those are stands in
the ConfigMap kube-system/extension-apiserver-authentication. Whether he may is the API server's answer.
"""

import logging
from collections.abc import Callable
from urllib.parse import unquote

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from scaler.api.meta import Raw
from scaler.clock import Clock
from scaler.errors import ApiError, Invalid, Problem
from scaler.kube.connection import Connection
from scaler.kube.resources import CONFIG_MAPS
from scaler.serving.certificates import issued_by
from scaler.serving.listener import Caller, Request, refusal
from scaler.serving.reviews import Attributes, Questions, Reviews, User, with_group
from scaler.serving.tls import ServerTls

log = logging.getLogger("scaler.serving")

NAMESPACE, CONFIG_MAP = "kube-system", "extension-apiserver-authentication"
EVERY = 10.0
"""Seconds between two looks at the ConfigMap."""
ALWAYS_ALLOWED = frozenset({"/healthz", "/readyz", "/livez"})
"""Paths that anybody may ask, as upstream."""


class FrontProxy(msgspec.Struct, frozen=True):
    """Whose word about the user is believed, and how it is written."""

    authorities: tuple[x509.Certificate, ...] = ()
    """None: nobody's."""
    allowed_names: tuple[str, ...] = ()
    """Common names of the proxy's certificate; any when empty."""
    user_headers: tuple[str, ...] = ("x-remote-user",)
    uid_headers: tuple[str, ...] = ("x-remote-uid",)
    group_headers: tuple[str, ...] = ("x-remote-group",)
    extra_prefixes: tuple[str, ...] = ("x-remote-extra-",)


class Trust(msgspec.Struct, frozen=True):
    """What the ConfigMap says."""

    proxy: FrontProxy = FrontProxy()
    client_authorities: tuple[x509.Certificate, ...] = ()
    pem: bytes = b""
    """Both kinds of authority, for the handshake."""


class Peer(msgspec.Struct, frozen=True):
    """What a connection's certificate is worth under one `Trust`."""

    trust: Trust
    is_proxy: bool = False
    user: User | None = None


def read_trust(data: dict[str, str]) -> Trust:
    """The ConfigMap's data, understood; Invalid names the key that cannot be read."""
    proxy = FrontProxy(
        authorities=_authorities(data, "requestheader-client-ca-file"),
        allowed_names=_names(data, "requestheader-allowed-names", ()),
        user_headers=_headers(data, "requestheader-username-headers", FrontProxy().user_headers),
        uid_headers=_headers(data, "requestheader-uid-headers", FrontProxy().uid_headers),
        group_headers=_headers(data, "requestheader-group-headers", FrontProxy().group_headers),
        extra_prefixes=_headers(data, "requestheader-extra-headers-prefix", FrontProxy().extra_prefixes),
    )
    pem = "\n".join(data.get(key, "") for key in ("requestheader-client-ca-file", "client-ca-file"))
    return Trust(proxy, _authorities(data, "client-ca-file"), pem.encode())


class Delegated:
    """The door: who asks, and whether he may."""

    def __init__(self, connection: Connection, tls: ServerTls, now: Callable[[], float]) -> None:
        self._connection = connection
        self._tls = tls
        self._reviews = Reviews(connection, now)
        self.trust: Trust | None = None
        """None until the ConfigMap was read: nobody is believed before."""

    async def run(self, clock: Clock, every: float = EVERY) -> None:
        """Follow the ConfigMap, for ever."""
        said = ""
        while True:
            try:
                await self.refresh()
                said = ""
            except (ApiError, Invalid) as error:
                if str(error) != said:
                    log.warning("configmap %s/%s is not usable now: %s", NAMESPACE, CONFIG_MAP, error)
                said = str(error)
            await clock.sleep(every)

    async def refresh(self) -> None:
        """Read the ConfigMap once; ApiError or Invalid leave what was known."""
        found: Raw = await self._connection.get(CONFIG_MAPS, NAMESPACE, CONFIG_MAP, into=dict)
        self.take(read_trust(found.get("data") or {}))

    def take(self, trust: Trust) -> None:
        """Believe these from now on, and nobody else."""
        if trust != self.trust:
            self._tls.trust(trust.pem)
            self.trust = trust

    def may_at_once(self, request: Request, questions: Questions) -> bool:
        """Whether it is known, without asking anybody, that the request is allowed."""
        user = self._user_at_once(request)
        return user is not None and self._reviews.known_to_be_allowed(user, questions)

    async def refused(self, request: Request, questions: Questions) -> bytes | None:
        """The response to a request that may not be answered; None for one that may."""
        try:
            user = self._user_at_once(request) or await self._user_of_token(request)
        except ApiError as error:
            log.warning("a token could not be reviewed: %s", error)
            user = None
        if user is None:
            return refusal(401, "Unauthorized", "Unauthorized")
        try:
            allowed = await self._reviews.is_allowed(user, questions)
        except ApiError as error:
            return refusal(500, "InternalError", f"the API server could not say whether {user.name} may: {error}")
        return None if allowed else refusal(403, "Forbidden", _forbidden(user, questions[-1]))

    def _user_at_once(self, request: Request) -> User | None:
        peer = self._peer(request.caller)
        if peer is None:
            return None
        user = _proxied(request.headers, peer.trust.proxy) if peer.is_proxy else None
        return user or peer.user

    async def _user_of_token(self, request: Request) -> User | None:
        for name, value in request.headers:
            if name == "authorization" and value[:7].lower() == "bearer ":
                return await self._reviews.user_of(value[7:].strip())
        return None

    def _peer(self, caller: Caller) -> Peer | None:
        if self.trust is None or caller.certificate is None:
            return None
        known = caller.memo
        if isinstance(known, Peer) and known.trust is self.trust:
            return known
        caller.memo = peer = judge(caller.certificate, self.trust)
        return peer


def judge(certificate: bytes, trust: Trust) -> Peer:
    """What a client certificate (DER, whose chain and dates the handshake has checked) is worth."""
    leaf = x509.load_der_x509_certificate(certificate)
    name = _text(leaf, NameOID.COMMON_NAME)[:1]
    proxy = trust.proxy
    is_proxy = (not proxy.allowed_names or (name[0:1] and name[0] in proxy.allowed_names)) and issued_by(
        leaf, proxy.authorities
    )
    is_client = bool(name) and issued_by(leaf, trust.client_authorities)
    groups = with_group(_text(leaf, NameOID.ORGANIZATION_NAME))
    return Peer(trust, bool(is_proxy), User(name[0], groups=groups) if is_client else None)


def _proxied(headers: list[tuple[str, str]], proxy: FrontProxy) -> User | None:
    """The user that the front proxy names; None when it names nobody."""
    name = uid = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for header, value in headers:
        if header in proxy.user_headers:
            name = name or value
        elif header in proxy.group_headers:
            groups.append(value)
        elif header in proxy.uid_headers:
            uid = uid or value
        elif header.startswith(proxy.extra_prefixes):
            prefix = next(prefix for prefix in proxy.extra_prefixes if header.startswith(prefix))
            extra.setdefault(unquote(header[len(prefix) :]), []).append(value)
    if not name:
        return None
    return User(name, uid, with_group(groups), tuple(sorted((key, tuple(each)) for key, each in extra.items())))


def _authorities(data: dict[str, str], key: str) -> tuple[x509.Certificate, ...]:
    if not data.get(key, "").strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(data[key].encode()))
    except ValueError as error:
        raise Invalid([Problem(key, f"is not a list of PEM certificates: {error}")]) from error


def _headers(data: dict[str, str], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in _names(data, key, default))


def _names(data: dict[str, str], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    if key not in data:
        return default
    try:
        return tuple(msgspec.json.decode(data[key], type=list[str]))
    except msgspec.MsgspecError as error:
        raise Invalid([Problem(key, f"is not a JSON list of names: {error}", data[key])]) from error


def _text(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]


def _forbidden(user: User, attributes: Attributes) -> str:
    if attributes.path:
        return f'User "{user.name}" cannot {attributes.verb} path "{attributes.path}"'
    name = f' "{attributes.name}"' if attributes.name else ""
    what = f'resource "{attributes.resource}"{name} in API group "{attributes.group}"'
    return f'User "{user.name}" cannot {attributes.verb} {what} in the namespace "{attributes.namespace}"'
