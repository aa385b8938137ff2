"""What containers used before we looked, from a Prometheus: at a start, and whenever an object appears.

It is read beside the rounds. While an object's past is read its recommendation stands as it is; a server that cannot
be reached holds nothing up: the object learns from now on, and its past is asked for again later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

import numpy as np

from scaler.errors import Unreadable
from scaler.history.cluster import ClusterHistory
from scaler.history.owners import Workload
from scaler.history.usage import ContainerUsage
from scaler.loops.recommender.objects import Tracked
from scaler.vertical.estimation import amounts
from scaler.vertical.roster import Roster, Subject
from scaler.vertical.series import add_cpu_series, add_memory_series

log = logging.getLogger("scaler.recommender")

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
"""Seconds before the past is asked for again after a failure, doubled each time."""


class Past:
    """Reads the past of the objects that want one. `ask` opens a history that ends now."""

    def __init__(self, roster: Roster, ask: Callable[[], ClusterHistory], now: Callable[[], float]) -> None:
        self.learned = 0
        """Containers of pods whose past was read."""
        self._roster = roster
        self._ask = ask
        self._now = now
        self._wanted: dict[Subject, Tracked] = {}
        self._stirred = asyncio.Event()

    def want(self, objects: Iterable[Tracked]) -> None:
        """Read the past of these, in a moment."""
        for tracked in objects:
            if tracked.subject is not None:
                tracked.fetching = True
                self._wanted[tracked.subject] = tracked
                self._stirred.set()

    async def run(self) -> None:
        """Read what is wanted, for ever; cancel to stop."""
        pause = FIRST_PAUSE
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            wanted = list(self._wanted.values())
            try:
                await self._read(wanted)
            except Unreadable as error:
                log.warning("the past cannot be read", extra={"error": str(error), "objects": len(wanted)})
                _release(wanted)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stirred.wait()
                pause = min(2 * pause, LONGEST_PAUSE)
                self._stirred.set()
                continue
            pause = FIRST_PAUSE
            _release(wanted)
            for tracked in wanted:
                if tracked.subject is not None:
                    self._wanted.pop(tracked.subject, None)

    async def _read(self, wanted: list[Tracked]) -> None:
        whose: dict[Workload, list[Tracked]] = {}
        for tracked in wanted:
            target = tracked.vpa.spec.target_ref
            if target is not None:
                place = Workload(tracked.vpa.metadata.namespace, target.kind, target.name)
                whose.setdefault(place, []).append(tracked)
        history = self._ask()
        known = await history.workloads(sorted({place.namespace for place in whose}))
        before = self.learned
        async for place, usage in history.read({place: known[place] for place in whose if place in known}):
            for tracked in whose[place]:
                self._learn(tracked, usage)
        log.info("the past is read", extra={"objects": len(wanted), "containers": self.learned - before})

    def _learn(self, tracked: Tracked, usage: ContainerUsage) -> None:
        subject, name = tracked.subject, usage.container.container
        if subject is None or self._roster.subject(subject.key) is not subject:
            return
        live = subject.rows()
        if live and name not in live:
            return  # an init container that is not sized, or one that is no more
        row = subject.initial.get(name)
        if row is None:
            row = self._roster.loaded(subject, name, self._now())
        first = (float(self._roster.aggregates.first[own]) for own in live.get(name, ()) if own != row)
        until = min(first, default=np.inf)
        containers = self._roster.containers
        gone = containers.new(row)
        cpu, memory = usage.cpu.known.between(-np.inf, until), usage.memory.known.between(-np.inf, until)
        add_cpu_series(containers, gone, cpu.times, amounts(cpu.values * 1000.0))
        add_memory_series(containers, gone, memory.times, amounts(memory.values))
        containers.drop(gone)
        self.learned += 1


def _release(objects: list[Tracked]) -> None:
    for tracked in objects:
        tracked.fetching = False
