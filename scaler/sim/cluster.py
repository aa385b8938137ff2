"""A whole cluster in one process: the API server, its controllers, a fake kubelet, and the world its pods live in."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import yaml

from scaler.clock import Clock, SystemClock
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.server import ApiServer
from scaler.sim.apiserver.store import Key, Object
from scaler.sim.autoscaling.judgement import Settings
from scaler.sim.controllers.autoscalers import Autoscalers
from scaler.sim.controllers.definitions import Definitions
from scaler.sim.controllers.deployments import Deployments
from scaler.sim.controllers.disruptions import Disruptions
from scaler.sim.controllers.garbage import Garbage
from scaler.sim.controllers.jobs import Jobs
from scaler.sim.controllers.kubelet import Kubelet, Pace
from scaler.sim.controllers.loop import Loop
from scaler.sim.controllers.namespaces import Namespaces
from scaler.sim.controllers.owned import Owned
from scaler.sim.controllers.replicasets import ReplicaSets
from scaler.sim.controllers.statefulsets import StatefulSets
from scaler.sim.usage import UsageApi
from scaler.sim.world import World

HPA_WORKERS = 5

log = logging.getLogger(__name__)


class EmbeddedCluster:
    """Use it with ``async with``: from then on it listens at `url`, until the end.

    `hpa_sync` is how often, in seconds of the clock, an autoscaler decides (Kubernetes' own default is 15);
    `hpa` are the other settings of that controller, and `pace` says how fast pods start, get ready and end.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        port: int = 0,
        hpa_sync: float = 15.0,
        hpa: Settings | None = None,
        pace: Pace | None = None,
        controllers: bool = True,
        tick: float = 0.25,
    ) -> None:
        self.clock = clock or SystemClock()
        self.server = ApiServer(self.clock, port=port)
        self.usage = UsageApi(self.server.registry)
        self.server.extend("metrics.k8s.io", "v1beta1", self.usage)
        self.world = World(self.server.registry, self.clock, self.usage, tick)
        self.kubelet = Kubelet(self.server.registry, pace or Pace())
        self._controllers = controllers
        self._hpa = (hpa_sync, hpa or Settings())
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        # Before the first object, so that no change goes unseen.
        registry = self.server.registry
        loops = [Loop(registry.store, self.clock, Definitions(registry))]
        loops += self._loops() if self._controllers else []
        await self.server.start()
        if self._controllers:
            await self.kubelet.furnish()
        for loop in loops:
            self._begin(loop.run(), type(loop.reconciler).__name__)
        self._begin(self.world.run(), "world")
        return self

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report)
        self._tasks.append(task)

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            for task in self._tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        finally:
            await self.server.stop()

    def _loops(self) -> list[Loop]:
        registry = self.server.registry
        pods, sets = Owned(registry, registry.kind("pods")), Owned(registry, registry.kind("replicasets", "apps"))
        reconcilers = (
            Namespaces(registry),
            Garbage(registry),
            Deployments(registry, sets),
            ReplicaSets(registry, pods),
            StatefulSets(registry, pods),
            Jobs(registry, pods),
            Disruptions(registry),
            self.kubelet,
        )
        loops = [Loop(registry.store, self.clock, reconciler) for reconciler in reconcilers]
        sync, settings = self._hpa
        autoscalers = Autoscalers(self.server, sync, settings)
        return [*loops, Loop(registry.store, self.clock, autoscalers, delay=sync, workers=HPA_WORKERS)]

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


def _report(task: asyncio.Task[None]) -> None:
    """A part that ends by itself has a fault; it is told at once, and again when the cluster ends."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("%s of the embedded cluster has failed", task.get_name(), exc_info=task.exception())


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
