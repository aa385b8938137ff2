"""VerticalPodAutoscaler and its checkpoint, autoscaling.k8s.io/v1 and v1beta2: how big a workload's pods should be.

Fields and limits are VPA's; the CRDs are generated from here, and v1beta2, which upstream no longer serves, is served
with the same fields, so that nothing is lost between the two. There is no default in the definitions: a default is
what reading an absent field gives. The fields of upstream's feature gates just work.
"""

from typing import Annotated, Literal

import msgspec

from scaler.api.hpa import QUANTITY
from scaler.api.meta import Kind, ObjectMeta, ObjectRef, Raw
from scaler.api.scaledobject import OUR_DOMAIN, Int32, Time

GROUP = "autoscaling.k8s.io"
VERSION = "v1"
OLD_VERSION = "v1beta2"
API_VERSION = f"{GROUP}/{VERSION}"
OLD_API_VERSION = f"{GROUP}/{OLD_VERSION}"

DEFAULT_RECOMMENDER = "default"
"""Who recommends for an object that names no recommender."""
ALL_CONTAINERS = "*"
"""The container name of the policy for containers without one of their own."""
CHECKPOINT_VERSION = "v3"
"""The format of a checkpoint's data; another one is not read."""

POD_UPDATES = "vpaUpdates"
"""On a pod: what was set at its creation, and what capped it."""
OBSERVED_CONTAINERS = "vpaObservedContainers"
"""On a pod: the containers it was created with, so that one injected later is not held against it."""
IN_PLACE_UPDATED = "vpaInPlaceUpdated"
"""On a pod, with the value "true": it was resized while running."""
STARTUP_BOOST = "vpaCpuStartupBoost"
"""On a pod, followed by ``/`` and a container's name: the resources it would have without its boost, as JSON."""
POST_PROCESSOR = "vpa-post-processor.kubernetes.io"
INTEGER_CPU = "_integerCPU"
"""On a VPA, ``vpa-post-processor.kubernetes.io/<container>_integerCPU`` with the value "true": whole cores only."""

LIMITS = f"{OUR_DOMAIN}/limits"
"""Ours, on a VPA: what becomes of limits. ``ratio`` keeps the pod's own ratio of limit to request as VPA does,
``equal`` sets each limit to its request, ``no-cpu`` takes the cpu limit away and keeps the ratio for memory."""
INIT_CONTAINERS = f"{OUR_DOMAIN}/init-containers"
"""Ours, on a VPA: which init containers are sized, too. ``none`` as VPA does, ``sidecars`` those that restart always
and so run beside the others, ``all`` every one."""
MINIMUM_CPU = f"{OUR_DOMAIN}/pod-minimum-cpu"
"""Ours, on a VPA: what its pods are recommended at least, shared by their containers, instead of the recommender's
25m. With less than 10m usage is not told apart."""
MINIMUM_MEMORY = f"{OUR_DOMAIN}/pod-minimum-memory"
"""Ours, on a VPA: the same for memory, instead of 250Mi."""
OOM_FLOOR = f"{OUR_DOMAIN}/oom-floor"
"""Ours, on a VPA: for how long (``8d``) a container that was killed for memory is not sized below what it was then
thought to need. On a checkpoint: that amount, and until when it holds."""
FIT_NODE = f"{OUR_DOMAIN}/fit-largest-node"
"""Ours, on a VPA: ``true`` sizes its pods no larger than the largest node has room for, ``false`` not so."""
DISRUPTION_BUDGETS = f"{OUR_DOMAIN}/disruption-budgets"
"""Ours, on a VPA: when and how many of its running pods may be moved, as Karpenter's budgets say it of nodes."""
RESIZE_PENDING_PERIOD = f"{OUR_DOMAIN}/resize-pending-period"
"""Ours, on a VPA: for how long (``5m``) a resize may wait for room on its node before the pod is evicted."""

Int64 = Annotated[int, msgspec.Meta(extra_json_schema={"format": "int64"})]
PositiveInt32 = Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"format": "int32"})]
PositiveInt64 = Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"format": "int64"})]
Generation = Annotated[int, msgspec.Meta(ge=0, extra_json_schema={"format": "int64"})]
Quantity = Annotated[str | int | float, msgspec.Meta(extra_json_schema=QUANTITY)]
Resources = dict[str, Quantity]
"""Quantities by resource: cpu, memory."""
NullableTime = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time", "nullable": True})]

UpdateMode = Literal["", "Off", "Initial", "Recreate", "InPlaceOrRecreate", "InPlace", "Auto"]

BOOST_RULES = [
    {
        "rule": "(self.type == 'Factor') == has(self.factor)",
        "message": "factor goes with type Factor: there it is required, elsewhere it has no place",
    },
    {
        "rule": "(self.type == 'Quantity') == has(self.quantity)",
        "message": "quantity goes with type Quantity: there it is required, elsewhere it has no place",
    },
]


class TargetRef(Kind, frozen=True):
    """Whose pods are sized: the topmost controller of the pods, in the object's own namespace."""

    kind: str
    """Kind of the workload, as in Deployment."""
    name: str
    """Name of the workload."""
    api_version: str = ""
    """Group and version of the workload."""


class EvictionRequirement(Kind, frozen=True):
    """What must be so before a pod is moved: met when any of the resources changes in that direction."""

    resources: tuple[str, ...]
    """Any of cpu and memory."""
    change_requirement: Literal["TargetHigherThanRequests", "TargetLowerThanRequests"]
    """The direction, from what the pod requests to what is recommended."""


class UpdatePolicy(Kind, frozen=True):
    """When and how a recommendation reaches pods."""

    update_mode: UpdateMode = ""
    """Off: only a recommendation. Initial: new pods. Recreate: running pods are evicted, too. InPlaceOrRecreate: they
    are resized, or else evicted. InPlace: they are resized, never evicted. Auto is an old name of Recreate, which
    counts when unset."""
    min_replicas: Int32 | None = None
    """With fewer pods than this, no pod is evicted; the updater's setting (2) when unset."""
    evict_after_oom_seconds: PositiveInt32 | None = msgspec.field(default=None, name="evictAfterOOMSeconds")
    """A container killed for memory within so many seconds of its start is helped at once; the updater's setting
    (600) when unset."""
    eviction_requirements: tuple[EvictionRequirement, ...] = ()
    """All must be met before a running pod is moved."""


class CpuBoost(Kind, frozen=True):
    """More cpu until the pod is ready."""

    type: Literal["", "Factor", "Quantity"]
    """Factor multiplies the request, Quantity adds to it."""
    factor: Int32 | None = None
    """How many times the request; with the type Factor."""
    quantity: Quantity | None = None
    """How much more; with the type Quantity."""
    duration_seconds: Int32 | None = None
    """How long the boost stays after the pod became ready; 0 when unset."""


class StartupBoost(Kind, frozen=True):
    """More of a resource until the pod is ready."""

    cpu: Annotated[CpuBoost, msgspec.Meta(extra_json_schema={"x-kubernetes-validations": BOOST_RULES})] | None = None
    """More cpu until the pod is ready."""


class ContainerPolicy(Kind, frozen=True):
    """How one container is sized."""

    container_name: str = ""
    """The container; ``*`` stands for every container without a policy of its own."""
    mode: Literal["", "Auto", "Off"] = ""
    """Off leaves the container alone; Auto when unset."""
    min_allowed: Resources = {}
    """Never recommend less; maxAllowed wins where the two contradict."""
    max_allowed: Resources = {}
    """Never recommend more."""
    controlled_resources: tuple[str, ...] | None = None
    """Which resources are sized: cpu, memory or both; both when unset, none when empty."""
    controlled_values: Literal["", "RequestsAndLimits", "RequestsOnly"] = ""
    """Whether limits follow requests, in the pod's own ratio; RequestsAndLimits when unset."""
    oom_bump_up_ratio: Quantity | None = None
    """A container killed for memory is given so many times what it had; the recommender's setting (1.2) when
    unset."""
    oom_min_bump_up: Quantity | None = None
    """And at least so much more; the recommender's setting (100Mi) when unset."""
    memory_aggregation_interval_seconds: PositiveInt32 | None = None
    """The interval whose peak counts as one sample of memory; the recommender's setting (a day) when unset."""
    memory_aggregation_interval_count: PositiveInt64 | None = None
    """After so many intervals without a sample a container is forgotten; the recommender's setting (8) when unset."""
    startup_boost: StartupBoost | None = None
    """More cpu until the pod is ready; goes before spec.startupBoost."""


class ResourcePolicy(Kind, frozen=True):
    """How the containers are sized."""

    container_policies: tuple[ContainerPolicy, ...] = ()
    """One entry a container, and one for all others; entries are not merged."""


class RecommenderRef(Kind, frozen=True):
    """Who recommends."""

    name: str
    """The recommender's name."""


class VerticalPodAutoscalerSpec(Kind, frozen=True):
    """Whose pods, within which bounds, and when."""

    target_ref: Annotated[
        TargetRef | None,
        msgspec.Meta(extra={"required": True}, extra_json_schema={"x-kubernetes-map-type": "atomic"}),
    ] = None
    """The workload."""
    update_policy: UpdatePolicy | None = None
    """When and how a recommendation reaches pods."""
    resource_policy: ResourcePolicy = ResourcePolicy()
    """How the containers are sized."""
    recommenders: tuple[RecommenderRef, ...] = ()
    """Who recommends, at most one; the recommender named default when empty."""
    startup_boost: StartupBoost | None = None
    """More cpu until the pod is ready, for containers without a boost of their own."""

    @property
    def update_mode(self) -> UpdateMode:
        """As it is written, Recreate when it is not; Auto is left standing."""
        return (self.update_policy.update_mode if self.update_policy else "") or "Recreate"

    @property
    def boosts(self) -> bool:
        """Whether any container gets more cpu until its pod is ready."""
        boosts = (self.startup_boost, *(one.startup_boost for one in self.resource_policy.container_policies))
        return any(boost is not None and boost.cpu is not None for boost in boosts)

    @property
    def sizes_new_pods(self) -> bool:
        """Whether anything is done to a pod at its creation: in mode Off only a boost is given."""
        return self.update_mode != "Off" or self.boosts

    @property
    def recommender(self) -> str:
        """The name of who recommends."""
        return self.recommenders[0].name if self.recommenders else DEFAULT_RECOMMENDER

    def policy(self, container: str) -> ContainerPolicy | None:
        """The container's own policy, or the one for all others."""
        fallback = None
        for policy in self.resource_policy.container_policies:
            if policy.container_name == container:
                return policy
            if policy.container_name == ALL_CONTAINERS:
                fallback = policy
        return fallback


class ContainerRecommendation(Kind, frozen=True):
    """How big one container should be."""

    target: Resources
    """What to request."""
    container_name: str = ""
    """The container."""
    lower_bound: Resources = {}
    """With less the container is expected to suffer."""
    upper_bound: Resources = {}
    """More than this is expected to be wasted."""
    uncapped_target: Resources = {}
    """The target before minAllowed and maxAllowed; for information."""


class PodRecommendation(Kind, frozen=True):
    """How big the containers should be."""

    container_recommendations: tuple[ContainerRecommendation, ...] = ()
    """One entry a container, by name."""


class VpaCondition(Kind, frozen=True):
    """A condition as VPA has it."""

    type: str
    """What is said something of, as in RecommendationProvided."""
    status: str
    """True, False or Unknown."""
    last_transition_time: Time | None = None
    """When the status became what it is."""
    reason: str = ""
    """Why, in one CamelCase word."""
    message: str = ""
    """Why, in a sentence."""
    observed_generation: Generation = 0
    """The generation of the object that this was said of."""


class VerticalPodAutoscalerStatus(Kind, frozen=True):
    """What is recommended, and what is known."""

    recommendation: PodRecommendation | None = None
    """What is recommended."""
    conditions: tuple[VpaCondition, ...] = ()
    """By type."""
    observed_generation: Generation = 0
    """The generation of the object that the recommendation was made for."""


class VerticalPodAutoscaler(Kind, frozen=True):
    """Sizes the pods of one workload by what they use."""

    metadata: ObjectMeta
    spec: VerticalPodAutoscalerSpec
    """What is wanted."""
    status: VerticalPodAutoscalerStatus = VerticalPodAutoscalerStatus()
    """What is known."""
    api_version: str = API_VERSION
    kind: str = "VerticalPodAutoscaler"

    @property
    def ref(self) -> ObjectRef:
        """Which object this is."""
        meta = self.metadata
        return ObjectRef("VerticalPodAutoscaler", meta.namespace, meta.name, API_VERSION, meta.uid)


class HistogramCheckpoint(Kind, frozen=True):
    """A histogram with decaying weights."""

    reference_timestamp: NullableTime | None = None
    """When a sample has weight 1 times its own."""
    bucket_weights: Raw = {}
    """By the bucket's number, in ten-thousandths of the heaviest."""
    total_weight: float = 0.0
    """The weight of all samples."""


class CheckpointSpec(Kind, frozen=True):
    """Whose usage it is."""

    vpa_object_name: str = ""
    """The VerticalPodAutoscaler, in the same namespace."""
    container_name: str = ""
    """The container."""


class CheckpointStatus(Kind, frozen=True):
    """What was learned of its usage."""

    last_update_time: NullableTime | None = None
    """When this was written."""
    version: str = ""
    """The format: v3."""
    cpu_histogram: HistogramCheckpoint = HistogramCheckpoint()
    """Usage of cpu, in cores."""
    memory_histogram: HistogramCheckpoint = HistogramCheckpoint()
    """Peaks of memory, in bytes."""
    first_sample_start: NullableTime | None = None
    """The first sample of cpu."""
    last_sample_start: NullableTime | None = None
    """The last sample of cpu."""
    total_samples_count: int = 0
    """How many samples of cpu."""


class VerticalPodAutoscalerCheckpoint(Kind, frozen=True):
    """What was learned of one container's usage, so that a restart forgets nothing."""

    metadata: ObjectMeta
    spec: CheckpointSpec = CheckpointSpec()
    """Whose usage it is."""
    status: CheckpointStatus = CheckpointStatus()
    """What was learned; an ordinary part of the object, no subresource."""
    api_version: str = API_VERSION
    kind: str = "VerticalPodAutoscalerCheckpoint"
