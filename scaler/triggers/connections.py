"""What is lent to triggers: HTTP, AWS, Redis and gRPC connections, pooled, and a view of the cluster.

Triggers ask by values (who, where, how trusted) and never open, keep or close anything themselves. The client
libraries are imported when the first trigger needs them: in a thread, as that may take a second in which nobody else
should wait.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from types import TracebackType
from typing import Literal, Protocol, Self

from scaler.errors import Unreadable
from scaler.triggers.connections_aws import Aws
from scaler.triggers.connections_grpc import Grpc
from scaler.triggers.connections_redis import Redis
from scaler.triggers.tls import MinimumTls

Library = Literal["aws", "redis", "grpc"]
"""A client library that takes long to import."""

_MODULES: dict[Library, tuple[str, ...]] = {
    "aws": ("aiobotocore.session", "aiobotocore.config", "aiobotocore.credentials"),
    "redis": ("redis.asyncio", "redis.asyncio.cluster", "redis.asyncio.sentinel"),
    "grpc": ("grpc.aio", "scaler.triggers.externalscaler_pb2"),
}


class PodView(Protocol):
    """As much of a pod as triggers look at."""

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded, Failed or Unknown."""
        ...

    @property
    def node_name(self) -> str:
        """Empty while it is on none."""
        ...


class EndpointView(Protocol):
    """One address behind a Service."""

    @property
    def address(self) -> str:
        """An IP address, or a name."""
        ...

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that its EndpointSlice names."""
        ...


class ClusterView(Protocol):
    """The cluster as triggers see it; given by the room that speaks to Kubernetes."""

    async def pods(self, namespace: str, selector: str) -> Sequence[PodView]:
        """The pods of the namespace that match the label selector."""
        ...

    async def endpoints(self, namespace: str, service: str) -> Sequence[EndpointView]:
        """The addresses behind a Service, by its EndpointSlices; only those that run on a node."""
        ...


class Connections:
    """All connections of a program's triggers. Bound to the loop that first uses it; closed by `aclose`."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        cluster: ClusterView | None = None,
        aws_endpoint_url: str = "",
        ca_folders: tuple[str, ...] = (),
        minimum_tls: MinimumTls = "TLS12",
        keep_alive: bool = True,
    ) -> None:
        from scaler.triggers.connections_http import Http  # aiohttp; who only judges manifests need not wait for it

        self.http = Http(ca_folders=ca_folders, minimum=minimum_tls, keep_alive=keep_alive)
        self.aws = Aws(endpoint_url=aws_endpoint_url)
        self.redis = Redis(self.http.context)
        self.grpc = Grpc(ca_folders=ca_folders)
        self.now = now
        """Epoch seconds, of the same clock as the loops'."""
        self._cluster = cluster
        self._importing: dict[Library, asyncio.Future[None]] = {}
        self._imported: set[Library] = set()

    async def ready(self, library: Library) -> None:
        """Return once the library is imported; at once from the second time on."""
        if library in self._imported:
            return
        if library not in self._importing:
            self._importing[library] = asyncio.ensure_future(asyncio.to_thread(_import, library))
        await asyncio.shield(self._importing[library])
        self._imported.add(library)

    @property
    def cluster(self) -> ClusterView:
        """The cluster. Raises Unreadable where there is none, as when a trigger is tried from a desk."""
        if self._cluster is None:
            raise Unreadable("the cluster cannot be looked at from here: run this where the operator runs")
        return self._cluster

    async def aclose(self) -> None:
        """Close everything."""
        await asyncio.gather(*self._importing.values(), return_exceptions=True)
        for lender in (self.http, self.aws, self.redis, self.grpc):
            await lender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _import(library: Library) -> None:
    for module in _MODULES[library]:
        import_module(module)
