"""A custom kind for tests: everything that schemas can ask for, in one."""

import itertools
import secrets
from typing import Any

Object = dict[str, Any]

_numbers = itertools.count(1)
RULES = [
    {"rule": "!has(self.min) || !has(self.max) || self.min <= self.max", "message": "min must not exceed max"},
    {"rule": "self.mode == oldSelf.mode", "message": "mode is immutable"},
    {"rule": "self.name != 'forbidden'"},
    {
        "rule": "size(self.name) < 20",
        "messageExpression": "'too long: ' + self.name",
        "reason": "FieldValueForbidden",
        "fieldPath": ".name",
    },
]
SPEC: Object = {
    "type": "object",
    "required": ["name"],
    "x-kubernetes-validations": RULES,
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 30, "pattern": "^[a-z]+$"},
        "mode": {"type": "string", "enum": ["A", "B"], "default": "A"},
        "min": {"type": "integer", "minimum": 0},
        "max": {"type": "integer", "maximum": 100},
        "ratio": {"type": "number"},
        "on": {"type": "boolean", "default": True},
        "replicas": {"type": "integer", "default": 1},
        "port": {"x-kubernetes-int-or-string": True},
        "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "items": {
            "type": "array",
            "maxItems": 3,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["key"],
            "items": {
                "type": "object",
                "required": ["key"],
                "properties": {"key": {"type": "string"}, "weight": {"type": "integer", "default": 7}},
            },
        },
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "when": {"type": "string", "format": "date-time"},
        "maybe": {"type": "string", "nullable": True},
    },
}
CONDITION = {"type": "object", "properties": {"type": {"type": "string"}, "status": {"type": "string"}}}
STATUS: Object = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "selector": {"type": "string"},
        "phase": {"type": "string"},
        "conditions": {"type": "array", "items": CONDITION},
    },
}
COLUMNS = [
    {"name": "Called", "type": "string", "jsonPath": ".spec.name"},
    {"name": "On", "type": "boolean", "jsonPath": ".spec.on"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Keys", "type": "string", "jsonPath": ".spec.items[*].key", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
SUBRESOURCES = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def new_group() -> str:
    """A group that nobody has used before."""
    return f"g{next(_numbers)}-{secrets.token_hex(3)}.example.com"


def definition(group: str) -> Object:
    """Kind Thing in versions v1 (stored) and v1beta1."""
    schema = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
    versions = [
        {
            "name": name,
            "served": True,
            "storage": name == "v1",
            "schema": {"openAPIV3Schema": schema},
            "subresources": SUBRESOURCES,
            "additionalPrinterColumns": COLUMNS,
            "selectableFields": [{"jsonPath": ".spec.name"}],
        }
        for name in ("v1", "v1beta1")
    ]
    names = {"plural": "things", "kind": "Thing", "shortNames": ["th"], "categories": ["all"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }


def thing(group: str, called: str, **spec: Any) -> Object:
    body = {"name": "abc", **spec}
    return {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": called}, "spec": body}


def is_established(found: Object) -> bool:
    conditions = found.get("status", {}).get("conditions") or []
    return any(part["type"] == "Established" and part["status"] == "True" for part in conditions)
