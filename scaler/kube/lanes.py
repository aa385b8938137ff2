"""Who goes first when more calls are waiting than may be under way.

A cold start wants HPAs before statuses, and statuses before events; a Lease must never wait behind either.
It orders and bounds; it knows nothing of what is called, and sets no rate.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum


class Lane(IntEnum):
    """The order in which waiting calls are let through."""

    URGENT = 0
    """Never waits: the Lease."""
    NORMAL = 1
    """Reads, replicas, HPAs, finalizers."""
    LATER = 2
    """Statuses."""
    LAST = 3
    """Events."""


class Gate:
    """At most `size` callers inside at a time; of those that wait, the lowest lane first, then first come."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._queues: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Lane)

    @property
    def waiting(self) -> int:
        """How many callers wait now."""
        return sum(len(queue) for queue in self._queues)

    @asynccontextmanager
    async def passing(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for a place, hold it, give it to the next."""
        if lane is Lane.URGENT:
            yield
            return
        await self._enter(lane)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, lane: Lane) -> None:
        if self._free > 0:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[lane].append(place)
        try:
            await place
        except asyncio.CancelledError:
            self._give_up(lane, place)
            raise

    def _give_up(self, lane: Lane, place: "asyncio.Future[None]") -> None:
        if place.done() and not place.cancelled():
            self._leave()  # the place was given in the same turn as the caller was cancelled
        elif place in self._queues[lane]:
            self._queues[lane].remove(place)

    def _leave(self) -> None:
        for queue in self._queues:
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self._free += 1
