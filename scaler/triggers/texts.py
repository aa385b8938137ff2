"""From the text of a parameter to a value of its declared type, by upstream's rules for typed parameters.

Each reader raises ValueError with what is wrong and what would be right, without the parameter's name and, so that
a secret is never echoed, only with the piece of text that it could not read. Which text is read is not its business.
"""

import math
import re
import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qs

import msgspec

_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_PIECE_OF_TIME = re.compile(r"(?P<amount>[0-9]+\.?[0-9]*|\.[0-9]+)(?P<unit>ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_WIDEST_RANGE = 100_000
_INT64 = range(-(2**63), 2**63)

Read = Callable[[str], Any]


class Duration(msgspec.Struct, frozen=True):
    """Mark of a float in seconds: written as "30s", "1m30s", or a bare whole number of milliseconds."""


class UrlQuery(msgspec.Struct, frozen=True):
    """Mark of a map of lists: written as the query of a URL."""


class Ranges(msgspec.Struct, frozen=True):
    """Mark of a list of whole numbers in which ``1-3`` stands for 1, 2, 3."""


class Exclusive(msgspec.Struct, frozen=True):
    """Mark of a list of which at most one of these values may be in it."""

    values: tuple[str, ...]


def reader(kind: Any, marks: tuple[Any, ...]) -> Read:
    """Give the reader of a declared type; a type nobody can read is a bug of the declaration."""
    for mark in marks:
        if isinstance(mark, Duration):
            return duration
        if isinstance(mark, UrlQuery):
            return url_query
    return _by_type(_without_none(kind), marks)


def _by_type(kind: Any, marks: tuple[Any, ...]) -> Read:
    origin = get_origin(kind)
    if origin is Literal:
        return _choice(get_args(kind))
    if origin is tuple:
        return _items(_by_type(get_args(kind)[0], ()), marks)
    if origin is dict:
        return mapping
    simple: dict[Any, Read] = {str: str, bool: boolean, int: whole, float: number}
    return simple[kind]


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in {types.UnionType, Union}:
        return next(option for option in get_args(kind) if option is not types.NoneType)
    return kind


def boolean(text: str) -> bool:
    """Go's ParseBool."""
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError(f'"{text}" is not a boolean: write "true" or "false"') from None


def whole(text: str) -> int:
    """A whole number of 64 bits."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is not a whole number such as "5"')
    if len(text) > 20 or int(text) not in _INT64:
        raise ValueError(f'"{text}" is too large for a whole number')
    return int(text)


def number(text: str) -> float:
    """A finite decimal number."""
    value = float(text) if _FLOAT.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f'"{text}" is not a number such as "5" or "0.5"')
    return value


def duration(text: str) -> float:
    """Seconds of Go's spelling, or of a bare whole number of milliseconds; never negative."""
    if _WHOLE.fullmatch(text):
        seconds = whole(text) / 1000
    else:
        pieces = list(_PIECE_OF_TIME.finditer(text))
        if not pieces or "".join(piece[0] for piece in pieces) != text.removeprefix("+"):
            raise ValueError(f'"{text}" is not a duration such as "30s", "1m30s", or a number of milliseconds')
        seconds = sum(float(piece["amount"]) * _SECONDS[piece["unit"]] for piece in pieces)
    if seconds < 0:
        raise ValueError(f'"{text}" is negative: a duration is at least 0')
    return seconds


def mapping(text: str) -> dict[str, str]:
    """Pairs ``key=value``, separated by commas."""
    pairs = [piece.strip().split("=") for piece in text.split(",")]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f'"{pair[0]}" is not of the form key=value: write pairs such as "a=1,b=2"')
    return {key.strip(): value.strip() for key, value in pairs}


def url_query(text: str) -> dict[str, tuple[str, ...]]:
    """The query of a URL, as in ``a=1&a=2&b=3``."""
    try:
        parsed = parse_qs(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ValueError('is not the query of a URL such as "a=1&b=2"') from None
    return {key: tuple(values) for key, values in parsed.items()}


def _choice(allowed: tuple[str, ...]) -> Read:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f'"{text}" is not one of {", ".join(allowed)}')
        return text

    return read


def _items(item: Read, marks: tuple[Any, ...]) -> Read:
    ranges = any(isinstance(mark, Ranges) for mark in marks)
    exclusive = next((mark.values for mark in marks if isinstance(mark, Exclusive)), ())

    def read(text: str) -> tuple[Any, ...]:
        pieces = [piece.strip() for piece in text.split(",")]
        parted = (_range(piece) if ranges and "-" in piece[1:] else (item(piece),) for piece in pieces)
        values = [value for part in parted for value in part]
        if sum(value in exclusive for value in values) > 1:
            raise ValueError(f'"{text}" has more than one of {", ".join(exclusive)}, which exclude each other')
        return tuple(values)

    return read


def _range(piece: str) -> range:
    first, _, last = piece.partition("-")
    if not (_WHOLE.fullmatch(first) and _WHOLE.fullmatch(last)):
        raise ValueError(f'"{piece}" is not a range such as "1-5"')
    if whole(last) - whole(first) > _WIDEST_RANGE:
        raise ValueError(f'"{piece}" is too wide: a range covers at most {_WIDEST_RANGE} numbers')
    return range(whole(first), whole(last) + 1)
