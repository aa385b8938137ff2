"""How one declared setting is spelt as a flag and in the environment, and how its text is read.

A setting is a field of a frozen class in `scaler.settings`; its docstring is its help. A field without a
mark is the flag ``--its-name`` and the variable ``SCALER_ITS_NAME``. It does not know click.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from scaler import declare
from scaler.clock import seconds
from scaler.quantity import parse_quantity

PREFIX = "SCALER_"


class Alias(msgspec.Struct, frozen=True):
    """A variable of somebody else's that means the same, read when ours is not set."""

    name: str
    bare: Literal["", "ms"] = ""
    """The unit of a number without one, where it is not ours (KEDA's HTTP timeout counts milliseconds)."""


class Knob(msgspec.Struct, frozen=True):
    """What differs from the rule."""

    flag: str = ""
    """Instead of ``--field-name``; KEDA's name where the meaning is the same."""
    short: str = ""
    """One letter, as in ``-n``."""
    env: tuple[Alias, ...] = ()
    metavar: str = ""
    """What stands for the value in the help."""
    switch: bool = False
    """A truth without a value on the command line: ``--strict``, not ``--strict=true``."""


class Spelling(msgspec.Struct, frozen=True):
    """One setting with all its names."""

    path: tuple[str, ...]
    """Field names from the program's settings down."""
    section: str
    """The first line of the docstring of the class it stands in."""
    type: Any
    default: Any
    doc: str
    flag: str
    short: str
    variable: str
    aliases: tuple[Alias, ...]
    metavar: str
    switch: bool

    @property
    def key(self) -> str:
        return "__".join(self.path)


class _Seconds(msgspec.Struct, frozen=True):
    """Marks a float that is a time span; its text may carry a unit."""


class _Address(msgspec.Struct, frozen=True):
    """Marks a text that is ``host:port``; an empty host means every interface."""


class _Bytes(msgspec.Struct, frozen=True):
    """Marks a whole number that is a size; its text may be a Kubernetes quantity."""


Duration = Annotated[float, _Seconds()]
"""Seconds; written as ``15s``, ``500ms``, ``1m30s``, ``2h`` or a bare number of seconds."""
Size = Annotated[int, _Bytes()]
"""Bytes; written as ``64Mi``, ``2Gi``, ``500M`` or a bare number of bytes."""
Address = Annotated[str, _Address()]
"""``host:port``, ``:port`` or ``[v6]:port``."""


def spellings(settings: type, path: tuple[str, ...] = ()) -> Iterator[Spelling]:
    """Every setting below the class, in the order of the declarations."""
    section = (settings.__doc__ or "").strip().splitlines()[0].rstrip(".")
    for field in declare.declarations(settings):
        here = (*path, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from spellings(field.type, here)
        else:
            yield _spelling(here, section, field)


def _spelling(path: tuple[str, ...], section: str, field: declare.Declaration) -> Spelling:
    knob = next((mark for mark in field.marks if isinstance(mark, Knob)), Knob())
    flag = knob.flag or "--" + field.name.replace("_", "-")
    marked: Any = Annotated[(field.type, *field.marks)] if field.marks else field.type
    return Spelling(
        path=path,
        section=section,
        type=marked,
        default=field.default,
        doc=field.doc,
        flag=flag,
        short=knob.short,
        variable=PREFIX + flag.removeprefix("--").replace("-", "_").upper(),
        aliases=knob.env,
        metavar=knob.metavar,
        switch=knob.switch,
    )


def build(settings: type, values: dict[str, Any]) -> Any:
    """The settings with `values` (by `Spelling.key`) in place of the defaults."""
    return _build(settings, values, ())


def _build(settings: type, values: dict[str, Any], path: tuple[str, ...]) -> Any:
    given: dict[str, Any] = {}
    for field in declare.declarations(settings):
        here = (*path, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            given[field.name] = _build(field.type, values, here)
        elif "__".join(here) in values:
            given[field.name] = values["__".join(here)]
    return settings(**given)


# -- reading text ----------------------------------------------------------------------------------------------

_TRUE = frozenset({"true", "t", "1", "yes", "on", "enabled"})
_FALSE = frozenset({"false", "f", "0", "no", "off", "disabled"})


def read(kind: Any, text: str, bare: str = "") -> Any:
    """The value that `text` says for a setting of that type; ValueError says what would be right."""
    bare_type, marks = _unmarked(kind)
    if any(isinstance(mark, _Seconds) for mark in marks):
        return seconds(text, bare)
    if any(isinstance(mark, _Bytes) for mark in marks):
        return size(text)
    if any(isinstance(mark, _Address) for mark in marks):
        return address(text)
    if get_origin(bare_type) is Literal:
        return _choice(text, get_args(bare_type))
    if get_origin(bare_type) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return _plain(bare_type, text)


def _plain(kind: Any, text: str) -> Any:
    if kind is bool:
        return truth(text)
    if kind in {int, float}:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {'a whole number' if kind is int else 'a number'}") from None
    return text


def _unmarked(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(kind) is Annotated:
        bare, *marks = get_args(kind)
        inner, more = _unmarked(bare)
        return inner, (*more, *marks)
    if get_origin(kind) in {Union, UnionType}:
        some = [part for part in get_args(kind) if part is not type(None)]
        return _unmarked(some[0]) if len(some) == 1 else (kind, ())
    return kind, ()


def _choice(text: str, choices: tuple[str, ...]) -> str:
    found = next((choice for choice in choices if choice.lower() == text.lower()), None)
    if found is None:
        raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
    return found


def truth(text: str) -> bool:
    """As people and KEDA write it: true, false, enabled, disabled, 1, 0, yes, no, on, off."""
    lower = text.strip().lower()
    if lower not in _TRUE | _FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return lower in _TRUE


def size(text: str) -> int:
    """Bytes of a quantity."""
    try:
        return int(parse_quantity(text.strip()))
    except ValueError:
        raise ValueError(f"{text!r} is not a size such as 64Mi, 2Gi or 500M") from None


def address(text: str) -> str:
    """The text itself when it is an address to listen on or to call."""
    host, colon, port = text.rpartition(":")
    right = colon and port.isdecimal() and int(port) < 65536 and (":" not in host or host.startswith("["))
    if not right:
        raise ValueError(f"{text!r} is not an address such as :8080, 127.0.0.1:8080 or [::1]:8080")
    return text


def split(listen: str) -> tuple[str, int]:
    """Host and port of an `Address`; an empty host stays empty and means every interface."""
    host, _, port = listen.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def choices(kind: Any) -> tuple[str, ...]:
    """What a setting may be, where that is a closed list."""
    bare, _ = _unmarked(kind)
    return get_args(bare) if get_origin(bare) is Literal else ()


def placeholder(kind: Any) -> str:
    """What stands for a value in the help."""
    bare, marks = _unmarked(kind)
    if any(isinstance(mark, _Seconds) for mark in marks):
        return "DURATION"
    if any(isinstance(mark, _Bytes) for mark in marks):
        return "SIZE"
    if any(isinstance(mark, _Address) for mark in marks):
        return "ADDRESS"
    if get_origin(bare) is Literal:
        return "|".join(part or '""' for part in get_args(bare))
    names = {bool: "true|false", int: "NUMBER", float: "NUMBER"}
    return "A,B,..." if get_origin(bare) is tuple else names.get(bare, "TEXT")


def shown(kind: Any, value: Any) -> str:
    """A value as one would write it."""
    _, marks = _unmarked(kind)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if any(isinstance(mark, _Seconds) for mark in marks):
        return f"{value * 1000:g}ms" if 0 < value < 1 else f"{value:g}s"
    if any(isinstance(mark, _Bytes) for mark in marks):
        return _shown_size(value)
    return "" if value is None else str(value)


def _shown_size(value: int) -> str:
    for suffix, factor in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor}{suffix}"
    return str(value)
