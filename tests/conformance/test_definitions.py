"""Custom kinds: schemas, defaults, pruning, rules, versions, columns, and the end of a kind."""

from typing import Any

import pytest

from tests.conformance import things
from tests.conformance.client import Client
from tests.conformance.things import thing as thing_of

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_a_definition_is_established(client: Client, group: str) -> None:
    found = (await client.get(f"{things.DEFINITIONS}/things.{group}")).ok()
    assert found["spec"]["names"]["singular"] == "thing"
    assert found["spec"]["names"]["listKind"] == "ThingList"
    assert found["spec"]["conversion"] == {"strategy": "None"}
    assert found["status"]["acceptedNames"] == found["spec"]["names"]
    assert found["status"]["storedVersions"] == ["v1"]
    types = [(part["type"], part["status"]) for part in found["status"]["conditions"]]
    assert types == [("NamesAccepted", "True"), ("Established", "True")]


async def test_defaults_are_filled_in(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, thing_of(group, "a", items=[{"key": "x"}, {"key": "y", "weight": 1}]))).ok()
    assert made["spec"] == {
        "name": "abc",
        "mode": "A",
        "on": True,
        "replicas": 1,
        "items": [{"key": "x", "weight": 7}, {"key": "y", "weight": 1}],
    }


async def test_null_counts_as_nothing_unless_it_may_stand(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, thing_of(group, "a", on=None, min=None, maybe=None))).ok()
    assert made["spec"]["on"] is True
    assert "min" not in made["spec"]
    assert made["spec"]["maybe"] is None


async def test_unknown_fields_are_pruned(client: Client, thing: str, group: str) -> None:
    body = {
        **thing_of(group, "a", zap=1, anything={"x": {"y": 1}}, labels={"a": "b"}, items=[{"key": "k", "z": 1}]),
        "zip": 2,
    }
    reply = await client.create(thing, body)
    made = reply.ok()
    assert "zip" not in made
    assert "zap" not in made["spec"]
    assert made["spec"]["anything"] == {"x": {"y": 1}}
    assert made["spec"]["labels"] == {"a": "b"}
    assert made["spec"]["items"] == [{"key": "k", "weight": 7}]
    warnings = " ".join(reply.headers.getall("Warning"))
    assert 'unknown field \\"spec.zap\\"' in warnings


async def test_strictness_refuses_unknown_fields(client: Client, thing: str, group: str) -> None:
    body = {**thing_of(group, "a", zap=1), "zip": 2}
    said = (await client.create(thing, body, fieldValidation="Strict")).refused(400, "BadRequest")
    assert 'unknown field "spec.zap"' in said["message"]
    assert 'unknown field "zip"' in said["message"]
    quiet = await client.create(thing, body, fieldValidation="Ignore")
    assert quiet.status == 201
    assert "Warning" not in quiet.headers


REQUIRED, INVALID, TYPE = "FieldValueRequired", "FieldValueInvalid", "FieldValueTypeInvalid"
UNCHECKED = ("<nil>", INVALID)
BAD_SPECS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "missing": ({"name": None}, [UNCHECKED, ("spec.name", REQUIRED)]),
    "too short": ({"name": "a"}, [("spec.name", INVALID)]),
    "too long": ({"name": "a" * 31}, [UNCHECKED, ("spec.name", "FieldValueTooLong")]),
    "another pattern": ({"name": "AB"}, [("spec.name", INVALID)]),
    "a number for a text": ({"name": 5}, [UNCHECKED, ("spec.name", TYPE)]),
    "a text for a number": ({"min": "x"}, [UNCHECKED, ("spec.min", TYPE)]),
    "a fraction": ({"min": 1.5}, [UNCHECKED, ("spec.min", TYPE)]),
    "not in the enumeration": ({"mode": "C"}, [UNCHECKED, ("spec.mode", "FieldValueNotSupported")]),
    "too small": ({"min": -1}, [("spec.min", INVALID)]),
    "too large": ({"max": 101}, [("spec.max", INVALID)]),
    "values of another type": ({"labels": {"a": 1}}, [UNCHECKED, ("spec.labels.a", TYPE)]),
    "an item without its key": ({"items": [{"weight": 1}]}, [UNCHECKED, ("spec.items[0].key", REQUIRED)]),
    "the same key twice": ({"items": [{"key": "a"}, {"key": "a"}]}, [("spec.items[1]", "FieldValueDuplicate")]),
    "too many": (
        {"items": [{"key": key} for key in "abcd"]},
        [UNCHECKED, ("spec.items", "FieldValueTooMany")],
    ),
    "a set with two of one": ({"set": ["a", "a"]}, [("spec.set[1]", "FieldValueDuplicate")]),
    "no time": ({"when": "yesterday"}, [UNCHECKED, ("spec.when", TYPE)]),
    "an object for a list": ({"items": {}}, [UNCHECKED, ("spec.items", TYPE)]),
    "a list for an object": ({"labels": []}, [UNCHECKED, ("spec.labels", TYPE)]),
    "a word for a switch": ({"on": "yes"}, [UNCHECKED, ("spec.on", TYPE)]),
    "a fraction for a port": ({"port": 1.5}, [UNCHECKED, ("spec.port", TYPE)]),
    "several at once": (
        {"name": "A", "max": 500, "min": "x"},
        [UNCHECKED, ("spec.max", INVALID), ("spec.min", TYPE), ("spec.name", INVALID)],
    ),
    "a broken rule": ({"min": 5, "max": 3}, [("spec", INVALID)]),
    "a rule without words": ({"name": "forbidden"}, [("spec", INVALID)]),
    "a rule with a place and a reason": ({"name": "a" * 25}, [("spec.name", "FieldValueForbidden")]),
}


@pytest.mark.parametrize("case", BAD_SPECS)
async def test_every_problem_is_named(client: Client, thing: str, group: str, case: str) -> None:
    spec, causes = BAD_SPECS[case]
    reply = await client.create(thing, thing_of(group, "a", **spec))
    said = reply.refused(422, "Invalid")
    # The real server says some things twice.
    assert sorted(set(reply.fields())) == causes
    assert said["details"]["kind"] == "Thing"
    assert said["details"]["group"] == group


WORDS = {
    "missing": ({"name": None}, "spec.name: Required value"),
    "too short": ({"name": "a"}, 'spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long'),
    "pattern": ({"name": "AB"}, "spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'"),
    "type": ({"min": "x"}, 'spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"'),
    "enumeration": ({"mode": "C"}, 'spec.mode: Unsupported value: "C": supported values: "A", "B"'),
    "minimum": ({"min": -1}, "spec.min: Invalid value: -1: spec.min in body should be greater than or equal to 0"),
    "maximum": ({"max": 101}, "spec.max: Invalid value: 101: spec.max in body should be less than or equal to 100"),
    "too many": ({"items": [{"key": k} for k in "abcd"]}, "spec.items: Too many: 4: must have at most 3 items"),
    "rule": ({"min": 5, "max": 3}, "spec: Invalid value: min must not exceed max"),
    "bare rule": ({"name": "forbidden"}, "spec: Invalid value: failed rule: self.name != 'forbidden'"),
    "expression": ({"name": "a" * 25}, "spec.name: Forbidden: too long: " + "a" * 25),
}


@pytest.mark.parametrize("case", WORDS)
async def test_problems_are_told_in_the_same_words(client: Client, thing: str, group: str, case: str) -> None:
    spec, words = WORDS[case]
    said = (await client.create(thing, thing_of(group, "a", **spec))).refused(422, "Invalid")
    assert words in said["message"]


async def test_a_number_without_fraction_is_whole(client: Client, thing: str, group: str) -> None:
    assert (await client.create(thing, thing_of(group, "a", min=1.0, port="http"))).status == 201


async def test_a_rule_may_compare_with_what_was(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a", mode="B"))).ok()
    reply = await client.patch(f"{thing}/a", {"spec": {"mode": "A"}})
    reply.refused(422, "Invalid")
    assert reply.fields() == [("spec", INVALID)]


async def test_what_is_sent_must_say_what_it_is(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, {"metadata": {"name": "a"}, "spec": {"name": "abc"}})).refused(400, "BadRequest")
    other = {**thing_of(group, "a"), "apiVersion": f"{group}/v1beta1"}
    (await client.create(thing, other)).refused(400, "BadRequest")
    reply = await client.create(thing, {**thing_of(group, "a"), "kind": "Zap"})
    reply.refused(422, "Invalid")
    assert reply.fields() == [("kind", INVALID)]


async def test_a_replacement_must_name_the_version_it_replaces(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a"))).ok()
    reply = await client.replace(f"{thing}/a", thing_of(group, "a", max=5))
    reply.refused(422, "Invalid")
    assert reply.fields() == [("metadata.resourceVersion", INVALID)]


async def test_versions_differ_in_name_only(client: Client, thing: str, group: str) -> None:
    made = (await client.create(thing, thing_of(group, "a"))).ok()
    beta = thing.replace("/v1/", "/v1beta1/")
    found = (await client.get(f"{beta}/a")).ok()
    assert found["apiVersion"] == f"{group}/v1beta1"
    assert found["spec"] == made["spec"]
    changed = (await client.patch(f"{beta}/a", {"spec": {"ratio": 1.5}})).ok()
    assert changed["apiVersion"] == f"{group}/v1beta1"
    assert (await client.get(f"{thing}/a")).ok()["spec"]["ratio"] == 1.5
    listed = (await client.get(beta)).ok()
    assert listed["apiVersion"] == f"{group}/v1beta1"
    assert listed["kind"] == "ThingList"
    assert listed["items"][0]["apiVersion"] == f"{group}/v1beta1"
    assert (await client.get(thing.replace("/v1/", "/v2/"))).status == 404


async def test_declared_fields_select(client: Client, thing: str, group: str) -> None:
    for name in ("abc", "abd"):
        (await client.create(thing, thing_of(group, name, name=name))).ok()
    found = (await client.get(thing, fieldSelector="spec.name=abd")).ok()
    assert [item["metadata"]["name"] for item in found["items"]] == ["abd"]
    (await client.get(thing, fieldSelector="spec.mode=A")).refused(400, "BadRequest")


async def test_declared_columns_are_printed(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a", items=[{"key": "x"}, {"key": "y"}]))).ok()
    status = {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]}
    (await client.patch(f"{thing}/a/status", {"status": status})).ok()
    table = (await client.get(thing, TABLE)).ok()
    assert table["kind"] == "Table"
    columns = [(one["name"], one["type"], one["priority"]) for one in table["columnDefinitions"]]
    assert columns == [
        ("Name", "string", 0),
        ("Called", "string", 0),
        ("On", "boolean", 0),
        ("Replicas", "integer", 0),
        ("Ready", "string", 0),
        ("Keys", "string", 1),
        ("Age", "date", 0),
    ]
    row = table["rows"][0]
    assert row["cells"][:6] == ["a", "abc", True, 1, "True", "x"]
    assert row["cells"][6].endswith("s")
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "a"


async def test_a_missing_value_leaves_its_cell_empty(client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a"))).ok()
    cells = (await client.get(f"{thing}/a", TABLE)).ok()["rows"][0]["cells"]
    assert cells[4:6] == [None, None]


async def test_a_definition_goes_with_all_that_is_of_it(client: Client, own_thing: str, own_group: str) -> None:
    (await client.create(own_thing, thing_of(own_group, "a"))).ok()
    where = f"{things.DEFINITIONS}/things.{own_group}"
    marked = (await client.delete(where)).ok()
    assert marked["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await client.gone(where)
    await client.gone(own_thing)


async def test_a_finalizer_of_an_object_holds_its_definition(client: Client, own_thing: str, own_group: str) -> None:
    body = thing_of(own_group, "a")
    body["metadata"]["finalizers"] = ["example.com/wait"]
    (await client.create(own_thing, body)).ok()
    where = f"{things.DEFINITIONS}/things.{own_group}"
    (await client.delete(where)).ok()
    await client.until(f"{own_thing}/a", lambda found: "deletionTimestamp" in found["metadata"])
    assert (await client.get(where)).status == 200
    (await client.patch(f"{own_thing}/a", {"metadata": {"finalizers": None}})).ok()
    await client.gone(where)


BAD_DEFINITIONS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "another name": ({"group": "other.example.com"}, [("metadata.name", INVALID)]),
    "an unknown scope": ({"scope": "Zap"}, [("spec.scope", "FieldValueNotSupported")]),
}


@pytest.mark.parametrize("case", BAD_DEFINITIONS)
async def test_a_bad_definition_is_refused(client: Client, case: str) -> None:
    change, causes = BAD_DEFINITIONS[case]
    body = things.definition(things.new_group())
    body["spec"].update(change)
    reply = await client.create(things.DEFINITIONS, body)
    reply.refused(422, "Invalid")
    assert reply.fields() == causes
