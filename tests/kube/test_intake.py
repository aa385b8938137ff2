import asyncio
import contextlib

import pytest

from scaler.api.authentication import TriggerAuthentication
from scaler.api.scaledobject import ScaledObject
from scaler.kube.intake import Intake, Scope
from scaler.kube.resources import SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS
from tests.kube.conftest import eventually, scaled_object


@contextlib.asynccontextmanager
async def running(connection, scope):
    intake = Intake(connection, scope)
    seen = []
    intake.on_changes(seen.extend)
    task = asyncio.create_task(intake.run())
    try:
        await asyncio.wait_for(intake.synced.wait(), 20)
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(seen, namespace):
    return [(each.ref.name, type(each.new)) for each in seen if each.ref.namespace == namespace]


async def test_what_is_there_comes_before_it_is_synced_authentications_first(connection, kinds, namespace):
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("first"), into=dict)
    authentication = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": {"name": "a"},
        "spec": {},
    }
    await connection.create(TRIGGER_AUTHENTICATIONS, namespace, authentication, into=dict)
    async with running(connection, Scope((namespace,))) as seen:
        assert names(seen, namespace) == [("a", TriggerAuthentication), ("first", ScaledObject)]


async def test_each_change_is_told_once_and_in_order(connection, kinds, namespace):
    async with running(connection, Scope((namespace,))) as seen:
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("one"), into=dict)
        await eventually(lambda: len(seen) == 1)
        await connection.patch(SCALED_OBJECTS, namespace, "one", {"metadata": {"labels": {"a": "b"}}}, into=dict)
        await eventually(lambda: len(seen) == 2)
        await connection.delete(SCALED_OBJECTS, namespace, "one")
        await eventually(lambda: len(seen) == 3)
        assert [type(each.new) for each in seen] == [ScaledObject, ScaledObject, type(None)]
        assert seen[1].new.metadata.labels == {"a": "b"}


async def test_nothing_is_written_on_users_objects(connection, kinds, namespace):
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("mine"), into=dict)
    async with running(connection, Scope((namespace,))):
        await connection.patch(SCALED_OBJECTS, namespace, "mine", {"metadata": {"labels": {"a": "b"}}}, into=dict)
        await asyncio.sleep(2)
    left = await connection.get(SCALED_OBJECTS, namespace, "mine", into=dict)
    assert left["metadata"]["generation"] == made["metadata"]["generation"]
    assert "annotations" not in left["metadata"]
    assert "finalizers" not in left["metadata"]
    assert {entry["manager"] for entry in left["metadata"]["managedFields"]} == {
        entry["manager"] for entry in made["metadata"]["managedFields"]
    }


async def test_other_namespaces_and_labels_are_not_ours(connection, kinds, namespace, cluster):
    other = cluster.new_namespace()
    await connection.create(SCALED_OBJECTS, other, scaled_object("elsewhere", labels={"team": "us"}), into=dict)
    async with running(connection, Scope((namespace,), labels="team=us")) as seen:
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("theirs"), into=dict)
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("ours", labels={"team": "us"}), into=dict)
        await eventually(lambda: len(seen) >= 1)
        await asyncio.sleep(0.5)
        assert [each.ref.name for each in seen] == ["ours"]


async def test_an_object_that_is_made_anew_under_its_name_is_another(connection, kinds, namespace):
    async with running(connection, Scope((namespace,))) as seen:
        for _ in range(2):
            await connection.create(SCALED_OBJECTS, namespace, scaled_object("phoenix"), into=dict)
            await connection.delete(SCALED_OBJECTS, namespace, "phoenix")
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("phoenix"), into=dict)
        await eventually(lambda: seen and seen[-1].new is not None)
        await asyncio.sleep(0.5)
        there = await connection.get(SCALED_OBJECTS, namespace, "phoenix", into=dict)
        assert seen[-1].new.metadata.uid == there["metadata"]["uid"]


async def test_an_end_of_kopf_ends_the_intake(connection, kinds, namespace, monkeypatch):
    import kopf

    def broken(**_):
        raise RuntimeError("broken")

    monkeypatch.setattr(kopf, "operator", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(Intake(connection, Scope((namespace,))).run(), 20)
