"""The quick way to an API server: a pod's service account, or a kubeconfig with a token or a client certificate.

For programs that must start at once: the official client's loaders take half a second to import. What needs them
(exec plugins, OIDC, auth providers) is named and refused here; `scaler.kube.credentials` has them.
"""

import base64
import binascii
import os
import ssl
import time
from pathlib import Path
from typing import Any

import msgspec

from scaler.errors import Invalid, Problem
from scaler.kube.connection import Connection
from scaler.kube.pem import load_pair
from scaler.kube.wire import Limits, Server

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
READ_AGAIN = 60.0
"""Seconds after which a token file is read again; kubelets renew it long before it ends."""


class _Kebab(msgspec.Struct, frozen=True, rename="kebab"):
    """Part of a kubeconfig."""


class _Cluster(_Kebab, frozen=True):
    server: str
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class _User(_Kebab, frozen=True):
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    exec: Any = None
    auth_provider: Any = None
    username: str = ""


class _Context(_Kebab, frozen=True):
    cluster: str
    user: str = ""
    namespace: str = ""


class _NamedCluster(_Kebab, frozen=True):
    name: str
    cluster: _Cluster


class _NamedUser(_Kebab, frozen=True):
    name: str
    user: _User = _User()


class _NamedContext(_Kebab, frozen=True):
    name: str
    context: _Context


class _Config(_Kebab, frozen=True):
    clusters: tuple[_NamedCluster, ...] = ()
    users: tuple[_NamedUser, ...] = ()
    contexts: tuple[_NamedContext, ...] = ()
    current_context: str = ""


class Token:
    """A bearer token, or a file that holds one. It implements `scaler.kube.wire.Authorization`."""

    def __init__(self, text: str = "", file: Path | None = None) -> None:
        self._text = text
        self._file = file
        self._read_at = float("-inf")

    async def header(self) -> str | None:
        """The Authorization header; None without a token."""
        if self._file is not None and time.monotonic() - self._read_at > READ_AGAIN:
            self._read()
        return f"Bearer {self._text}" if self._text else None

    async def renew(self) -> bool:
        """Whether the file holds another token by now."""
        before = self._text
        self._read()
        return self._text != before

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            self._text = self._file.read_text().strip()
        except OSError as error:
            if not self._text:
                raise Invalid([Problem(str(self._file), f"cannot be read: {error.strerror}")]) from error
        self._read_at = time.monotonic()


def connect_quickly(kubeconfig: str = "", context: str = "", limits: Limits | None = None) -> Connection:
    """The connection that this configuration describes; `Invalid` says what is wrong with it.

    Without `kubeconfig`: $KUBECONFIG, else the pod's service account, else ~/.kube/config.
    """
    path = kubeconfig or os.environ.get("KUBECONFIG") or ""
    if not path and "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists():
        return Connection(_in_cluster(), limits)
    file = Path(path or Path.home() / ".kube" / "config").expanduser()
    return Connection(_from_kubeconfig(file, context), limits)


def _in_cluster() -> Server:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if ":" in host:
        host = f"[{host}]"
    tls = _trust((SERVICE_ACCOUNT / "ca.crt").read_text())
    namespace = SERVICE_ACCOUNT / "namespace"
    place = namespace.read_text().strip() if namespace.exists() else ""
    return Server(f"https://{host}:{port}", tls, Token(file=SERVICE_ACCOUNT / "token"), namespace=place)


def _from_kubeconfig(file: Path, wanted: str) -> Server:
    config = _read(file)
    context = _named(config.contexts, wanted or config.current_context, "context", file).context
    cluster = _named(config.clusters, context.cluster, "cluster", file).cluster
    user = _named(config.users, context.user, "user", file).user if context.user else _User()
    _refuse_plugins(user, context.user, file)
    token = Token(user.token, file.parent / user.token_file if user.token_file else None)
    return Server(
        cluster.server.rstrip("/"),
        _tls(cluster, user, file),
        token,
        name=cluster.tls_server_name or None,
        proxy=cluster.proxy_url or None,
        namespace=context.namespace,
    )


def _read(file: Path) -> _Config:
    import yaml  # only where there is a kubeconfig

    try:
        return msgspec.convert(yaml.load(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)), _Config)  # noqa: S506 - both are safe
    except OSError as error:
        raise Invalid([Problem("kubeconfig", f"cannot be read: {error.strerror}", str(file))]) from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise Invalid([Problem("kubeconfig", f"cannot be used: {error}", str(file))]) from error


def _named(entries: tuple[Any, ...], name: str, what: str, file: Path) -> Any:
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries) or "none"
    raise Invalid([Problem("kubeconfig", f'has no {what} "{name}" (there are {known})', str(file))])


def _refuse_plugins(user: _User, name: str, file: Path) -> None:
    needed = [
        word for word, used in (("an exec plugin", user.exec), ("an auth provider", user.auth_provider)) if used
    ]
    if user.username:
        needed.append("a password")
    if needed:
        words = f"user {name} needs {needed[0]}, which this program does not speak: use a token or a certificate"
        raise Invalid([Problem("kubeconfig", words, str(file))])


def _tls(cluster: _Cluster, user: _User, file: Path) -> ssl.SSLContext | None:
    if not cluster.server.startswith("https"):
        return None
    authority = _content(cluster.certificate_authority_data, cluster.certificate_authority, file)
    context = _trust(authority.decode() if authority else None)
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = _content(user.client_certificate_data, user.client_certificate, file)
    if certificate:
        load_pair(context, certificate, _content(user.client_key_data, user.client_key, file))
    return context


def _content(data: str, path: str, file: Path) -> bytes:
    """What stands in the kubeconfig itself, or in a file that it names; empty for neither."""
    try:
        return base64.b64decode(data) if data else (file.parent / path).read_bytes() if path else b""
    except (OSError, binascii.Error) as error:
        raise Invalid([Problem("kubeconfig", f"cannot be used: {error}", str(file))]) from error


def _trust(authorities: str | None) -> ssl.SSLContext:
    """These authorities, or the system's when there are none."""
    context = ssl.create_default_context(cadata=authorities)
    # Newer Pythons refuse the authorities of many clusters, which lack a key identifier; kubectl takes them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
