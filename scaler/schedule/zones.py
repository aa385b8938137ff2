"""Time zones by name, and the arithmetic between instants and wall clocks that Go's `time` package does.

Knows nothing of schedules.
"""

import difflib
import functools
import zoneinfo
from datetime import UTC, datetime

SECONDS_A_DAY = 86_400


@functools.lru_cache(maxsize=1024)
def timezone(name: str) -> zoneinfo.ZoneInfo:
    """Give the zone of an IANA name such as "Europe/Berlin" or "UTC".

    Raises ValueError naming it. "Local" is refused: it would mean wherever the operator happens to run.
    """
    try:
        # No tzdata has a zone "Local", but a file of that name might lie in the zone path.
        return zoneinfo.ZoneInfo(name if name != "Local" else "")
    except (KeyError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=1, cutoff=0.7)
        meant = f'did you mean "{near[0]}"?' if near else 'write a name such as "Europe/Berlin" or "UTC"'
        raise ValueError(f'"{name}" is not a time zone: {meant}') from error


def offset_at(instant: int, zone: zoneinfo.ZoneInfo) -> int:
    """Seconds by which the zone's wall clock is ahead of UTC at an instant."""
    ahead = datetime.fromtimestamp(instant, zone).utcoffset()
    assert ahead is not None
    return ahead.days * SECONDS_A_DAY + ahead.seconds


def wall_at(instant: int, zone: zoneinfo.ZoneInfo) -> datetime:
    """What the zone's wall clock shows at an instant, as a bare date and time."""
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)


def instant_of(wall: datetime, zone: zoneinfo.ZoneInfo) -> int:
    """Give the instant of a wall clock time, resolving a missing or repeated one as Go's `time.Date` does."""
    as_utc = int(wall.replace(tzinfo=UTC).timestamp())
    return as_utc - offset_at(as_utc - offset_at(as_utc, zone), zone)
