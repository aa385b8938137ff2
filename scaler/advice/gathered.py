"""What was gathered, wherever it came from: enough to judge by, and to say how good it is."""

from collections.abc import Mapping, Sequence

import msgspec

from scaler.advice.learning import Learning
from scaler.advice.subjects import Facts
from scaler.history.owners import Workload

FEW = 30
"""Up to so many containers a page has room for pictures as wide as it is; more get narrower ones."""


class Gathered(msgspec.Struct, frozen=True, eq=False):
    """A history, learned."""

    source: str
    """Where it is from, as one would say it."""
    learning: Learning
    facts: Mapping[tuple[Workload, str], Facts]
    step: float
    """Seconds between two samples."""
    dated: bool = True
    """Whether times are of the epoch."""
    notes: tuple[str, ...] = ()
    """What one should know before one believes the figures."""


def columns(containers: int) -> int:
    """How many columns each picture has."""
    return 160 if containers <= FEW else 48


def largest(amounts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of all pods of a workload: while a rollout is under way they differ."""
    return {name: max(one[name] for one in amounts if name in one) for one in amounts for name in one}
