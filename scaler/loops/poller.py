"""One loop per object: a check at once, then one every interval, from start to start.

A check that overruns is followed by the next at once. Intervals keep a fixed grid, so they do not drift.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from zlib import crc32

from scaler.clock import Clock
from scaler.loops.board import Key
from scaler.loops.objects import Tracked

log = logging.getLogger("scaler.poller")


class Poller:
    """Keeps the loops."""

    def __init__(self, poll: Callable[[Tracked], Awaitable[float | None]], clock: Clock, *, spread: float) -> None:
        self._poll = poll
        self._clock = clock
        self._spread = spread
        self._checking: set[Key] = set()
        self._hurried: set[Key] = set()
        self.on_latency: Callable[[Tracked, float], None] = lambda _tracked, _seconds: None
        """Told how late each check began, in seconds."""

    def start(self, tracked: Tracked, *, spread: bool = False) -> None:
        """(Re)start the object's loop; `spread` puts its first check somewhere into the first seconds."""
        self.stop(tracked)
        tracked.polled_for = tracked.asks
        interval = tracked.scaled.spec.polling
        first = min(interval, self._spread) * phase(tracked.key) if spread else 0.0
        tracked.poll = asyncio.create_task(self._loop(tracked, interval, first), name="poll")

    def hurry(self, tracked: Tracked) -> None:
        """Check now, or once more after the check that is under way; the interval counts anew from then."""
        if tracked.poll is None:
            return
        if tracked.key in self._checking:
            self._hurried.add(tracked.key)
        else:
            self.start(tracked)

    def stop(self, tracked: Tracked) -> None:
        """End the object's loop; a check under way is abandoned."""
        if tracked.poll is not None:
            tracked.poll.cancel()
        tracked.poll = None
        tracked.polled_for = None
        self._hurried.discard(tracked.key)

    async def _loop(self, tracked: Tracked, interval: float, first: float) -> None:
        now = self._clock.now
        due = now() + first
        if first:
            await self._clock.sleep(first)
        while True:
            self.on_latency(tracked, max(0.0, now() - due))
            due += interval
            self._checking.add(tracked.key)
            try:
                shared_until = await self._poll(tracked)
            except Exception:
                # A bug met by one object must not end its loop for ever: it would never scale again, silently.
                log.exception("a check failed", extra={"namespace": tracked.key[0], "scaledObject": tracked.key[1]})
            else:
                if shared_until is not None:
                    due = min(due, shared_until)
            finally:
                self._checking.discard(tracked.key)
            if tracked.key in self._hurried:
                self._hurried.discard(tracked.key)
                due = now()
            left = min(due - now(), interval)  # a clock that was set back must not stop the loop
            if left > 0:
                await self._clock.sleep(left)
            else:
                due = now()
                await asyncio.sleep(0)


def phase(key: Key) -> float:
    """Where in a spread an object stands: a fixed place in [0, 1), the same after every restart."""
    return crc32("/".join(key).encode()) / 2**32
