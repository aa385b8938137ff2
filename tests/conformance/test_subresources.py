"""Status and scale beside the object they belong to, and what raises a generation."""

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import autoscaler, config_map, deployment, external
from tests.conformance.things import thing as thing_of

METRIC = external("depth", averageValue="5")


@pytest.fixture
async def target(client: Client, namespace: str) -> str:
    (await client.create(path("deployments", namespace), deployment("d", paused=True))).ok()
    where = path("deployments", namespace, "d")
    await client.until(where, lambda found: found["status"].get("observedGeneration") == 1)
    return where


async def test_a_write_to_the_status_leaves_the_rest_alone(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, thing_of(group, "a"))).ok()
    assert "status" not in made
    change = {"metadata": {"labels": {"x": "y"}}, "spec": {"max": 9}, "status": {"phase": "Done", "unknown": 1}}
    found = (await client.patch(f"{thing}/a/status", change)).ok()
    assert found["status"] == {"phase": "Done"}
    assert found["spec"] == made["spec"]
    assert "labels" not in found["metadata"]
    assert found["metadata"]["generation"] == 1


async def test_a_write_to_the_object_leaves_the_status_alone(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, {**thing_of(group, "a"), "status": {"phase": "Born"}})).ok()
    assert "status" not in made
    (await client.patch(f"{thing}/a/status", {"status": {"phase": "Done"}})).ok()
    found = (await client.patch(f"{thing}/a", {"status": {"phase": "Other"}, "spec": {"max": 9}})).ok()
    assert found["status"] == {"phase": "Done"}
    assert found["spec"]["max"] == 9


async def test_the_generation_counts_what_is_wanted(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, thing_of(group, "a"))).ok()
    assert made["metadata"]["generation"] == 1
    labelled = (await client.patch(f"{thing}/a", {"metadata": {"labels": {"x": "y"}}})).ok()
    assert labelled["metadata"]["generation"] == 1
    wanted = (await client.patch(f"{thing}/a", {"spec": {"max": 9}})).ok()
    assert wanted["metadata"]["generation"] == 2
    same = (await client.patch(f"{thing}/a", {"spec": {"max": 9}})).ok()
    assert same["metadata"]["resourceVersion"] == wanted["metadata"]["resourceVersion"]


async def test_a_deployment_counts_annotations_as_wanted(client: Client, target: str) -> None:
    assert (await client.patch(target, {"metadata": {"labels": {"a": "b"}}})).ok()["metadata"]["generation"] == 1
    assert (await client.patch(target, {"metadata": {"annotations": {"a": "b"}}})).ok()["metadata"]["generation"] == 2
    condition = {"type": "X", "status": "True", "reason": "r", "message": "m"}
    change = {"spec": {"replicas": 9}, "status": {"conditions": [condition]}}
    found = (await client.patch(f"{target}/status", change)).ok()
    assert found["metadata"]["generation"] == 2
    assert found["spec"]["replicas"] == 0


async def test_an_autoscaler_counts_nothing(client: Client, namespace: str) -> None:
    body = autoscaler("h", "nope", [METRIC])
    made = (await client.create(path("horizontalpodautoscalers", namespace), body)).ok()
    assert "generation" not in made["metadata"]
    assert made["status"] == {"currentMetrics": None, "desiredReplicas": 0}


async def test_kinds_without_a_subresource_have_no_path_for_it(client: Client, namespace: str) -> None:
    (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    for name in ("status", "scale"):
        (await client.get(path("configmaps", namespace, "a", name))).refused(404, "NotFound")


async def test_a_deployment_is_seen_as_a_scale(client: Client, target: str) -> None:
    whole = (await client.get(target)).ok()
    scale = (await client.get(f"{target}/scale")).ok()
    assert scale["kind"] == "Scale"
    assert scale["apiVersion"] == "autoscaling/v1"
    assert scale["metadata"]["uid"] == whole["metadata"]["uid"]
    assert scale["spec"] == {}
    assert scale["status"] == {"replicas": 0, "selector": "app=d"}


async def test_a_scale_is_written_in_every_way(client: Client, target: str) -> None:
    assert (await client.patch(f"{target}/scale", {"spec": {"replicas": 1}})).ok()["spec"] == {"replicas": 1}
    step = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    scale = (await client.patch(f"{target}/scale", step, "json")).ok()
    assert scale["spec"] == {"replicas": 2}
    unversioned = {
        **scale,
        "metadata": {"name": "d", "namespace": scale["metadata"]["namespace"]},
        "spec": {"replicas": 3},
    }
    assert (await client.replace(f"{target}/scale", unversioned)).ok()["spec"] == {"replicas": 3}
    whole = (await client.get(target)).ok()
    assert whole["spec"]["replicas"] == 3
    assert whole["metadata"]["generation"] == 4


async def test_a_bad_scale_is_refused(client: Client, target: str) -> None:
    scale = (await client.get(f"{target}/scale")).ok()
    stale = {**scale, "metadata": {**scale["metadata"], "resourceVersion": "1"}, "spec": {"replicas": 3}}
    (await client.replace(f"{target}/scale", stale)).refused(409, "Conflict")
    negative = await client.patch(f"{target}/scale", {"spec": {"replicas": -1}})
    negative.refused(422, "Invalid")
    assert negative.fields() == [("spec.replicas", "FieldValueInvalid")]
    renamed = {**scale, "metadata": {"name": "other"}}
    (await client.replace(f"{target}/scale", renamed)).refused(400, "BadRequest")
    missing = target.replace("/d", "/none")
    (await client.get(f"{missing}/scale")).refused(404, "NotFound")


async def test_a_custom_object_is_scaled_where_its_definition_says(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a"))).ok()
    (await client.patch(f"{thing}/a/status", {"status": {"replicas": 3, "selector": "a=b"}})).ok()
    scale = (await client.get(f"{thing}/a/scale")).ok()
    assert scale["spec"] == {"replicas": 1}
    assert scale["status"] == {"replicas": 3, "selector": "a=b"}
    assert (await client.patch(f"{thing}/a/scale", {"spec": {"replicas": 4}})).ok()["spec"] == {"replicas": 4}
    whole = (await client.get(f"{thing}/a")).ok()
    assert whole["spec"]["replicas"] == 4
    assert whole["metadata"]["generation"] == 2
    negative = await client.patch(f"{thing}/a/scale", {"spec": {"replicas": -4}})
    negative.refused(422, "Invalid")
    assert negative.fields() == [(".spec.replicas", "FieldValueInvalid")]


async def test_a_scale_to_nothing_is_written_down(client: Client, target: str) -> None:
    (await client.patch(f"{target}/scale", {"spec": {"replicas": 2}})).ok()
    assert (await client.patch(f"{target}/scale", {"spec": {"replicas": 0}})).ok()["spec"] == {}
    assert (await client.get(target)).ok()["spec"]["replicas"] == 0
