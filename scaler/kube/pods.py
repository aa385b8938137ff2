"""Pods, counted: for kubernetes-workload triggers, and for how many replicas of a workload are ready.

Nobody watches pods before somebody asks for them. A namespace is watched from its first question on; when many
are, one watch of all is cheaper.
"""

import asyncio
from collections.abc import Collection

from scaler.api.selector import parse_selector
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import PODS
from scaler.kube.views import Pod

MANY = 16
"""Watches from which on all namespaces are watched instead."""


class _Watched:
    """The pods of one namespace or of all."""

    def __init__(self, connection: Connection, namespaces: Collection[str]) -> None:
        self._copy: Informer[Pod] = Informer(
            connection, PODS, Pod, namespaces=namespaces, indexes={"namespace": lambda pod: (pod.metadata.namespace,)}
        )
        self.task = asyncio.create_task(self._copy.run(), name="pods")

    async def synced(self) -> Informer[Pod]:
        """The copy once it is whole; the error that ended it if it has ended."""
        if not self._copy.synced.is_set():
            whole = asyncio.ensure_future(self._copy.synced.wait())
            try:
                await asyncio.wait((whole, self.task), return_when=asyncio.FIRST_COMPLETED)
            finally:
                whole.cancel()
        if self.task.done() and not self.task.cancelled():
            self.task.result()
        return self._copy


class Pods:
    """The pods of the cluster, as far as they were asked for. `namespaces` says that not all may be watched."""

    def __init__(self, connection: Connection, namespaces: Collection[str] = ()) -> None:
        self._connection = connection
        self._limited = bool(namespaces)
        self._watched: dict[str, _Watched] = {}

    async def matching(self, namespace: str, selector: str) -> list[Pod]:
        """The pods of a namespace with these labels, finished ones too; ValueError for a selector that is none.

        Waits for the first list of a namespace that nobody asked about before.
        """
        wanted = parse_selector(selector)
        copy = await self._watch(namespace).synced()
        return [pod for pod in copy.select("namespace", namespace) if wanted.matches(pod.metadata.labels)]

    async def ready(self, namespace: str, selector: str) -> int:
        """How many of them run and are ready, as the HPA counts; none for an empty selector, as it means nobody's."""
        return 0 if not selector else sum(pod.ready for pod in await self.matching(namespace, selector))

    async def close(self) -> None:
        """Stop watching."""
        tasks = [watched.task for watched in self._watched.values()]
        self._watched.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self, namespace: str) -> _Watched:
        found = self._watched.get("") or self._watched.get(namespace)
        if found is not None:
            return found
        if len(self._watched) >= MANY and not self._limited:
            for watched in self._watched.values():
                watched.task.cancel()
            self._watched.clear()
            namespace = ""
        self._watched[namespace] = _Watched(self._connection, (namespace,) if namespace else ())
        return self._watched[namespace]
