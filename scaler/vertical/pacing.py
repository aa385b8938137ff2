"""How fast something may go on: so many a second, with some at once after a rest. It waits for nothing itself."""

import math


class Bucket:
    """Tokens that come back at a steady rate, up to `burst`; a rate of 0 or less never makes anybody wait.

    Source: the limiter of Go's x/time/rate, which upstream's flags are spelt for.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self.unlimited = rate <= 0
        self.rate = math.inf if self.unlimited else rate
        self.burst = 0 if self.unlimited else max(burst, 1)
        self._tokens = float(self.burst)
        self._at = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until a token is there."""
        if self.unlimited:
            return 0.0
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate)

    def take(self, now: float) -> None:
        """Use a token; one that is not there yet is borrowed, and the next waits longer."""
        if not self.unlimited:
            self._fill(now)
            self._tokens -= 1.0

    def _fill(self, now: float) -> None:
        if now > self._at:
            if self._at > -math.inf:
                self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.rate)
            self._at = now
