"""Values over time, and what has to be mended before anyone may compute with them.

What can be told apart is mended, counted and told: nothing is guessed. What cannot be meant, the readers refuse.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LONG_PAUSE = 3.0
"""A pause this many times as long as the usual one is a gap."""


class Series(msgspec.Struct, frozen=True, eq=False):
    """Values over time."""

    times: Array
    """float64[n], strictly growing; seconds, of the epoch where that is known"""
    values: Array
    """float64[n], NaN = missing, never negative, never infinite"""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def known(self) -> "Series":
        """Without what is missing."""
        there = ~np.isnan(self.values)
        return Series(self.times[there], self.values[there])

    @property
    def span(self) -> float:
        """Seconds from the first to the last."""
        return float(self.times[-1] - self.times[0]) if len(self.times) else 0.0

    @property
    def step(self) -> float:
        """The usual distance of two samples, in seconds; 0 for fewer than two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def between(self, begin: float, end: float) -> "Series":
        """From `begin` to before `end`."""
        first, past = np.searchsorted(self.times, [begin, end])
        return Series(self.times[first:past], self.values[first:past])


class Mending(msgspec.Struct, frozen=True):
    """What was done to a series, and what it lacks. All counts are of samples."""

    missing: int = 0
    """Empty, NaN or infinite."""
    negative: int = 0
    """Below zero; missing from here on."""
    unsorted: int = 0
    """Earlier than the sample before them; put in their place."""
    doubled: int = 0
    """At the time of another; the highest is kept."""
    gaps: int = 0
    """Pauses that are longer than usual."""
    longest_gap: float = 0.0
    """Seconds."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence each for those that are not nought."""
        said = (
            (self.missing, f"{_samples(self.missing)} missing (empty, NaN or infinite)"),
            (self.negative, f"{_samples(self.negative)} negative: counted as missing"),
            (self.unsorted, f"{_samples(self.unsorted)} earlier than the one before: sorted"),
            (self.doubled, f"{_samples(self.doubled)} at the time of another: the highest of each time is kept"),
            (
                self.gaps,
                f"{self.gaps:,} gap{_s(self.gaps)} without samples, the longest of {_span(self.longest_gap)}",
            ),
        )
        return tuple(words for count, words in said if count)


class Mended(NamedTuple):
    """A series that is fit to compute with."""

    series: Series
    mending: Mending


def mended(times: Array, values: Array) -> Mended:
    """Sorted, one value a time, finite or missing, never negative; and what that took.

    `times` float64[n] finite, in any order; `values` float64[n], anything.
    """
    values = values.astype(np.float64, copy=True)
    missing = ~np.isfinite(values)
    negative = ~missing & (values < 0)
    values[missing | negative] = np.nan
    backwards = int(np.count_nonzero(np.diff(times) < 0))
    if backwards:
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    times, values, doubled = _single(times, values)
    gaps, longest = _gaps(times)
    counts = (int(np.count_nonzero(missing)), int(np.count_nonzero(negative)), backwards, doubled, gaps, longest)
    return Mended(Series(times, values), Mending(*counts))


def _single(times: Array, values: Array) -> tuple[Array, Array, int]:
    """The highest of each time."""
    starts = np.flatnonzero(np.diff(times, prepend=-np.inf) > 0)
    doubled = len(times) - len(starts)
    if doubled:
        times, values = times[starts], np.fmax.reduceat(values, starts)
    return times, values, doubled


def _gaps(times: Array) -> tuple[int, float]:
    """How many pauses are longer than usual, and the longest."""
    if len(times) < 3:
        return 0, 0.0
    pauses = np.diff(times)
    long = pauses[pauses > LONG_PAUSE * np.median(pauses)]
    return len(long), float(long.max(initial=0.0))


def _samples(count: int) -> str:
    return f"{count:,} sample{_s(count)} {'is' if count == 1 else 'are'}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _span(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:g} seconds"
