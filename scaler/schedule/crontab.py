"""The text of a schedule: five fields of lists, ranges, steps and names, and an optional zone before them.

Says what is wrong in the words of the field it stands in. When a schedule comes next is not its business.
"""

import functools
import re
from typing import Final, NamedTuple

from scaler.schedule.occurrences import Schedule
from scaler.schedule.zones import timezone

_MONTHS: Final = {"janfebmaraprmayjunjulaugsepoctnovdec"[3 * i : 3 * i + 3]: i + 1 for i in range(12)}
_WEEKDAYS: Final = {"sunmontuewedthufrisat"[3 * i : 3 * i + 3]: i for i in range(7)}
_NUMBER: Final = re.compile(r"\+?[0-9]{1,9}", re.ASCII)
_INSTEAD_OF: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class _Field(NamedTuple):
    """One of the five places: its name and the values it may take."""

    name: str
    low: int
    high: int
    names: dict[str, int]

    @property
    def range_text(self) -> str:
        """What is right here, for an error."""
        spelt = f" or {'-'.join(list(self.names)[:: len(self.names) - 1]).upper()}" if self.names else ""
        return f"{self.low} to {self.high}{spelt}"


_FIELDS: Final = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)


@functools.lru_cache(maxsize=4096)
def parse_schedule(text: str) -> Schedule:
    """Read a five-field schedule.

    Raises ValueError naming the field, the value and what would be right.
    """
    zone, fields_text = _split_zone(text)
    if fields_text.startswith("@"):
        raise ValueError(_no_descriptors(fields_text))
    parts = fields_text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f'schedule "{text}" has {len(parts)} fields: write five, minute hour day-of-month month day-of-week'
        )
    masks, stars = zip(*map(_field_mask, parts, _FIELDS), strict=True)
    minutes, hours, days, months, weekdays = masks
    return Schedule(text, minutes, hours, days, months, weekdays, both_days=stars[2] or stars[4], zone=zone)


def _split_zone(text: str) -> tuple[str, str]:
    if not text.startswith(("TZ=", "CRON_TZ=")):
        return "", text
    prefix, _, rest = text.partition(" ")
    name = prefix.partition("=")[2]
    try:
        timezone(name)
    except ValueError as error:
        raise ValueError(f'schedule "{text}": {error}') from error
    return name, rest.strip()


def _no_descriptors(text: str) -> str:
    same = _INSTEAD_OF.get(text.strip().lower())
    return f'schedule "{text}": descriptors are not accepted, write ' + (
        f'"{same}"' if same else 'five fields such as "0 8 * * 1-5"'
    )


def _field_mask(text: str, field: _Field) -> tuple[int, bool]:
    """Give the values a field allows as a mask, and whether it is a star."""
    items = [item for item in text.split(",") if item]
    if not items:
        raise ValueError(f'{field.name} "{text}" is empty: write {field.range_text}, or *')
    masks, stars = zip(*(_item_mask(item, field) for item in items), strict=True)
    return functools.reduce(int.__or__, masks), any(stars)


def _item_mask(item: str, field: _Field) -> tuple[int, bool]:
    span, *steps = item.split("/")
    low_text, *high_text = span.split("-")
    star = low_text in {"*", "?"}
    if len(steps) > 1 or (len(high_text) > 1 and not star):
        raise ValueError(f'{field.name} "{item}": write a value, a range such as 1-5, or a step such as */2')
    step = _number(steps[0], item, field, {}) if steps else 1
    low = field.low if star else _number(low_text, item, field, field.names)
    high = field.high if star or (steps and not high_text) else low
    if high_text and not star:
        high = _number(high_text[0], item, field, field.names)
    _check_bounds(low, high, step, item, field)
    return sum(1 << value for value in range(low, high + 1, step)), star and step == 1


def _check_bounds(low: int, high: int, step: int, item: str, field: _Field) -> None:
    hint = ", Sunday is 0" if field.high == 6 and high == 7 else ""
    if low < field.low or high > field.high:
        wrong = low if low < field.low else high
        raise ValueError(f'{field.name} "{item}": {wrong} is not within {field.range_text}{hint}')
    if low > high:
        raise ValueError(f'{field.name} "{item}": the range ends before it begins')
    if step == 0:
        raise ValueError(f'{field.name} "{item}": a step is at least 1')


def _number(text: str, item: str, field: _Field, names: dict[str, int]) -> int:
    named = names.get(text.lower())
    if named is not None:
        return named
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'{field.name} "{item}": "{text}" is not a value, write {field.range_text}, or *')
    return int(text)
