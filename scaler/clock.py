"""Time as something that is handed in, so that a test or a simulated world can hold it."""

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import Final, Protocol

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)")


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


def seconds(text: str, bare: str = "") -> float:
    """A time span as Go writes it, and d for days; a bare number counts seconds, or `bare` where that is usual."""
    spelt = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", spelt):
        return float(spelt) * _UNITS[bare or "s"]
    parts = _SPAN.findall(spelt)
    if not parts or "".join(number + unit for number, unit in parts) != spelt:
        raise ValueError(f"{text!r} is not a duration such as 15s, 500ms or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
