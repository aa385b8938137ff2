"""A small synchronous client of the Kubernetes API, for arranging tests and looking at what came of them.

It shares nothing with the product, so that a fault of the product's connection cannot hide itself.
"""

import base64
import http.client
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import yaml

Object = dict[str, Any]

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Refused(Exception):
    """The API server said no."""

    def __init__(self, what: str, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{what}: {status} {self.message}")

    @property
    def message(self) -> str:
        try:
            return str(msgspec.json.decode(self.body)["message"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return self.body.decode(errors="replace")[:500]


class Api:
    """One user's way into one cluster; safe to use from several threads, as each call is a connection."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        cluster, user = _current(yaml.safe_load(kubeconfig.read_text()))
        self.url = str(cluster["server"]).rstrip("/")
        self.authority = _content(cluster, "certificate-authority", kubeconfig.parent) or b""
        self._token = user.get("token")
        self._ssl = _ssl_context(cluster, user, kubeconfig.parent)
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded answer (text when it is not JSON). Raises Refused."""
        where = urlsplit(self.url)
        target = where.path + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._connect(where.hostname or "", where.port)
        try:
            connection.request(method, target, None if body is None else msgspec.json.encode(body), headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(f"{method} {target}", answer.status, said)
        is_json = answer.headers.get_content_type() == "application/json"
        return msgspec.json.decode(said) if is_json else said.decode()

    def _connect(self, host: str, port: int | None) -> http.client.HTTPConnection:
        if self._ssl is None:
            return http.client.HTTPConnection(host, port, timeout=60)
        return http.client.HTTPSConnection(host, port, timeout=60, context=self._ssl)

    def get(self, path: str, **query: str) -> Any:
        return self.call("GET", path, query=query)

    def found(self, path: str) -> Any | None:
        """The object, or None when there is none."""
        try:
            return self.get(path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def create(self, path: str, obj: object) -> Any:
        return self.call("POST", path, obj)

    def patch(self, path: str, change: object, how: str = "merge") -> Any:
        """`how` is one of PATCH_TYPES."""
        query = {"fieldManager": "tests", "force": "true"} if how == "apply" else None
        return self.call("PATCH", path, change, content_type=PATCH_TYPES[how], query=query)

    def delete(self, path: str, **query: str) -> None:
        """Nothing happens when it is gone already."""
        try:
            self.call("DELETE", path, query=query)
        except Refused as refusal:
            if refusal.status != 404:
                raise

    def apply(self, manifest: str | Path | Object, namespace: str | None = None) -> list[Object]:
        """Server-side apply of YAML text, a file or one object; `namespace` for those that name none."""
        return [self.patch(self.path_of(obj, namespace), obj, "apply") for obj in _documents(manifest)]

    def remove(self, manifest: str | Path | Object, namespace: str | None = None) -> None:
        """Delete what `apply` made, last first."""
        for obj in reversed(_documents(manifest)):
            self.delete(self.path_of(obj, namespace))

    def path_of(self, obj: Object, namespace: str | None = None) -> str:
        """Where the object lives, by discovery. KeyError for a kind that the server does not know."""
        version, kind, about = obj["apiVersion"], obj["kind"], obj["metadata"]
        plural, namespaced = self._kind(version, kind)
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        within = about.get("namespace") or namespace or "default"
        folder = f"{root}/namespaces/{within}/{plural}" if namespaced else f"{root}/{plural}"
        return f"{folder}/{quote(about['name'])}"

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._kinds:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in self.get(root)["resources"]:
                if "/" not in resource["name"]:
                    self._kinds[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        return self._kinds[version, kind]


def kubeconfig_text(server: str, authority: bytes, user: Mapping[str, str], namespace: str = "default") -> str:
    """A kubeconfig of one context, everything inline."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    context = {"cluster": "tests", "user": "tests", "namespace": namespace}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": dict(user)}],
            "contexts": [{"name": "tests", "context": context}],
            "current-context": "tests",
        }
    )


def _documents(manifest: str | Path | Object) -> list[Object]:
    if isinstance(manifest, dict):
        return [manifest]
    text = manifest.read_text() if isinstance(manifest, Path) else manifest
    documents = [document for document in yaml.safe_load_all(text) if document]
    return [item for document in documents for item in document.get("items", [document])]


def _current(config: Object) -> tuple[Object, Object]:
    """The cluster and the user of the current context."""
    named = {name: {entry["name"]: entry for entry in config.get(f"{name}s") or []} for name in _SECTIONS}
    context = named["context"][config["current-context"]]["context"]
    return named["cluster"][context["cluster"]]["cluster"], named["user"][context["user"]]["user"]


_SECTIONS = ("cluster", "context", "user")


def _ssl_context(cluster: Object, user: Object, folder: Path) -> ssl.SSLContext | None:
    if not str(cluster["server"]).startswith("https:"):
        return None
    authority = _content(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = (_content(user, f"client-{what}", folder) for what in ("certificate", "key"))
    if certificate and key:
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(certificate + b"\n" + key)
            pair.flush()
            context.load_cert_chain(pair.name)
    return context


def _content(entry: Object, name: str, folder: Path) -> bytes | None:
    """What `name-data` holds, or the file that `name` names, relative to the kubeconfig."""
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"])
    return (folder / entry[name]).read_bytes() if name in entry else None
