"""Time as something that is handed in, so that a test or a simulated world can hold it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What loops ask for the time; judgement only ever gets the answer."""

    def now(self) -> float:
        """Seconds since the Unix epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def to_rfc3339(epoch: float) -> str:
    """Whole seconds in the form Kubernetes writes (metav1.Time): ``2026-01-31T08:00:00Z``."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_rfc3339_micro(epoch: float) -> str:
    """Microseconds, as Leases want them (metav1.MicroTime)."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_rfc3339(text: str) -> float:
    """Epoch seconds of an RFC 3339 text, any offset, with or without fractions; ValueError names the text."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-31T08:00:00Z") from None
