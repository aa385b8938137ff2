"""What the conditions of a VerticalPodAutoscaler say; upstream's types and reasons, and one of ours.

    RecommendationProvided  always; False has the reason NoPodsMatched when that is why
    NoPodsMatched           True while the object matches no pod, else absent
    FetchingHistory         True while its history is read, else absent
    ConfigUnsupported       True while its target cannot be sized, else absent
    TargetResolved          ours: False while its target could not be followed to pods, else absent
    Coupled                 ours: whether it is judged as one with the HPA on its workload; absent without one

Conditions of other types are left as they stand.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from scaler.api.meta import Condition
from scaler.api.verticalpodautoscaler import VpaCondition
from scaler.clock import to_rfc3339

PROVIDED: Final = "RecommendationProvided"
NO_PODS: Final = "NoPodsMatched"
FETCHING: Final = "FetchingHistory"
UNSUPPORTED: Final = "ConfigUnsupported"
RESOLVED: Final = "TargetResolved"
COUPLED: Final = "Coupled"
OURS: Final = (PROVIDED, NO_PODS, FETCHING, UNSUPPORTED, RESOLVED, COUPLED)
"""Those that a recommender decides on."""

MISSING_FOR: Final = 1800.0
"""Seconds without a recommendation after which that is worth a word in the log."""

Unresolved = Literal[
    "NoTarget", "TargetNotFound", "NotTopmost", "NoScale", "NoSelector", "UnknownKind", "TargetUnreadable", "Invalid"
]
"""Why a target could not be followed: the reasons of TargetResolved."""


class Trouble(msgspec.Struct, frozen=True):
    """Why an object has no pods to size."""

    reason: Unresolved
    message: str


class Facts(msgspec.Struct, frozen=True):
    """What the conditions of one object are made of."""

    recommended: bool
    """There is a recommendation."""
    matches_pods: bool
    trouble: Trouble | None = None
    fetching_history: bool = False


def conditions(
    facts: Facts, known: Iterable[VpaCondition], now: float, generation: int = 0, beside: Condition | None = None
) -> tuple[VpaCondition, ...]:
    """All conditions, by type; one that was known keeps its time while its status stays the same.

    `beside` says how it stands with an HPA on the same workload; None where there is none.
    """
    before = {one.type: one for one in known}
    found = {name: one for name, one in before.items() if name not in OURS}
    wanted = _wanted(facts)
    if beside is not None:
        wanted.append(VpaCondition(COUPLED, beside.status, reason=beside.reason, message=beside.message))
    for one in wanted:
        found[one.type] = _dated(one, before.get(one.type), now, generation)
    return tuple(found[name] for name in sorted(found))


def missing(since: float | None, now: float, *, recommended: bool) -> tuple[float | None, bool]:
    """Since when a recommendation is missing, or since that was last said; and whether to say it now."""
    if recommended:
        return None, False
    if since is None:
        return now, False
    return (now, True) if now - since > MISSING_FOR else (since, False)


def _wanted(facts: Facts) -> list[VpaCondition]:
    nobody = "" if facts.matches_pods else NO_PODS
    words = "" if facts.matches_pods else "its target has no pods, or its selector matches none"
    found = []
    if facts.recommended:
        found.append(VpaCondition(PROVIDED, "True"))
    else:
        found.append(VpaCondition(PROVIDED, "False", reason=nobody, message=words))
    if not facts.matches_pods:
        found.append(VpaCondition(NO_PODS, "True", reason=NO_PODS, message=words))
    if facts.fetching_history:
        found.append(VpaCondition(FETCHING, "True"))
    if facts.trouble is not None:
        reason, message = facts.trouble.reason, facts.trouble.message
        found.append(VpaCondition(UNSUPPORTED, "True", message=message))
        found.append(VpaCondition(RESOLVED, "False", reason=reason, message=message))
    return found


def _dated(wanted: VpaCondition, known: VpaCondition | None, now: float, generation: int) -> VpaCondition:
    same = known is not None and known.status == wanted.status and known.last_transition_time
    since = known.last_transition_time if known is not None and same else to_rfc3339(now)
    return msgspec.structs.replace(wanted, last_transition_time=since, observed_generation=generation)
