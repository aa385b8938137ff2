"""So many calls a second, and some more at once after a quiet time: the client-side limit that upstream has.

Whoever asks is given the next free moment, the lowest lane first, then first come: at a limit, events must not take a
share of the moments that what they tell of needs. It knows nothing of what is called.
"""

import asyncio
import math
from collections import deque

from scaler.kube.lanes import Lane


class Pace:
    """`rate` calls a second on the whole, `burst` at once; a rate of 0 never waits. It belongs to one event loop."""

    def __init__(self, rate: float, burst: int) -> None:
        self._gap = 1.0 / rate if rate > 0 else 0.0
        self._credit = self._gap * (burst - 1)
        self._next = -math.inf
        """When the next call would be due if there were no burst, in loop time."""
        self._queues: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Lane)
        self._timer: asyncio.TimerHandle | None = None
        """Runs while somebody waits."""

    def wait(self, now: float) -> float:
        """Take the next place; seconds until it comes."""
        if not self._gap:
            return 0.0
        due = self._due(now)
        self._next = due + self._gap
        return max(0.0, due - now)

    async def turn(self, lane: Lane = Lane.NORMAL) -> None:
        """Return when a call may be made."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._gap or (self._timer is None and self._due(now) <= now):
            self.wait(now)
            return
        place: asyncio.Future[None] = loop.create_future()
        self._queues[lane].append(place)
        if self._timer is None:
            self._timer = loop.call_at(self._due(now), self._let_pass)
        await place

    def _due(self, now: float) -> float:
        return max(self._next, now - self._credit)

    def _let_pass(self) -> None:
        """Let through whoever is due, and come back for the next that waits."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (queue := self._waiting()) is not None:
            # A timer may ring a hair early: the clock's resolution is the loop's own tolerance.
            if self._due(now) > now + _EARLY:
                self._timer = loop.call_at(self._due(now), self._let_pass)
                return
            self.wait(now)
            queue.popleft().set_result(None)

    def _waiting(self) -> deque[asyncio.Future[None]] | None:
        """The queue whose head is next; those that gave up waiting are forgotten."""
        for queue in self._queues:
            while queue and queue[0].done():
                queue.popleft()
            if queue:
                return queue
        return None


_EARLY = 1e-6
