"""Structural schemas: what a CustomResourceDefinition says of an object, applied to one.

`validate` names every problem with its path, `default` fills in, `prune` drops what the schema does not know.
All three are pure and leave their arguments alone. The words of a problem are those that a Kubernetes API server
answers with, so that a user reads the same before and after `kubectl apply`.

It does not say whether a schema is itself structural, and knows nothing of metadata.
Source of the rules: the apiextensions.k8s.io/v1 reference (structural schemas, defaulting, pruning).
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from scaler.api import cel, constraints
from scaler.errors import Problem

Schema = dict[str, Any]

ABSENT = msgspec.UNSET
RESOURCE_FIELDS = frozenset({"apiVersion", "kind", "metadata"})
UNCHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def validate(schema: Schema, value: object, path: str = "", *, old: object = ABSENT) -> list[Problem]:
    """Every problem of `value`; with `old`, the value it replaces, transition rules are checked too."""
    problems = list(_problems(schema, value, path))
    if not _has_rules(schema):
        return problems
    if any(constraints.blocks_rules(problem) for problem in problems):
        return [*problems, Problem("", UNCHECKED)]
    return [*problems, *cel.broken(schema, value, path, old)]


def default(schema: Schema, value: object) -> Any:
    """`value` with the schema's defaults where it says nothing, or null where null is no value."""
    if isinstance(value, dict):
        return _defaulted_object(schema, value)
    items = schema.get("items")
    if isinstance(value, list) and items:
        return [default(items, item) for item in value]
    return value


def prune(schema: Schema, value: object, *, resource: bool = False) -> Any:
    """`value` without the fields that the schema does not know; `resource` keeps apiVersion, kind and metadata."""
    return _pruned(schema, value, "", resource, lambda _: None)


def unknown_fields(schema: Schema, value: object, *, resource: bool = False) -> list[str]:
    """The paths that `prune` would drop, in the order of the object."""
    dropped: list[str] = []
    _pruned(schema, value, "", resource, dropped.append)
    return dropped


def at(path: str, key: str | int) -> str:
    """The path of one member: ``spec`` and ``a`` give ``spec.a``, an index or a map's key stands in brackets."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


# -- validation ------------------------------------------------------------------------------------------------


def _problems(schema: Schema, value: object, path: str) -> Iterator[Problem]:
    if value is None and schema.get("nullable"):
        return
    wrong = constraints.wrong_type(schema, value, path)
    if wrong is not None:
        yield wrong
        return
    yield from constraints.broken(schema, value, path)
    yield from _combinations(schema, value, path)
    if isinstance(value, dict):
        yield from _object_problems(schema, value, path)
    elif isinstance(value, list):
        yield from _list_problems(schema, value, path)


def _object_problems(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Problem]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value or _dropped_null(properties.get(name), value[name]):
            yield Problem(at(path, name), "Required value")
    for key, member in value.items():
        if key in properties:
            if not _dropped_null(properties[key], member):
                yield from _problems(properties[key], member, at(path, key))
        elif isinstance(others, dict):
            yield from _problems(others, member, at(path, key))


def _list_problems(schema: Schema, value: list[Any], path: str) -> Iterator[Problem]:
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            yield from _problems(items, item, at(path, index))
    yield from constraints.duplicates(schema, value, path)


def _dropped_null(schema: Schema | None, value: object) -> bool:
    """A null of a declared field counts as nothing, unless null is a value there; a default takes its place."""
    return value is None and schema is not None and not schema.get("nullable")


def _combinations(schema: Schema, value: object, path: str) -> Iterator[Problem]:
    for part in schema.get("allOf", ()):
        yield from _problems(part, value, path)
    any_of, one_of = schema.get("anyOf", ()), schema.get("oneOf", ())
    if any_of and not any(_fits(part, value, path) for part in any_of):
        yield _misfit(path, value, "must validate at least one schema (anyOf)")
    fitting = sum(_fits(part, value, path) for part in one_of)
    if one_of and fitting != 1:
        found = f"{fitting} valid alternatives" if fitting else "none valid"
        yield _misfit(path, value, f"must validate one and only one schema (oneOf). Found {found}")
    if "not" in schema and _fits(schema["not"], value, path):
        yield _misfit(path, value, "must not validate the schema (not)")


def _misfit(path: str, value: object, must: str) -> Problem:
    return Problem(path, f'Invalid value: "": "{path}" {must}', value)


def _fits(schema: Schema, value: object, path: str) -> bool:
    return next(_problems(schema, value, path), None) is None


def _has_rules(schema: object) -> bool:
    if isinstance(schema, dict):
        return "x-kubernetes-validations" in schema or any(_has_rules(part) for part in schema.values())
    return False


# -- defaults --------------------------------------------------------------------------------------------------


def _defaulted_object(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    filled = {
        key: default(properties.get(key) or (others if isinstance(others, dict) else {}), member)
        for key, member in value.items()
        if not _dropped_null(properties.get(key), member)
    }
    for key, part in properties.items():
        if "default" in part and key not in filled:
            filled[key] = default(part, _copied(part["default"]))
    return filled


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


# -- pruning ---------------------------------------------------------------------------------------------------


def _pruned(schema: Schema, value: object, path: str, resource: bool, drop: Callable[[str], None]) -> Any:
    if isinstance(value, dict):
        return _pruned_object(schema, value, path, resource, drop)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [_pruned(items, item, at(path, index), _embedded(items), drop) for index, item in enumerate(value)]
    return value


def _pruned_object(
    schema: Schema, value: dict[str, Any], path: str, resource: bool, drop: Callable[[str], None]
) -> dict[str, Any]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    keep_unknown = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or others is True
    kept: dict[str, Any] = {}
    for key, member in value.items():
        here = at(path, key)
        if resource and key in RESOURCE_FIELDS:
            kept[key] = member
        elif key in properties or isinstance(others, dict):
            part = properties.get(key) or (others if isinstance(others, dict) else {})
            kept[key] = _pruned(part, member, here, _embedded(part), drop)
        elif keep_unknown:
            kept[key] = member
        else:
            drop(here)
    return kept


def _embedded(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource"))
