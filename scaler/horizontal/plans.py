"""What was seen of an object and what is to be done about it, as values, and the parts that plans are made of."""

from typing import Literal

import msgspec

from scaler.actions import Action, DeleteHpa, PatchMetadata, SetReplicas, Tell
from scaler.api.meta import Condition, Raw
from scaler.api.rules import LONGEST_NAME
from scaler.api.scaledobject import FINALIZER, NAME_LABEL, GroupVersionKindResource, ScaledObject, ScaledObjectStatus
from scaler.errors import Problem
from scaler.horizontal import conditions, events
from scaler.horizontal import fallback as fallbacks
from scaler.horizontal.readings import Coupling, Policy, Scale, Subject, TriggerPlan
from scaler.horizontal.status import RESOURCE, status_write

LOOK_AGAIN = 30.0
"""Seconds until the next look at what only the world can cure: a missing target, a neighbour."""


class Resolved(msgspec.Struct, frozen=True, tag=True):
    """The target exists and can be scaled."""

    gvkr: GroupVersionKindResource
    scale: Scale


class Unresolved(msgspec.Struct, frozen=True, tag=True):
    """The target cannot be scaled."""

    cause: Literal["no-kind", "not-found", "no-scale"]
    why: str = ""
    """The API server's own words, if it had any."""


class Observed(msgspec.Struct, frozen=True):
    """What was seen of an object and the world around it."""

    scaled: ScaledObject
    target: Resolved | Unresolved | None = None
    """None when nobody looked, which only an object that is being deleted can afford."""
    triggers: tuple[TriggerPlan, ...] = ()
    """Built, one for each of spec.triggers; a paused object needs none."""
    hpas: tuple[Raw, ...] = ()
    """HPAs of the namespace: those of the names in question, and those that aim at the target."""
    others: tuple[ScaledObject, ...] = ()
    """Other ScaledObjects of the namespace."""
    policy: Policy = Policy()
    polled_generation: int | None = None
    """metadata.generation that the running poll loop was built from; None when none runs."""
    pod_spec: Raw | None = None
    """The target's pod template, when cpu or memory triggers are to be checked against it."""
    limit_ranges: tuple[Raw, ...] = ()
    """LimitRanges of the namespace, likewise."""
    coupling: Coupling | None = None
    """What a VPA on the same workload makes of the HPA; None when there is none."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be done, and what the object is from then on."""

    actions: tuple[Action, ...] = ()
    subject: Subject | None = None
    """What to poll; None for nothing."""
    status: ScaledObjectStatus = ScaledObjectStatus()
    """The status once the actions are done."""
    problems: tuple[Problem, ...] = ()
    """Why it is not ready, or not wholly."""
    warnings: tuple[str, ...] = ()
    """What has no effect as it is written."""
    look_again: float | None = None
    """Seconds after which to look again without being told."""
    gone: bool = False
    """Being deleted: it can be forgotten."""

    @property
    def polls(self) -> bool:
        """Whether its triggers are to be polled."""
        return self.subject is not None


def target_problem(scaled: ScaledObject, target: Unresolved | None) -> Problem:
    """Why the target cannot be scaled, and what would help."""
    ref = scaled.spec.scale_target_ref
    why = f" ({target.why})" if target is not None and target.why else ""
    cause = "not-found" if target is None else target.cause
    if cause == "no-kind":
        message = f"the cluster knows no {ref.kind} of {ref.api_version}: correct the kind, or install it{why}"
        return Problem("spec.scaleTargetRef.kind", message, ref.kind)
    if cause == "no-scale":
        message = f"{ref.kind} {ref.name} has no /scale subresource, without which it cannot be scaled{why}"
        return Problem("spec.scaleTargetRef.kind", message, ref.kind)
    message = (
        f"{ref.kind} {ref.name} does not exist in {scaled.metadata.namespace}: create it, or correct the name{why}"
    )
    return Problem("spec.scaleTargetRef.name", message, ref.name)


def written(
    observed: Observed, work: list[Action], status: ScaledObjectStatus, told: list[Tell]
) -> tuple[Action, ...]:
    """All actions in their order: metadata, the work itself, the status, the events."""
    write = status_write(observed.scaled, observed.scaled.status, status)
    return (*metadata(observed.scaled), *work, *([write] if write is not None else []), *told)


def metadata(scaled: ScaledObject) -> list[Action]:
    """Finalizer and name label in one patch, as far as they are missing."""
    meta = scaled.metadata
    patch: Raw = {}
    if FINALIZER not in meta.finalizers:
        patch["finalizers"] = [*meta.finalizers, FINALIZER]
    if meta.labels.get(NAME_LABEL) != meta.name and len(meta.name) <= LONGEST_NAME:
        patch["labels"] = {NAME_LABEL: meta.name}
    if not patch:
        return []
    return [PatchMetadata(scaled.ref, RESOURCE, patch, meta.resource_version if "finalizers" in patch else "")]


def conditioned(scaled: ScaledObject, status: ScaledObjectStatus, changed: list[Condition]) -> ScaledObjectStatus:
    """The status with all initial conditions and the changed ones."""
    present = conditions.merged(conditions.INITIAL, scaled.status.conditions)
    if fallbacks.valid(scaled) is None:
        changed = [*changed, conditions.fallback(engaged=False)]
    return msgspec.structs.replace(status, conditions=conditions.merged(present, changed))


def has(scaled: ScaledObject, condition: Condition) -> bool:
    """Whether the status says exactly this already."""
    return condition in scaled.status.conditions


def stopped(observed: Observed) -> list[Tell]:
    """What to tell when a running poll loop ends."""
    return [] if observed.polled_generation is None else [events.stopped(observed.scaled)]


def deletion(hpa: Raw) -> DeleteHpa:
    """This very HPA deleted, and no namesake."""
    meta = hpa["metadata"]
    return DeleteHpa(meta.get("namespace", ""), meta["name"], meta.get("uid", ""))


def setting(scaled: ScaledObject, target: GroupVersionKindResource, replicas: int) -> SetReplicas:
    """The workload set to this many."""
    name = scaled.spec.scale_target_ref.name
    return SetReplicas(target.group, target.version, target.resource, scaled.metadata.namespace, name, replicas)
