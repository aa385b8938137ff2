"""What every Kubernetes object carries, and how one is named."""

from typing import Any

import msgspec

from scaler.clock import from_rfc3339


class Kind(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of everything a user writes: camelCase on the wire, frozen, unknown fields pruned when read."""


class OwnerReference(Kind, frozen=True):
    """Whose garbage this object is when its owner goes."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Kind, frozen=True):
    """The part of metav1.ObjectMeta that decisions need."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None

    @property
    def created(self) -> float:
        """Epoch seconds; 0 for an object that no server has seen."""
        return from_rfc3339(self.creation_timestamp) if self.creation_timestamp else 0.0


class ObjectRef(msgspec.Struct, frozen=True, order=True):
    """Which object: enough to find it, to point an event at it, and to be a key."""

    kind: str
    namespace: str
    name: str
    api_version: str = ""
    uid: str = ""

    def __str__(self) -> str:
        return (
            f"{self.kind.lower()}/{self.name} in {self.namespace}"
            if self.namespace
            else f"{self.kind.lower()}/{self.name}"
        )


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition in KEDA's shape: no timestamps, no observedGeneration."""

    type: str
    """What is said something of, as in ``Ready``."""
    status: str
    """True, False or Unknown."""
    reason: str = ""
    """Why, in one CamelCase word."""
    message: str = ""
    """Why, in a sentence."""


Raw = dict[str, Any]
"""A part of an object that is passed on as it stands."""
