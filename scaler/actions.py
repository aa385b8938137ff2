"""All that may be done to a cluster, as values. Deciding makes them; `scaler.kube.hands` carries them out."""

from typing import Literal

import msgspec

from scaler.api.meta import ObjectRef, Raw
from scaler.api.verticalpodautoscaler import CheckpointSpec, CheckpointStatus, VerticalPodAutoscalerStatus


class SetReplicas(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Write the /scale subresource of a workload."""

    group: str
    version: str
    resource: str
    """Plural, as in ``deployments``."""
    namespace: str
    name: str
    replicas: int


class ApplyHpa(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Create the HPA, or bring an existing one to this body."""

    namespace: str
    name: str
    body: Raw
    """A whole autoscaling/v2 manifest."""
    existing: Raw | None = None
    """What stands there now (its metadata carries the resourceVersion), None to create."""
    theirs: bool = False
    """It is a user's own: only that very version may be changed (else 409), and one that is gone stays gone (404)."""


class DeleteHpa(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Delete an HPA of ours; not finding it is success."""

    namespace: str
    name: str
    uid: str = ""
    """Precondition, so that a namesake is never touched."""


class PatchMetadata(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Merge-patch labels, annotations or the whole finalizer list of an object of our kinds."""

    ref: ObjectRef
    resource: str
    """Plural, as in ``scaledobjects``."""
    patch: Raw
    """The merge patch's ``metadata``."""
    resource_version: str = ""
    """Precondition; needed when the finalizer list is written."""


class WriteStatus(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Merge-patch the status subresource of an object of our kinds."""

    ref: ObjectRef
    resource: str
    patch: Raw
    """The merge patch's ``status``: a null removes a field."""


class WriteRecommendation(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Replace the status of a VerticalPodAutoscaler, as upstream does."""

    ref: ObjectRef
    status: VerticalPodAutoscalerStatus


class KeepCheckpoint(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Replace what a checkpoint says was learned; make the checkpoint where there is none."""

    namespace: str
    name: str
    spec: CheckpointSpec
    status: CheckpointStatus
    annotations: dict[str, str] = {}
    """To be set besides; others stay."""
    new: bool = False
    """Thought to be none yet. Being wrong costs a call, no more."""


class DeleteCheckpoint(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Delete a checkpoint whose object is gone; not finding it is success."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    """Preconditions: one that was written meanwhile belongs to somebody."""


class Evict(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Evict a pod by the Eviction API, so that PodDisruptionBudgets hold."""

    namespace: str
    name: str
    uid: str
    """Precondition: a StatefulSet's next pod has the same name."""


class Resize(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """Give a running pod other resources, and say so in its annotations."""

    namespace: str
    name: str
    uid: str
    """Precondition."""
    patch: tuple[Raw, ...]
    """JSON patch of the subresource /resize."""
    annotations: tuple[Raw, ...] = ()
    """JSON patch of the pod afterwards; that it fails is no failure."""


class Tell(msgspec.Struct, frozen=True, tag=True, tag_field="do"):
    """An event on the user's object."""

    ref: ObjectRef
    type: Literal["Normal", "Warning"]
    reason: str
    """One of ``scaler.api.reasons``: a closed list."""
    message: str


Action = (
    SetReplicas
    | ApplyHpa
    | DeleteHpa
    | PatchMetadata
    | WriteStatus
    | WriteRecommendation
    | KeepCheckpoint
    | DeleteCheckpoint
    | Evict
    | Resize
    | Tell
)
