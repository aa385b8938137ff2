"""A whole cluster in one process: the API server, its controllers, a fake kubelet, and the world its pods live in."""

from pathlib import Path
from typing import Any, Self

import yaml

from scaler.clock import Clock, SystemClock
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.server import ApiServer
from scaler.sim.apiserver.store import Key, Object


class EmbeddedCluster:
    """Use it with ``async with``: from then on it listens at `url`, until the end."""

    def __init__(self, clock: Clock | None = None, *, port: int = 0) -> None:
        self.clock = clock or SystemClock()
        self.server = ApiServer(self.clock, port=port)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    @property
    def url(self) -> str:
        """Where the API server listens, as in ``http://127.0.0.1:40123``."""
        return self.server.url

    def write_kubeconfig(self, path: Path | str, *, user: str = "", namespace: str = "default") -> Path:
        """A kubeconfig for a user (``system:serviceaccount:NS:NAME`` for one), by default the administrator."""
        token = self.server.identities.issue(user) if user else self.server.identities.admin_token
        target = Path(path)
        target.write_text(yaml.safe_dump(_kubeconfig(self.url, token, namespace)))
        target.chmod(0o600)
        return target

    async def apply(self, manifest: str, namespace: str = "default") -> list[Object]:
        """Create or replace every object of a YAML text; those that name no namespace go to that one."""
        documents = [document for document in yaml.safe_load_all(manifest) if document]
        objects = [obj for document in documents for obj in document.get("items") or [document]]
        return [await self._applied(obj, namespace) for obj in objects]

    async def _applied(self, obj: Object, namespace: str) -> Object:
        served = self.server.registry.of_kind(obj["apiVersion"], obj["kind"])
        if served is None:
            raise ValueError(f"the cluster knows no {obj['kind']} of {obj['apiVersion']}; apply its definition first")
        meta = obj["metadata"]
        within = meta.get("namespace", namespace) if served.resource.namespaced else ""
        key = (within, meta["name"])
        if self.server.registry.peek(served, key) is None:
            return served.shown(await self.server.registry.create(served, within, obj))
        return served.shown(await self.server.registry.update(served, key, lambda old: _replaced(old, obj)))

    def find(self, kind: str, api_version: str, key: Key) -> Object | None:
        """An object of the cluster as it is now, or None; look, but do not change it."""
        served: Served | None = self.server.registry.of_kind(api_version, kind)
        stored = self.server.registry.peek(served, key) if served else None
        return None if stored is None or served is None else served.shown(stored)


def _replaced(old: Object, new: Object) -> Object:
    return {**new, "metadata": {**old["metadata"], **new["metadata"]}}


def _kubeconfig(url: str, token: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sim", "cluster": {"server": url}}],
        "users": [{"name": "sim", "user": {"token": token}}],
        "contexts": [{"name": "sim", "context": {"cluster": "sim", "user": "sim", "namespace": namespace}}],
        "current-context": "sim",
    }
