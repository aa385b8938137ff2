"""Whose workload and whose HPA: who goes on and who stands back when two want the same.

One who is at work goes on: an HPA of a ScaledObject that moves the workload is the proof. Between equals the older
one does. Who stands back says so in a condition, and leaves the workload alone.

Upstream refuses the newcomer at admission; this holds without a webhook, too, and for what was there before it.
"""

from collections.abc import Sequence

from scaler.api.meta import Raw
from scaler.api.neighbours import (
    aims_at,
    other_hpa,
    other_scaled_object,
    other_scaled_object_hpa,
    owns,
    same_target,
    transfers,
)
from scaler.api.scaledobject import TRANSFER_HPA_OWNERSHIP, ScaledObject
from scaler.errors import Problem


def conflicts(scaled: ScaledObject, others: Sequence[ScaledObject], hpas: Sequence[Raw]) -> list[Problem]:
    """Why this object must stand back; empty when the workload and the HPA's name are its own."""
    before = [other for other in others if _goes_first(other, scaled, hpas)]
    found = [*other_scaled_object(scaled, before), *other_scaled_object_hpa(scaled, before)]
    if not found and not at_work(scaled, hpas):
        strangers = [hpa for hpa in hpas if not any(owns(other, hpa) for other in others)]
        found = other_hpa(scaled, strangers)
    return found or _taken_name(scaled, hpas)


def surplus(scaled: ScaledObject, others: Sequence[ScaledObject], hpas: Sequence[Raw]) -> list[Raw]:
    """HPAs of one who stands back that aim at what another's HPA moves: beside two, the controller obeys neither."""
    rivals = [other for other in others if same_target(other, scaled) and at_work(other, hpas)]
    return [hpa for hpa in hpas if rivals and owns(scaled, hpa) and aims_at(hpa, scaled)]


def at_work(scaled: ScaledObject, hpas: Sequence[Raw]) -> bool:
    """Whether an HPA of this object moves its workload."""
    return any(owns(scaled, hpa) and aims_at(hpa, scaled) for hpa in hpas)


def named(hpas: Sequence[Raw], name: str) -> Raw | None:
    """The HPA of this name."""
    return next((hpa for hpa in hpas if hpa["metadata"]["name"] == name), None)


def _goes_first(other: ScaledObject, scaled: ScaledObject, hpas: Sequence[Raw]) -> bool:
    if not same_target(other, scaled) and other.hpa_name != scaled.hpa_name:
        return False
    theirs, ours = at_work(other, hpas), at_work(scaled, hpas)
    return theirs if theirs != ours else _age(other) < _age(scaled)


def _age(scaled: ScaledObject) -> tuple[float, str]:
    return scaled.metadata.created, scaled.metadata.name


def _taken_name(scaled: ScaledObject, hpas: Sequence[Raw]) -> list[Problem]:
    """An HPA of the wanted name that is somebody else's."""
    standing = named(hpas, scaled.hpa_name)
    if standing is None or owns(scaled, standing) or transfers(scaled):
        return []
    message = (
        f"the HPA {scaled.hpa_name} exists and is not this object's: choose another name, delete it, or take it over "
        f'with the annotation {TRANSFER_HPA_OWNERSHIP}: "true" and its name here'
    )
    return [Problem("spec.advanced.horizontalPodAutoscalerConfig.name", message, scaled.hpa_name)]
