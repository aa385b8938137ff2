"""What a test asks of a server beside its API: how to reach it, what pods use, who answers for a group."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from scaler.sim.demand import Demand
from tests.conformance.client import Client
from tests.controlplane.cluster import Cluster
from tests.controlplane.metrics import MetricsServer
from tests.sim.threads import ClusterThread

Usage = Callable[[Mapping[str, Any]], tuple[float, float] | None]
"""From a pod to cores and bytes of each of its containers; None for no metrics."""


class Server(Protocol):
    """One of the two."""

    name: str
    kubeconfig: Path
    group: str
    """Of the custom kind that tests share, once it is made."""
    has_metrics: bool
    """Whether external and custom metrics are answered."""
    traces: dict[str, list[dict[str, Any]]]
    """What came of the scripts for autoscalers, once they are played."""

    def client(self) -> Client: ...

    def use(self, usage: Usage) -> None:
        """Say what pods use; the latest rule that knows a pod wins."""
        ...

    def share(self, namespace: str, app: str, demand: Demand) -> None:
        """Let the ready pods of that label ``app`` share a demand."""
        ...


class SimServer:
    """The embedded cluster."""

    name = "sim"

    def __init__(self, thread: ClusterThread, folder: Path) -> None:
        self.group = ""
        self.has_metrics = False
        self.traces = {}
        self.thread = thread
        self.kubeconfig = thread.cluster.write_kubeconfig(folder / "sim.kubeconfig")

    def client(self) -> Client:
        return Client.of(self.kubeconfig)

    def use(self, usage: Usage) -> None:
        self.thread.cluster.usage.rules.append(usage)

    def share(self, namespace: str, app: str, demand: Demand) -> None:
        self.thread.cluster.world.works(namespace, f"app={app}", demand)


class RealServer:
    """The real control plane."""

    name = "real"

    def __init__(self, cluster: Cluster, metrics: MetricsServer) -> None:
        self.group = ""
        self.has_metrics = False
        self.traces = {}
        self.cluster = cluster
        self.kubeconfig = cluster.kubeconfig
        self._metrics = metrics

    def client(self) -> Client:
        return Client.of(self.kubeconfig)

    def use(self, usage: Usage) -> None:
        self._metrics.rule(usage)

    def share(self, namespace: str, app: str, demand: Demand) -> None:
        self._metrics.shared(namespace, demand, app=app)
