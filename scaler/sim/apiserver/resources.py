"""What is served: resources, their versions, and the few ways in which one differs from another.

Values only; which resources exist is said in `builtin` and, for custom ones, by CustomResourceDefinitions.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from scaler.errors import Problem
from scaler.sim.apiserver.selectors import reader

Object = dict[str, Any]
Check = Callable[[Object, Object | None], list[Problem]]


def nothing(_: Object, __: float) -> None:
    """No defaults."""


def unchecked(_: Object, __: Object | None) -> list[Problem]:
    """No rules of its own."""
    return []


def unchanged(obj: Object) -> Object:
    """The same in storage and on the wire."""
    return obj


class Column(msgspec.Struct, frozen=True):
    """One column of what kubectl prints."""

    name: str
    read: Callable[[Object, float], Any]
    """From the object and the time now."""
    type: str = "string"
    priority: int = 0
    """Above 0 it shows only with ``-o wide``."""
    description: str = ""
    format: str = ""


class Version(msgspec.Struct, frozen=True):
    """One version of a resource as it goes over the wire."""

    name: str
    schema: Mapping[str, Any] | None = None
    """The structural schema of a custom resource; None for built-in ones."""
    columns: tuple[Column, ...] = ()
    incoming: Callable[[Object], Object] = unchanged
    """From this version to the stored form."""
    outgoing: Callable[[Object], Object] = unchanged
    """From the stored form to this version."""


class ScalePaths(msgspec.Struct, frozen=True):
    """Where the scale subresource finds its numbers."""

    spec_replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = ""
    """Path of a selector as text; empty when there is none, or when ``spec.selector`` is an object."""


class Resource(msgspec.Struct, frozen=True):
    """A kind of object, and how the server treats it."""

    group: str
    plural: str
    kind: str
    versions: tuple[Version, ...]
    namespaced: bool = True
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    custom: bool = False
    """Declared by a CustomResourceDefinition: no strategic merge, versions differ in apiVersion only."""
    status: bool = False
    """Has a status subresource: writes to the object leave its status alone, and the other way round."""
    scale: ScalePaths | None = None
    generation: tuple[str, ...] = ()
    """Top-level fields whose change raises the generation; ``*`` means all but metadata and status."""
    fields: Mapping[str, Callable[[Object], str]] = {}
    """What field selectors may ask for, besides name and namespace."""
    defaults: Callable[[Object, float], None] = nothing
    """Fills in a new version of an object in place; the second argument is the time now."""
    created: Callable[[Object, float], None] = nothing
    """Completes a new object in place, after `defaults`: first status, assigned addresses."""
    check: Check = unchecked
    """Problems of an object, and of the change from the old one when there is one."""
    resize: Callable[[Object, Object], Object] | None = None
    """What of a write to the resize subresource counts: from the new and the old object to what to store (Pods)."""
    subresource_checks: Mapping[str, Check] = {}
    """The same as `check`, of writes to a subresource."""
    name_pattern: str = "subdomain"
    """One of ``subdomain``, ``label`` and ``segment``."""
    unconditional_update: bool = True
    """Whether a PUT without a resourceVersion overwrites."""
    create_on_update: bool = False
    """Whether a PUT creates what is not there."""
    graceful: bool = False
    """Whether deletion waits for the grace period (Pods)."""
    orphans: bool = False
    """Whether deletion by default leaves dependents alone (Jobs)."""
    last_finalizer: str = ""
    """Given to each object that is deleted; a controller takes it away when it has cleaned up."""
    returns_deleted: bool = False
    """Whether an immediate deletion answers with the object instead of a Status."""
    verbs: tuple[str, ...] = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

    @property
    def table(self) -> str:
        """The name in storage and in messages: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def stored(self) -> Version:
        """The version that is kept: the first."""
        return self.versions[0]

    def api_version(self, version: Version) -> str:
        return f"{self.group}/{version.name}" if self.group else version.name


def selectable(*paths: str, **others: str) -> dict[str, Callable[[Object], str]]:
    """Readers of the paths; `others` are selected by one name and stand under another path."""
    return {path: reader(path) for path in paths} | {name: reader(path) for name, path in others.items()}


def at(obj: Object, path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def placed(obj: Object, path: str, value: Any) -> Object:
    """A copy of the object with the value at the dotted path."""
    head, _, rest = path.partition(".")
    inner = obj.get(head)
    return {**obj, head: placed(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}
