"""More cpu for a container until its pod is ready, and for how long it stays.

VPA's rules: the boost is reckoned from what the container would request anyway, and it never changes the pod's
quality of service.
"""

from scaler.clock import from_rfc3339
from scaler.errors import Invalid, Problem
from scaler.vertical.amounts import Amounts
from scaler.vertical.limits import proportional_limit
from scaler.vertical.observed import boosted_containers
from scaler.vertical.pods import Sized, SizedPod
from scaler.vertical.rules import Boost, ContainerRules, Rules

_AT = "spec.startupBoost.cpu"


def boosted_cpu(base: int, boost: Boost, maximum: int = 0) -> int:
    """Millicores with the boost, at most `maximum` unless that is 0; Invalid for a boost that cannot be."""
    match boost.type:
        case "" | "Factor":
            if boost.factor is None or boost.factor < 1:
                raise Invalid([Problem(f"{_AT}.factor", "must be 1 or more with the type Factor", boost.factor)])
            cpu = base * boost.factor
        case "Quantity":
            if boost.quantity is None:
                raise Invalid([Problem(f"{_AT}.quantity", "is needed with the type Quantity")])
            cpu = base + boost.quantity
        case _:
            raise Invalid([Problem(f"{_AT}.type", "must be Factor or Quantity", boost.type)])
    return min(cpu, maximum) if maximum else cpu


def with_boost(
    container: Sized, rules: ContainerRules, requests: Amounts, limits: Amounts, maximum: int = 0
) -> tuple[Amounts, Amounts]:
    """Requests and limits with more cpu, from those the container would have; as they are without a boost."""
    if rules.boost is None:
        return requests, limits
    cpu = boosted_cpu(requests.get("cpu") or container.requests.get("cpu", 0), rules.boost, maximum)
    if rules.requests_only:
        return {**requests, "cpu": _below_limit(cpu, container.limits.get("cpu"))}, limits
    limit = proportional_limit(cpu, container.requests.get("cpu"), container.limits.get("cpu"))
    return {**requests, "cpu": cpu}, limits if limit is None else {**limits, "cpu": limit}


def boost_left(pod: SizedPod, rules: Rules, container: str, now: float) -> float | None:
    """Seconds until a container's boost ends, 0 or less when it has; None while the pod is not ready.

    A container's own boost ends by its own time; one without by that of the whole object.
    """
    ready = pod.condition("Ready")
    if ready is None or ready.status != "True":
        return None
    boost = rules.of(container).boost
    seconds = boost.seconds if boost else 0.0
    if not seconds:
        return 0.0
    since = from_rfc3339(ready.last_transition_time) if ready.last_transition_time else 0.0
    return since + seconds - now


def ended_boosts(pod: SizedPod, rules: Rules, now: float) -> list[str]:
    """The containers whose boost has ended and is still to be taken away."""
    left = {container: boost_left(pod, rules, container, now) for container in boosted_containers(pod)}
    return [container for container, seconds in left.items() if seconds is not None and seconds <= 0]


def _below_limit(cpu: int, limit: int | None) -> int:
    """A request equal to the limit could make a burstable pod a guaranteed one, so one millicore is left."""
    if not limit or cpu <= limit:
        return cpu
    return limit - 1 if limit > 1 else limit
