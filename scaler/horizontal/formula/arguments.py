"""What functions demand of their arguments, and what is said when they do not get it."""

from typing import Any, Final

from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import is_number
from scaler.horizontal.formula.typed import (
    ANY,
    NIL_HINT,
    Frame,
    Kind,
    Type,
    Typed,
    name_of,
    spend,
)

NUMBERS: Final = (Kind.INTEGER, Kind.NUMBER)


def only(name: str, at: int, arguments: list[Typed]) -> Typed:
    if len(arguments) != 1:
        raise Fault(f"{name} takes one argument, not {len(arguments)}", at)
    return arguments[0]


def demand(name: str, at: int, found: Type, kinds: tuple[Kind, ...]) -> None:
    if found is not ANY and found.kind not in kinds:
        raise Fault(f"{name} does not take {found}", at)


def unfit(name: str, value: object) -> str:
    if value is None:
        return f"{name} does not take nil: {NIL_HINT}"
    shown = f'"{value[:40]}"' if isinstance(value, str) else f"{value}" if is_number(value) else name_of(value)
    return f"{name} does not take {shown}"


def number(value: Any) -> Any:
    if not is_number(value):
        raise TypeError
    return value


def ordered(name: str, at: int, frame: Frame, values: Any, keys: Any, *, descending: bool) -> list[Any]:
    """Sort values by keys, which are all numbers or all strings."""
    if not isinstance(values, list):
        raise Fault(unfit(name, values), at)
    spend(frame, len(values), at)
    if not (all(map(is_number, keys)) or all(isinstance(key, str) for key in keys)):
        raise Fault(f"{name} compares numbers with numbers and strings with strings only", at)
    places = sorted(range(len(values)), key=lambda place: keys[place], reverse=descending)
    return [values[place] for place in places]
