"""A queue of keys that need attention: each once, a failing one later and later, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_RETRY = 1.0
"""Seconds before the first retry of a failed key; doubles up to `LAST_RETRY`."""
LAST_RETRY = 300.0
"""Seconds between retries of a key that keeps failing."""


class WorkQueue(Generic[Key]):
    """Keys wait in order; a key added while it is worked on is worked on once more afterwards.

    `work` returns None when the key is settled, or seconds after which it should be looked at again. When it
    raises, `on_error` is told and the key is retried with growing delays until it succeeds or is forgotten.
    """

    def __init__(
        self,
        work: Callable[[Key], Awaitable[float | None]],
        on_error: Callable[[Key, Exception], None],
        *,
        workers: int,
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._count = workers
        self._waiting: dict[Key, None] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._working)

    def start(self) -> None:
        """Begin working; keys added before wait until then."""
        self._tasks = [asyncio.create_task(self._worker(), name="workqueue") for _ in range(self._count)]

    async def stop(self) -> None:
        """Cancel what runs and forget what waits."""
        for handle in self._later.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def add(self, key: Key) -> None:
        """Look at the key as soon as a worker is free."""
        handle = self._later.pop(key, None)
        if handle is not None:
            handle.cancel()
        if key in self._working:
            self._again.add(key)
            return
        self._waiting[key] = None
        self._calm.clear()
        self._wake.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """Look at the key after that long, or earlier when it is added meanwhile."""
        if key in self._waiting or key in self._later:
            return
        self._later[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def forget(self, key: Key) -> None:
        """The key's object is gone: no retry, no memory of failures."""
        self._waiting.pop(key, None)
        self._again.discard(key)
        self._failures.pop(key, None)
        handle = self._later.pop(key, None)
        if handle is not None:
            handle.cancel()

    def failures(self, key: Key) -> int:
        """How often the key failed since it last succeeded."""
        return self._failures.get(key, 0)

    async def calm(self) -> None:
        """Return once nothing waits and nothing is worked on; keys that wait for a retry do not count."""
        await self._calm.wait()

    def _due(self, key: Key) -> None:
        self._later.pop(key, None)
        self.add(key)

    async def _worker(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._working.add(key)
            try:
                await self._attend(key)
            finally:
                self._finish(key)

    async def _attend(self, key: Key) -> None:
        try:
            again = await self._work(key)
        except Exception as error:  # noqa: BLE001 - one object's trouble, or a bug it meets, must not stop the others
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self._on_error(key, error)
            self.add_later(key, min(FIRST_RETRY * 2 ** (failures - 1), LAST_RETRY))
        else:
            self._failures.pop(key, None)
            if again is not None:
                self.add_later(key, again)

    def _finish(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        if not self._waiting and not self._working:
            self._calm.set()
