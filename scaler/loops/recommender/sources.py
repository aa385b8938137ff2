"""Where usage is read: metrics.k8s.io, the metrics server's window of the last moments."""

from typing import Protocol

from scaler.kube.connection import Connection
from scaler.kube.resources import Resource
from scaler.vertical.samples import PodUsage, Usages

POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods")


class Source(Protocol):
    """Somebody who knows what pods use now."""

    @property
    def name(self) -> str:
        """Where it is read, for people."""
        ...

    async def read(self) -> list[PodUsage]:
        """Everyone's usage; ApiError when it cannot be read."""
        ...


class MetricsApi:
    """metrics.k8s.io: one list, or one a namespace. It knows no pages."""

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
