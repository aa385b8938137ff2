"""ScaledObject, keda.sh/v1alpha1: what to scale, between which bounds, on which triggers.

Fields, defaults and limits are KEDA's (its CRD and its controller's defaults); the CRD is generated from here.
"""

from typing import Annotated, Literal

import msgspec

from scaler.api.hpa import Behavior
from scaler.api.meta import Condition, Kind, ObjectMeta, ObjectRef

GROUP = "keda.sh"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

FINALIZER = "finalizer.keda.sh"
NAME_LABEL = "scaledobject.keda.sh/name"
PAUSED = "autoscaling.keda.sh/paused"
PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"
PAUSED_SCALE_IN = "autoscaling.keda.sh/paused-scale-in"
PAUSED_SCALE_OUT = "autoscaling.keda.sh/paused-scale-out"
FORCE_ACTIVATION = "autoscaling.keda.sh/force-activation"
TRANSFER_HPA_OWNERSHIP = "scaledobject.keda.sh/transfer-hpa-ownership"
HPA_EXCLUDED_LABELS = "scaledobject.keda.sh/hpa-excluded-labels"
HPA_OWNERSHIP = "validations.keda.sh/hpa-ownership"
"""On the HPA, with the value "false": its owner allows a second HPA beside it."""

OUR_DOMAIN = "kube-scaler.dev"
NO_DATA = f"{OUR_DOMAIN}/no-data"
"""Ours, on a ScaledObject: ``strict`` scales to zero only on a fresh zero, ``upstream`` keeps KEDA's semantics."""
ACTIVATE_TO = f"{OUR_DOMAIN}/activate-to"
"""Ours, on a ScaledObject: ``demand`` activates straight to what the readings ask for, ``minimum`` as KEDA does."""
ADOPT = f"{OUR_DOMAIN}/adopt"
"""Ours, on a user's own HPA: with the value "true" it may be held together with a VPA on its workload."""
ADOPTED = f"{OUR_DOMAIN}/adopted"
"""Ours, on an HPA that is: what its user wrote where our targets stand."""

Int32 = Annotated[int, msgspec.Meta(extra_json_schema={"format": "int32"})]
NonNegative = Annotated[int, msgspec.Meta(ge=0, extra_json_schema={"format": "int32"})]
Positive = Annotated[int, msgspec.Meta(ge=1, extra_json_schema={"format": "int32"})]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]

MINIMUM_WITHIN_MAXIMUM = {
    "rule": "!has(self.minReplicaCount) || "
    "self.minReplicaCount <= (has(self.maxReplicaCount) ? self.maxReplicaCount : 100)",
    "message": "minReplicaCount must not exceed maxReplicaCount, which is 100 when unset",
}


class ScaleTargetRef(Kind, frozen=True):
    """What is scaled: any kind with a /scale subresource, in the object's own namespace."""

    name: Name
    """Name of the workload."""
    api_version: str = "apps/v1"
    """Group and version of the workload; apps/v1 when unset."""
    kind: str = "Deployment"
    """Kind of the workload; Deployment when unset."""
    env_source_container_name: str = ""
    """The container whose environment resolves ``*FromEnv`` parameters; the first one when empty."""


class ScalingModifiers(Kind, frozen=True):
    """One composite metric computed from all external ones."""

    formula: str = ""
    """An expression over the trigger names."""
    target: str = ""
    """What one replica should stand for."""
    activation_target: str = ""
    """Above this composite value the workload is active."""
    metric_type: Literal["", "AverageValue", "Value"] = ""
    """How the HPA reads the composite metric; AverageValue when empty."""

    @property
    def used(self) -> bool:
        """KEDA's rule: any field set means modifiers are in use, and makes the formula mandatory."""
        return bool(self.formula or self.target or self.activation_target or self.metric_type)


class HorizontalPodAutoscalerConfig(Kind, frozen=True):
    """What the generated HPA is called and how it moves."""

    name: str = ""
    """Name of the HPA, at most 63 characters; ``keda-hpa-`` and the object's name when empty."""
    behavior: Behavior | None = None
    """HPA v2 behaviour, passed on as it stands."""


class Advanced(Kind, frozen=True):
    """Settings beyond bounds and triggers."""

    horizontal_pod_autoscaler_config: HorizontalPodAutoscalerConfig = HorizontalPodAutoscalerConfig()
    """The generated HPA."""
    restore_to_original_replica_count: bool = False
    """On deletion, set the workload back to the replicas it had when first seen."""
    scaling_modifiers: ScalingModifiers = ScalingModifiers()
    """One composite metric computed from all external ones."""


class AuthenticationRef(Kind, frozen=True):
    """Where a trigger's credentials come from."""

    name: str
    """Name of the TriggerAuthentication or ClusterTriggerAuthentication."""
    kind: Literal["", "TriggerAuthentication", "ClusterTriggerAuthentication"] = ""
    """TriggerAuthentication when empty."""


class TriggerSpec(Kind, frozen=True):
    """One event source to scale on."""

    type: Name
    """The trigger type, such as aws-sqs-queue."""
    metadata: dict[str, str]
    """The type's parameters; every value is a string, so numbers are quoted."""
    name: str = ""
    """Label in metrics and variable in a formula; unique when set."""
    use_cached_metrics: bool = False
    """The HPA reads the last poll's value instead of a fresh one."""
    metric_type: str = ""
    """AverageValue (also when empty), Value, or Utilization for cpu and memory."""
    authentication_ref: AuthenticationRef | None = None
    """Credentials."""


class Fallback(Kind, frozen=True):
    """What to do when a source cannot be read."""

    failure_threshold: NonNegative
    """Failures tolerated; the fallback engages at one more."""
    replicas: NonNegative
    """Replicas while the source cannot be read."""
    behavior: Annotated[
        Literal["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", "scalingModifiers"],
        msgspec.Meta(extra_json_schema={"default": "static"}),
    ] = "static"
    """Which figure is used: the given replicas, the current ones, the higher or lower of both, or the formula's."""


class ScaledObjectSpec(Kind, frozen=True):
    """What to scale, between which bounds, on which triggers."""

    scale_target_ref: ScaleTargetRef
    """The workload."""
    triggers: Annotated[tuple[TriggerSpec, ...], msgspec.Meta(min_length=1)]
    """The event sources; the one that asks for most wins."""
    polling_interval: Positive | None = None
    """Seconds from the start of one check of all triggers to the start of the next; 30 when unset."""
    cooldown_period: NonNegative | None = None
    """Seconds after the last active check before going to zero or idle; 300 when unset."""
    initial_cooldown_period: NonNegative | None = None
    """The same for an object that was never active, counted from its creation; 0 when unset."""
    idle_replica_count: NonNegative | None = None
    """Replicas while inactive; less than minReplicaCount."""
    min_replica_count: NonNegative | None = None
    """Fewest replicas while active; 0 when unset."""
    max_replica_count: Positive | None = None
    """Most replicas; 100 when unset."""
    advanced: Advanced = Advanced()
    """Settings beyond bounds and triggers."""
    fallback: Fallback | None = None
    """What to do when a source cannot be read."""

    @property
    def polling(self) -> float:
        """Seconds."""
        return 30.0 if self.polling_interval is None else float(self.polling_interval)

    @property
    def cooldown(self) -> float:
        """Seconds."""
        return 300.0 if self.cooldown_period is None else float(self.cooldown_period)

    @property
    def initial_cooldown(self) -> float:
        """Seconds."""
        return float(self.initial_cooldown_period or 0)

    @property
    def minimum(self) -> int:
        """Fewest replicas while active."""
        return self.min_replica_count or 0

    @property
    def maximum(self) -> int:
        """Most replicas."""
        return 100 if self.max_replica_count is None else self.max_replica_count


class GroupVersionKindResource(Kind, frozen=True, omit_defaults=False):
    """A resolved scale target."""

    group: str
    """Empty for the core group."""
    version: str
    """As in ``v1``."""
    kind: str
    """As in ``Deployment``."""
    resource: str
    """Plural, as in ``deployments``."""


class Health(Kind, frozen=True, omit_defaults=False):
    """How often a metric failed in a row; kept only while a valid fallback exists."""

    number_of_failures: Int32 = 0
    """In a row, by polls and by reads of the HPA together."""
    status: str = "Happy"
    """Happy or Failing."""


class TriggerActivity(Kind, frozen=True, omit_defaults=False):
    """Whether a metric is above its activation threshold."""

    is_active: bool = False
    """Strictly above, unless the trigger type has a rule of its own."""


class ScaledObjectStatus(Kind, frozen=True):
    """What is known of a ScaledObject, in KEDA's words."""

    scale_target_kind: str = ""
    """Group, version and kind of the target, as in ``apps/v1.Deployment``."""
    scale_target_gvkr: GroupVersionKindResource | None = msgspec.field(default=None, name="scaleTargetGVKR")
    """The resolved target."""
    original_replica_count: Int32 | None = None
    """Replicas when the target was first seen, written once."""
    last_active_time: Time | None = None
    """The last check with an active trigger."""
    external_metric_names: tuple[str, ...] = ()
    """Names of the external metrics that the HPA uses."""
    resource_metric_names: tuple[str, ...] = ()
    """Names of the resource metrics that the HPA uses."""
    composite_scaler_name: str = ""
    """``composite-metric`` when a formula is used."""
    conditions: tuple[Condition, ...] = ()
    """Ready, Active, Fallback, Paused and HPAActive, and TriggerData, which is ours."""
    health: dict[str, Health] = {}
    """Failures by metric."""
    triggers_activity: dict[str, TriggerActivity] = {}
    """Activity by metric."""
    paused_replica_count: Int32 | None = None
    """The replicas of the paused-replicas annotation while it is in force."""
    hpa_name: str = ""
    """Name of the generated HPA."""
    triggers_types: str = ""
    """The trigger types, comma-joined, unique, in order."""
    authentications_types: str = ""
    """The names of the authentications, comma-joined, unique, in order."""


class ScaledObject(Kind, frozen=True):
    """Scales one workload on events, cpu and memory."""

    metadata: ObjectMeta
    spec: Annotated[
        ScaledObjectSpec, msgspec.Meta(extra_json_schema={"x-kubernetes-validations": [MINIMUM_WITHIN_MAXIMUM]})
    ]
    """What is wanted."""
    status: ScaledObjectStatus = ScaledObjectStatus()
    """What is known."""
    api_version: str = API_VERSION
    kind: str = "ScaledObject"

    @property
    def ref(self) -> ObjectRef:
        """Which object this is."""
        meta = self.metadata
        return ObjectRef("ScaledObject", meta.namespace, meta.name, self.api_version, meta.uid)

    @property
    def hpa_name(self) -> str:
        """The name its HPA has or would have."""
        return hpa_name_of(self.metadata.name, self.spec.advanced.horizontal_pod_autoscaler_config.name)


def hpa_name_of(name: str, given: str) -> str:
    """The name of a ScaledObject's HPA: the given one, or KEDA's."""
    return given or f"keda-hpa-{name}"
