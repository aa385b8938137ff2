"""What containers used, read from Prometheus in pieces and put on one axis of time."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from scaler.history import queries
from scaler.history.answers import Ranged
from scaler.history.pieces import Window
from scaler.history.prometheus import Prometheus, TooMuch
from scaler.history.queries import Container, Names
from scaler.history.series import Array, Series

_LOOK = 600.0
"""Seconds over which scrapes are counted."""
_USUAL_SCRAPE = 30.0
"""Seconds between two scrapes where nobody can tell."""

Progress = Callable[[int, int], None]
"""Told how many pieces are read, and how many there are."""


class ContainerUsage(msgspec.Struct, frozen=True, eq=False):
    """What one container of one pod used."""

    container: Container
    cpu: Series
    """Cores."""
    memory: Series
    """Bytes."""

    @property
    def last(self) -> float:
        """When it was last seen; minus infinity when never."""
        return max((float(one.times[-1]) for one in (self.cpu, self.memory) if len(one)), default=-np.inf)


async def present(
    prometheus: Prometheus, names: Names, begin: float, end: float, namespaces: Sequence[str] = ()
) -> list[Container]:
    """Every container that was seen then, sorted. Only the index is read."""
    match = names.usage(names.memory, namespaces)
    return sorted({names.place(labels) for labels in await prometheus.series([match], begin, end)})


async def scrape_interval(prometheus: Prometheus, names: Names, at: float) -> float:
    """Seconds between two looks of the server at a usual container."""
    found = await prometheus.query(queries.scrapes(names, _LOOK), at)
    count = found[0].value if found else 0.0
    return _LOOK / count if count >= 1 else _USUAL_SCRAPE


async def usage(
    prometheus: Prometheus,
    names: Names,
    window: Window,
    containers: Sequence[Container],
    *,
    scrape: float,
    done: Callable[[], None] = lambda: None,
) -> list[ContainerUsage]:
    """What those containers used, all in one namespace; those of which nothing is known are left out.

    A value of cpu is the mean since the step before, or since four scrapes before where that is longer; one of memory
    the most since then. The first values of a counter, of less than that time, come out too low: the server takes the
    missing part for nothing. Raises Unreadable.
    """
    namespace, pods = containers[0].namespace, sorted({one.pod for one in containers})
    cpu = queries.cpu(names, (namespace,), pods, max(window.step, 4 * scrape))
    memory = queries.memory(names, (namespace,), pods, max(window.step, 2 * scrape))

    async def whole(expression: str) -> dict[Container, Array]:
        async def piece(part: Window) -> list[Ranged]:
            found = await _ranged(prometheus, expression, part)
            done()
            return found

        found = await asyncio.gather(*(piece(part) for part in window.pieces(len(containers))))
        return _gridded(names, window, [one for part in found for one in part])

    cores, sizes = await asyncio.gather(whole(cpu), whole(memory))
    axis = window.begin + window.step * np.arange(window.points, dtype=np.float64)
    nothing = np.full(window.points, np.nan)
    return [
        ContainerUsage(one, _series(axis, cores.get(one, nothing)), _series(axis, sizes.get(one, nothing)))
        for one in containers
        if one in cores or one in sizes
    ]


def questions(window: Window, containers: int) -> int:
    """How many pieces `usage` reads for so many containers."""
    return 2 * sum(1 for _ in window.pieces(containers))


async def _ranged(prometheus: Prometheus, expression: str, window: Window) -> list[Ranged]:
    """In halves, and halves of them, where the server cannot answer the whole."""
    try:
        return await prometheus.range(expression, window.begin, window.end, window.step)
    except TooMuch:
        halves = window.halves()
        if halves is None:
            raise
    return [one for half in halves for one in await _ranged(prometheus, expression, half)]


def _gridded(names: Names, window: Window, answers: Sequence[Ranged]) -> dict[Container, Array]:
    found: dict[Container, Array] = defaultdict(lambda: np.full(window.points, np.nan))
    for labels, times, values in answers:
        places = np.rint((times - window.begin) / window.step).astype(np.int64)
        values[~np.isfinite(values) | (values < 0)] = np.nan
        row = found[names.place(labels)]
        row[places] = np.fmax(row[places], values)
    return found


def _series(axis: Array, values: Array) -> Series:
    """From its first to its last value."""
    known = np.flatnonzero(~np.isnan(values))
    cut = slice(known[0], known[-1] + 1) if len(known) else slice(0, 0)
    return Series(axis[cut], values[cut])
