"""What metrics-server knows of the pods: a sample of all every so often, readable a while later, some lost."""

from collections import deque

import msgspec
import numpy as np
import numpy.typing as npt

from scaler.sim.backtest.fleet import Fleet
from scaler.sim.backtest.scene import Floats, Nature

Ids = npt.NDArray[np.int64]


class Sample(msgspec.Struct, frozen=True, eq=False):
    """All pods at one time."""

    at: float
    ids: Ids
    cpu: Floats
    """Whole millicores by pod and container, rounded up."""
    memory: Floats
    """Bytes likewise."""

    def of(self, ids: Ids) -> tuple[Ids, npt.NDArray[np.bool_]]:
        """The row of each pod, and whether there is one; both are in the order of their ids."""
        if len(self.ids) == len(ids) and (self.ids == ids).all():
            return np.arange(len(ids)), np.ones(len(ids), dtype=np.bool_)
        rows = np.searchsorted(self.ids, ids)
        inside = rows < len(self.ids)
        rows[~inside] = 0
        known = inside & (self.ids[rows] == ids) if len(self.ids) else inside
        return rows, known


class Samples:
    """The samples of a run, as far back as somebody may still ask for them."""

    def __init__(self, nature: Nature, begin: float, random: np.random.Generator) -> None:
        self._nature = nature
        self._begin = begin
        self._random = random
        self._kept: deque[Sample] = deque()
        self._due = begin

    def take(self, fleet: Fleet, now: float) -> None:
        """Look at the pods, if it is time."""
        if now < self._due:
            return
        self._due = max(self._due + self._nature.scrape, now)
        seen = fleet.ready_at <= now
        if self._nature.lost:
            seen = seen & (self._random.random(len(fleet)) >= self._nature.lost)
        self._kept.append(Sample(now, fleet.ids[seen], np.ceil(fleet.cpu[seen]), fleet.memory[seen]))
        while len(self._kept) > 1 and self._kept[1].at <= now - self._nature.delay:
            self._kept.popleft()

    def latest(self, now: float, step: float) -> Sample | None:
        """The youngest that can be read; None when nothing can be. Less than a step is no delay."""
        since = now - self._begin
        if any(first <= since < last for first, last in self._nature.blind):
            return None
        delay = self._nature.delay if self._nature.delay >= step else 0.0
        readable = None
        for sample in self._kept:
            if sample.at > now - delay:
                break
            readable = sample
        return readable
