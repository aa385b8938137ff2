"""Cron schedules in the dialect of robfig/cron v3 with five fields, as KEDA configures it.

Reads a schedule and says when it comes next; it keeps no time of its own and runs nothing.

What this dialect does where others differ:

====================  =====================================================================
fields                minute, hour, day of month, month, day of week; no seconds, no @daily
values                0-59, 0-23, 1-31, 1-12 or JAN-DEC, 0-6 or SUN-SAT (7 is refused)
``?``                 the same as ``*``, in any field
``N/step``            from N to the field's end
day of month and      both must hold if either is a star, either suffices otherwise;
day of week           ``*/1`` is a star, ``*/2`` is not
``TZ=`` ``CRON_TZ=``  a prefix that overrides the zone handed in
clock put forward     an occurrence in the missing hour is skipped that day
clock put back        an occurrence in the repeated hour comes twice
horizon               nothing to the end of the fifth year from now means never
====================  =====================================================================
"""

from scaler.schedule.crontab import parse_schedule
from scaler.schedule.occurrences import Schedule
from scaler.schedule.zones import timezone

__all__ = ["Schedule", "parse_schedule", "timezone"]
