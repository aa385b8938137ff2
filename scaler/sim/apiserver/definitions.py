"""CustomResourceDefinitions at work: each one that is stored is served, until it is deleted.

Versions differ in nothing but their apiVersion; conversion by webhook is refused.
"""

from collections.abc import Callable
from typing import Any

from scaler.api import constraints
from scaler.sim.apiserver import columns, jsonpath
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import Column, Resource, ScalePaths, Version
from scaler.sim.apiserver.store import DELETED, Event, Object, Table, encode

NAME = "customresourcedefinitions.apiextensions.k8s.io"


class Definitions:
    """Watches the table of definitions and keeps the registry in step with it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        registry.store.observers.append(self.observe)

    def observe(self, table: Table, event: Event) -> None:
        if table.name != NAME:
            return
        resource = resource_of(event.now.object)
        self.registry.withdraw(resource.group, resource.plural)
        if event.type == DELETED:
            self.registry.store.drop(resource.table)
        else:
            self.registry.serve(resource)


def resource_of(definition: Object) -> Resource:
    """What a CustomResourceDefinition declares."""
    spec, names = definition["spec"], definition["spec"]["names"]
    parts = sorted(
        (part for part in spec["versions"] if part.get("served")), key=lambda part: not part.get("storage")
    )
    stored = next(part for part in spec["versions"] if part.get("storage"))
    subresources = stored.get("subresources") or {}
    group = spec["group"]
    versions = tuple(_version(group, part, stored["name"]) for part in parts)
    return Resource(
        group=group,
        plural=names["plural"],
        kind=names["kind"],
        versions=versions,
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular", names["kind"].lower()),
        list_kind=names.get("listKind", f"{names['kind']}List"),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        custom=True,
        status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        generation=("*",),
        fields={_dotted(part["jsonPath"]): _field(part["jsonPath"]) for part in stored.get("selectableFields") or ()},
        unconditional_update=False,
    )


def _version(group: str, part: Object, stored: str) -> Version:
    name = part["name"]
    shown = part.get("additionalPrinterColumns")
    return Version(
        name=name,
        schema=part["schema"]["openAPIV3Schema"],
        columns=(columns.NAME, *map(_column, shown)) if shown else columns.PLAIN,
        incoming=_respelled(f"{group}/{stored}"),
        outgoing=_respelled(f"{group}/{name}"),
    )


def _respelled(api_version: str) -> Callable[[Object], Object]:
    def spell(obj: Object) -> Object:
        return obj if obj["apiVersion"] == api_version else {**obj, "apiVersion": api_version}

    return spell


def _scale(declared: Object | None) -> ScalePaths | None:
    if declared is None:
        return None
    return ScalePaths(
        _dotted(declared["specReplicasPath"]),
        _dotted(declared["statusReplicasPath"]),
        _dotted(declared.get("labelSelectorPath") or ""),
    )


def _dotted(path: str) -> str:
    return path.removeprefix(".")


def _field(path: str) -> Callable[[Object], str]:
    def read(obj: Object) -> str:
        values = jsonpath.found(path, obj)
        return str(values[0]) if values else ""

    return read


def _column(declared: Object) -> Column:
    kind, path = declared["type"], declared["jsonPath"]

    def read(obj: Object, now: float) -> Any:
        values = jsonpath.found(path, obj)
        if not values or values[0] is None:
            return None
        return columns.since(values[0], now) if kind == "date" else _cell(kind, values)

    return Column(
        declared["name"],
        read,
        type=kind,
        priority=declared.get("priority", 0),
        description=declared.get("description", f"Custom resource definition column (in JSONPath format): {path}"),
        format=declared.get("format", ""),
    )


def _cell(kind: str, values: list[Any]) -> Any:
    value = values[0]
    if kind == "string":
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else _listed(values)
    fits = kind not in constraints.TYPES or constraints.TYPES[kind](value)
    return value if fits else None


def _listed(values: list[Any]) -> str:
    """Several values, or a list, as the real server prints them."""
    first = values[0]
    if isinstance(first, (list, dict)):
        return encode(first).decode()
    return ",".join(str(value) for value in values)
