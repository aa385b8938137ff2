import asyncio

import pytest

from scaler.kube import pods as watching
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.pods import Pods
from scaler.kube.resources import DEPLOYMENTS, PODS
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import deployment, eventually


async def grown(pods: Pods, namespace: str, selector: str, count: int) -> None:
    async def ready() -> bool:
        return await pods.ready(namespace, selector) == count

    await eventually(ready, 30)


async def test_pods_are_counted_by_label_and_readiness(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    cluster.require("kube-controller-manager", "kube-scheduler", "kwok")
    pods = Pods(connection)
    assert await pods.ready(namespace, "app=web") == 0
    await connection.create(DEPLOYMENTS, namespace, deployment("web", 3), into=Ack)
    lost = deployment("lost", 1)
    lost["spec"]["template"]["metadata"]["annotations"] = {"fake-kubelet/never-ready": "true"}
    await connection.create(DEPLOYMENTS, namespace, lost, into=Ack)
    await grown(pods, namespace, "app=web", 3)
    assert len({pod.metadata.name for pod in await pods.matching(namespace, "app in (web)")}) == 3
    assert {pod.phase for pod in await pods.matching(namespace, "app=web")} == {"Running"}
    assert all(pod.node_name for pod in await pods.matching(namespace, "app=web"))
    assert await pods.ready(namespace, "app=lost") == 0
    assert await pods.ready(namespace, "") == 0
    await pods.close()


async def test_nobody_watches_pods_before_they_are_asked_for_and_a_namespace_only_once(
    connection: Connection, namespace: str
) -> None:
    pods = Pods(connection)
    assert connection.counts.total() == 0
    await asyncio.gather(*(pods.matching(namespace, "a=b") for _ in range(5)))
    assert connection.counts["list", "pods", "200"] == 1
    await pods.close()


async def test_many_namespaces_are_watched_as_one(
    connection: Connection, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MANY", 2)
    namespaces = [cluster.new_namespace() for _ in range(4)]
    body = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "none"}], "schedulerName": "nobody"},
    }
    for namespace in namespaces:
        body["metadata"]["labels"] = {"of": namespace}
        await cluster_ready(cluster, namespace)
        await connection.create(PODS, namespace, body, into=Ack)
    pods = Pods(connection)
    for namespace in namespaces:
        found = await pods.matching(namespace, "of")
        assert [pod.metadata.labels["of"] for pod in found] == [namespace]
    assert list(pods._watched) == [""]
    assert connection.counts["list", "pods", "200"] == 3
    limited = Pods(connection, namespaces)
    for namespace in namespaces:
        assert len(await limited.matching(namespace, "of")) == 1
    assert sorted(limited._watched) == sorted(namespaces)
    await asyncio.gather(pods.close(), limited.close())
    for namespace in namespaces:
        cluster.api.delete(f"/api/v1/namespaces/{namespace}")


async def cluster_ready(cluster: Cluster, namespace: str) -> None:
    """Pods are refused before their namespace has its default service account."""
    await eventually(
        lambda: cluster.api.found(f"/api/v1/namespaces/{namespace}/serviceaccounts/default") is not None, 20
    )


async def test_a_wrong_selector_is_named(connection: Connection, namespace: str) -> None:
    pods = Pods(connection)
    with pytest.raises(ValueError, match="a=b=c"):
        await pods.matching(namespace, "a=b=c")
    await pods.close()


async def test_a_watch_that_ended_is_an_error_and_not_an_empty_answer(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(watching.Informer, "run", broken)
    pods = Pods(connection)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="bug"):
            await pods.matching(namespace, "a=b")
    await pods.close()
