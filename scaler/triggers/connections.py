"""What is lent to triggers: HTTP, AWS, Redis and gRPC connections, pooled, and a view of the cluster.

Triggers ask by values (who, where, how trusted) and never open, keep or close anything themselves. The four rooms
beside this one import their client libraries only when the first trigger needs them.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from scaler.errors import Unreadable
from scaler.triggers.connections_aws import Aws
from scaler.triggers.connections_grpc import Grpc
from scaler.triggers.connections_http import Http
from scaler.triggers.connections_redis import Redis
from scaler.triggers.tls import MinimumTls


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
        self.http = Http(ca_folders=ca_folders, minimum=minimum_tls, keep_alive=keep_alive)
        self.aws = Aws(endpoint_url=aws_endpoint_url)
        self.redis = Redis(self.http.context)
        self.grpc = Grpc(ca_folders=ca_folders)
        self.now = now
        """Epoch seconds, of the same clock as the loops'."""
        self._cluster = cluster

    @property
    def cluster(self) -> ClusterView:
        """The cluster. Raises Unreadable where there is none, as when a trigger is tried from a desk."""
        if self._cluster is None:
            raise Unreadable("the cluster cannot be looked at from here: run this where the operator runs")
        return self._cluster

    async def aclose(self) -> None:
        """Close everything."""
        for lender in (self.http, self.aws, self.redis, self.grpc):
            await lender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
