"""Every rule of a ScaledObject together: its own, its formula's, and those beside other objects.

What an admission webhook would refuse, `scaler validate` shows and `lifecycle` answers with a condition.
"""

from collections.abc import Iterable, Sequence

from scaler.api.meta import Raw
from scaler.api.neighbours import Other, neighbour_refusals
from scaler.api.rules import Refusal, own_refusals, pod_refusals, warnings
from scaler.api.scaledobject import ScaledObject
from scaler.horizontal import modifiers

__all__ = ["Refusal", "own", "refusals", "warnings"]


def own(scaled: ScaledObject) -> list[Refusal]:
    """What is wrong with the object by itself; upstream's controller refuses most of it, webhook or not."""
    formula = [Refusal("scaling-modifiers", problem) for problem in modifiers.problems(scaled)]
    return [*own_refusals(scaled), *formula]


def refusals(
    scaled: ScaledObject,
    others: Iterable[Other] = (),
    hpas: Iterable[Raw] = (),
    pod_spec: Raw | None = None,
    limit_ranges: Sequence[Raw] = (),
) -> list[Refusal]:
    """Everything wrong with it: by itself, beside its neighbours, and with its target's pods when they are given."""
    return [*own(scaled), *neighbour_refusals(scaled, others, hpas), *pod_refusals(scaled, pod_spec, limit_ranges)]
