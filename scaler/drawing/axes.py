"""Where an axis has its marks and what stands beside them: round steps in the unit's own counting."""

import math

import msgspec

from scaler.drawing.units import Unit, shown

_SPANS = (
    1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 5 * 86400, 10 * 86400, 30 * 86400,
)  # fmt: skip
"""Steps of time spans, in seconds."""


class Tick(msgspec.Struct, frozen=True):
    """One mark."""

    at: float
    label: str
    extra: bool = False
    """Left out where the picture is narrow."""


class Axis(msgspec.Struct, frozen=True):
    """From where to where, with its marks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def share(self, value: float) -> float:
        """How far along: 0 at the lower end, 1 at the upper; beyond them for what lies outside."""
        return (value - self.low) / (self.high - self.low)


def amounts(high: float, unit: Unit, most: int = 5, currency: str = "$") -> Axis:
    """From zero to a round number at or above `high`, with at most `most` steps."""
    step = _step(max(high, _smallest(unit)), unit, most)
    count = max(1, math.ceil(round(high / step, 9)))
    return Axis(0.0, count * step, tuple(Tick(k * step, shown(k * step, unit, currency)) for k in range(count + 1)))


def _smallest(unit: Unit) -> float:
    """An axis of nothing is still an axis."""
    return {"cores": 0.001, "bytes": 1024.0, "replicas": 1.0, "share": 0.01}.get(unit, 1e-9)


def _step(high: float, unit: Unit, most: int) -> float:
    if unit == "bytes":
        return float(2.0 ** math.ceil(math.log2(high / most)))
    if unit == "seconds":
        return next((span for span in _SPANS if span * most >= high), _decimal(high / most))
    step = _decimal(high / most)
    return max(1.0, math.ceil(step)) if unit == "replicas" else step


def _decimal(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))
