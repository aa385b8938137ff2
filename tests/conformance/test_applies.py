"""Server-side apply: who owns which field, what conflicts, what is given up."""

from typing import Any

import msgspec
import pytest

from tests.conformance.client import Client, Reply, path
from tests.conformance.objects import config_map, deployment
from tests.conformance.things import thing as thing_of

APPLY = "application/apply-patch+yaml"


class Appliers:
    """People who apply one object."""

    def __init__(self, client: Client, where: str, body: dict[str, Any]) -> None:
        self.client = client
        self.where = where
        self.head = body

    async def apply(self, who: str, **content: Any) -> Reply:
        query = {name: content.pop(name) for name in ("force", "dryRun") if name in content}
        return await self.client.send("PATCH", self.where, {**self.head, **content}, APPLY, fieldManager=who, **query)

    async def owners(self) -> dict[tuple[str, str, str], Any]:
        """By manager, operation and subresource: the fields."""
        return owners((await self.client.get(self.where)).ok())


def owners(found: Any) -> dict[tuple[str, str, str], Any]:
    return {
        (one["manager"], one["operation"], one.get("subresource", "")): one["fieldsV1"]
        for one in found["metadata"].get("managedFields", ())
    }


def fields(*names: str) -> Any:
    return {"f:data": {f"f:{name}": {} for name in names}}


@pytest.fixture
def maps(client: Client, namespace: str) -> Appliers:
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    return Appliers(client, path("configmaps", namespace, "a"), head)


@pytest.fixture
def deploys(client: Client, namespace: str) -> Appliers:
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    return Appliers(client, path("deployments", namespace, "d"), head)


def pod_spec(*containers: Any) -> Any:
    return {"template": {"spec": {"containers": list(containers)}}}


async def test_an_apply_makes_what_is_not_there(maps: Appliers) -> None:
    reply = await maps.apply("one", data={"x": "1", "y": "1"})
    assert reply.status == 201
    assert owners(reply.body) == {("one", "Apply", ""): fields("x", "y")}
    entry = reply.body["metadata"]["managedFields"][0]
    assert (entry["apiVersion"], entry["fieldsType"]) == ("v1", "FieldsV1")


async def test_the_same_apply_again_changes_nothing(maps: Appliers) -> None:
    first = (await maps.apply("one", data={"x": "1"})).ok()
    again = await maps.apply("one", data={"x": "1"})
    assert again.status == 200
    assert again.body["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_who_agrees_owns_as_well(maps: Appliers) -> None:
    await maps.apply("one", data={"x": "1", "y": "1"})
    (await maps.apply("two", data={"x": "1"})).ok()
    assert await maps.owners() == {("one", "Apply", ""): fields("x", "y"), ("two", "Apply", ""): fields("x")}


async def test_who_disagrees_is_told_with_whom(maps: Appliers) -> None:
    await maps.apply("one", data={"x": "1", "y": "1"})
    refused = (await maps.apply("two", data={"x": "2", "y": "2"})).refused(409, "Conflict")
    assert refused["message"] == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\n- .data.y'
    causes = refused["details"]["causes"]
    assert [(one["reason"], one["message"], one["field"]) for one in causes] == [
        ("FieldManagerConflict", 'conflict with "one"', f".data.{name}") for name in "xy"
    ]


async def test_force_takes_fields_away(maps: Appliers) -> None:
    await maps.apply("one", data={"x": "1", "y": "1"})
    taken = (await maps.apply("two", data={"x": "2"}, force="true")).ok()
    assert taken["data"] == {"x": "2", "y": "1"}
    assert owners(taken) == {("one", "Apply", ""): fields("y"), ("two", "Apply", ""): fields("x")}


async def test_what_nobody_applies_any_more_goes(maps: Appliers) -> None:
    await maps.apply("one", data={"x": "1", "y": "1"})
    await maps.apply("two", data={"x": "1"})
    assert (await maps.apply("one", data={"y": "1"})).ok()["data"] == {"x": "1", "y": "1"}, "two still wants x"
    left = (await maps.apply("two")).ok()
    assert left["data"] == {"y": "1"}


async def test_other_writes_own_and_take_as_well(maps: Appliers, client: Client) -> None:
    await maps.apply("one", data={"y": "1"})
    (await client.patch(maps.where, {"data": {"y": "9", "z": "1"}}, fieldManager="editor")).ok()
    assert await maps.owners() == {("editor", "Update", ""): fields("y", "z")}
    refused = (await maps.apply("one", data={"y": "1"})).refused(409, "Conflict")
    assert refused["message"] == 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.y'
    (await client.patch(maps.where, {"data": {"z": None}}, fieldManager="other")).ok()
    assert await maps.owners() == {("editor", "Update", ""): fields("y")}


async def test_what_is_created_belongs_to_its_maker(client: Client, namespace: str, maps: Appliers) -> None:
    (await client.create(path("configmaps", namespace), config_map("a"), fieldManager="maker")).ok()
    assert await maps.owners() == {("maker", "Update", ""): {"f:data": {".": {}, "f:a": {}}}}
    (await client.patch(maps.where, {"metadata": {"managedFields": [{}]}})).ok()
    assert await maps.owners() == {}
    refused = (await maps.apply("one", data={"a": "c"})).refused(409, "Conflict")
    assert 'conflict with "before-first-apply" using v1: .data.a' in refused["message"]


async def test_items_of_lists_have_owners_of_their_own(deploys: Appliers, client: Client) -> None:
    whole = deployment("d", 1, paused=True)
    (await deploys.apply("one", spec=whole["spec"])).ok()
    known = (await deploys.owners())["one", "Apply", ""]
    main = known["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"main"}']
    assert main == {
        ".": {},
        "f:image": {},
        "f:name": {},
        "f:resources": {"f:requests": {"f:cpu": {}, "f:memory": {}}},
    }
    assert known["f:spec"]["f:selector"] == {}
    side = {"name": "side", "image": "s", "env": [{"name": "A", "value": "1"}]}
    both = (await deploys.apply("two", spec=pod_spec(side))).ok()
    assert [one["name"] for one in both["spec"]["template"]["spec"]["containers"]] == ["main", "side"]
    change = {"name": "main", "image": "other", "resources": {"requests": {"cpu": "0.2"}}}
    refused = (await deploys.apply("two", spec=pod_spec(side, change))).refused(409, "Conflict")
    places = [cause["field"] for cause in refused["details"]["causes"]]
    within = '.spec.template.spec.containers[name="main"]'
    assert places == [f"{within}.image", f"{within}.resources.requests.cpu"]
    left = (await deploys.apply("two")).ok()
    assert [one["name"] for one in left["spec"]["template"]["spec"]["containers"]] == ["main"]


async def test_a_scale_takes_the_replicas(deploys: Appliers, client: Client) -> None:
    whole = deployment("d", 1, paused=True)
    (await deploys.apply("one", spec=whole["spec"])).ok()
    (await client.patch(f"{deploys.where}/scale", {"spec": {"replicas": 3}}, fieldManager="scaler")).ok()
    known = await deploys.owners()
    assert known["scaler", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in known["one", "Apply", ""]["f:spec"]
    whole["spec"].pop("replicas")
    assert (await deploys.apply("one", spec=whole["spec"])).ok()["spec"]["replicas"] == 3
    refused = (await deploys.apply("one", spec={**whole["spec"], "replicas": 1})).refused(409, "Conflict")
    assert 'conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas' in refused["message"]


async def test_a_status_is_applied_apart(client: Client, thing: str, group: str) -> None:
    body = thing_of(group, "a", items=[{"key": "x"}], set=["p"])
    where = f"{thing}/a"
    head = {key: body[key] for key in ("apiVersion", "kind", "metadata")}
    appliers = Appliers(client, where, head)
    (await appliers.apply("one", spec=body["spec"], status={"phase": "ignored"})).ok()
    told = Appliers(client, f"{where}/status", head)
    found = (await told.apply("two", spec={"max": 9}, status={"phase": "Told"})).ok()
    assert found["status"] == {"phase": "Told"}
    assert "max" not in found["spec"]
    assert await appliers.owners() == {
        ("one", "Apply", ""): {
            "f:spec": {"f:items": {'k:{"key":"x"}': {".": {}, "f:key": {}}}, "f:name": {}, "f:set": {'v:"p"': {}}}
        },
        ("two", "Apply", "status"): {"f:status": {"f:phase": {}}},
    }
    more = (await appliers.apply("three", spec={"items": [{"key": "y", "weight": 2}], "set": ["q"]})).ok()
    assert [one["key"] for one in more["spec"]["items"]] == ["x", "y"]
    assert more["spec"]["set"] == ["p", "q"]


async def test_what_cannot_be_applied(maps: Appliers, deploys: Appliers, client: Client, namespace: str) -> None:
    reply = await client.send("PATCH", maps.where, maps.head, APPLY)
    reply.refused(422, "Invalid")
    assert reply.fields() == [("fieldManager", "FieldValueRequired")]
    long = await maps.apply("x" * 200)
    long.refused(422, "Invalid")
    managed = {**maps.head["metadata"], "managedFields": [{"manager": "x"}]}
    (await maps.apply("one", metadata=managed)).refused(400, "BadRequest")
    (await maps.apply("one", metadata={"name": "b"})).refused(400, "BadRequest")
    (await maps.apply("one", metadata={"name": "a", "uid": "nobody"})).refused(409, "Conflict")
    whole = deployment("d", 1)["spec"]
    twice = [{"name": "m", "image": "a"}, {"name": "m", "image": "b"}]
    reply = await deploys.apply(
        "one", spec={**whole, "template": {**whole["template"], "spec": {"containers": twice}}}
    )
    assert reply.status == 500
    assert '.spec.template.spec.containers: duplicate entries for key [name="m"]' in reply.body["message"]
    bad = await client.call("PATCH", f"{maps.where}?fieldManager=a", b"{a: [", Content_Type=APPLY)
    bad.refused(400, "BadRequest")
    assert (await client.get(maps.where)).status == 404


async def test_an_apply_may_insist_on_a_version_and_be_tried_dry(maps: Appliers, client: Client) -> None:
    (await maps.apply("one", data={"x": "1"})).ok()
    stale = {"name": "a", "resourceVersion": "1"}
    (await maps.apply("one", metadata=stale, data={"x": "2"})).refused(409, "Conflict")
    dry = (await maps.apply("two", data={"y": "1"}, dryRun="All")).ok()
    assert dry["data"] == {"x": "1", "y": "1"}
    assert ("two", "Apply", "") in owners(dry)
    assert (await client.get(maps.where)).ok()["data"] == {"x": "1"}


async def test_yaml_is_applied(maps: Appliers, client: Client) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 'yes'}\n"
    reply = await client.call("PATCH", f"{maps.where}?fieldManager=one", text, Content_Type=APPLY)
    assert reply.ok()["data"] == {"x": "yes"}
    assert msgspec.json.encode(reply.body["metadata"]["managedFields"])
