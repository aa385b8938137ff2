"""Creating, reading, replacing and deleting, and what is refused."""

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import config_map


async def test_what_is_created_is_read_back_with_its_identity(client: Client, namespace: str) -> None:
    made = (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    assert made["metadata"]["namespace"] == namespace
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"]
    read = (await client.get(path("configmaps", namespace, "a"))).ok()
    assert read == made


async def test_a_name_is_taken_once(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    assert (await client.create(where, config_map("a"))).status == 201
    said = (await client.create(where, config_map("a"))).refused(409, "AlreadyExists")
    assert said["message"] == 'configmaps "a" already exists'
    assert said["details"] == {"name": "a", "kind": "configmaps"}


async def test_what_is_not_there_is_named_in_the_refusal(client: Client, namespace: str) -> None:
    said = (await client.get(path("deployments", namespace, "none"))).refused(404, "NotFound")
    assert said["message"] == 'deployments.apps "none" not found'
    assert said["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


async def test_nothing_is_created_in_a_namespace_that_is_not_there(client: Client) -> None:
    said = (await client.create(path("configmaps", "no-such"), config_map("a"))).refused(404, "NotFound")
    assert said["message"] == 'namespaces "no-such" not found'
    assert (await client.get(path("configmaps", "no-such"))).ok()["items"] == []


async def test_a_generated_name_keeps_its_prefix(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    made = [(await client.create(where, config_map("", generateName="x-"))).ok() for _ in range(2)]
    names = [one["metadata"]["name"] for one in made]
    assert all(name.startswith("x-") and len(name) == 7 for name in names)
    assert names[0] != names[1]
    assert made[0]["metadata"]["generateName"] == "x-"


BAD_METADATA = {
    "no name": ({"name": ""}, [("metadata.name", "FieldValueRequired")]),
    "bad name": ({"name": "A_b"}, [("metadata.name", "FieldValueInvalid")]),
    "bad labels": (
        {"name": "a", "labels": {"a b": "x", "ok": "!!"}},
        [("metadata.labels", "FieldValueInvalid"), ("metadata.labels", "FieldValueInvalid")],
    ),
    "bad annotation": ({"name": "a", "annotations": {"b c": "x"}}, [("metadata.annotations", "FieldValueInvalid")]),
    "bad finalizer": ({"name": "a", "finalizers": ["nodomain"]}, [("metadata.finalizers[0]", "FieldValueInvalid")]),
    "half an owner": (
        {"name": "a", "ownerReferences": [{"name": "x"}]},
        [
            ("metadata.ownerReferences.apiVersion", "FieldValueInvalid"),
            ("metadata.ownerReferences.kind", "FieldValueInvalid"),
            ("metadata.ownerReferences.uid", "FieldValueInvalid"),
        ],
    ),
}


@pytest.mark.parametrize("case", BAD_METADATA)
async def test_bad_metadata_is_refused_with_every_cause(client: Client, namespace: str, case: str) -> None:
    metadata, causes = BAD_METADATA[case]
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    reply = await client.create(path("configmaps", namespace), body)
    reply.refused(422, "Invalid")
    assert reply.fields() == causes


UNREADABLE = {
    "another namespace": {"metadata": {"name": "a", "namespace": "other"}},
    "another kind": {"kind": "Secret"},
    "another version": {"apiVersion": "apps/v1"},
    "labels of numbers": {"metadata": {"name": "a", "labels": {"a": 1}}},
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_what_cannot_be_meant_is_a_bad_request(client: Client, namespace: str, case: str) -> None:
    body = {**config_map("a"), **UNREADABLE[case]}
    (await client.create(path("configmaps", namespace), body)).refused(400, "BadRequest")


async def test_no_json_is_a_bad_request(client: Client, namespace: str) -> None:
    reply = await client.call("POST", path("configmaps", namespace), b"{nope", Content_Type="application/json")
    reply.refused(400, "BadRequest")


async def test_an_unknown_media_type_is_refused(client: Client, namespace: str) -> None:
    reply = await client.call("POST", path("configmaps", namespace), b"{}", Content_Type="text/plain")
    reply.refused(415, "UnsupportedMediaType")


async def test_a_body_may_be_large_but_not_too_large(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    assert (await client.create(where, config_map("a", {"x": "y" * 1_000_000}))).status == 201
    (await client.create(where, config_map("b", {"x": "y" * 4_000_000}))).refused(413, "RequestEntityTooLarge")


async def test_yaml_is_read_as_well(client: Client, namespace: str) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: z}\n"
    reply = await client.call("POST", path("configmaps", namespace), text, Content_Type="application/yaml")
    assert reply.ok()["data"] == {"x": "z"}


async def test_paths_that_lead_nowhere(client: Client, namespace: str) -> None:
    assert (await client.get("/nope")).status == 404
    assert (await client.get("/apis/nope.example.com/v1/things")).status == 404
    (await client.get("/api/v1/things")).refused(404, "NotFound")
    (await client.get(path("configmaps", "", "a"))).refused(404, "NotFound")
    (await client.get(path("configmaps", namespace, "a", "nope"))).refused(404, "NotFound")


async def test_methods_that_a_path_does_not_know(client: Client, namespace: str) -> None:
    (await client.create(path("configmaps", namespace, "a"), config_map("a"))).refused(405, "MethodNotAllowed")
    (await client.create("/api/v1/configmaps", config_map("a"))).refused(405, "MethodNotAllowed")


async def test_a_stale_version_conflicts(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace, "a")
    first = (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    second = (await client.replace(where, {**first, "data": {"a": "c"}})).ok()
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    said = (await client.replace(where, {**first, "data": {"a": "d"}})).refused(409, "Conflict")
    assert said["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert (await client.get(where)).ok()["data"] == {"a": "c"}


async def test_a_replacement_without_a_version_overwrites_where_the_kind_allows_it(
    client: Client, namespace: str
) -> None:
    (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    assert (await client.replace(path("configmaps", namespace, "a"), config_map("a", {"x": "y"}))).ok()["data"] == {
        "x": "y"
    }
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    (await client.create(path("leases", namespace), lease)).ok()
    reply = await client.replace(path("leases", namespace, "l"), lease)
    reply.refused(422, "Invalid")
    assert reply.fields() == [("metadata.resourceVersion", "FieldValueInvalid")]


async def test_a_lease_may_be_created_by_replacing_it(client: Client, namespace: str) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    assert (await client.replace(path("leases", namespace, "l"), lease)).status == 201
    (await client.replace(path("configmaps", namespace, "l"), config_map("l"))).refused(404, "NotFound")


async def test_nothing_new_makes_no_new_version(client: Client, namespace: str) -> None:
    first = (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    again = (await client.replace(path("configmaps", namespace, "a"), config_map("a"))).ok()
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_an_object_keeps_its_name_and_its_uid(client: Client, namespace: str) -> None:
    first = (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    where = path("configmaps", namespace, "a")
    (await client.replace(where, config_map("b"))).refused(400, "BadRequest")
    (await client.replace(where, config_map("a", uid="other"))).refused(409, "Conflict")
    kept = (await client.replace(where, config_map("a", creationTimestamp="2020-01-01T00:00:00Z"))).ok()
    assert kept["metadata"]["creationTimestamp"] == first["metadata"]["creationTimestamp"]


async def test_a_dry_run_answers_and_keeps_nothing(client: Client, namespace: str) -> None:
    made = await client.create(path("configmaps", namespace), config_map("a"), dryRun="All")
    assert made.status == 201
    assert (await client.get(path("configmaps", namespace, "a"))).status == 404
    (await client.create(path("configmaps", namespace), config_map("a"), dryRun="Some")).refused(422, "Invalid")


async def test_deleting_says_what_is_gone(client: Client, namespace: str) -> None:
    made = (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    said = (await client.delete(path("configmaps", namespace, "a"))).ok()
    assert said["status"] == "Success"
    assert said["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    (await client.delete(path("configmaps", namespace, "a"))).refused(404, "NotFound")


@pytest.mark.parametrize("condition", [{"uid": "other"}, {"resourceVersion": "1"}])
async def test_a_deletion_keeps_to_its_preconditions(
    client: Client, namespace: str, condition: dict[str, str]
) -> None:
    (await client.create(path("configmaps", namespace), config_map("a"))).ok()
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": condition}
    (await client.delete(path("configmaps", namespace, "a"), options)).refused(409, "Conflict")
    assert (await client.get(path("configmaps", namespace, "a"))).status == 200


async def test_a_finalizer_holds_an_object_until_it_is_taken_away(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace, "a")
    body = config_map("a", finalizers=["example.com/wait"])
    (await client.create(path("configmaps", namespace), body)).ok()
    marked = (await client.delete(where)).ok()
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    again = (await client.delete(where)).ok()
    assert again["metadata"]["resourceVersion"] == marked["metadata"]["resourceVersion"]
    more = await client.patch(where, {"metadata": {"finalizers": ["example.com/wait", "example.com/more"]}})
    more.refused(422, "Invalid")
    assert {field for field, _ in more.fields()} == {"metadata.finalizers"}
    assert (await client.patch(where, {"data": {"x": "y"}})).status == 200
    assert (await client.patch(where, {"metadata": {"finalizers": None}})).status == 200
    assert (await client.get(where)).status == 404


async def test_a_collection_is_deleted_by_selector(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    for number in range(3):
        (await client.create(where, config_map(f"c{number}", labels={"n": str(number % 2)}))).ok()
    deleted = (await client.delete(where, labelSelector="n=0")).ok()
    assert [item["metadata"]["name"] for item in deleted["items"]] == ["c0", "c2"]
    left = (await client.get(where, labelSelector="n")).ok()
    assert [item["metadata"]["name"] for item in left["items"]] == ["c1"]


async def test_secrets_take_plain_text_and_give_base64(client: Client, namespace: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"a": "b"},
        "data": {"c": "ZA=="},
    }
    made = (await client.create(path("secrets", namespace), body)).ok()
    assert made["data"] == {"a": "Yg==", "c": "ZA=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made
    bad = {**body, "metadata": {"name": "t"}, "data": {"c": "***"}}
    (await client.create(path("secrets", namespace), bad)).refused(400, "BadRequest")


async def test_events_have_two_spellings(client: Client, namespace: str) -> None:
    about = {"kind": "Pod", "name": "x", "namespace": namespace}
    body = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": about,
        "reason": "Because",
        "note": "it is so",
        "type": "Normal",
        "action": "Saying",
        "reportingController": "example.com/me",
        "reportingInstance": "me-1",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    newer = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    (await client.create(newer, body)).ok()
    core = (await client.get(path("events", namespace, "e"))).ok()
    assert core["involvedObject"] == about
    assert core["message"] == "it is so"
    assert core["reportingComponent"] == "example.com/me"
    found = (await client.get(path("events", namespace), fieldSelector="involvedObject.name=x,reason=Because")).ok()
    assert [item["metadata"]["name"] for item in found["items"]] == ["e"]
