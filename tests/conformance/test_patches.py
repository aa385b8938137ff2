"""Merge patches, JSON patches, strategic merge patches: what each makes of an object, and what is refused."""

from typing import Any

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import config_map, deployment
from tests.conformance.things import thing as thing_of


@pytest.fixture
async def target(client: Client, namespace: str) -> str:
    """A Deployment whose controllers rest, with one container."""
    (await client.create(path("deployments", namespace), deployment("d", paused=True))).ok()
    return path("deployments", namespace, "d")


def containers(found: Any) -> list[Any]:
    return found["spec"]["template"]["spec"]["containers"]


async def patched_containers(client: Client, target: str, how: str, new: list[Any]) -> list[Any]:
    body = {"spec": {"template": {"spec": {"containers": new}}}}
    return containers((await client.patch(target, body, how)).ok())


async def test_a_merge_patch_sets_and_removes(client: Client, namespace: str) -> None:
    (await client.create(path("configmaps", namespace), config_map("a", {"x": "1", "z": "2"}))).ok()
    found = (await client.patch(path("configmaps", namespace, "a"), {"data": {"z": None, "q": "3"}})).ok()
    assert found["data"] == {"x": "1", "q": "3"}


async def test_a_merge_patch_replaces_lists(client: Client, target: str) -> None:
    found = await patched_containers(client, target, "merge", [{"name": "other", "image": "i"}])
    assert [part["name"] for part in found] == ["other"]


async def test_a_strategic_patch_merges_containers_by_name(client: Client, target: str) -> None:
    new = [{"name": "side", "image": "j"}, {"name": "main", "env": [{"name": "A", "value": "1"}]}]
    found = await patched_containers(client, target, "strategic", new)
    assert [(part["name"], part["image"]) for part in found] == [("side", "j"), ("main", "none")]
    assert found[1]["env"] == [{"name": "A", "value": "1"}]
    assert found[1]["resources"]["requests"] == {"cpu": "100m", "memory": "64Mi"}


async def test_a_strategic_patch_deletes_by_directive(client: Client, target: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    await patched_containers(
        client, target, "strategic", [{"name": "side", "image": "j"}, {"name": "main", "env": env}]
    )
    change = [{"name": "A", "$patch": "delete"}, {"name": "C", "value": "3"}]
    found = await patched_containers(client, target, "strategic", [{"name": "main", "env": change}])
    main = next(part for part in found if part["name"] == "main")
    assert {one["name"]: one["value"] for one in main["env"]} == {"B": "2", "C": "3"}
    found = await patched_containers(client, target, "strategic", [{"name": "side", "$patch": "delete"}])
    assert [part["name"] for part in found] == ["main"]


async def test_a_strategic_patch_orders_by_directive(client: Client, target: str) -> None:
    """What kubectl apply sends."""
    body = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "first"}, {"name": "main"}, {"name": "last"}],
                    "containers": [{"name": "first", "image": "f"}, {"name": "last", "image": "l"}],
                }
            }
        }
    }
    found = containers((await client.patch(target, body, "strategic")).ok())
    assert [part["name"] for part in found] == ["first", "main", "last"]


async def test_a_strategic_patch_replaces_whole_by_directive(client: Client, target: str) -> None:
    body = {"metadata": {"labels": {"a": "b", "c": "d"}}}
    (await client.patch(target, body)).ok()
    found = (await client.patch(target, {"metadata": {"labels": {"$patch": "replace", "x": "y"}}}, "strategic")).ok()
    assert found["metadata"]["labels"] == {"x": "y"}


async def test_a_json_patch_works_in_steps(client: Client, target: str) -> None:
    steps = [
        {"op": "test", "path": "/spec/paused", "value": True},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "new"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "side", "image": "s"}},
        {"op": "copy", "from": "/metadata/labels/a~1b", "path": "/metadata/labels/copy"},
        {"op": "move", "from": "/metadata/labels/copy", "path": "/metadata/labels/moved"},
        {"op": "remove", "path": "/spec/paused"},
        {"op": "add", "path": "/spec/paused", "value": True},
    ]
    found = (await client.patch(target, steps, "json")).ok()
    assert [part["image"] for part in containers(found)] == ["new", "s"]
    assert found["metadata"]["labels"] == {"a/b": "c", "moved": "c"}


BAD_STEPS = {
    "a failed test": [{"op": "test", "path": "/spec/replicas", "value": 5}],
    "a member that is not there": [{"op": "remove", "path": "/spec/nope"}],
    "an index that is not there": [{"op": "replace", "path": "/spec/template/spec/containers/7", "value": {}}],
    "an unknown step": [{"op": "zap", "path": "/spec"}],
}


@pytest.mark.parametrize("case", BAD_STEPS)
async def test_a_json_patch_that_does_not_fit_changes_nothing(client: Client, target: str, case: str) -> None:
    steps = [{"op": "add", "path": "/metadata/labels", "value": {"changed": "yes"}}, *BAD_STEPS[case]]
    (await client.patch(target, steps, "json")).refused(422, "Invalid")
    assert "labels" not in (await client.get(target)).ok()["metadata"]


async def test_patches_that_cannot_be_read(client: Client, target: str) -> None:
    (await client.patch(target, {"a": 1}, "json")).refused(400, "BadRequest")
    (await client.patch(target, [1], "merge")).refused(400, "BadRequest")
    (await client.send("PATCH", target, {}, "application/json")).refused(415, "UnsupportedMediaType")


async def test_nothing_there_to_patch(client: Client, namespace: str) -> None:
    (await client.patch(path("deployments", namespace, "none"), {"a": 1})).refused(404, "NotFound")


async def test_a_patch_may_insist_on_a_version(client: Client, target: str) -> None:
    (await client.patch(target, {"metadata": {"resourceVersion": "1"}})).refused(409, "Conflict")
    current = (await client.get(target)).ok()["metadata"]["resourceVersion"]
    change = {"metadata": {"resourceVersion": current, "labels": {"a": "b"}}}
    assert (await client.patch(target, change)).status in {200, 409}, "a controller may have been faster"


async def test_a_patch_changes_neither_name_nor_kind(client: Client, target: str) -> None:
    (await client.patch(target, {"metadata": {"name": "q"}})).refused(400, "BadRequest")
    (await client.patch(target, {"kind": "Pod"})).refused(422, "Invalid")


async def test_a_patch_is_validated(client: Client, target: str) -> None:
    reply = await client.patch(target, {"spec": {"selector": {"matchLabels": {"app": "e"}}}})
    reply.refused(422, "Invalid")
    assert reply.fields() == [
        ("spec.selector", "FieldValueInvalid"),
        ("spec.template.metadata.labels", "FieldValueInvalid"),
    ]
    reply = await client.patch(target, {"spec": {"replicas": -1}})
    reply.refused(422, "Invalid")
    assert reply.fields() == [("spec.replicas", "FieldValueInvalid")]
    reply = await client.patch(target, {"spec": {"replicas": "three"}})
    reply.refused(422, "Invalid")
    assert reply.fields() == [("patch", "FieldValueInvalid")]


async def test_custom_objects_know_no_strategic_patch(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a"))).ok()
    (await client.patch(f"{thing}/a", {"spec": {"max": 5}}, "strategic")).refused(415, "UnsupportedMediaType")
    assert (await client.patch(f"{thing}/a", {"spec": {"max": 5}})).ok()["spec"]["max"] == 5
    step = [{"op": "add", "path": "/spec/items", "value": [{"key": "z"}]}]
    assert (await client.patch(f"{thing}/a", step, "json")).ok()["spec"]["items"] == [{"key": "z", "weight": 7}]


async def test_a_dry_patch_keeps_nothing(client: Client, target: str) -> None:
    change = {"metadata": {"labels": {"a": "b"}}}
    assert (await client.patch(target, change, dryRun="All")).ok()["metadata"]["labels"] == {"a": "b"}
    assert "labels" not in (await client.get(target)).ok()["metadata"]
