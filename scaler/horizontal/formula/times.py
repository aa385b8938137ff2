"""The time in a formula: `now().Hour() >= 7 and int(now().Weekday()) in 1..5`.

Time is a number handed in by whoever evaluates; a formula that asks for it without that is an error. In UTC, as
upstream's containers are, unless `now(timezone("Europe/Berlin"))` or `.In(timezone(...))` says otherwise.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.typed import INTEGER, NOW, TEXT, TIME, ZONE, Frame, Typed
from scaler.schedule import timezone

METHODS: Final[dict[str, Callable[[datetime], int]]] = {
    "Day": lambda time: time.day,
    "Hour": lambda time: time.hour,
    "Minute": lambda time: time.minute,
    "Month": lambda time: time.month,
    "Second": lambda time: time.second,
    "Unix": lambda time: int(time.timestamp()),
    "Weekday": lambda time: time.isoweekday() % 7,
    "Year": lambda time: time.year,
    "YearDay": lambda time: time.timetuple().tm_yday,
}


def now(at: int, arguments: list[Typed]) -> Typed:
    """Compile `now()` and `now(zone)`."""
    if len(arguments) > 1 or any(argument.type is not ZONE for argument in arguments):
        raise Fault('now takes nothing, or a time zone as in now(timezone("Europe/Berlin"))', at)
    zone = arguments[0].run if arguments else lambda _: UTC

    def run(frame: Frame) -> datetime:
        if frame[NOW] is None:
            raise Fault("the time is not known here", at)
        return datetime.fromtimestamp(frame[NOW], zone(frame))

    return Typed(TIME, run, at)


def zone(at: int, arguments: list[Typed]) -> Typed:
    """Compile `timezone(name)`."""
    if len(arguments) != 1 or arguments[0].type is not TEXT:
        raise Fault('timezone takes a name, as in timezone("Europe/Berlin")', at)
    name = arguments[0].run

    def run(frame: Frame) -> ZoneInfo:
        try:
            return timezone(name(frame))
        except ValueError as error:
            raise Fault(str(error), at) from None

    return Typed(ZONE, run, at)


def method(name: str, at: int, time: Typed, arguments: list[Typed]) -> Typed:
    """Compile a method of a time."""
    given = time.run
    if name == "In" and [argument.type for argument in arguments] == [ZONE]:
        there = arguments[0].run
        return Typed(TIME, lambda frame: given(frame).astimezone(there(frame)), at)
    read = METHODS.get(name)
    if read is None or arguments:
        known = ", ".join(f"{known}()" for known in METHODS)
        raise Fault(f"a time has no {name} of this form; it has {known} and In(zone)", at)
    read_it: Callable[[datetime], int] = read

    def run(frame: Frame) -> Any:
        return read_it(given(frame))

    return Typed(INTEGER, run, at)
