"""Marks of a time axis: midnights, hours, months, in UTC; or time since the beginning where no date is known."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from scaler.drawing.axes import Axis, Tick

MINUTE, HOUR, DAY = 60, 3600, 86400
_STEPS = (
    1, 5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
MOST = 9
"""Marks on a wide picture; every other one goes where it is narrow."""


def dates(begin: float, end: float, most: int = MOST) -> Axis:
    """An axis of epoch seconds; marks on round UTC times."""
    step = next((step for step in _STEPS if (end - begin) / step <= most), None)
    places = list(_months(begin, end, most)) if step is None else list(_even(begin, end, step))
    labels = [_date(at, step, at == places[0]) for at in places]
    # Where every other mark goes, midnights stay.
    numbers = range(len(places)) if step is None else [round(at // step) for at in places]
    return Axis(begin, end, tuple(map(_tick, places, labels, numbers)))


def elapsed(begin: float, end: float, most: int = MOST) -> Axis:
    """An axis of seconds since `begin`."""
    length = end - begin
    step = next((step for step in _STEPS if length / step <= most), 30 * DAY * math.ceil(length / (30 * DAY) / most))
    places = [k * step for k in range(int(length // step) + 1)]
    labels = [_since(at, step) for at in places]
    return Axis(
        begin,
        end,
        tuple(_tick(begin + at, label, k) for k, (at, label) in enumerate(zip(places, labels, strict=True))),
    )


def _tick(at: float, label: str, index: int) -> Tick:
    return Tick(at, label, bool(index % 2))


def _even(begin: float, end: float, step: int) -> Iterator[float]:
    """Multiples of the step; weeks begin on Mondays (the epoch was a Thursday)."""
    offset = 4 * DAY if step % (7 * DAY) == 0 else 0
    at = -(-(begin - offset) // step) * step + offset
    while at <= end:
        yield at
        at += step


def _months(begin: float, end: float, most: int) -> Iterator[float]:
    first = datetime.fromtimestamp(begin, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    count = (end - begin) / (30.4 * DAY)
    step = next((step for step in _MONTHS if count / step <= most), _MONTHS[-1])
    year, month = first.year, first.month - 1
    month -= month % step if step < 12 else month
    while True:
        at = datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
        if at > end:
            return
        if at >= begin:
            yield at
        year, month = year + (month + step) // 12, (month + step) % 12


def _date(at: float, step: int | None, first: bool) -> str:
    when = datetime.fromtimestamp(at, UTC)
    if step is None:
        return f"{when:%b %Y}" if first or when.month == 1 else f"{when:%b}"
    if step < MINUTE:
        return f"{when:%H:%M:%S}"
    if step < DAY and (when.hour or when.minute):
        return f"{when:%H:%M}"
    return f"{when:%a} {when.day}" if step == DAY and not (first or when.day == 1) else f"{when.day} {when:%b}"


def _since(at: float, step: int) -> str:
    if at == 0:
        return "0"
    if step >= DAY or at % DAY == 0:
        return f"{at // DAY:g} d"
    if step >= HOUR or at % HOUR == 0:
        return f"{at / HOUR:g} h"
    return f"{at / MINUTE:g} min" if step >= MINUTE else f"{at:g} s"


def moment(at: float) -> str:
    """``Tue 3 Mar 2026, 14:05``."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when:%a} {when.day} {when:%b %Y, %H:%M}"


def span(seconds: float) -> str:
    """A length of time for a sentence: ``14 days``, ``6 hours``, ``25 minutes``."""
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= 1.5 * size or seconds == size:
            count = seconds / size
            text = f"{count:.0f}" if count >= 10 or count == round(count) else f"{count:.1f}"
            return f"{text} {name}{'' if text == '1' else 's'}"
    return f"{seconds:.0f} seconds"
