"""Structural schemas: what is wrong, what is filled in, what is dropped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.api import schema
from scaler.api.schema import default, prune, unknown_fields, validate
from scaler.errors import Problem

SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 2},
                "count": {"type": "integer", "minimum": 0, "default": 1},
                "items": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"on": {"type": "boolean", "default": True}}},
                },
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "embedded": {"type": "object", "x-kubernetes-embedded-resource": True},
            },
        }
    },
}


def messages(shape: dict[str, Any], value: object, path: str = "x") -> list[str]:
    return [problem.message for problem in validate(shape, value, path)]


def test_every_problem_is_named_with_its_path_and_value() -> None:
    value = {"spec": {"name": "a", "count": -1, "map": {"k": "v"}}}
    assert validate(SHAPE, value) == [
        Problem("spec.name", 'Invalid value: "a": spec.name in body should be at least 2 chars long', "a"),
        Problem("spec.count", "Invalid value: -1: spec.count in body should be greater than or equal to 0", -1),
        Problem("spec.map.k", 'Invalid value: "string": spec.map.k in body must be of type integer: "string"', "v"),
    ]


def test_a_path_may_lead_to_the_value() -> None:
    assert validate(SHAPE["properties"]["spec"], {}, "spec")[0].path == "spec.name"


def test_items_are_named_by_their_number() -> None:
    found = validate(SHAPE, {"spec": {"name": "ab", "items": [{}, {"on": 1}]}})
    assert [problem.path for problem in found] == ["spec.items[1].on"]


TYPES = [
    ({"type": "string"}, "a", 1),
    ({"type": "integer"}, 1, True),
    ({"type": "integer"}, 1.0, 1.5),
    ({"type": "number"}, 1, "1"),
    ({"type": "boolean"}, True, 1),
    ({"type": "object"}, {}, []),
    ({"type": "array"}, [], {}),
    ({"x-kubernetes-int-or-string": True}, "80%", 1.5),
    ({"type": "string", "nullable": True}, None, 1),
    ({"type": "string", "enum": ["a"]}, "a", "b"),
    ({"type": "integer", "minimum": 1}, 1, 0),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
    ({"type": "integer", "maximum": 1}, 1, 2),
    ({"type": "number", "maximum": 1, "exclusiveMaximum": True}, 0.5, 1),
    ({"type": "integer", "multipleOf": 5}, 10, 12),
    ({"type": "integer", "format": "int32"}, 2**31 - 1, 2**31),
    ({"type": "string", "maxLength": 2}, "ab", "abc"),
    ({"type": "string", "pattern": "^a+$"}, "aa", "ab"),
    ({"type": "string", "format": "date-time"}, "2026-01-01T00:00:00Z", "yesterday"),
    ({"type": "string", "format": "date"}, "2026-01-01", "2026-13-01"),
    ({"type": "string", "format": "byte"}, "YQ==", "***"),
    ({"type": "string", "format": "uuid"}, "00000000-0000-0000-0000-000000000000", "0"),
    ({"type": "string", "format": "ipv4"}, "10.0.0.1", "10.0.0"),
    ({"type": "array", "minItems": 1}, [1], []),
    ({"type": "array", "maxItems": 1}, [1], [1, 2]),
    ({"type": "object", "minProperties": 1}, {"a": 1}, {}),
    ({"type": "object", "maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}),
    ({"type": "array", "x-kubernetes-list-type": "set"}, [1, 2], [1, 1]),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 1, []),
    ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, 1, 7),
    ({"allOf": [{"minimum": 5}, {"maximum": 7}]}, 6, 8),
    ({"not": {"type": "string"}}, 1, "a"),
]


@pytest.mark.parametrize(("shape", "good", "bad"), TYPES)
def test_each_constraint_tells_good_from_bad(shape: dict[str, Any], good: object, bad: object) -> None:
    assert messages(shape, good) == []
    assert len(messages(shape, bad)) == 1


def test_map_like_lists_hold_each_key_once() -> None:
    shape = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}},
    }
    found = validate(shape, [{"name": "a", "v": 1}, {"name": "b"}, {"name": "a", "v": 2}], "l")
    assert [problem.path for problem in found] == ["l[2]"]
    assert found[0].message == 'Duplicate value: {"name":"a"}'


def test_a_null_counts_as_nothing_where_it_is_no_value() -> None:
    assert messages(SHAPE, {"spec": {"name": None}}, "") == ["Required value"]
    assert messages(SHAPE, {"spec": {"name": "ab", "count": None}}) == []


def test_rules_are_judged_when_the_shape_is_right() -> None:
    rule = {"rule": "self.low <= self.high", "message": "low must not exceed high"}
    number = {"type": "integer"}
    shape = {"type": "object", "x-kubernetes-validations": [rule], "properties": {"low": number, "high": number}}
    assert messages(shape, {"low": 1, "high": 2}) == []
    assert messages(shape, {"low": 3, "high": 2}) == ["Invalid value: low must not exceed high"]
    assert messages(shape, {"low": "3", "high": 2})[1] == schema.UNCHECKED


def test_defaults_are_filled_in_where_nothing_is_said() -> None:
    value = {"spec": {"name": "a", "items": [{}, {"on": False}], "count": None}}
    assert default(SHAPE, value) == {"spec": {"name": "a", "items": [{"on": True}, {"on": False}], "count": 1}}
    assert value["spec"] == {"name": "a", "items": [{}, {"on": False}], "count": None}


def test_a_default_is_a_copy_each_time() -> None:
    shape = {"type": "object", "properties": {"l": {"type": "array", "default": [{"a": 1}]}}}
    first, second = default(shape, {}), default(shape, {})
    first["l"][0]["a"] = 2
    assert second == {"l": [{"a": 1}]}


def test_a_default_gets_the_defaults_within_it() -> None:
    inner = {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 3}}}
    assert default({"type": "object", "properties": {"o": inner}}, {}) == {"o": {"a": 3}}


def test_what_the_schema_does_not_know_is_dropped() -> None:
    value = {
        "kind": "K",
        "metadata": {"x": 1},
        "zip": 1,
        "spec": {
            "name": "a",
            "zap": 1,
            "items": [{"on": True, "z": 1}],
            "map": {"k": 1},
            "free": {"any": {"thing": 1}},
        },
    }
    kept = {"kind": "K", "metadata": {"x": 1}, "spec": {k: v for k, v in value["spec"].items() if k != "zap"}}
    kept["spec"]["items"] = [{"on": True}]
    assert prune(SHAPE, value, resource=True) == kept
    assert unknown_fields(SHAPE, value, resource=True) == ["zip", "spec.zap", "spec.items[0].z"]
    assert "kind" not in prune(SHAPE, value)


def test_an_embedded_resource_keeps_what_it_is() -> None:
    value = {"spec": {"name": "ab", "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}}}}
    assert prune(SHAPE, value)["spec"]["embedded"] == {"apiVersion": "v1", "kind": "Pod", "metadata": {}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["spec", "name", "count", "items", "on", "map"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_anything_can_be_judged_filled_and_pruned(value: object) -> None:
    validate(SHAPE, value)
    pruned = prune(SHAPE, value)
    assert unknown_fields(SHAPE, pruned) == []
    filled = default(SHAPE, value)
    assert default(SHAPE, filled) == filled
