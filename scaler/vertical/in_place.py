"""Whether a running pod is resized now, later, never again, or evicted instead.

Two modes resize. InPlaceOrRecreate evicts where a resize does not come to an end; InPlace never evicts, and tries
what a node had no room for again only when less is recommended.
"""

from typing import Literal

import msgspec

from scaler.vertical.amounts import Amounts, Recommendation
from scaler.vertical.disruption import DEFERRED_TIMEOUT, Group, gives_up_resize, resize_restarts, resize_status
from scaler.vertical.pods import SizedPod
from scaler.vertical.rules import RESIZING, Rules

Decision = Literal["approved", "deferred", "evict", "infeasible", "cached"]
"""Resize it; not now; evict it; there was no room, try once more; there was none, and nothing is less now."""


class Attempts(msgspec.Struct, frozen=True):
    """What is remembered of one pod's resizes."""

    first_seen: float | None = None
    """When a resize of it was seen on its way first, in epoch seconds."""
    infeasible: Recommendation | None = None
    """The recommendation for which its node had no room."""
    resize_refused: str = ""
    """Why the API server refused its resize a short while ago."""
    eviction_refused: str = ""
    """Why it refused its eviction a short while ago."""


NO_ATTEMPTS = Attempts()


def decide(
    pod: SizedPod,
    rules: Rules,
    group: Group | None,
    attempts: Attempts,
    now: float,
    *,
    skip_budget: bool = False,
) -> Decision:
    """What is to be done with a pod that needs another size; `group` None when its controller cannot be read."""
    if rules.mode not in RESIZING:
        return "evict"
    if group is None or not group.registered or pod.status.phase == "Pending" or rules.recommendation is None:
        return "deferred"
    tried = attempts.infeasible
    if rules.mode == "InPlace" and tried is not None and not asks_less(tried, rules.recommendation):
        return "cached"
    if resize_status(pod) != "None":
        return _under_way(pod, rules, group, attempts, now)
    return "approved" if (skip_budget and not resize_restarts(pod)) or group.disruptable else "deferred"


def _under_way(pod: SizedPod, rules: Rules, group: Group, attempts: Attempts, now: float) -> Decision:
    status = resize_status(pod)
    if rules.mode == "InPlace":
        return "infeasible" if status == "Infeasible" else "deferred"
    seen = now if attempts.first_seen is None else attempts.first_seen
    period = DEFERRED_TIMEOUT if rules.pending_period is None else rules.pending_period
    return "evict" if gives_up_resize(status, group, now - seen, period) else "deferred"


def asks_less(before: Recommendation | None, now: Recommendation | None) -> bool:
    """Whether any target of any container is less than it was."""
    if not before or not now:
        return False
    return any(has_less(before[name].target, bounds.target) for name, bounds in now.items() if name in before)


def has_less(before: Amounts, now: Amounts) -> bool:
    """Whether any amount is less than it was; one that is missing in either does not count."""
    return any(resource in before and amount < before[resource] for resource, amount in now.items())
