"""What requests cost: a price for each core and each GiB by the hour, paid for what is requested, used or not."""

from collections.abc import Iterable

import msgspec

from scaler.advice.subjects import Advice
from scaler.vertical.amounts import Amounts

HOURS = 730.0
"""Of a month."""
GIB = 2.0**30


class Prices(msgspec.Struct, frozen=True):
    """By the hour."""

    core: float = 0.04048
    gib: float = 0.004445
    currency: str = "$"

    def month(self, amounts: Amounts, pods: int = 1) -> float:
        """What that many pods of that size cost."""
        return sum(self.parts(amounts, pods))

    def parts(self, amounts: Amounts, pods: int = 1) -> tuple[float, float]:
        """The same for cpu and memory apart."""
        cores, gib = amounts.get("cpu", 0) / 1000.0, amounts.get("memory", 0) / GIB
        return cores * self.core * HOURS * pods, gib * self.gib * HOURS * pods


class Totals(msgspec.Struct, frozen=True):
    """Of all containers whose requests are known, over all their pods."""

    now: tuple[float, float]
    """Cores and bytes that are requested."""
    then: tuple[float, float]
    """Cores and bytes that are recommended."""
    cost_now: tuple[float, float]
    """Of cpu and of memory, a month."""
    cost_then: tuple[float, float]

    @property
    def saved(self) -> float:
        """A month; negative when it costs more."""
        return sum(self.cost_now) - sum(self.cost_then)


def saving(one: Advice, prices: Prices) -> float | None:
    """What one container saves a month; negative when it costs more, None when it is not known what it requests."""
    if not one.facts.asked:
        return None
    return prices.month(one.facts.requests, one.replicas) - prices.month(one.bounds.target, one.replicas)


def totals(sized: Iterable[Advice], prices: Prices) -> Totals:
    """Of those whose requests are known."""
    known = [one for one in sized if one.facts.asked]
    now, then = (
        _sum((one.facts.requests, one.replicas) for one in known),
        _sum((one.bounds.target, one.replicas) for one in known),
    )
    return Totals(now, then, _cost(now, prices), _cost(then, prices))


def _sum(amounts: Iterable[tuple[Amounts, int]]) -> tuple[float, float]:
    cores = size = 0.0
    for one, pods in amounts:
        cores += one.get("cpu", 0) / 1000.0 * pods
        size += float(one.get("memory", 0)) * pods
    return cores, size


def _cost(amounts: tuple[float, float], prices: Prices) -> tuple[float, float]:
    return amounts[0] * prices.core * HOURS, amounts[1] / GIB * prices.gib * HOURS
