"""Pods, followed from the moment somebody first asks: an installation that never counts pods never watches them."""

import asyncio

from scaler.api.selector import parse_selector
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import PODS
from scaler.kube.views import Pod


class Pods:
    """Answers by label selector, one namespace at a time."""

    def __init__(self, connection: Connection, namespaces: tuple[str, ...] = ()) -> None:
        self._informer = Informer(
            connection, PODS, Pod, namespaces=namespaces, indexes={"namespace": lambda pod: (pod.metadata.namespace,)}
        )
        self._running: asyncio.Task[None] | None = None

    async def matching(self, namespace: str, selector: str) -> list[Pod]:
        """The pods whose labels match; ValueError for a selector that is none."""
        wanted = parse_selector(selector)
        if self._running is None:
            self._running = asyncio.create_task(self._informer.run(), name="pods")
        await self._informer.synced.wait()
        return [pod for pod in self._informer.select("namespace", namespace) if wanted.matches(pod.metadata.labels)]

    async def ready(self, namespace: str, selector: str) -> int:
        """How many of them are Running and Ready, and not on their way out."""
        return sum(
            pod.ready and pod.metadata.deletion_timestamp is None for pod in await self.matching(namespace, selector)
        )

    async def close(self) -> None:
        """Stop following."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
