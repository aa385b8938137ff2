import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from scaler.api.scaledobject import GroupVersionKindResource
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.resources import DEPLOYMENTS, HPAS, STATEFUL_SETS, Resource
from scaler.kube.workloads import NoTarget, ScaleNow, Workloads
from tests.kube.conftest import deployment, eventually

DEPLOYMENT = GroupVersionKindResource("apps", "v1", "Deployment", "deployments")
STATEFUL_SET = GroupVersionKindResource("apps", "v1", "StatefulSet", "statefulsets")
REPLICA_SET = GroupVersionKindResource("apps", "v1", "ReplicaSet", "replicasets")


@contextlib.asynccontextmanager
async def following(workloads: Workloads) -> AsyncIterator[None]:
    task = asyncio.create_task(workloads.run())
    async with asyncio.timeout(10):
        await workloads.synced()
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_common_kinds_are_read_without_a_call(connection: Connection, namespace: str) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web", 0), into=Ack)
    stateful = deployment("db", 0)
    stateful["kind"], stateful["spec"]["serviceName"] = "StatefulSet", "db"
    await connection.create(STATEFUL_SETS, namespace, stateful, into=Ack)
    workloads = Workloads(connection, (namespace,))
    async with following(workloads):
        calls = connection.counts.total()
        for target, name in [(DEPLOYMENT, "web"), (STATEFUL_SET, "db")]:
            found = await workloads.read_scale(target, namespace, name)
            assert isinstance(found, ScaleNow)
            assert (found.replicas, found.current, found.selector) == (0, 0, f"app={name}")
        assert connection.counts.total() == calls


async def test_other_kinds_and_other_namespaces_are_asked_for(connection: Connection, namespace: str) -> None:
    replicaset = deployment("rs", 0)
    replicaset["kind"] = "ReplicaSet"
    await connection.create(Resource("apps", "v1", "replicasets"), namespace, replicaset, into=Ack)
    await connection.create(DEPLOYMENTS, namespace, deployment("web", 0), into=Ack)
    workloads = Workloads(connection, ("kube-system",))
    async with following(workloads):
        for target, name in [(REPLICA_SET, "rs"), (DEPLOYMENT, "web")]:
            assert await workloads.read_scale(target, namespace, name) == ScaleNow(0, 0, f"app={name}")


async def test_what_is_not_there_is_asked_for_once_more_and_then_named(
    connection: Connection, namespace: str
) -> None:
    workloads = Workloads(connection, (namespace,))
    async with following(workloads):
        found = await workloads.read_scale(DEPLOYMENT, namespace, "web")
        assert found == NoTarget(f"deployments {namespace}/web does not exist")
    assert connection.counts["get", "deployments", "404"] == 1


async def test_a_workload_that_was_just_made_is_there_before_the_copy_has_it(
    connection: Connection, namespace: str
) -> None:
    workloads = Workloads(connection, (namespace,))  # not following: the copy stays empty
    await connection.create(DEPLOYMENTS, namespace, deployment("web", 0), into=Ack)
    assert await workloads.read_scale(DEPLOYMENT, namespace, "web") == ScaleNow(0, 0, "app=web")


async def test_workloads_that_come_and_go_are_told_and_changes_are_not(
    connection: Connection, namespace: str
) -> None:
    told: list[tuple[str, str, str]] = []
    workloads = Workloads(connection, (namespace,))
    workloads.on_came_or_went(lambda *what: told.append(what))
    async with following(workloads):
        await connection.create(DEPLOYMENTS, namespace, deployment("web", 0), into=Ack)
        await eventually(lambda: len(told) == 1)
        await connection.patch(DEPLOYMENTS, namespace, "web", {"spec": {"replicas": 1}}, into=Ack)

        async def changed() -> bool:
            found = await workloads.read_scale(DEPLOYMENT, namespace, "web")
            return isinstance(found, ScaleNow) and found.replicas == 1

        await eventually(changed)
        await connection.delete(DEPLOYMENTS, namespace, "web")
        await eventually(lambda: len(told) == 2)
    assert told == [(namespace, "Deployment", "web")] * 2


async def test_new_replicas_of_a_followed_workload_are_told_and_other_changes_are_not(
    connection: Connection, namespace: str
) -> None:
    told: list[tuple[str, str, str, int]] = []
    workloads = Workloads(connection, (namespace,))
    workloads.on_rescaled(lambda *what: told.append(what))
    async with following(workloads):
        await connection.create(DEPLOYMENTS, namespace, deployment("web", 0), into=Ack)
        await connection.patch(DEPLOYMENTS, namespace, "web", {"metadata": {"labels": {"a": "b"}}}, into=Ack)
        for replicas in (2, 0):
            await connection.patch(DEPLOYMENTS, namespace, "web", {"spec": {"replicas": replicas}}, into=Ack)
        await eventually(lambda: len(told) == 2)
        await connection.delete(DEPLOYMENTS, namespace, "web")
    assert told == [(namespace, "Deployment", "web", 2), (namespace, "Deployment", "web", 0)]
    assert workloads.follows(DEPLOYMENTS)
    assert not workloads.follows(HPAS)


async def test_a_watch_that_cannot_go_on_ends_it(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    workloads = Workloads(connection)

    async def broken() -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(workloads._followed[DEPLOYMENTS], "run", broken)
    with pytest.raises(ExceptionGroup) as raised:
        await workloads.run()
    assert raised.group_contains(RuntimeError, match="bug", depth=1)
