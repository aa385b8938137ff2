"""A schedule's fields as masks, and the search for its next occurrence.

Two ways lead to one answer. Where no clock is put forward or back nearby, the answer is arithmetic on
the calendar (microseconds). Around such a change the search walks field by field exactly as upstream
does, because what it skips and repeats there is part of the dialect.
"""

import math
import zoneinfo
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from scaler.schedule.zones import SECONDS_A_DAY, instant_of, offset_at, timezone, wall_at

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_HORIZON_YEARS: Final = 5
_EVERY_WEEK: Final = 0b10000001000000100000010000001
"""Multiplying a mask of seven days by this repeats it over a month."""

_Step = tuple[int, bool, bool]
"""Where a walk stands: the instant, whether it left its start, whether a larger field turned over."""


class Schedule(msgspec.Struct, frozen=True):
    """When something recurs. Each mask has bit n set where the value n fits."""

    text: str
    """As the user wrote it."""
    minutes: int
    """Bits 0 to 59."""
    hours: int
    """Bits 0 to 23."""
    days: int
    """Days of the month, bits 1 to 31."""
    months: int
    """Bits 1 to 12."""
    weekdays: int
    """Bits 0 (Sunday) to 6."""
    both_days: bool
    """Whether day of month and day of week must both fit (one of them is a star) or either is enough."""
    zone: str = ""
    """The zone named in the text by ``TZ=``; empty for the one handed in."""

    def next(self, after: float, zone: zoneinfo.ZoneInfo) -> float | None:
        """Give the first occurrence later than `after` in epoch seconds, None for never."""
        where = timezone(self.zone) if self.zone else zone
        start = math.floor(after) + 1
        offset = offset_at(start, where)
        day, second = divmod(start + offset, SECONDS_A_DAY)
        on_calendar = self._next_on_calendar(day, -(-second // 60))
        if on_calendar is None:
            return None
        found = _on_steady_clock(start, offset, on_calendar, where)
        return float(found) if found is not None else _walk(self, start, where)

    def fits_day(self, day: date) -> bool:
        """Tell whether a day's number, or weekday, or both, fit."""
        in_month = self.days >> day.day & 1
        in_week = self.weekdays >> day.isoweekday() % 7 & 1
        return bool(in_month and in_week if self.both_days else in_month or in_week)

    def _next_on_calendar(self, day: int, minute: int) -> int | None:
        """Give the first fitting minute, counted from the epoch on a wall clock, not before day and minute."""
        today = date.fromordinal(_EPOCH_ORDINAL + day)
        if self.months >> today.month & 1 and self.fits_day(today):
            at = self._minute_of_day(minute)
            if at is not None:
                return day * 1440 + at
        later = self._day_after(today)
        if later is None:
            return None
        first = _lowest_bit(self.hours) * 60 + _lowest_bit(self.minutes)
        return (later.toordinal() - _EPOCH_ORDINAL) * 1440 + first

    def _minute_of_day(self, earliest: int) -> int | None:
        """Give the first fitting minute of a day, counted from midnight, that is not before `earliest`."""
        hour, minute = divmod(earliest, 60)
        if self.hours >> hour & 1 and self.minutes >> minute:
            return hour * 60 + minute + _lowest_bit(self.minutes >> minute)
        hours = self.hours >> hour + 1
        return (hour + 1 + _lowest_bit(hours)) * 60 + _lowest_bit(self.minutes) if hours else None

    def _day_after(self, today: date) -> date | None:
        """Give the first fitting day later than today."""
        year, month, done = today.year, today.month, today.day
        while year <= today.year + _HORIZON_YEARS:
            if self.months >> month & 1:
                left = self._days_in(year, month) >> done + 1
                if left:
                    return date(year, month, done + 1 + _lowest_bit(left))
            year, month, done = (year, month + 1, 0) if month < 12 else (year + 1, 1, 0)
        return None

    def _days_in(self, year: int, month: int) -> int:
        """Give the fitting days of a month as a mask, bits 1 to 31."""
        first = date(year, month, 1)
        weekday = first.isoweekday() % 7
        from_first = (self.weekdays >> weekday | self.weekdays << 7 - weekday) & 0b1111111
        in_week = from_first * _EVERY_WEEK << 1
        length = (date(year + month // 12, month % 12 + 1, 1) - first).days
        return (self.days & in_week if self.both_days else self.days | in_week) & (2 << length) - 2


def _on_steady_clock(start: int, offset: int, minute: int, zone: zoneinfo.ZoneInfo) -> int | None:
    """Give the instant of a wall clock minute if no clock changes around the start or around the answer."""
    found = minute * 60 - offset
    # The day before counts too: aligning to a wall clock hour may look back over a change.
    if offset_at(start - SECONDS_A_DAY, zone) != offset:
        return None
    if found <= start + SECONDS_A_DAY:
        return found if offset_at(found, zone) == offset else None
    there = offset_at(found, zone)
    found = minute * 60 - there
    steady = offset_at(start + SECONDS_A_DAY, zone) == offset and (
        offset_at(found - SECONDS_A_DAY, zone) == there == offset_at(found, zone)
    )
    return found if steady else None


def _walk(schedule: Schedule, start: int, zone: zoneinfo.ZoneInfo) -> float | None:
    """Go from field to field until all fit; whenever a larger field turns over, look at all of them again."""
    now, aligned = start, False
    last_year = wall_at(start, zone).year + _HORIZON_YEARS
    while wall_at(now, zone).year <= last_year:
        for seek in (_seek_month, _seek_day, _seek_hour, _seek_minute, _seek_second):
            now, aligned, turned = seek(schedule, now, zone, aligned)
            if turned:
                break
        else:
            return float(now)
    return None


def _seek_month(schedule: Schedule, now: int, zone: zoneinfo.ZoneInfo, aligned: bool) -> _Step:
    while not schedule.months >> (wall := wall_at(now, zone)).month & 1:
        aligned = True
        year, month = (wall.year + 1, 1) if wall.month == 12 else (wall.year, wall.month + 1)
        now = instant_of(datetime(year, month, 1), zone)  # noqa: DTZ001 - a wall clock is meant
        # Where the first has no midnight, upstream falls back to the last and may then skip a whole month. We go on.
        if wall_at(now, zone).day != 1:
            now += 3600
        if month == 1:
            return now, aligned, True
    return now, aligned, False


def _seek_day(schedule: Schedule, now: int, zone: zoneinfo.ZoneInfo, aligned: bool) -> _Step:
    while not schedule.fits_day(wall := wall_at(now, zone)):
        if not aligned:
            aligned = True
            now = instant_of(wall.replace(hour=0, minute=0, second=0), zone)
        before, now = now, instant_of(wall_at(now, zone) + timedelta(days=1), zone)
        # Where midnight does not exist the day opens at 1 or closes at 23; go back to a midnight.
        hour = wall_at(now, zone).hour
        now += (24 - hour if hour > 12 else -hour) * 3600
        # A day that the calendar lacks (Samoa, 30 December 2011) would hold us here for ever, as it does upstream.
        now = now if now > before else before + SECONDS_A_DAY
        if wall_at(now, zone).day == 1:
            return now, aligned, True
    return now, aligned, False


def _seek_hour(schedule: Schedule, now: int, zone: zoneinfo.ZoneInfo, aligned: bool) -> _Step:
    while not schedule.hours >> (wall := wall_at(now, zone)).hour & 1:
        if not aligned:
            aligned = True
            now = instant_of(wall.replace(minute=0, second=0), zone)
        now += 3600
        if wall_at(now, zone).hour == 0:
            return now, aligned, True
    return now, aligned, False


def _seek_minute(schedule: Schedule, now: int, zone: zoneinfo.ZoneInfo, aligned: bool) -> _Step:
    while not schedule.minutes >> wall_at(now, zone).minute & 1:
        if not aligned:
            aligned = True
            now -= now % 60
        now += 60
        if wall_at(now, zone).minute == 0:
            return now, aligned, True
    return now, aligned, False


def _seek_second(_: Schedule, now: int, zone: zoneinfo.ZoneInfo, aligned: bool) -> _Step:
    """Go on to the wall clock's next whole minute."""
    seconds = wall_at(now, zone).second
    return (now + 60 - seconds, True, True) if seconds else (now, aligned, False)


def _lowest_bit(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
