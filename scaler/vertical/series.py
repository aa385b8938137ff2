"""Many samples of one container at once, from a history or a simulation. The numbers are those of one by one."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.decay import factors
from scaler.vertical.usage import MEMORY_WEIGHT, NEVER, Containers, Truths


def add_cpu_series(containers: Containers, row: int, times: Floats, millicores: Integers) -> Truths:
    """Samples of cpu in their order; which were taken."""
    valid = millicores >= 0
    taken: Truths = valid & (times > _newest_before(times, valid, float(containers.cpu_seen[row])))
    if taken.any():
        containers.cpu_seen[row] = times[taken][-1]
        aggregates = np.full(int(taken.sum()), containers.aggregate[row])
        containers.count_cpu(aggregates, times[taken], millicores[taken])
    return taken


def add_memory_series(containers: Containers, row: int, times: Floats, sizes: Integers) -> Truths:
    """Samples of memory in their order, in bytes; which were taken."""
    valid = sizes >= 0
    taken: Truths = valid & (times >= _newest_before(times, valid, float(containers.memory_seen[row])))
    times, sizes = times[taken], sizes[taken]
    if not len(times):
        return taken
    if containers.window_end[row] == NEVER:
        containers.add_memory(np.array([row]), times[:1], sizes[:1])
        times, sizes = times[1:], sizes[1:]
    for part in _windows(containers, row, times):
        first, rest = part[0], part
        if times[first] >= containers.window_end[row]:
            containers.add_memory(np.array([row]), times[first : first + 1], sizes[first : first + 1])
            rest = part[1:]
        _raise_peak(containers, row, sizes[rest])
    if len(times):
        containers.memory_seen[row] = times[-1]
    return taken


def _newest_before(times: Floats, valid: Truths, seen: float) -> Floats:
    """The newest valid time before each sample: those that are taken grow, so it is the one of the last taken."""
    known = np.concatenate([[seen], np.where(valid, times, NEVER)[:-1]])
    newest: Floats = np.maximum.accumulate(known)
    return newest


def _windows(containers: Containers, row: int, times: Floats) -> Iterator[Integers]:
    """The samples of one interval after the other."""
    interval = containers.aggregates.interval[containers.aggregate[row]]
    number = np.floor((times - containers.window_end[row]) / interval)
    number[number < 0] = -1
    numbers = np.arange(len(times))
    return (part for part in np.split(numbers, np.flatnonzero(np.diff(number)) + 1) if len(part))


def _raise_peak(containers: Containers, row: int, sizes: Integers) -> None:
    """Samples within the running interval: each that is more than all before takes the place of the peak."""
    before = max(int(containers.peak[row]), int(containers.oom_peak[row]))
    if not before or not len(sizes):
        return
    highest = np.maximum.accumulate(np.concatenate([[before], sizes]))
    rising = np.flatnonzero(highest[1:] > highest[:-1])
    if not len(rising):
        return
    steps = np.concatenate([[before], sizes[rising]])
    containers.peak[row] = steps[-1]
    _replace(containers, row, steps)


def _replace(containers: Containers, row: int, steps: Integers) -> None:
    """Take each step back and count the next, one after the other, as their roundings want it."""
    memory, aggregate = containers.aggregates.memory, int(containers.aggregate[row])
    end, reference = containers.window_end[row : row + 1], memory.references[aggregate : aggregate + 1]
    weight = MEMORY_WEIGHT * float(factors(end, reference, memory.half_life)[0])
    cells = memory.buckets.find(steps.astype(np.float64)).tolist()
    weights, total = memory.weights[aggregate].tolist(), float(memory.totals[aggregate])
    epsilon = memory.buckets.epsilon
    for old, new in pairwise(cells):
        rest, total = weights[old] - weight, total - weight
        weights[old] = 0.0 if rest < epsilon else rest
        weights[new] += weight
        total = (0.0 if total < epsilon else total) + weight
    memory.weights[aggregate], memory.totals[aggregate] = weights, total
