"""Where usage is read: metrics.k8s.io, or a Prometheus that watches the cluster."""

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from scaler.clock import to_rfc3339
from scaler.history import queries
from scaler.history.answers import Sample
from scaler.history.prometheus import Prometheus
from scaler.history.queries import Names
from scaler.history.usage import scrape_interval
from scaler.kube.connection import Connection
from scaler.kube.resources import Resource
from scaler.vertical.samples import Amounts, ContainerUsage, PodUsage, UsageMeta, Usages

POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods")


class Source(Protocol):
    """Somebody who knows what pods use now."""

    @property
    def name(self) -> str:
        """Where it is read, for people."""
        ...

    async def read(self) -> list[PodUsage]:
        """Everyone's usage; ApiError or Unreadable when it cannot be read."""
        ...


class MetricsApi:
    """metrics.k8s.io: the metrics server's window of the last moments. One list, or one a namespace: no pages."""

    name = "metrics.k8s.io"

    def __init__(self, connection: Connection, namespaces: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._namespaces = namespaces or ("",)

    async def read(self) -> list[PodUsage]:
        """Everyone's usage."""
        found: list[PodUsage] = []
        for namespace in self._namespaces:
            found += (await self._connection.request("GET", POD_METRICS.path(namespace), into=Usages)).items
        return found


class PrometheusUsage:
    """What a Prometheus saw since the reading before: the mean of cpu, and the most of memory."""

    name = "Prometheus"

    def __init__(
        self,
        prometheus: Prometheus,
        names: Names,
        namespaces: tuple[str, ...],
        interval: float,
        now: Callable[[], float],
    ) -> None:
        """`interval` is the time between two readings, in seconds."""
        self._prometheus = prometheus
        self._names = names
        self._namespaces = namespaces
        self._interval = interval
        self._now = now
        self._scrape: float | None = None

    async def read(self) -> list[PodUsage]:
        """Everyone's usage. Cpu is of four scrapes at the least, so that one that is missed leaves no hole."""
        now = self._now()
        if self._scrape is None:
            self._scrape = await scrape_interval(self._prometheus, self._names, now)
        cpu = queries.cpu(self._names, self._namespaces, (), max(self._interval, 4 * self._scrape))
        memory = queries.memory(self._names, self._namespaces, (), max(self._interval, 2 * self._scrape))
        cores, sizes = await asyncio.gather(*(self._prometheus.query(asked, now) for asked in (cpu, memory)))
        return self._pods(cores, sizes, to_rfc3339(now))

    def _pods(self, cores: list[Sample], sizes: list[Sample], time: str) -> list[PodUsage]:
        used: dict[tuple[str, str], dict[str, list[str]]] = {}
        for which, (samples, unit, scale) in enumerate(((cores, "n", 1e9), (sizes, "", 1.0))):
            for labels, value in samples:
                if not math.isfinite(value):
                    continue
                namespace, pod, container = self._names.place(labels)
                known = used.setdefault((namespace, pod), {}).setdefault(container, ["", ""])
                known[which] = f"{value * scale:.0f}{unit}"
        return [
            PodUsage(
                UsageMeta(pod, namespace),
                time,
                tuple(ContainerUsage(name, Amounts(cpu, memory)) for name, (cpu, memory) in containers.items()),
            )
            for (namespace, pod), containers in used.items()
        ]
