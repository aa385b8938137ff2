"""Whether a running pod is moved now, and every reason on the way: one judgement, for the updater and for `explain`.

Two steps, so that the pods of one workload can be put in order before their budget is shared out: `appraise` says how
badly a pod needs another size, `judge` what is to be done with it now.
"""

from typing import Literal

import msgspec

from scaler.api.disruption_budgets import Budget
from scaler.clock import from_rfc3339
from scaler.vertical import moving_reasons as why
from scaler.vertical.boost import ended_boosts
from scaler.vertical.disruption import (
    DEFERRED_TIMEOUT,
    Budgets,
    Group,
    count_eviction,
    count_resize,
    may_evict,
    resize_status,
)
from scaler.vertical.in_place import NO_ATTEMPTS, Attempts, decide
from scaler.vertical.limit_ranges import Ranges
from scaler.vertical.moving_reasons import Reason
from scaler.vertical.observed import boosted_containers, observed_containers
from scaler.vertical.pod_capping import Capped, cap_for_pod
from scaler.vertical.pods import Sized, SizedPod, sized
from scaler.vertical.priority import (
    SELECTED,
    Priority,
    Thresholds,
    Why,
    has_quick_oom,
    meets_requirements,
    selection,
    update_priority,
)
from scaler.vertical.resize import Resize, resize, unfit, wanted_sizes
from scaler.vertical.rules import MOVING, RESIZING, Rules
from scaler.vertical.windows import allowed, reason_of

Move = Literal["", "resize", "evict", "unboost"]
"""What is to be done with a pod: nothing, another size while it runs, an eviction, its boost taken away."""


class Circumstances(msgspec.Struct, frozen=True):
    """The updater's settings, as far as judgement goes."""

    thresholds: Thresholds = Thresholds()
    budgets: Budgets = Budgets()
    windows: tuple[Budget, ...] = ()
    """For objects without budgets of their own."""
    pending_period: float = DEFERRED_TIMEOUT
    """Seconds that a resize may wait for room on its node."""
    can_resize: bool = True
    """Whether the API server has pods/resize."""


class Traffic(msgspec.Struct):
    """How many pods of one object there are, and how many are on the move or not ready."""

    pods: int
    moving: int


class Standing(msgspec.Struct, frozen=True):
    """What is known of a pod beside itself."""

    group: Group | None
    """The pods of its controller; None without one, or when that cannot be read."""
    traffic: Traffic
    attempts: Attempts = NO_ATTEMPTS
    held: str = ""
    """Why pods of its object are held back: those evicted before came back unchanged."""


class Appraisal(msgspec.Struct, frozen=True, gc=False):
    """How badly a pod needs another size."""

    containers: tuple[Sized, ...]
    capped: Capped
    priority: Priority
    why: Why

    @property
    def selected(self) -> bool:
        """Whether it would be moved if nothing stood in the way."""
        return self.why in SELECTED


class Case(msgspec.Struct, frozen=True):
    """One pod and all that its judgement takes."""

    pod: SizedPod
    rules: Rules
    ranges: Ranges
    appraisal: Appraisal
    standing: Standing
    around: Circumstances
    """Of the object, see `circumstances_of`."""
    now: float
    """Epoch seconds."""


class Verdict(msgspec.Struct, frozen=True):
    """What is to be done with a pod, and why."""

    move: Move
    reasons: tuple[Reason, ...]
    """In the order of judgement; the last one decided."""
    resize: Resize | None = None
    """How, for a resize and for a boost that is taken away."""
    infeasible: bool = False
    """The resize is tried once more although the node had no room: to be remembered."""


def circumstances_of(rules: Rules, around: Circumstances) -> Circumstances:
    """The settings with what an object says instead."""
    thresholds, budgets = around.thresholds, around.budgets
    if rules.quick_oom is not None:
        thresholds = msgspec.structs.replace(thresholds, quick_oom=rules.quick_oom)
    if rules.min_replicas is not None:
        budgets = msgspec.structs.replace(budgets, min_replicas=rules.min_replicas)
    windows = around.windows if rules.budgets is None else rules.budgets
    period = around.pending_period if rules.pending_period is None else rules.pending_period
    return Circumstances(thresholds, budgets, windows, period, around.can_resize)


def appraise(pod: SizedPod, rules: Rules, ranges: Ranges, thresholds: Thresholds, now: float) -> Appraisal:
    """How badly the pod needs another size, by the recommendation as it fits the pod."""
    containers = sized(pod, rules.init_containers)
    capped = cap_for_pod(containers, rules, ranges)
    observed = observed_containers(pod)
    priority = update_priority(containers, capped.recommendation, observed)
    oom = has_quick_oom(pod, rules, thresholds.quick_oom, observed)
    started = pod.status.start_time
    chosen = selection(priority, from_rfc3339(started) if started else None, oom, now, thresholds)
    return Appraisal(containers, capped, priority, chosen)


def judge(case: Case) -> Verdict:
    """What is to be done with the pod now.

    A move is counted in the group and the traffic of its standing, so that the next pod finds less of the budget.
    """
    if boosted_containers(case.pod) and not case.rules.problem:
        verdict = _boosted(case)
    else:
        verdict = _left_alone(case) or _moved(case)
    if verdict.move:
        _count(case, verdict.move)
    return verdict


def _left_alone(case: Case) -> Verdict | None:
    """Why none of the object's pods is moved."""
    rules = case.rules
    if rules.problem:
        return Verdict("", (why.unreadable(rules.problem),))
    if rules.mode not in MOVING:
        return Verdict("", (why.mode(rules.mode),))
    if rules.recommendation is None:
        return Verdict("", (why.NO_RECOMMENDATION,))
    contradiction = case.ranges.contradiction
    return Verdict("", (why.contradiction(contradiction),)) if contradiction else None


def _moved(case: Case) -> Verdict:
    need = why.appraised(case.appraisal.why, case.around.thresholds)
    if not case.appraisal.selected:
        return Verdict("", (need,))
    against = _against(case)
    if against is not None:
        return Verdict("", (need, against))
    return _in_place(case, (need,)) if case.rules.mode in RESIZING else _evicted(case, (need,))


def _against(case: Case) -> Reason | None:
    """What stands against any move of the pod, whichever way."""
    appraisal = case.appraisal
    if not meets_requirements(appraisal.containers, appraisal.capped.recommendation, case.rules.requirements):
        return why.REQUIREMENTS
    if case.ranges.container is not None or case.ranges.pod is not None:
        refused = unfit(
            appraisal.containers, wanted_sizes(appraisal.containers, case.rules, case.ranges), case.ranges
        )
        if refused:
            return why.contradiction(refused)
    if case.standing.held:
        return why.held(case.standing.held)
    return _window(case) if case.around.windows else None


def _window(case: Case) -> Reason | None:
    reason, traffic = reason_of(case.appraisal.why, case.appraisal.priority), case.standing.traffic
    most = allowed(case.around.windows, reason, traffic.pods, case.now)
    if most is None:
        return None
    others = traffic.moving - is_moving(case.pod)
    return why.window(reason, most, others) if others >= most else None


def is_moving(pod: SizedPod) -> bool:
    """Whether the pod is not ready, or in the middle of a resize."""
    ready = pod.condition("Ready")
    return ready is None or ready.status != "True" or resize_status(pod) != "None"


# -- eviction --------------------------------------------------------------------------------------------------


def _evicted(case: Case, reasons: tuple[Reason, ...]) -> Verdict:
    refused = case.standing.attempts.eviction_refused
    if refused:
        return Verdict("", (*reasons, why.eviction_refused(refused)))
    group, period = case.standing.group, case.around.pending_period
    if group is not None and may_evict(case.pod, group, case.now - resizing_since(case), period):
        return Verdict("evict", (*reasons, why.EVICTED))
    return Verdict("", (*reasons, why.no_eviction(case.pod, group, case.around.budgets)))


def resizing_since(case: Case) -> float:
    """Since when a resize of the pod is on its way, in epoch seconds; now for none.

    By the pod's own condition, which a restart of ours leaves as it is; when we saw it first where that says nothing.
    """
    for condition in (case.pod.condition("PodResizePending"), case.pod.condition("PodResizeInProgress")):
        if condition is not None and condition.last_transition_time:
            return from_rfc3339(condition.last_transition_time)
    first_seen = case.standing.attempts.first_seen
    return case.now if first_seen is None else first_seen


# -- resize ----------------------------------------------------------------------------------------------------


def _in_place(case: Case, reasons: tuple[Reason, ...]) -> Verdict:
    if not case.around.can_resize:
        return _instead(case, (*reasons, why.NOT_SERVED))
    around, standing = case.around, case.standing
    if standing.attempts.resize_refused:
        return _instead(case, (*reasons, why.resize_refused(standing.attempts.resize_refused)))
    rules = msgspec.structs.replace(case.rules, pending_period=around.pending_period)
    attempts = Attempts(resizing_since(case), standing.attempts.infeasible)
    skip = around.budgets.skip_for_resizes
    decision = decide(case.pod, rules, standing.group, attempts, case.now, skip_budget=skip)
    if decision == "evict":
        return _evicted(case, (*reasons, why.GIVEN_UP))
    if decision in {"deferred", "cached"}:
        return Verdict("", (*reasons, why.no_resize(decision, case.pod, standing.group, around.budgets)))
    found = resize(case.pod, case.rules, case.ranges, case.now)
    obstacle = why.obstacle(found)
    if obstacle is not None:
        return _instead(case, (*reasons, obstacle))
    again = decision == "infeasible"
    return Verdict("resize", (*reasons, why.RETRIED if again else why.RESIZED), found, again)


def _instead(case: Case, reasons: tuple[Reason, ...]) -> Verdict:
    """A pod that cannot be resized is evicted, where its mode has it so."""
    return Verdict("", reasons) if case.rules.mode == "InPlace" else _evicted(case, reasons)


# -- boosts ----------------------------------------------------------------------------------------------------


def _boosted(case: Case) -> Verdict:
    """A pod with a boost is left alone until that ends, and then resized whatever the mode is."""
    pod, group = case.pod, case.standing.group
    ended = ended_boosts(pod, case.rules, case.now)
    if not ended:
        return Verdict("", (why.boosted(boosted_containers(pod)),))
    over = why.boost_ended(ended)
    refused = case.standing.attempts.resize_refused
    if refused:
        return Verdict("", (over, why.resize_refused(refused)))
    if pod.status.phase == "Pending" or resize_status(pod) != "None" or group is None or not group.disruptable:
        return Verdict("", (over, why.UNBOOST_WAITS))
    try:
        found = resize(pod, case.rules, case.ranges, case.now)
    except ValueError as error:
        return Verdict("", (over, why.unreadable(str(error))))
    return Verdict("unboost", (over,), found) if found.patch else Verdict("", (over, why.NOTHING))


def _count(case: Case, move: Move) -> None:
    group, traffic = case.standing.group, case.standing.traffic
    traffic.moving += not is_moving(case.pod)
    if group is None:
        return
    if move == "evict":
        count_eviction(case.pod, group)
    else:
        count_resize(group)
