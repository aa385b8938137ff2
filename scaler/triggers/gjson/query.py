"""The condition of a query, `#(path op value)`: its parts, and whether a value fulfils it."""

import operator
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from scaler.triggers.gjson.absence import MISSING
from scaler.triggers.gjson.scanning import skip_quoted
from scaler.triggers.gjson.wildcards import matches, read_pattern

_OPERATORS: Final = ("!=", "!%", "<=", ">=", "==", "<", ">", "=", "%")
_TRUTHS: Final = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Condition(NamedTuple):
    """What a query asks of the value its path gives; without an operator, that it is there."""

    comparison: str
    """One of = != < <= > >= % !%, or empty."""
    value: str
    """The text compared with, quotes resolved; ``~true`` and the like ask for truth instead."""

    def holds(self, found: object) -> bool:
        """Tell whether a value, or MISSING, fulfils the condition."""
        if self.value.startswith("~"):
            is_so = _KINDS.get(self.value[1:])
            return is_so is not None and _compare_truth(self.comparison, is_so(found), "true")
        if found is MISSING or self.comparison == "":
            return found is not MISSING
        if isinstance(found, bool):
            return _compare_truth(self.comparison, found, self.value)
        if isinstance(found, str):
            return self._holds_for_text(found)
        return isinstance(found, int | float) and self._holds_for_number(found)

    def _holds_for_text(self, found: str) -> bool:
        if self.comparison in {"%", "!%"}:
            return matches(found, read_pattern(self.value)) == (self.comparison == "%")
        return _ORDER[self.comparison](found, self.value)

    def _holds_for_number(self, found: float) -> bool:
        compare = _ORDER.get(self.comparison)
        return compare is not None and compare(float(found), _as_number(self.value))


def read_query(path: str) -> tuple[str, Condition, int]:
    """Read a query that the path begins with; give its inner path, its condition, and where it ends.

    Raises ValueError if it does not end.
    """
    begins, ends = _limits(path)
    if begins is None:
        return path[2:ends].strip(), Condition("", ""), ends + 1
    comparison, value = _part_comparison(path[begins:ends].strip())
    return path[2:begins].strip(), Condition(comparison, value), ends + 1


def _limits(path: str) -> tuple[int | None, int]:
    """Find where the comparison of a query begins, if it has one, and its closing bracket."""
    begins, depth, at = None, 1, 2
    while at < len(path):
        character = path[at]
        if depth == 1 and begins is None and character in "!=<>%":
            begins = at
        elif character == "\\":
            at += 1
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth == 0:
                return begins, at
        elif character == '"':
            at = skip_quoted(path, at)
        at += 1
    raise ValueError(f'query "{path}" is not closed: write #(path=="value")')


def _part_comparison(text: str) -> tuple[str, str]:
    found = next((candidate for candidate in _OPERATORS if text.startswith(candidate)), None)
    if found is None:
        raise ValueError(f'"{text}" is not a comparison: write one of == != < <= > >= % !%')
    value = text[len(found) :].strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _unquoted(value)
    return ("=" if found == "==" else found), value


def _unquoted(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.DecodeError:
        return text[1:-1]


def _compare_truth(comparison: str, found: bool, value: str) -> bool:
    """Compare as upstream does: by spelling, and false below true."""
    match comparison:
        case "=" | "!=":
            return (value == ("true" if found else "false")) == (comparison == "=")
        case ">" | "<":
            return found == (comparison == ">") and value == ("false" if found else "true")
        case _:
            return found if comparison == ">=" else comparison == "<=" and not found


def _as_number(text: str) -> float:
    """Read a number; what is none counts as zero, as it does upstream."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _truthy(found: object) -> bool:
    if isinstance(found, str):
        return _TRUTHS.get(found.lower(), False)
    return isinstance(found, int | float) and found != 0


def _falsy(found: object) -> bool:
    if isinstance(found, str):
        return not _TRUTHS.get(found.lower(), True)
    return found is None or found is MISSING or (isinstance(found, int | float) and found == 0)


_KINDS: Final[dict[str, Callable[[object], bool]]] = {
    "true": _truthy,
    "false": _falsy,
    "null": lambda found: found is None or found is MISSING,
    "*": lambda found: found is not MISSING,
}
