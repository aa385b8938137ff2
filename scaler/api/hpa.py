"""The parts of autoscaling/v2 HorizontalPodAutoscaler that we write and read."""

from typing import Annotated

import msgspec

from scaler.api.meta import Kind, ObjectMeta, Raw

_NUMBER = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
QUANTITY = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
    "pattern": rf"^(\+|-)?{_NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?{_NUMBER}))?$",
}
"""A Kubernetes quantity, which may be written without quotes."""


class ScalingPolicy(Kind, frozen=True):
    """How much may change in a period."""

    type: str
    """Pods or Percent."""
    value: Annotated[int, msgspec.Meta(extra_json_schema={"format": "int32"})]
    """How many, or how many percent."""
    period_seconds: Annotated[int, msgspec.Meta(extra_json_schema={"format": "int32"})]
    """The period, 1 to 1800 seconds."""


class ScalingRules(Kind, frozen=True):
    """How the HPA moves in one direction."""

    stabilization_window_seconds: (
        Annotated[int, msgspec.Meta(ge=0, le=3600, extra_json_schema={"format": "int32"})] | None
    ) = None
    """How long to look back before moving."""
    select_policy: str | None = None
    """Max, Min or Disabled."""
    policies: (
        Annotated[tuple[ScalingPolicy, ...], msgspec.Meta(extra_json_schema={"x-kubernetes-list-type": "atomic"})]
        | None
    ) = None
    """What may change; all are considered."""
    tolerance: Annotated[str | int | float | None, msgspec.Meta(extra_json_schema=QUANTITY)] = None
    """How far usage may be off before anything moves (a quantity)."""


class Behavior(Kind, frozen=True):
    """How the HPA moves, passed on as it stands."""

    scale_up: ScalingRules | None = None
    """Upwards."""
    scale_down: ScalingRules | None = None
    """Downwards."""


class HpaTargetRef(Kind, frozen=True):
    """What an HPA scales."""

    kind: str
    name: str
    api_version: str = ""


class HpaSpec(Kind, frozen=True):
    """What an HPA is asked to do."""

    scale_target_ref: HpaTargetRef
    max_replicas: int
    min_replicas: int | None = None
    metrics: tuple[Raw, ...] = ()
    behavior: Raw | None = None


class HpaCondition(Kind, frozen=True):
    """A condition as autoscaling/v2 has it."""

    type: str
    """ScalingActive, AbleToScale or ScalingLimited."""
    status: str
    reason: str = ""
    message: str = ""


class HpaStatus(Kind, frozen=True):
    """What an HPA says of itself."""

    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: tuple[HpaCondition, ...] | None = None


class Hpa(Kind, frozen=True):
    """An autoscaling/v2 HorizontalPodAutoscaler, as far as we look."""

    metadata: ObjectMeta
    spec: HpaSpec
    status: HpaStatus = HpaStatus()
