"""What one node of a structural schema asks of one value: type, bounds, pattern, format, enumeration, uniqueness.

It does not walk into members (`scaler.api.schema` does), nor evaluate rules (`scaler.api.cel`).
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from scaler.errors import Problem

Schema = dict[str, Any]

BLOCKING = ("Required value", "Too long:", "Too many:", "Unsupported value")
"""Beginnings of problems after which the API server leaves its rules unevaluated (types block as well)."""


def wrong_type(schema: Schema, value: object, path: str) -> Problem | None:
    """The problem when `value` is of another type than the schema's; a float without fraction is an integer."""
    if schema.get("x-kubernetes-int-or-string"):
        return None if _is_integer(value) or isinstance(value, str) else _mistyped("integer,string", value, path)
    wanted = schema.get("type")
    if not wanted or TYPES[wanted](value):
        return None
    return _mistyped(wanted, value, path)


def broken(schema: Schema, value: object, path: str) -> Iterator[Problem]:
    """The problems of the value by itself, its type being right."""
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        listed = ", ".join(shown(option) for option in allowed)
        yield Problem(path, f"Unsupported value: {shown(value)}: supported values: {listed}", value)
    if isinstance(value, str):
        yield from _text_problems(schema, value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number_problems(schema, value, path)
    elif isinstance(value, (list, dict)):
        yield from _size_problems(schema, value, path)


def duplicates(schema: Schema, value: list[Any], path: str) -> Iterator[Problem]:
    """The items of a set, or of a map-like list by its keys, that stand there a second time."""
    kind = schema.get("x-kubernetes-list-type")
    if kind not in {"set", "map"} and not schema.get("uniqueItems"):
        return
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        identity = {key: item.get(key) for key in keys} if kind == "map" and isinstance(item, dict) else item
        text = msgspec.json.encode(identity, order="deterministic")
        if text in seen:
            yield Problem(f"{path}[{index}]", f"Duplicate value: {shown(identity)}", item)
        seen.add(text)


def blocks_rules(problem: Problem) -> bool:
    """Whether the API server leaves rules unevaluated because of this one."""
    return problem.message.startswith(BLOCKING) or " must be of type " in problem.message


def shown(value: object) -> str:
    """A value as the API server's messages show it: JSON."""
    return msgspec.json.encode(value).decode()


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_integer(value) or (isinstance(value, float) and value.is_integer()),
    "number": _is_number,
}


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    names = ("boolean", "integer", "number", "string", "array", "object")
    return next(name for name in names if TYPES[name](value))


def _mistyped(wanted: str, value: object, path: str) -> Problem:
    found = _type_name(value)
    said = f'{path or "<nil>"} in body must be of type {wanted}: "{found}"'
    return Problem(path, f'Invalid value: "{found}": {said}', value)


def _invalid(path: str, value: object, asks: str) -> Problem:
    return Problem(path, f"Invalid value: {shown(value)}: {path or '<nil>'} in body should {asks}", value)


def _text_problems(schema: Schema, value: str, path: str) -> Iterator[Problem]:
    """At most one of length and pattern, and the format."""
    longest, pattern = schema.get("maxLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        yield Problem(path, f"Too long: may not be more than {longest} bytes", value)
    elif len(value) < schema.get("minLength", 0):
        yield _invalid(path, value, f"be at least {schema['minLength']} chars long")
    elif pattern is not None and not re.search(pattern, value):
        yield _invalid(path, value, f"match '{pattern}'")
    form = schema.get("format")
    if form in FORMATS and not _has_format(form, value):
        said = f"{path} in body must be of type {form}: {shown(value)}"
        yield Problem(path, f"Invalid value: {shown(value)}: {said}", value)


def _number_problems(schema: Schema, value: float, path: str) -> Iterator[Problem]:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if low is not None and (value <= low if above else value < low):
        yield _invalid(path, value, f"be greater than {'' if above else 'or equal to '}{low}")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if high is not None and (value >= high if below else value > high):
        yield _invalid(path, value, f"be less than {'' if below else 'or equal to '}{high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield _invalid(path, value, f"be a multiple of {step}")
    bits = {"int32": 31, "int64": 63}.get(schema.get("format", ""))
    if bits and not -(2**bits) <= value < 2**bits:
        yield _invalid(path, value, f"fit in {schema['format']}")


def _size_problems(schema: Schema, value: list[Any] | dict[str, Any], path: str) -> Iterator[Problem]:
    noun = "items" if isinstance(value, list) else "properties"
    least, most = schema.get(f"min{noun.title()}", 0), schema.get(f"max{noun.title()}")
    if len(value) < least:
        yield _invalid(path, value, f"have at least {least} {noun}")
    if most is not None and len(value) > most:
        yield Problem(path, f"Too many: {len(value)}: must have at most {most} items", value)


def _has_format(form: str, value: str) -> bool:
    try:
        FORMATS[form](value)
    except ValueError:
        return False
    return True


def _instant(text: str) -> datetime:
    if "T" not in text.upper():
        raise ValueError(text)
    return datetime.fromisoformat(text.upper())


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


FORMATS: dict[str, Callable[[str], object]] = {
    "date-time": _instant,
    "date": date.fromisoformat,
    "byte": _bytes,
    "uuid": UUID,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "cidr": ipaddress.ip_network,
}
"""The string formats that are checked; the API server ignores names it does not know, and so do we."""
