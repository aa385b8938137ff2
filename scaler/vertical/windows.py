"""When and how many pods may be moved, by disruption budgets in Karpenter's sense, with pods for nodes.

A budget without a schedule always counts, one with a schedule for its duration from each occurrence on (in UTC unless
the schedule names a zone); outside it does not bound. Of all that count for a reason the strictest holds. A part of
the pods is rounded up. ``pods: "0"`` forbids: a window in which pods may be moved is written as the budget that
forbids it the rest of the week.
"""

from collections.abc import Iterable

from scaler.api.disruption_budgets import Budget, Reason
from scaler.schedule import timezone
from scaler.vertical.priority import Priority, Why

_UTC = timezone("UTC")


def counts(budget: Budget, now: float) -> bool:
    """Whether it bounds anything now, in epoch seconds."""
    if budget.schedule is None:
        return True
    begun = budget.schedule.next(now - budget.duration, _UTC)
    return begun is not None and begun <= now


def pods_allowed(budget: Budget, of: int) -> int:
    """How many of so many pods it lets be on the move."""
    return -(-of * budget.number // 100) if budget.percent else budget.number


def allowed(budgets: Iterable[Budget], reason: Reason, of: int, now: float) -> int | None:
    """How many of so many pods may be on the move for this reason; None when nothing bounds it."""
    found = [pods_allowed(one, of) for one in budgets if reason in one.reasons and counts(one, now)]
    return min(found, default=None)


def reason_of(why: Why, priority: Priority) -> Reason:
    """Why a pod that is selected would be moved."""
    if why == "quick-oom":
        return "OutOfMemory"
    if why == "drifted":
        return "Drifted"
    return "Undersized" if priority.scale_up else "Oversized"
