"""From percentiles of usage to target and bounds: margin, confidence, minimum.

    amount of      percentile   margin    confidence c              then
    target         0.90         +15 %     -                         at least the minimum
    lower bound    0.50         +15 %     x (1 + 0.001 / c)^-2      at least the minimum
    upper bound    0.95         +15 %     x (1 + 1 / c)             at least the minimum

Amounts are whole millicores and bytes from 0 to 10^14, and every step drops its fraction: these roundings are part of
the numbers. c counts days of history, by the clock or by a sample a minute, whichever says less; with c = 0 the upper
bound is the largest amount and the lower none. The minimum is shared by the containers of a pod.
"""

from typing import Final

import msgspec
import numpy as np

from scaler.vertical.buckets import Floats, Integers

LARGEST: Final = 10**14
"""The largest amount: 100 G cores, 91 TiB."""
MINUTE: Final = 60.0
MIB: Final = 1024 * 1024


class Percentiles(msgspec.Struct, frozen=True):
    """Which shares of the usage stand for the three amounts, 0 to 1."""

    target: float = 0.9
    lower: float = 0.5
    upper: float = 0.95

    @property
    def wanted(self) -> tuple[float, float, float]:
        """In the order of every estimate's last axis."""
        return (self.target, self.lower, self.upper)


class Estimation(msgspec.Struct, frozen=True):
    """How usage becomes amounts; the defaults are upstream's."""

    cpu: Percentiles = Percentiles()
    memory: Percentiles = Percentiles()
    margin: float = 0.15
    """Added to each percentile."""
    cpu_confidence: float = 86400.0
    """Seconds of history that count as a confidence of 1."""
    memory_confidence: float = 86400.0
    minimum_cpu: float = 25.0
    """Millicores of a pod."""
    minimum_memory: float = 250.0
    """MiB of a pod."""

    def minimum(self, containers: int) -> tuple[int, int]:
        """Millicores and bytes that each of so many containers gets at least."""
        share = 1.0 / containers
        cores, size = np.array([self.minimum_cpu * 0.001 * 1000.0]), np.array([self.minimum_memory * 1024 * 1024])
        cpu, memory = scaled(amounts(cores), share), scaled(amounts(size), share)
        return int(cpu[0]), int(memory[0])


def amounts(values: Floats) -> Integers:
    """Whole amounts: fractions dropped, from 0 to `LARGEST`; what is no number is 0, so that the minimum wins."""
    whole: Integers = np.nan_to_num(np.clip(values, 0.0, float(LARGEST)), nan=0.0).astype(np.int64)
    return whole


def scaled(whole: Integers, factor: Floats | float) -> Integers:
    """Amounts times a factor, as whole amounts. Nothing times infinity is 0."""
    with np.errstate(invalid="ignore"):
        return amounts(whole.astype(np.float64) * factor)


def with_margin(whole: Integers, margin: float) -> Integers:
    """Amounts and the whole part of their margin."""
    return whole + scaled(whole, margin)


def confidence(first: Floats, last: Floats, count: Integers, interval: float) -> Floats:
    """In units of `interval` seconds, and not capped at 1; 0 without samples."""
    some = count > 0
    lifetime = np.where(some, last - first, 0.0) / interval
    return np.minimum(lifetime, count / (interval / MINUTE))


def confidence_factor(confidences: Floats, multiplier: float, exponent: int) -> Floats:
    """(1 + multiplier / confidence) ^ exponent: infinite, or 0, without any confidence."""
    with np.errstate(divide="ignore"):
        base = 1.0 + multiplier / confidences
        return base**exponent if exponent >= 0 else 1.0 / base**-exponent


def estimate(percentiles: Integers, confidences: Floats, minimum: Integers, margin: float) -> Integers:
    """(rows, 3) target, lower and upper from amounts (rows, 3) at their percentiles; `minimum` is a row's own."""
    found = with_margin(percentiles, margin)
    found[:, 1] = scaled(found[:, 1], confidence_factor(confidences, 0.001, -2))
    found[:, 2] = scaled(found[:, 2], confidence_factor(confidences, 1.0, 1))
    return np.maximum(found, minimum[:, None])
