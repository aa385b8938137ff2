"""Fewer points for the same picture: in each column of pixels the lowest and the highest value, and no peak is lost.

What a line of many points paints in one column is the stretch between its extremes there, so the envelope of both
is the same picture (Jugel et al., M4, VLDB 2014, which also keeps the first and the last point of a column).
"""

import itertools

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PAUSE = 3.0
"""A pause this many times as long as the usual one is a gap: what was there in between is not known."""


class Envelope(msgspec.Struct, frozen=True, eq=False):
    """The extremes of each column; NaN where nothing is known."""

    low: Array
    """float64[columns]"""
    high: Array
    """float64[columns]"""


def envelope(times: Array, values: Array, begin: float, end: float, columns: int) -> Envelope:
    """The extremes of `values` in `columns` columns from begin to end.

    `times` float64[n] grow; `values` float64[n], NaN = missing. A column that no sample falls in is bridged, unless
    it lies in a gap.
    """
    inside = (times >= begin) & (times <= end)
    times, values = times[inside], values[inside]
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    if not len(times):
        return Envelope(low, high)
    column = np.minimum(((times - begin) / (end - begin) * columns).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    filled = column[starts]
    low[filled] = np.fmin.reduceat(values, starts)
    high[filled] = np.fmax.reduceat(values, starts)
    empty = np.ones(columns, dtype=bool)
    empty[filled] = False
    _bridge(low, high, empty, (end - begin) / columns, pause(times))
    return Envelope(low, high)


def pause(times: Array) -> float:
    """From which length on a pause between two samples is a gap, in seconds; infinite for fewer than three."""
    return PAUSE * float(np.median(np.diff(times))) if len(times) > 2 else np.inf


def _bridge(low: Array, high: Array, empty: npt.NDArray[np.bool_], width: float, gap: float) -> None:
    """Fill columns between two samples that are no further apart than a gap."""
    if not empty.any() or empty.all():
        return
    place = np.arange(len(low))
    known = place[~empty]
    before = np.searchsorted(known, place[empty]) - 1
    between = (before >= 0) & (before < len(known) - 1)
    holes = place[empty][between]
    left, right = known[before[between]], known[before[between] + 1]
    near = (right - left) * width <= gap + width
    holes, left, right = holes[near], left[near], right[near]
    share = (holes - left) / (right - left)
    for side in (low, high):
        side[holes] = side[left] + share * (side[right] - side[left])


def runs(known: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where stretches of True begin and end, each as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def stretches(times: Array, values: Array) -> list[tuple[int, int]]:
    """The stretches of a sparse line that are drawn in one go: cut at NaN and at gaps."""
    gap = pause(times)
    return [
        (first + begin, first + end)
        for first, past in runs(~np.isnan(values))
        for begin, end in _unbroken(times[first:past], gap)
    ]


def _unbroken(times: Array, gap: float) -> list[tuple[int, int]]:
    cuts = np.flatnonzero(np.diff(times) > gap) + 1
    edges = [0, *cuts.tolist(), len(times)]
    return list(itertools.pairwise(edges))


def changes(values: Array) -> npt.NDArray[np.int64]:
    """Indices at which a step line says something new: its first value, each other one, NaN once."""
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return np.flatnonzero(np.concatenate(([True], ~same)))


def gaps(times: Array, values: Array) -> list[tuple[float, float]]:
    """From when to when nothing is known: NaN, or a pause that is longer than usual."""
    if not len(times):
        return []
    known = stretches(times, values)
    if not known:
        return [(float(times[0]), float(times[-1]))]
    inner = [(float(times[left[1] - 1]), float(times[right[0]])) for left, right in itertools.pairwise(known)]
    first, last = float(times[known[0][0]]), float(times[known[-1][1] - 1])
    edges = [(float(times[0]), first), (last, float(times[-1]))]
    return sorted(pair for pair in [*inner, *edges] if pair[1] > pair[0])
