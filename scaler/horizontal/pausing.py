"""A paused object: its HPA is gone, nothing is polled, and the workload stands at paused-replicas, if that is given.

Pauses of one direction only disable that direction: conditions here, while the HPA's behaviour and the decision
table obey them. Source: upstream's pausing.
"""

import msgspec

from scaler.actions import Action, Tell
from scaler.api.meta import Condition, Raw
from scaler.api.neighbours import owns
from scaler.api.scaledobject import ScaledObject
from scaler.errors import Problem
from scaler.horizontal import conditions, events, pauses
from scaler.horizontal.plans import (
    LOOK_AGAIN,
    Observed,
    Plan,
    Resolved,
    conditioned,
    deletion,
    has,
    setting,
    stopped,
    target_problem,
    written,
)
from scaler.horizontal.status import targeted


def paused_plan(observed: Observed) -> Plan:
    """What a pause of both directions asks for."""
    scaled, target = observed.scaled, observed.target
    replicas = pauses.paused_replicas(scaled)
    work: list[Action] = [deletion(hpa) for hpa in observed.hpas if is_own(scaled, hpa)]
    problems = [replicas] if isinstance(replicas, Problem) else []
    status = scaled.status
    if isinstance(target, Resolved):
        status = targeted(status, target.gvkr, target.scale.replicas)
        if isinstance(replicas, int) and replicas != target.scale.replicas:
            work.append(setting(scaled, target.gvkr, replicas))
    elif isinstance(replicas, int):
        problems.append(target_problem(scaled, target))
    status = msgspec.structs.replace(status, paused_replica_count=replicas if isinstance(replicas, int) else None)
    ready = conditions.check_failed(problems) if problems else conditions.ready_paused()
    status = conditioned(scaled, status, [ready, *pause_conditions(scaled)])
    told = [events.check_failed(scaled, ready.message)] if problems and not has(scaled, ready) else []
    return Plan(
        written(observed, work, status, [*stopped(observed), *pause_events(scaled), *told]),
        status=status,
        problems=tuple(problems),
        look_again=LOOK_AGAIN if problems and isinstance(replicas, int) else None,
    )


def pause_conditions(scaled: ScaledObject) -> list[Condition]:
    """The Paused condition, where there is something to say."""
    said = conditions.found(scaled.status.conditions, conditions.PAUSED)
    how = _how(scaled)
    if how:
        return [conditions.paused(how=how)]
    return [conditions.unpaused()] if said.status == conditions.TRUE else []


def pause_events(scaled: ScaledObject) -> list[Tell]:
    """What to tell when a pause begins or ends."""
    was = conditions.found(scaled.status.conditions, conditions.PAUSED).status == conditions.TRUE
    how = _how(scaled)
    if bool(how) == was:
        return []
    return [events.paused(scaled, how)] if how else [events.unpaused(scaled)]


def _how(scaled: ScaledObject) -> str:
    """Which pause is in force; empty for none."""
    replicas = pauses.paused_replicas(scaled)
    if isinstance(replicas, int):
        return f"held at {replicas}"
    if pauses.paused(scaled):
        return "held as it is"
    directions = [
        *(["in"] if pauses.scale_in_paused(scaled) else []),
        *(["out"] if pauses.scale_out_paused(scaled) else []),
    ]
    return f"no scaling {' or '.join(directions)}" if directions else ""


def is_own(scaled: ScaledObject, hpa: Raw) -> bool:
    """Whether the HPA is the object's, under its present name or the one before."""
    return owns(scaled, hpa) and hpa["metadata"]["name"] in {scaled.hpa_name, scaled.status.hpa_name}
