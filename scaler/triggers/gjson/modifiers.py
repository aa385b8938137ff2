"""The modifiers of a path, `@name` or `@name:argument`: functions from one JSON value to another."""

from collections.abc import Callable
from typing import Final

import msgspec

from scaler.triggers.gjson.absence import MISSING

Modifier = Callable[[object, str], object]


def _unchanged(value: object, _: str) -> object:
    """Do what @this, @valid, @ugly and @pretty do to decoded JSON: nothing."""
    return value


def _reverse(value: object, _: str) -> object:
    if isinstance(value, list):
        return value[::-1]
    return dict(reversed(value.items())) if isinstance(value, dict) else value


def _flatten(value: object, argument: str) -> object:
    if not isinstance(value, list):
        return value
    deep = _option(argument, "deep")
    flat: list[object] = []
    left = value[::-1]
    while left:
        item = left.pop()
        if deep and isinstance(item, list):
            left += item[::-1]
        else:
            flat += item if isinstance(item, list) else [item]
    return flat


def _keys(value: object, _: str) -> object:
    if isinstance(value, dict):
        return list(value)
    return [None] * (len(value) if isinstance(value, list) else 1)


def _values(value: object, _: str) -> object:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _join(value: object, argument: str) -> object:
    if not isinstance(value, list):
        return value
    joined: dict[object, object] = {}
    for item in (item for item in value if isinstance(item, dict)):
        # With duplicates preserved, a later look finds the first of them.
        joined |= {**item, **joined} if _option(argument, "preserve") else item
    return joined


def _group(value: object, _: str) -> object:
    if not isinstance(value, dict):
        return MISSING
    columns = {key: column for key, column in value.items() if isinstance(column, list)}
    longest = max(map(len, columns.values()), default=0)
    return [{key: column[row] for key, column in columns.items() if row < len(column)} for row in range(longest)]


def _to_string(value: object, _: str) -> object:
    return msgspec.json.encode(value).decode()


def _from_string(value: object, _: str) -> object:
    if not isinstance(value, str):
        return MISSING if value is None else value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return MISSING


def _option(argument: str, name: str) -> bool:
    """Tell whether a modifier's argument, a JSON object, sets an option."""
    try:
        options = msgspec.json.decode(argument) if argument else None
    except msgspec.DecodeError:
        return False
    return isinstance(options, dict) and options.get(name) is True


MODIFIERS: Final[dict[str, Modifier]] = {
    "this": _unchanged,
    "valid": _unchanged,
    "ugly": _unchanged,
    "pretty": _unchanged,
    "reverse": _reverse,
    "flatten": _flatten,
    "keys": _keys,
    "values": _values,
    "join": _join,
    "group": _group,
    "tostr": _to_string,
    "fromstr": _from_string,
}
"""All but @dig, which searches by a path and therefore lives beside the paths."""
