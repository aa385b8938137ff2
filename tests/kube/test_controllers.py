"""From a pod's controller up to the top, on a real cluster, and what is remembered of the way."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from scaler.errors import ApiError
from scaler.kube import controllers
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.controllers import Controllers
from scaler.kube.resources import CRON_JOBS, DEPLOYMENTS, JOBS, REPLICA_SETS, STATEFUL_SETS, Resource
from scaler.vertical.targets import Climb, Controller
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import Peer, deployment, eventually

WEB, SET = Controller("Deployment", "web", "apps/v1"), Controller("ReplicaSet", "set", "apps/v1")
ROLLOUTS = Resource("kinds.example.com", "v1", "rollouts")


def owner(obj: dict[str, Any], api_version: str) -> dict[str, Any]:
    names = {"kind": obj["kind"], "name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}
    return {"apiVersion": api_version, "controller": True, **names}


async def create(connection: Connection, resource: Resource, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = await connection.create(resource, namespace, body, into=dict)
    return made


async def test_a_replica_set_leads_to_its_deployment(
    connection: Connection, namespace: str, cluster: Cluster
) -> None:
    cluster.require("kube-controller-manager")
    await create(connection, DEPLOYMENTS, namespace, deployment("web", 1))
    listed: list[dict[str, Any]] = []

    async def made() -> bool:
        listed[:] = (await connection.listing(REPLICA_SETS, namespace, into=dict)).items
        return bool(listed)

    await eventually(made, 30)
    start = Controller("ReplicaSet", listed[0]["metadata"]["name"], "apps/v1")
    assert await Controllers(connection).topmost(namespace, start) == Climb(WEB)


async def test_a_job_leads_to_its_cron_job(connection: Connection, namespace: str) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}}
    job = {"template": template, "suspend": True}
    cron = {"metadata": {"name": "nightly"}, "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}}
    made = await create(connection, CRON_JOBS, namespace, cron)
    metadata = {"name": "nightly-1", "ownerReferences": [owner({**made, "kind": "CronJob"}, "batch/v1")]}
    await create(connection, JOBS, namespace, {"metadata": metadata, "spec": job})
    way = await Controllers(connection).topmost(namespace, Controller("Job", "nightly-1", "batch/v1"))
    assert way == Climb(Controller("CronJob", "nightly", "batch/v1"))


@pytest.fixture(scope="session")
def rollouts(cluster: Cluster) -> None:
    """A custom kind with a scale, and one without."""
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    for plural, kind, subresources in (
        ("rollouts", "Rollout", {"status": {}, "scale": scale}),
        ("apps", "App", {"status": {}}),
    ):
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": subresources}
        cluster.apply(
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{plural}.kinds.example.com"},
                "spec": {
                    "group": "kinds.example.com",
                    "scope": "Namespaced",
                    "names": {"plural": plural, "kind": kind, "singular": kind.lower(), "listKind": f"{kind}List"},
                    "versions": [version],
                },
            }
        )
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{plural}.kinds.example.com")


@pytest.mark.usefixtures("rollouts")
async def test_a_custom_kind_counts_when_it_scales_and_selects_by_its_scale(
    connection: Connection, namespace: str
) -> None:
    for resource, kind in ((ROLLOUTS, "Rollout"), (Resource("kinds.example.com", "v1", "apps"), "App")):
        body = {"apiVersion": "kinds.example.com/v1", "kind": kind, "metadata": {"name": "web"}}
        made = await create(connection, resource, namespace, {**body, "spec": {"replicas": 1}})
        if kind == "Rollout":
            status = {"status": {"replicas": 1, "selector": "app=web,role=worker"}}
            await connection.patch(resource, namespace, "web", status, subresource="status", into=Ack)
        template = deployment("web")["spec"]
        metadata = {"name": f"of-{kind.lower()}", "ownerReferences": [owner(made, "kinds.example.com/v1")]}
        await create(connection, REPLICA_SETS, namespace, {"metadata": metadata, "spec": template})
    found = Controllers(connection)
    rollout = Controller("Rollout", "web", "kinds.example.com/v1")
    assert await found.topmost(namespace, Controller("ReplicaSet", "of-rollout", "apps/v1")) == Climb(rollout)
    below = Controller("ReplicaSet", "of-app", "apps/v1")
    assert await found.topmost(namespace, below) == Climb(below)
    selector = await found.selector(namespace, rollout)
    assert selector is not None
    assert selector.matches({"app": "web", "role": "worker"})
    assert not selector.matches({"app": "web", "role": "manager"})
    assert await found.selector(namespace, below) is None


async def test_what_is_not_there_has_no_top_and_is_believed_for_seconds(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, "ABSENT", 0.2)
    found, start = Controllers(connection), Controller("StatefulSet", "late", "apps/v1")
    assert (await found.topmost(namespace, start)).problem == "StatefulSet late does not exist"
    made = deployment("late")
    await create(
        connection,
        STATEFUL_SETS,
        namespace,
        {**made, "kind": "StatefulSet", "spec": {**made["spec"], "serviceName": ""}},
    )

    async def there() -> bool:
        return await found.topmost(namespace, start) == Climb(start)

    await eventually(there)


def owned_by(kind: str, name: str) -> str:
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "uid": "u"}
    return json.dumps({"metadata": {"ownerReferences": [reference]}})


async def test_a_hundred_pods_at_once_ask_once_and_a_recall_asks_nobody(peer: Peer, to_peer: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.05)
        return web.Response(text=owned_by("Deployment", "web") if "replicasets" in request.path else "{}")

    peer.answer = answer
    found = Controllers(to_peer)
    assert found.recall("shop", SET) == Climb(ask=SET)
    ways = await asyncio.gather(*(found.topmost("shop", SET) for _ in range(100)))
    assert set(ways) == {Climb(WEB)}
    assert len(peer.seen) == 2
    assert found.recall("shop", SET) == Climb(WEB)
    assert found.recall("other", SET) == Climb(ask=SET)


async def test_one_that_gives_up_leaves_the_answer_to_the_others(peer: Peer, to_peer: Connection) -> None:
    go_on = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(text="{}")

    peer.answer = answer
    found = Controllers(to_peer)
    patient = asyncio.create_task(found.topmost("shop", WEB))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await found.topmost("shop", WEB)
    go_on.set()
    assert await patient == Climb(WEB)
    assert len(peer.seen) == 1


async def test_a_server_that_cannot_say_is_asked_again(peer: Peer, to_peer: Connection) -> None:
    statuses = [403, 200]

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=statuses.pop(0), text="{}")

    peer.answer = answer
    found = Controllers(to_peer)
    with pytest.raises(ApiError):
        await found.topmost("shop", WEB)
    assert await found.topmost("shop", WEB) == Climb(WEB)


async def test_memory_is_bounded(peer: Peer, to_peer: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text="{}")

    monkeypatch.setattr(controllers, "MOST", 3)
    peer.answer = answer
    found = Controllers(to_peer)
    for number in range(5):
        await found.topmost("shop", Controller("Deployment", f"d{number}", "apps/v1"))
    known = [
        found.recall("shop", Controller("Deployment", f"d{number}", "apps/v1")).ask is None for number in range(5)
    ]
    assert known == [False, False, True, True, True]


async def test_a_way_without_end_is_no_way(peer: Peer, to_peer: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        number = int(request.path.rpartition("-")[2]) + 1
        return web.Response(text=owned_by("Deployment", f"d-{number}"))

    peer.answer = answer
    way = await Controllers(to_peer).topmost("shop", Controller("Deployment", "d-0", "apps/v1"))
    assert "more than 10 controllers" in way.problem
