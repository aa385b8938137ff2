"""Clocks for simulated worlds: one that a test moves by hand, and one that runs faster than life."""

import asyncio
import heapq
import itertools
import time


class ManualClock:
    """Stands still until `advance`; sleepers wake in order of their time."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.0), next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Go on by so many seconds, letting each sleeper that wakes do its work at its own time."""
        end = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            wake, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, wake)
            if not future.done():
                future.set_result(None)
            await _settle()
        self._now = end


class AcceleratedClock:
    """Runs `factor` times as fast as the machine's, from `start` (by default now)."""

    def __init__(self, factor: float, start: float | None = None) -> None:
        if factor <= 0:
            raise ValueError(f"a clock's factor is above 0, not {factor}")
        self.factor = factor
        self._origin = time.monotonic()
        self._start = time.time() if start is None else start

    def now(self) -> float:
        return self._start + (time.monotonic() - self._origin) * self.factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.factor)


async def _settle(rounds: int = 50) -> None:
    """Let everything that can run now run; work that waits for sockets is not waited for."""
    for _ in range(rounds):
        await asyncio.sleep(0)
