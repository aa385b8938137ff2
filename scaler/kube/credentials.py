"""Which API server, and who we are there: kubeconfig or service account, read by the official client's loaders.

It gives a `Connection` its address, its TLS context and its Authorization header, and renews what expires (token
files, exec plugins, OIDC). It sends nothing itself.
"""

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from scaler.errors import Invalid, Problem
from scaler.kube.connection import Connection
from scaler.kube.wire import Limits, Server

logger = logging.getLogger(__name__)

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
EARLY = 60.0
"""Seconds before its expiry that a credential of an exec plugin is renewed."""
RENEWALS_APART = 5.0
"""Seconds: many calls may see the same 401, and a plugin may be slow."""


class _Loaded(msgspec.Struct, frozen=True):
    """What a loader of the official client found."""

    configuration: Any
    """A kubernetes.aio Configuration."""
    namespace: str = ""
    expires: float | None = None
    """Epoch seconds."""


class Credentials:
    """Who we are, kept fresh. It implements `scaler.kube.wire.Authorization`."""

    def __init__(self, load: Callable[[], Awaitable[_Loaded]], loaded: _Loaded) -> None:
        self._load = load
        self._loaded = loaded
        self._header: str | None = None
        self._renewed_at = -RENEWALS_APART
        self._lock = asyncio.Lock()
        self.tls = _trust(loaded.configuration)

    async def header(self) -> str | None:
        """The Authorization header; a service account's token file is read again each minute."""
        expires = self._loaded.expires
        if expires is not None and time.time() > expires - EARLY:
            await self.renew()
        key = await self._loaded.configuration.get_api_key_with_prefix("BearerToken")
        self._header = key.strip() if key else None
        return self._header

    async def renew(self) -> bool:
        """Read everything again; False when that was just done, so that a plain refusal is not asked for ever."""
        refused = self._header
        async with self._lock:
            if time.monotonic() - self._renewed_at < RENEWALS_APART:
                return self._header != refused
            self._renewed_at = time.monotonic()
            try:
                self._loaded = await self._load()
            except Invalid as error:
                logger.warning("the credentials cannot be renewed: %s", error)
                return False
            if self.tls is not None:
                _present(self.tls, self._loaded.configuration)
            return True


async def connect(
    kubeconfig: str | None = None, context: str | None = None, limits: Limits | None = None
) -> Connection:
    """The connection that this configuration describes; `Invalid` says what is wrong with it.

    Without `kubeconfig`: $KUBECONFIG, else the pod's service account, else ~/.kube/config.
    """
    path = kubeconfig or os.environ.get("KUBECONFIG") or ""
    load = _load_service_account if not path and _in_cluster() else _kubeconfig_loader(path, context)
    loaded = await load()
    credentials = Credentials(load, loaded)
    configuration = loaded.configuration
    server = Server(
        configuration.host,
        tls=credentials.tls,
        authorization=credentials,
        name=configuration.tls_server_name or None,
        proxy=configuration.proxy or None,
        namespace=loaded.namespace,
    )
    return Connection(server, limits)


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists()


async def _load_service_account() -> _Loaded:
    config, configuration = _official()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException as error:
        raise Invalid([Problem("serviceaccount", str(error), str(SERVICE_ACCOUNT))]) from error
    namespace = SERVICE_ACCOUNT / "namespace"
    return _Loaded(configuration, namespace.read_text().strip() if namespace.exists() else "")


def _kubeconfig_loader(path: str, context: str | None) -> Callable[[], Awaitable[_Loaded]]:
    paths = path or str(Path.home() / ".kube" / "config")

    async def load() -> _Loaded:
        import yaml

        config, configuration = _official()
        _require_file(paths)
        try:
            loader = await config.load_kube_config(
                config_file=paths, context=context or None, client_configuration=configuration, persist_config=False
            )
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
            # The loader trips over a file that is no kubeconfig in several ways.
            raise Invalid([Problem("kubeconfig", f"cannot be used: {error}", paths)]) from error
        expiry = getattr(loader, "exec_plugin_expiry", None)
        namespace = loader.current_context["context"].get("namespace") or ""
        return _Loaded(configuration, namespace, expiry.timestamp() if expiry else None)

    return load


def _official() -> tuple[Any, Any]:
    """The loaders of the official client, imported when first needed, and a configuration for them to fill."""
    from kubernetes.aio import client, config

    return config, client.Configuration()


def _require_file(paths: str) -> None:
    if not any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep)):
        raise Invalid([Problem("kubeconfig", f"no such file: {paths}; name one that exists", paths)])


def _trust(configuration: Any) -> ssl.SSLContext | None:
    if not configuration.host.startswith("https"):
        return None
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Newer Pythons refuse the authorities of many clusters, which lack a key identifier; kubectl takes them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _present(context, configuration)
    return context


def _present(context: ssl.SSLContext, configuration: Any) -> None:
    """Load the client certificate, if there is one; connections opened from now on use it."""
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
