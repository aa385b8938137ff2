"""The rules of a ScaledObject beside the other ScaledObjects and the HPAs of its namespace: one workload, one master.

Source: upstream's admission webhook. HPAs are taken as they stand, with whatever fields they have.
"""

from collections.abc import Iterable

from scaler.api import scaledobject as so
from scaler.api.meta import Kind, Raw
from scaler.api.rules import Refusal, Scaling, because, group, target_of
from scaler.api.scaledobject import ScaledObject, ScaleTargetRef, hpa_name_of
from scaler.errors import Problem


class _OutlinedMeta(Kind, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _OutlinedConfig(Kind, frozen=True, gc=False):
    name: str = ""


class _OutlinedAdvanced(Kind, frozen=True, gc=False):
    horizontal_pod_autoscaler_config: _OutlinedConfig = _OutlinedConfig()


class _OutlinedSpec(Kind, frozen=True, gc=False):
    scale_target_ref: ScaleTargetRef
    advanced: _OutlinedAdvanced = _OutlinedAdvanced()


class Outline(Kind, frozen=True, gc=False):
    """A ScaledObject as far as its neighbours must know it: small, for those who keep every one of a cluster."""

    metadata: _OutlinedMeta
    spec: _OutlinedSpec

    @property
    def hpa_name(self) -> str:
        """The name its HPA has or would have."""
        return hpa_name_of(self.metadata.name, self.spec.advanced.horizontal_pod_autoscaler_config.name)


Other = ScaledObject | Outline


def neighbour_refusals(scaled: ScaledObject, others: Iterable[Other] = (), hpas: Iterable[Raw] = ()) -> list[Refusal]:
    """Everything that is wrong beside the other objects and HPAs of its namespace."""
    others, hpas = tuple(others), tuple(hpas)
    return [
        *because("other-scaled-object", other_scaled_object(scaled, others)),
        *because("other-scaled-object-hpa", other_scaled_object_hpa(scaled, others)),
        *because("other-hpa", other_hpa(scaled, hpas)),
        *because("transfer-ownership-missing-hpa-name", transfer_name(scaled)),
    ]


def same_target(one: Scaling, other: Scaling) -> bool:
    """Whether both scale the same workload; versions of one group do not count."""
    return target_of(one) == target_of(other)


def other_scaled_object(scaled: ScaledObject, others: Iterable[Other]) -> list[Problem]:
    """A workload has one ScaledObject."""
    ref = scaled.spec.scale_target_ref
    return [
        Problem(
            "spec.scaleTargetRef",
            f"{ref.kind} {ref.name} is scaled by ScaledObject {other.metadata.name} already: put its triggers there",
            ref.name,
        )
        for other in others
        if not _same(scaled, other) and same_target(scaled, other)
    ]


def other_scaled_object_hpa(scaled: ScaledObject, others: Iterable[Other]) -> list[Problem]:
    """An HPA has one ScaledObject."""
    return [
        Problem(
            "spec.advanced.horizontalPodAutoscalerConfig.name",
            f"{scaled.hpa_name} is the HPA of ScaledObject {other.metadata.name} already: choose another name",
            scaled.hpa_name,
        )
        for other in others
        if not _same(scaled, other) and other.hpa_name == scaled.hpa_name
    ]


def other_hpa(scaled: ScaledObject, hpas: Iterable[Raw]) -> list[Problem]:
    """A workload has one HPA, unless that HPA allows another one or is to be taken over."""
    return [
        _other_hpa(scaled, hpa)
        for hpa in hpas
        if aims_at(hpa, scaled)
        and not owns(scaled, hpa)
        and not _allows_another(hpa)
        and not _takes_over(scaled, hpa)
    ]


def transfer_name(scaled: ScaledObject) -> list[Problem]:
    """Who takes over an HPA says which."""
    if not transfers(scaled) or scaled.spec.advanced.horizontal_pod_autoscaler_config.name:
        return []
    message = f"is needed beside the annotation {so.TRANSFER_HPA_OWNERSHIP}: the name of the HPA to take over"
    return [Problem("spec.advanced.horizontalPodAutoscalerConfig.name", message)]


def owns(scaled: ScaledObject, hpa: Raw) -> bool:
    """Whether the HPA is this object's: by its owner reference, or by our labels when it has no controller."""
    metadata = hpa.get("metadata") or {}
    owners = metadata.get("ownerReferences") or []
    for owner in owners:
        if owner.get("kind") == "ScaledObject" and owner.get("name") == scaled.metadata.name:
            return str(owner.get("apiVersion", "")).startswith(f"{so.GROUP}/")
    labels = metadata.get("labels") or {}
    return (
        not any(owner.get("controller") for owner in owners)
        and labels.get("app.kubernetes.io/managed-by") == "keda-operator"
        and labels.get("app.kubernetes.io/part-of") == scaled.metadata.name
    )


def aims_at(hpa: Raw, scaled: ScaledObject) -> bool:
    """Whether the HPA scales this object's workload."""
    ref = (hpa.get("spec") or {}).get("scaleTargetRef") or {}
    return (group(str(ref.get("apiVersion") or "")), ref.get("kind"), ref.get("name")) == target_of(scaled)


def transfers(scaled: ScaledObject) -> bool:
    """Whether the object asks to take over an HPA that exists."""
    return scaled.metadata.annotations.get(so.TRANSFER_HPA_OWNERSHIP) == "true"


def _same(one: ScaledObject, other: Other) -> bool:
    return (one.metadata.namespace, one.metadata.name) == (other.metadata.namespace, other.metadata.name)


def _takes_over(scaled: ScaledObject, hpa: Raw) -> bool:
    return transfers(scaled) and hpa["metadata"].get("name") == scaled.hpa_name


def _allows_another(hpa: Raw) -> bool:
    return (hpa["metadata"].get("annotations") or {}).get(so.HPA_OWNERSHIP) == "false"


def _other_hpa(scaled: ScaledObject, hpa: Raw) -> Problem:
    ref, own = scaled.spec.scale_target_ref, hpa["metadata"].get("name", "")
    message = (
        f"{ref.kind} {ref.name} is scaled by HPA {own} already: delete it, or take it over with the annotation "
        f'{so.TRANSFER_HPA_OWNERSHIP}: "true" and its name in advanced.horizontalPodAutoscalerConfig.name'
    )
    return Problem("spec.scaleTargetRef", message, ref.name)
