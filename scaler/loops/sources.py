"""One question per identical source and interval, whoever asks.

Objects that name the same source (the same queue with the same credentials, the same query) share one answer. A
question on its way is joined, never asked twice; and a check finds the answer of another object's check of this
interval. Who finds one moves its next check to where that answer grows old, so sharers fall into step and nobody
judges on older numbers than its own interval allows.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import msgspec

Answer = TypeVar("Answer")


class Asked(msgspec.Struct, Generic[Answer], frozen=True):
    """An answer and when its question was asked (epoch seconds)."""

    answer: Answer
    at: float


class Sources(Generic[Answer]):
    """The questions on their way and, for sources with several users, the last answers."""

    def __init__(self, now: Callable[[], float], limit: int = 512) -> None:
        """`limit` questions may be under way at once; more wait their turn, which counts against no timeout."""
        self._now = now
        self._places = asyncio.Semaphore(limit)
        self._users: Counter[Hashable] = Counter()
        self._flights: dict[Hashable, _Flight[Answer]] = {}
        self._last: dict[Hashable, Asked[Answer]] = {}
        self.asked = 0
        """Questions that went to a source."""
        self.saved = 0
        """Questions that another one answered."""

    def use(self, source: Hashable) -> None:
        """One more trigger reads this source."""
        self._users[source] += 1

    def leave(self, source: Hashable) -> None:
        """One trigger less reads it."""
        self._users[source] -= 1
        if self._users[source] <= 0:
            del self._users[source]
            self._last.pop(source, None)

    async def ask(
        self, source: Hashable, question: Callable[[], Awaitable[Answer]], *, max_age: float = 0.0
    ) -> Asked[Answer]:
        """The source's answer: a shared one not older than `max_age` seconds, one on its way, or a new one."""
        known = self._last.get(source)
        if known is not None and self._now() - known.at < max_age:
            self.saved += 1
            return known
        while (flight := self._flights.get(source)) is not None:
            joined = await flight.join()
            if joined is not None:
                self.saved += 1
                return joined
        return await self._fly(source, question)

    async def _fly(self, source: Hashable, question: Callable[[], Awaitable[Answer]]) -> Asked[Answer]:
        flight = self._flights[source] = _Flight()
        self.asked += 1
        asked: Asked[Answer] | None = None
        at = self._now()
        try:
            async with self._places:
                asked = Asked(await question(), at)
        finally:  # cancelled or not, whoever joined must not wait for ever; on None he asks himself
            if self._flights.get(source) is flight:
                del self._flights[source]
            flight.land(asked)
        if self._users[source] > 1:
            self._last[source] = asked
        return asked


class _Flight(Generic[Answer]):
    """A question on its way; the future is only made when somebody joins."""

    __slots__ = ("_landed",)

    def __init__(self) -> None:
        self._landed: asyncio.Future[Asked[Answer] | None] | None = None

    async def join(self) -> Asked[Answer] | None:
        if self._landed is None:
            self._landed = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._landed)

    def land(self, asked: Asked[Answer] | None) -> None:
        if self._landed is not None and not self._landed.done():
            self._landed.set_result(asked)
