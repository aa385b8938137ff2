"""The sentences of a recommendation: why it is what it is, how sure that is, and what is amiss now."""

from collections.abc import Iterator
from typing import Literal

from scaler.advice.money import Prices, saving
from scaler.advice.subjects import Advice
from scaler.drawing import times, units
from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.estimation import LARGEST, Estimation, Percentiles

Sure = Literal["none", "low", "fair", "good"]
SPOKEN: dict[Resource, str] = {"cpu": "CPU", "memory": "memory"}


def amount(resource: Resource, value: float) -> str:
    """Millicores or bytes as people read them."""
    if value >= LARGEST:
        return "unbounded"
    return units.shown(value / 1000.0, "cores") if resource == "cpu" else units.shown(value, "bytes")


def capital(resource: Resource) -> str:
    """At the beginning of a sentence."""
    return "CPU" if resource == "cpu" else "Memory"


def listed(amounts: Amounts, resource: Resource) -> str:
    """One of them, or a dash."""
    value = amounts.get(resource)
    return units.NOTHING if value is None else amount(resource, value)


def change(one: Advice, resource: Resource) -> str:
    """``-74 %``; nothing where it is not known what is requested."""
    now, more = one.facts.requests.get(resource), one.change(resource)
    return "" if not now or more is None else f"{more / now:+.0%}".replace("%", " %")


def sure(confidence: float) -> Sure:
    """In a word. A confidence of 1 is a day of a sample a minute."""
    if confidence < 0.05:
        return "none"
    return "low" if confidence < 1 else "fair" if confidence < 3 else "good"


def confidence(one: Advice) -> str:
    """How long it was watched, and what that is worth."""
    if not one.samples:
        return "no CPU was seen: it cannot be told how much it needs"
    watched = f"{units.counted(one.samples, 'sample')} over {times.span(one.end - one.begin)}"
    worth = {
        "none": "far too little: take it for a first sight",
        "low": "less than a day: the upper bound is still wide",
        "fair": "days, not yet a week: weekly peaks may be missing",
        "good": "enough",
    }
    return f"{watched}: {worth[sure(one.confidence)]}"


def why(one: Advice, resource: Resource, how: Estimation) -> str:
    """The arithmetic of the target."""
    shares: Percentiles = how.cpu if resource == "cpu" else how.memory
    seen, target = one.percentiles[resource], one.bounds.target[resource]
    what = "of the CPU samples" if resource == "cpu" else "of the daily peaks of memory"
    if not one.courses[resource].weights.size:
        return f"nothing was seen of it, so the minimum stands: {amount(resource, target)}{_shared(one)}"
    below = f"{shares.target:.0%} {what} lie below {amount(resource, seen)}, newer ones counting more".replace(
        "%", " %"
    )
    margin = f"with {how.margin:.0%} on top that is".replace("%", " %")
    reached = int(seen * (1 + how.margin))
    if target > reached + 1:
        least = f"less than the minimum of {amount(resource, target)}{_shared(one)}"
        return f"{below}; {margin} {amount(resource, reached)}, {least}"
    return f"{below}; {margin} {amount(resource, target)}"


def _shared(one: Advice) -> str:
    return f" (a pod's minimum, shared by its {one.siblings} containers)" if one.siblings > 1 else " (of a pod)"


def risks(one: Advice) -> Iterator[str]:
    """What is amiss now, the worst first."""
    known, memory, cpu = one.facts, one.courses["memory"], one.courses["cpu"]
    for risk in one.risks:
        if risk == "killed":
            yield f"killed for want of memory {_times(len(one.kills))}"
        elif risk == "above-limit":
            limit = amount("memory", known.limits["memory"])
            yield f"memory came to {amount('memory', memory.peak)} of a limit of {limit}"
        elif risk == "above-request":
            yield from (
                f"{SPOKEN[which]} is above its request {_share(one.courses[which].over)} of the time"
                for which in RESOURCES
                if one.courses[which].over > 0
            )
        elif risk == "throttled":
            yield f"held back by its CPU limit in {_share(known.throttled)} of periods"
        else:
            lacking = [SPOKEN[which] for which in RESOURCES if not known.requests.get(which)]
            yield f"requests no {' and no '.join(lacking)}: the scheduler does not know its size"
    if cpu.weights.size and not memory.weights.size:
        yield "no memory was seen"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _share(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def money(one: Advice, prices: Prices) -> str:
    """What it saves a month: ``$12``, or ``-$3`` where it costs more."""
    saved = saving(one, prices)
    return units.NOTHING if saved is None else units.shown(round(saved, 2), "money", prices.currency)


def brief(one: Advice, how: Estimation) -> str:
    """One line: what is amiss, else what it rests on."""
    amiss = list(risks(one))
    if amiss:
        return "; ".join(amiss)
    shares: dict[Resource, Percentiles] = {"cpu": how.cpu, "memory": how.memory}
    seen = [
        f"{SPOKEN[which]} p{shares[which].target * 100:g} {amount(which, one.percentiles[which])}"
        for which in RESOURCES
        if one.courses[which].weights.size
    ]
    return ", ".join(seen) or confidence(one)
