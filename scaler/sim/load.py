"""Loads to play: the demo's day, or a recorded one from a file. Values in, values out; nothing is waited for."""

import csv
import math
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scaler.clock import from_rfc3339
from scaler.errors import Invalid, Problem

HOUR = 3600.0
DAY = 24 * HOUR


class Play(msgspec.Struct, frozen=True):
    """A load over time."""

    title: str
    times: tuple[float, ...]
    """Seconds since its beginning, growing."""
    rates: tuple[float, ...]
    """Arrivals at that time, in units of the peak (0 to 1); in between it goes straight."""
    begins: float = 0.0
    """Time of day at its beginning, in seconds after midnight."""
    unreadable: tuple[float, float] | None = None
    """From when to when the queue cannot be read, in seconds since the beginning."""

    @property
    def length(self) -> float:
        """Seconds."""
        return self.times[-1]

    def at(self, seconds: float) -> float:
        """Arrivals at that time, 0 to 1; nothing before the beginning and after the end."""
        if not 0 <= seconds <= self.length:
            return 0.0
        after = min(bisect_right(self.times, seconds), len(self.times) - 1)
        left, right = self.times[after - 1], self.times[after]
        share = (seconds - left) / (right - left) if right > left else 1.0
        return self.rates[after - 1] + share * (self.rates[after] - self.rates[after - 1])

    def clock(self, seconds: float) -> str:
        """The time of day, as in ``07:30``."""
        minutes = int((self.begins + seconds) % DAY // 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    def dark(self, seconds: float) -> bool:
        """Whether the queue cannot be read then."""
        return self.unreadable is not None and self.unreadable[0] <= seconds < self.unreadable[1]


def day() -> Play:
    """A quiet end of the night, a morning ramp, a burst at one, an hour without sight, an evening, a night.

    It begins at five, so that whoever watches does not sit through the night first.
    """
    hours = [
        (5.0, 0.0), (6.0, 0.0), (6.5, 0.1), (9.0, 0.45), (12.5, 0.5), (13.0, 0.5), (13.1, 1.0), (13.9, 1.0),
        (14.0, 0.5), (18.0, 0.45), (20.0, 0.2), (22.0, 0.05), (22.5, 0.0), (29.0, 0.0),
    ]  # fmt: skip
    return Play(
        title="a day",
        times=tuple((hour - 5) * HOUR for hour, _ in hours),
        rates=tuple(rate for _, rate in hours),
        begins=5 * HOUR,
        unreadable=((16 - 5) * HOUR, (17 - 5) * HOUR),
    )


def recorded(path: Path) -> Play:
    """A load from CSV: in each row a time (seconds, or RFC 3339) and messages a second.

    A header is passed over. Only the shape counts: the highest rate becomes the demo's peak.
    Raises Invalid with every wrong line, up to ten of them.
    """
    try:
        lines = list(csv.reader(path.read_text().splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid([Problem(str(path), f"cannot be read as text: {error}")]) from error
    rows, problems = _rows(path, lines)
    if not problems and len(rows) < 2:
        problems = [Problem(str(path), "needs at least two rows of a time and messages a second")]
    if problems:
        raise Invalid(problems[:10])
    first, most = rows[0][0], max(rate for _, rate in rows) or 1.0
    return Play(
        title=path.name,
        times=tuple(at - first for at, _ in rows),
        rates=tuple(rate / most for _, rate in rows),
        begins=first % DAY,
    )


def _rows(path: Path, lines: Sequence[Sequence[str]]) -> tuple[list[tuple[float, float]], list[Problem]]:
    rows: list[tuple[float, float]] = []
    problems: list[Problem] = []
    for number, cells in enumerate(lines, 1):
        if not cells or (number == 1 and _is_header(cells)):
            continue
        why = _wrong(cells, rows[-1][0] if rows else -math.inf)
        if why:
            problems.append(Problem(f"{path}:{number}", why, ",".join(cells)))
        else:
            rows.append((_time(cells[0]), float(cells[1])))
    return rows, problems


def _is_header(cells: Sequence[str]) -> bool:
    return cells[0].strip().lower() in {"time", "at", "seconds", "timestamp", "date", "t"}


def _wrong(cells: Sequence[str], last: float) -> str:
    if len(cells) < 2:
        return "needs two columns: a time and messages a second"
    try:
        at = _time(cells[0])
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        return f"{cells[0]!r} is no time: seconds, or as in 2026-01-31T08:00:00Z"
    try:
        rate = float(cells[1])
    except ValueError:
        return f"{cells[1]!r} is no number of messages a second"
    if not math.isfinite(rate) or rate < 0:
        return f"{cells[1]!r} must be zero or more messages a second"
    return "" if at > last else "its time must be later than that of the row before"


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return from_rfc3339(text.strip())
