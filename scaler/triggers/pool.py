"""Things that are costly to make and shared by key: clients, channels, contexts.

Whoever asks first makes it, the others wait for the same one; a maker that fails leaves nothing behind. What nobody
asked for in a while is closed when the next one is made, so that credentials that rotate do not pile up clients.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Entry(Generic[V]):
    __slots__ = ("task", "used", "value")

    def __init__(self, task: "asyncio.Task[V]", used: float) -> None:
        self.task = task
        self.used = used
        self.value: V | None = None


class Pool(Generic[K, V]):
    """One thing a key, made when first asked for."""

    def __init__(
        self, make: Callable[[K], Awaitable[V]], close: Callable[[V], Awaitable[object]], idle: float = 900.0
    ) -> None:
        self._make = make
        self._close = close
        self._idle = idle
        self._entries: dict[K, _Entry[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: K) -> V:
        """The one of this key. Whoever gives up waiting does not stop its making: the next one finds it."""
        now = asyncio.get_running_loop().time()
        entry = self._entries.get(key)
        if entry is None:
            await self._sweep(now)
            entry = self._entries.get(key) or self._begin(key, now)
        entry.used = now
        if entry.value is not None:
            return entry.value
        return await asyncio.shield(entry.task)

    async def aclose(self) -> None:
        """Close all; making is stopped."""
        entries, self._entries = self._entries, {}
        for entry in entries.values():
            await self._end(entry)

    def _begin(self, key: K, now: float) -> _Entry[V]:
        async def make() -> V:
            try:
                entry.value = await self._make(key)
            except BaseException:  # whatever it was, it is raised to all who wait, and the next asks anew
                self._entries.pop(key, None)
                raise
            return entry.value

        entry = _Entry(asyncio.create_task(make()), now)
        entry.task.add_done_callback(_retrieved)
        self._entries[key] = entry
        return entry

    async def _sweep(self, now: float) -> None:
        stale = [key for key, entry in self._entries.items() if now - entry.used > self._idle]
        for entry in [self._entries.pop(key) for key in stale]:
            await self._end(entry)

    async def _end(self, entry: _Entry[V]) -> None:
        if not entry.task.done():
            entry.task.cancel()
            await asyncio.wait([entry.task])
        if entry.value is not None:
            await self._close(entry.value)


def _retrieved(task: "asyncio.Task[V]") -> None:
    """Mark the outcome as seen, in case everybody has given up waiting."""
    if not task.cancelled():
        task.exception()
