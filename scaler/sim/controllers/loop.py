"""What runs a controller: changes become keys, each key is brought in order once, however often it was named."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from scaler.clock import Clock
from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.store import Event, Key, Store, Table

AT_ONCE = 50
"""Keys a worker handles before others get their turn; those that only count then do so once for all."""
RETRY = 1.0
"""Seconds of the world's clock until a key that was refused is tried again."""

log = logging.getLogger(__name__)


class Reconciler(Protocol):
    """What a controller knows to do."""

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        """Which objects of its kind a change concerns. Called for every change there is, so it must be quick."""
        ...

    async def reconcile(self, key: Key) -> float | None:
        """Bring one object in order; seconds until it wants to be asked again, if it does."""
        ...


class Loop:
    """Asks one reconciler, each key by one worker at a time."""

    def __init__(
        self, store: Store, clock: Clock, reconciler: Reconciler, *, delay: float = 0.0, workers: int = 1
    ) -> None:
        self.clock = clock
        self.reconciler = reconciler
        self.delay = delay
        """Seconds from a change to its reconciliation; changes meanwhile are taken along."""
        self.workers = workers
        self._pending: dict[Key, None] = {}
        self._active: set[Key] = set()
        self._wake = asyncio.Event()
        self._timers: dict[Key, tuple[float, asyncio.Task[None]]] = {}
        store.observers.append(self._observe)

    def _observe(self, table: Table, event: Event) -> None:
        for key in self.reconciler.keys(table, event):
            if self.delay:
                self.add_later(key, self.delay)
            else:
                self.add(key)

    def add(self, key: Key) -> None:
        self._pending[key] = None
        self._wake.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """Once, after that many seconds of the clock; the earliest time asked for counts."""
        due = self.clock.now() + seconds
        known = self._timers.get(key)
        if known is not None:
            if known[0] <= due:
                return
            known[1].cancel()
        self._timers[key] = (due, asyncio.create_task(self._wait(key, seconds)))

    async def _wait(self, key: Key, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._timers.pop(key, None)
        self.add(key)

    async def run(self) -> None:
        """For ever; cancel to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._work())
        finally:
            for _, task in self._timers.values():
                task.cancel()

    async def _work(self) -> None:
        done = 0
        while True:
            key = next((key for key in self._pending if key not in self._active), None)
            if key is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            del self._pending[key]
            self._active.add(key)
            try:
                await self._reconcile(key)
            finally:
                self._active.discard(key)
            self._wake.set()
            done += 1
            if done % AT_ONCE == 0 or not self._pending:
                await asyncio.sleep(0)

    async def _reconcile(self, key: Key) -> None:
        try:
            again = await self.reconciler.reconcile(key)
        except Refusal as refusal:
            if refusal.code == 404:
                return
            name, target = type(self.reconciler).__name__, "/".join(key)
            log.warning("%s could not bring %s in order: %s", name, target, refusal, extra={"code": refusal.code})
            again = RETRY
        if again is not None:
            self.add_later(key, again)
