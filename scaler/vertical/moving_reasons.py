"""The reasons why a running pod is moved or stays where it is: a closed list, each with its words."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from scaler.api.disruption_budgets import Reason as WindowReason
from scaler.vertical.disruption import Budgets, Group, resize_status
from scaler.vertical.in_place import Decision
from scaler.vertical.pods import SizedPod
from scaler.vertical.priority import Thresholds, Why
from scaler.vertical.resize import Resize
from scaler.vertical.rules import Mode

Code = Literal[
    # why it would be moved
    "OutsideRange",
    "QuickOom",
    "Drifted",
    "BoostEnded",
    # why it stays, whatever it needs
    "Mode",
    "NoRecommendation",
    "Unreadable",
    "LimitRangesContradict",
    "Boosted",
    # why it need not be moved
    "Young",
    "LittleChange",
    "NoStartTime",
    "UnchangedAfterOom",
    # what stands against a move
    "RequirementsUnmet",
    "CameBackUnchanged",
    "DisruptionBudget",
    "NoController",
    "TooFewPods",
    "BudgetSpent",
    "ResizeUnderWay",
    "NoRoom",
    "PodPending",
    # what stands against a resize
    "ResizeNotServed",
    "QosWouldChange",
    "NothingToResize",
    "ResizeGivenUp",
    "ResizeRefused",
    "EvictionRefused",
    # what is done
    "Resized",
    "ResizeRetried",
    "Evicted",
]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One step of a judgement."""

    code: Code
    message: str


def appraised(why: Why, thresholds: Thresholds) -> Reason:
    """How badly it needs another size."""
    code, words = _APPRAISED[why]
    numbers = {
        "quick": f"{thresholds.quick_oom:g} s",
        "change": f"{thresholds.min_change:.0%}",
        "lifetime": f"{thresholds.lifetime:g} s",
    }
    return Reason(code, words.format_map(numbers))


_APPRAISED: dict[Why, tuple[Code, str]] = {
    "outside-range": ("OutsideRange", "a request is outside the recommended range, or missing"),
    "quick-oom": ("QuickOom", "a container was killed for memory within {quick} of its start"),
    "drifted": ("Drifted", "running for {lifetime} or more, and {change} or more from the targets"),
    "young": ("Young", "within its range, and not running for {lifetime} yet"),
    "little-change": ("LittleChange", "within its range, and less than {change} from the targets"),
    "no-start-time": ("NoStartTime", "within its range, and nobody knows since when it runs"),
    "unchanged-after-oom": (
        "UnchangedAfterOom",
        "killed for memory within {quick} of its start, but its requests are the targets already",
    ),
}


def mode(of: Mode) -> Reason:
    """The object's mode leaves running pods alone."""
    return Reason("Mode", f"in mode {of} running pods are left as they are")


NO_RECOMMENDATION = Reason("NoRecommendation", "nothing is recommended yet")


def unreadable(what: str) -> Reason:
    """Something that was said of it cannot be read."""
    return Reason("Unreadable", f"left as it is, since this cannot be read: {what}")


def contradiction(what: str) -> Reason:
    """No pod at all could be within the namespace's LimitRanges."""
    return Reason("LimitRangesContradict", what)


def boosted(containers: Sequence[str]) -> Reason:
    """A startup boost is still on."""
    return Reason(
        "Boosted", f"has more cpu for its start ({', '.join(containers)}) and is left alone until that ends"
    )


def boost_ended(containers: Sequence[str]) -> Reason:
    """A startup boost is over."""
    return Reason("BoostEnded", f"its boost has ended ({', '.join(containers)})")


UNBOOST_WAITS = Reason("BudgetSpent", "waits until it runs and no other pod of its controller is moved")
REQUIREMENTS = Reason("RequirementsUnmet", "no container meets spec.updatePolicy.evictionRequirements")


def held(why: str) -> Reason:
    """Pods of the object came back unchanged."""
    return Reason("CameBackUnchanged", why)


def window(reason: WindowReason, most: int, moving: int) -> Reason:
    """A disruption budget of ours."""
    now = f"{moving} are on the move or not ready" if moving else "none is"
    return Reason("DisruptionBudget", f"a disruption budget allows {most} pods for {reason} now, and {now}")


NO_CONTROLLER = Reason("NoController", "no controller would make another pod, or it cannot be read")


def no_eviction(pod: SizedPod, group: Group | None, budgets: Budgets) -> Reason:
    """Why the pod may not be evicted now."""
    if group is None:
        return NO_CONTROLLER
    if not group.registered or group.resizes_only:
        return _too_few(group, budgets)
    status = resize_status(pod)
    if status != "None" and group.disruptable:
        return Reason("ResizeUnderWay", f"a resize of it is on its way ({status})")
    return _spent(group)


def no_resize(decision: Decision, pod: SizedPod, group: Group | None, budgets: Budgets) -> Reason:
    """Why the pod may not be resized now."""
    if decision == "cached":
        return Reason("NoRoom", "its node had no room for this before, and nothing less is recommended now")
    if group is None:
        return NO_CONTROLLER
    if pod.status.phase == "Pending":
        return Reason("PodPending", "it does not run yet")
    if not group.registered:
        return _too_few(group, budgets)
    status = resize_status(pod)
    if status != "None":
        return Reason("ResizeUnderWay", f"a resize of it is on its way ({status})")
    return _spent(group)


def _too_few(group: Group, budgets: Budgets) -> Reason:
    if not group.configured:
        return Reason("TooFewPods", "its controller wants no pods")
    words = f"its controller has {group.live} pods, and none is moved with fewer than {budgets.min_replicas} of them"
    return Reason("TooFewPods", words)


def _spent(group: Group) -> Reason:
    moved = group.evicted + group.resized
    words = (
        f"{group.running} of {group.configured} pods run, {moved} are on the move, {group.tolerance} may be missing"
    )
    return Reason("BudgetSpent", words)


NOT_SERVED = Reason("ResizeNotServed", "this API server cannot resize running pods")
NOTHING = Reason("NothingToResize", "no container that runs has anything to be resized")


def resize_refused(words: str) -> Reason:
    """The API server refused to resize it a short while ago."""
    return Reason("ResizeRefused", f"the API server refused to resize it: {words}")


def eviction_refused(words: str) -> Reason:
    """The API server refused to evict it a short while ago: a PodDisruptionBudget, as a rule."""
    return Reason("EvictionRefused", f"the API server refused to evict it, and is asked again later: {words}")


GIVEN_UP = Reason("ResizeGivenUp", "a resize of it does not come to its end")
RESIZED = Reason("Resized", "it is resized while it runs")
RETRIED = Reason("ResizeRetried", "its node had no room, and it is resized once more to what is recommended now")
EVICTED = Reason("Evicted", "it is evicted, and its successor will be created with other sizes")


def obstacle(found: Resize) -> Reason | None:
    """Why Kubernetes would refuse a resize, as far as that is known before."""
    if not found.patch:
        return NOTHING
    if found.before != found.after:
        words = f"a running pod keeps its quality of service: {found.before}, not {found.after}"
        return Reason("QosWouldChange", words)
    return None
