"""The HPAs of the cluster in memory, small: what reconciling compares, and what each says of itself.

Kept by an informer; a body that we have just written is put in by hand, since the informer lags.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from scaler.api.hpa import HpaStatus
from scaler.api.meta import Kind, ObjectMeta, Raw
from scaler.loops.board import Key


class HpaCopy(Kind, frozen=True):
    """An HPA; its spec stays encoded, since it is only looked into when the object is reconciled."""

    metadata: ObjectMeta
    spec: msgspec.Raw
    status: HpaStatus = HpaStatus()

    def __post_init__(self) -> None:
        # What the decoder gives is a view that keeps the whole answer of the API server alive.
        msgspec.structs.force_setattr(self, "spec", self.spec.copy())

    @property
    def key(self) -> Key:
        return (self.metadata.namespace, self.metadata.name)

    @property
    def owner(self) -> Key | None:
        """The ScaledObject that owns it, if one does."""
        for owner in self.metadata.owner_references:
            if owner.kind == "ScaledObject" and owner.controller:
                return (self.metadata.namespace, owner.name)
        return None

    @property
    def target(self) -> str:
        """Kind and name of its workload, as the index has it."""
        ref = msgspec.json.decode(self.spec, type=_TargetOnly).scale_target_ref
        return place(self.metadata.namespace, ref.kind, ref.name)

    def manifest(self) -> Raw:
        """The whole as judgement compares it."""
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": msgspec.to_builtins(self.metadata),
            "spec": msgspec.json.decode(self.spec),
            "status": msgspec.to_builtins(self.status),
        }

    def says(self) -> Raw:
        """Only its conditions."""
        return {"status": {"conditions": msgspec.to_builtins(self.status.conditions or ())}}

    def same_wish(self, other: "HpaCopy") -> bool:
        """Whether nothing changed but what it says of itself (KEDA does not reconcile on that)."""
        ours, theirs = self.metadata, other.metadata
        return (
            bytes(self.spec) == bytes(other.spec)
            and ours.labels == theirs.labels
            and ours.annotations == theirs.annotations
            and ours.owner_references == theirs.owner_references
            and ours.deletion_timestamp == theirs.deletion_timestamp
        )


class _Ref(Kind, frozen=True):
    kind: str = ""
    name: str = ""


class _TargetOnly(Kind, frozen=True):
    scale_target_ref: _Ref = _Ref()


def place(namespace: str, kind: str, name: str) -> str:
    """The index key of a workload."""
    return f"{namespace}/{kind}/{name}"


def decoded(body: Any) -> HpaCopy:
    """The copy of a body that the API server returned."""
    return msgspec.json.decode(msgspec.json.encode(body), type=HpaCopy)


def manifests(copies: Iterable[HpaCopy]) -> tuple[Raw, ...]:
    """Each once, whole."""
    return tuple(copy.manifest() for copy in {copy.key: copy for copy in copies}.values())
