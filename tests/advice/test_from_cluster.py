"""What the cluster itself knows, from a real control plane with metrics.k8s.io."""

import asyncio
from collections.abc import Mapping

import pytest

from scaler.advice import from_cluster
from scaler.advice.gathered import Gathered
from scaler.advice.judging import Policy, judge
from scaler.advice.nearby import hint
from scaler.clock import SystemClock
from scaler.errors import Unreadable
from scaler.history.owners import Workload
from scaler.kube.credentials import connect
from scaler.vertical.usage import MemoryRules
from tests.controlplane.cluster import Cluster
from tests.controlplane.metrics import MetricsServer
from tests.processes import wait_until

MIB = 2**20


class Hurried(SystemClock):
    """Does not wait; the metrics are of another second at each look all the same."""

    async def sleep(self, seconds: float) -> None:
        assert seconds == from_cluster.EVERY
        await asyncio.sleep(1.1)


async def gathered(cluster: Cluster, namespace: str, watch_for: float = 0.0) -> Gathered:
    told: list[tuple[int, int]] = []
    async with await connect(str(cluster.kubeconfig), None) as connection:
        found = await from_cluster.gather(
            connection,
            (namespace,),
            clock=Hurried(),
            watch_for=watch_for,
            half_lives=(86400.0, 86400.0),
            memory=MemoryRules(),
            progress=lambda done, total: told.append((done, total)),
        )
    assert told[-1][0] == told[-1][1]
    return found


def deployment(resources: Mapping[str, object]) -> dict[str, object]:
    labels = {"app": "web"}
    container = {"name": "app", "image": "registry.k8s.io/pause", "resources": resources}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def test_what_runs_now_is_judged_honestly(
    cluster: Cluster, metrics_server: MetricsServer, namespace: str
) -> None:
    asked = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    cluster.apply(deployment(asked), namespace)
    metrics_server.selected(namespace, cpu=0.1, memory=300.0 * MIB, app="web")
    running = "jsonpath={.items[?(@.status.phase=='Running')].metadata.name}"
    wait_until(
        lambda: len(cluster.kubectl("-n", namespace, "get", "pods", "-o", running).split()) == 2, "two pods", 120
    )
    found = await gathered(cluster, namespace, watch_for=30.0)
    (one,) = judge(found.learning, found.facts, Policy(), found.step)
    assert one.workload == Workload(namespace, "Deployment", "web")
    assert (one.pods, one.replicas, one.container) == (2, 2, "app")
    assert one.facts.requests == {"cpu": 500, "memory": 1024 * MIB}
    assert one.bounds.target == {"cpu": 126, "memory": 380258472}
    assert one.samples in {4, 6}
    assert one.confidence < 0.01
    assert "knows this moment only" in found.notes[0]


async def test_a_namespace_where_nothing_runs_says_so(
    cluster: Cluster, metrics_server: MetricsServer, namespace: str
) -> None:
    with pytest.raises(Unreadable, match=f"metrics.k8s.io has no pods in {namespace}: nothing runs there"):
        await gathered(cluster, namespace)


async def test_where_there_are_no_metrics_a_prometheus_of_the_cluster_is_named(
    cluster: Cluster, namespace: str
) -> None:
    ports = [{"name": "reloader", "port": 8080}, {"name": "http-web", "port": 9091}]
    for name in ("prometheus-operator", "prometheus-stack", "prometheus-node-exporter"):
        meta = {"name": name, "namespace": namespace}
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})
    async with await connect(str(cluster.kubeconfig), None) as connection:
        said = await hint(connection)
    cluster.kubectl("-n", namespace, "delete", "service", "--all")
    assert said == (
        f"a Prometheus seems to be there: kubectl -n {namespace} port-forward svc/prometheus-stack 9090:9091, then "
        "scaler recommend --prometheus http://localhost:9090"
    )


async def test_where_none_is_seen_nothing_is_said(cluster: Cluster) -> None:
    async with await connect(str(cluster.kubeconfig), None) as connection:
        assert await hint(connection) == ""
