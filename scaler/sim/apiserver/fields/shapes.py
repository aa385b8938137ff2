"""How a value is owned: whole, member by member, or item by item of a keyed list.

Of built-in kinds the names of fields say it (as the OpenAPI of Kubernetes 1.36 does), of custom ones their schema.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

Object = dict[str, Any]

KEYED: dict[str, tuple[str, ...]] = {
    "claims": ("name",),
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "matchConditions": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "webhooks": ("name",),
}
PORTS = {"containers": "containerPort", "initContainers": "containerPort"}
"""What tells ports apart besides their protocol, by the list that their holder is in; elsewhere it is ``port``."""
WHOLE = frozenset(
    {
        "configMapKeyRef",
        "fieldRef",
        "involvedObject",
        "labelSelector",
        "namespaceSelector",
        "nodeSelector",
        "objectSelector",
        "preference",
        "resourceFieldRef",
        "roleRef",
        "scopeSelector",
        "secretKeyRef",
        "secretRef",
        "selector",
        "targetRef",
    }
)
"""Members of built-in kinds that have one owner each."""
THERE = frozenset({"metadata", "spec", "status", "strategy", "template", "containers"})
"""Members of built-in kinds that every object has, be they empty: nobody adds them."""


class Shape(msgspec.Struct, frozen=True):
    """Of one value; the shapes of its members follow from it."""

    schema: Mapping[str, Any] | None = None
    """Of a custom kind; None for built-in ones."""
    name: str = ""
    """The member's own name, and of an item that of its list."""
    item: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the value, an object, has one owner."""
        if self.schema is not None:
            return self.schema.get("x-kubernetes-map-type") == "atomic"
        return self.name == "ownerReferences" if self.item else self.name in WHOLE

    @property
    def is_there(self) -> bool:
        """Whether such a member is never added, because it always exists."""
        return self.schema is None and not self.item and self.name in THERE

    @property
    def is_set(self) -> bool:
        if self.schema is not None:
            return self.schema.get("x-kubernetes-list-type") == "set"
        return self.name == "finalizers"

    def apart(self) -> tuple[str, ...]:
        """What tells the items of the value, a list, apart; nothing when it has one owner."""
        if self.schema is not None:
            keyed = self.schema.get("x-kubernetes-list-type") == "map"
            return tuple(self.schema.get("x-kubernetes-list-map-keys") or ()) if keyed else ()
        return KEYED.get(self.name, ())

    def member(self, name: str, value: Any = None) -> "Shape":
        """The shape of a member; `value` is it, for lists that differ in what they hold."""
        if self.schema is None or name == "metadata":
            return (
                _Ports(None, name, holder=self.name)
                if name == "ports" and isinstance(value, list)
                else Shape(None, name)
            )
        others = self.schema.get("additionalProperties")
        found = (self.schema.get("properties") or {}).get(name, others)
        return Shape(found if isinstance(found, dict) else {}, name)

    def items(self) -> "Shape":
        """The shape of each item of the value, a list."""
        if self.schema is None:
            return Shape(None, self.name, item=True)
        return Shape(self.schema.get("items") or {}, self.name, item=True)


class _Ports(Shape, frozen=True):
    """Ports of containers and of Services, which are told apart differently."""

    holder: str = ""

    def apart(self) -> tuple[str, ...]:
        if self.holder == "spec":
            return ("port", "protocol")
        return (PORTS[self.holder], "protocol") if self.holder in PORTS else ()
