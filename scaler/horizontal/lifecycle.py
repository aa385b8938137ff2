"""The life of a ScaledObject: what must be written so that it stands as its user wants it. Nothing is done here.

Only differences make actions, so an object that stands as it should costs no write. A new one costs a metadata
patch, an HPA, a status and three events. The order within a plan is the order to carry it out in; statuses and events
come last and may be put off, for an HPA is worth more to a user than a condition.

    being deleted   replicas restored if wanted, finalizer removed
    paused          HPA deleted, workload at paused-replicas, nothing polled
    refused         a rule is broken, the target missing or somebody else's: a condition, nothing touched or polled
    running         HPA as it should be, triggers polled; one that cannot be built leaves the others at work

Source: upstream's reconciler, its order of checks and its conditions.
"""

from collections.abc import Iterable

import msgspec

from scaler.actions import Action, ApplyHpa, PatchMetadata, Tell
from scaler.api.meta import Condition, Raw
from scaler.api.neighbours import owns, transfer_name
from scaler.api.rules import pod_refusals
from scaler.api.scaledobject import FINALIZER, ScaledObject, ScaledObjectStatus
from scaler.errors import Problem
from scaler.horizontal import admission, conditions, events, ownership, pauses
from scaler.horizontal.hpa import hpa_differs, metric_problems, wanted_hpa
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.pausing import is_own, pause_conditions, pause_events, paused_plan
from scaler.horizontal.plans import (
    LOOK_AGAIN,
    Observed,
    Plan,
    Resolved,
    Unresolved,
    conditioned,
    deletion,
    has,
    setting,
    stopped,
    target_problem,
    written,
)
from scaler.horizontal.readings import Subject
from scaler.horizontal.status import RESOURCE, described, targeted

_ADMISSION_ONLY = frozenset({"incorrect-fallback", "scaling-modifiers-fallback", "incorrect-annotations"})
"""Reasons that upstream refuses at admission alone: what is at work already goes on."""
_JUDGED = frozenset({conditions.IS_READY, conditions.TRIGGER_ERROR, conditions.PARTIAL_ERROR, conditions.SCALE_ERROR})
"""Reasons of Ready that checks set; they stay until the next check."""


def reconcile(observed: Observed) -> Plan:
    """What must be done for this object now."""
    scaled, target = observed.scaled, observed.target
    if scaled.metadata.deletion_timestamp is not None:
        return _farewell(observed)
    if pauses.paused(scaled):
        return paused_plan(observed)
    if not isinstance(target, Resolved):
        return _refused(observed, [target_problem(scaled, target)], look_again=LOOK_AGAIN)
    subject = Subject(scaled, observed.triggers, target.gvkr)
    broken = _broken_rules(observed) or metric_problems(subject)
    if broken:
        return _refused(observed, broken)
    world = _world_problems(observed)
    if world:
        return _refused(observed, world, look_again=LOOK_AGAIN)
    return _running(observed, subject, target)


def not_reconciled(
    scaled: ScaledObject, status: ScaledObjectStatus, why: str
) -> tuple[ScaledObjectStatus, Tell | None]:
    """The status, and what to tell, when the API server keeps refusing what the object needs."""
    remedy = "check the operator's rights (deploy/rbac.yaml) and the API server; it is tried again by itself"
    ready = conditions.check_failed([Problem("", f"{why}: {remedy}")])
    changed = msgspec.structs.replace(scaled, status=status)
    told = None if has(changed, ready) else events.check_failed(scaled, ready.message)
    return conditioned(changed, status, [ready]), told


# -- refusing --------------------------------------------------------------------------------------------------


def _broken_rules(observed: Observed) -> list[Problem]:
    """Rules of admission hold for newcomers; what is at work already goes on as it would beside a late webhook."""
    scaled = observed.scaled
    at_work = ownership.at_work(scaled, observed.hpas)
    found = [
        refusal.problem for refusal in admission.own(scaled) if not (at_work and refusal.reason in _ADMISSION_ONLY)
    ]
    return found if at_work else [*found, *transfer_name(scaled)]


def _world_problems(observed: Observed) -> list[Problem]:
    """What others would have to change: neighbours, and the target's pods for a newcomer."""
    scaled, hpas = observed.scaled, observed.hpas
    found = ownership.conflicts(scaled, observed.others, hpas)
    if not ownership.at_work(scaled, hpas):
        pods = pod_refusals(scaled, observed.pod_spec, observed.limit_ranges)
        found += [refusal.problem for refusal in pods]
    return found


def _refused(observed: Observed, problems: list[Problem], look_again: float | None = None) -> Plan:
    scaled = observed.scaled
    ready = conditions.check_failed(problems)
    status = conditioned(scaled, scaled.status, [ready, conditions.active_unknown(), *pause_conditions(scaled)])
    told = [] if has(scaled, ready) else [events.check_failed(scaled, ready.message)]
    work: list[Action] = [deletion(hpa) for hpa in ownership.surplus(scaled, observed.others, observed.hpas)]
    return Plan(
        written(observed, work, status, [*stopped(observed), *pause_events(scaled), *told]),
        status=status,
        problems=tuple(problems),
        look_again=look_again,
    )


# -- running ---------------------------------------------------------------------------------------------------


def _running(observed: Observed, subject: Subject, target: Resolved) -> Plan:
    scaled = observed.scaled
    unbuilt = conditions.unbuilt(subject.triggers)
    work = _hpa_actions(observed, subject)
    has_hpa = ownership.named(observed.hpas, scaled.hpa_name) is not None
    created = any(isinstance(action, ApplyHpa) and action.existing is None for action in work)
    status = described(targeted(scaled.status, target.gvkr, target.scale.replicas), subject)
    status = msgspec.structs.replace(
        status,
        paused_replica_count=None,
        hpa_name=scaled.hpa_name if created or has_hpa else status.hpa_name,
    )
    ready = conditions.check_failed(unbuilt) if unbuilt else _ready(observed)
    status = _beside_a_vpa(observed, conditioned(scaled, status, [ready, *pause_conditions(scaled)]))
    warnings = tuple(admission.warnings(scaled))
    return Plan(
        written(observed, work, status, _beginning(observed, subject, ready, warnings, created=created)),
        subject=subject,
        status=status,
        problems=unbuilt,
        warnings=warnings,
    )


def _beside_a_vpa(observed: Observed, status: ScaledObjectStatus) -> ScaledObjectStatus:
    """The condition that names the VPA on the same workload, and the split; without one it goes."""
    said = observed.coupling.condition if observed.coupling is not None else None
    others = tuple(one for one in status.conditions if one.type != conditions.COUPLED)
    return msgspec.structs.replace(status, conditions=conditions.merged(others, [said] if said is not None else []))


def _hpa_actions(observed: Observed, subject: Subject) -> list[Action]:
    """The HPA made or brought up to date, after one of an older name is gone: two would fight over the workload."""
    scaled, name = observed.scaled, observed.scaled.hpa_name
    namespace = scaled.metadata.namespace
    actions: list[Action] = []
    before = ownership.named(observed.hpas, scaled.status.hpa_name)
    if before is not None and scaled.status.hpa_name != name and owns(scaled, before):
        actions.append(deletion(before))
    existing = ownership.named(observed.hpas, name)
    body = wanted_hpa(subject, observed.policy, observed.coupling)
    unbuilt = [plan.index for plan in subject.triggers if plan.problem]
    if unbuilt:
        body = _partial(body, existing, unbuilt)
    if body["spec"]["metrics"] and (existing is None or hpa_differs(existing, body)):
        actions.append(ApplyHpa(namespace, name, body, existing))
    return actions


def _partial(body: Raw, existing: Raw | None, unbuilt: list[int]) -> Raw:
    """The HPA while triggers cannot be built: it may add replicas for the others, but takes none away.

    One that stands keeps its metrics, and one that asks for the missing ones does not scale in by itself, for nobody
    answers them. Any other has scaling in disabled until all triggers are built.
    """
    spec = dict(body["spec"])
    if existing is not None:
        spec["metrics"] = (existing.get("spec") or {}).get("metrics") or []
    asked = [str((metric.get("external") or {}).get("metric", {}).get("name", "")) for metric in spec["metrics"]]
    if not all(any(name == COMPOSITE or name.startswith(f"s{index}-") for name in asked) for index in unbuilt):
        behavior = spec.get("behavior", {})
        spec["behavior"] = {**behavior, "scaleDown": {**behavior.get("scaleDown", {}), "selectPolicy": "Disabled"}}
    return {**body, "spec": spec}


def _ready(observed: Observed) -> Condition:
    """What the checks said last stays; else it is ready now."""
    said = conditions.found(observed.scaled.status.conditions, conditions.READY)
    if said.reason in _JUDGED and said != conditions.ready_paused():
        return said
    return conditions.ready(observed.scaled, observed.policy)


def _beginning(
    observed: Observed, subject: Subject, ready: Condition, warnings: Iterable[str], *, created: bool
) -> list[Tell]:
    """What is told when polling begins or begins anew, and when the object has become ready or stopped being so."""
    scaled = observed.scaled
    told = pause_events(scaled)
    changed = observed.polled_generation not in {None, scaled.metadata.generation}
    if created or changed:
        types = ", ".join(dict.fromkeys(plan.type for plan in subject.triggers if not plan.problem))
        told += [events.built(scaled, types)] if types else []
        told += [events.polling(scaled), *(events.info(scaled, warning) for warning in warnings)]
    was = conditions.found(scaled.status.conditions, conditions.READY)
    if ready.reason == conditions.CHECK_FAILED and ready != was:
        told.append(events.check_failed(scaled, ready.message))
    if ready.status == conditions.TRUE and was.status != conditions.TRUE:
        told.append(events.ready(scaled))
    return told


# -- parting ---------------------------------------------------------------------------------------------------


def _farewell(observed: Observed) -> Plan:
    """The HPA goes with its owner; only a restored workload needs it gone before, or it would move it once more."""
    scaled, meta = observed.scaled, observed.scaled.metadata
    if FINALIZER not in meta.finalizers:
        return Plan(status=scaled.status, gone=True)
    rest = [finalizer for finalizer in meta.finalizers if finalizer != FINALIZER]
    leave = PatchMetadata(scaled.ref, RESOURCE, {"finalizers": rest}, meta.resource_version)
    told = [*stopped(observed), events.deleted(scaled)]
    return Plan((*_restoration(observed), leave, *told), status=scaled.status, gone=True)


def _restoration(observed: Observed) -> list[Action]:
    scaled, status = observed.scaled, observed.scaled.status
    original, known = status.original_replica_count, status.scale_target_gvkr
    if not scaled.spec.advanced.restore_to_original_replica_count or original is None:
        return []
    if known is None or isinstance(observed.target, Unresolved):
        return []
    own = [deletion(hpa) for hpa in observed.hpas if is_own(scaled, hpa)]
    return [*own, setting(scaled, known, original)]
