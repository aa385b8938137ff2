"""So many calls a second, and some more at once after a quiet time: the client-side limit that upstream has.

Whoever asks is given the next free moment, first come first served; it knows nothing of what is called.
"""

import asyncio
import math


class Pace:
    """`rate` calls a second on the whole, `burst` at once; a rate of 0 never waits. It belongs to one event loop."""

    def __init__(self, rate: float, burst: int) -> None:
        self._gap = 1.0 / rate if rate > 0 else 0.0
        self._credit = self._gap * (burst - 1)
        self._next = -math.inf
        """When the next call would be due if there were no burst, in loop time."""

    def wait(self, now: float) -> float:
        """Take the next place; seconds until it comes."""
        if not self._gap:
            return 0.0
        due = max(self._next, now - self._credit)
        self._next = due + self._gap
        return max(0.0, due - now)

    async def turn(self) -> None:
        """Return when a call may be made."""
        seconds = self.wait(asyncio.get_running_loop().time())
        if seconds > 0:
            await asyncio.sleep(seconds)
