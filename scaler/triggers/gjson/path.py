"""A path compiled once into a function of the document.

A path is a chain of components. Text after a pipe applies to the chain's whole result, and a dot before
a modifier or a multipath is such a pipe.
"""

import functools
import math
import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from scaler.triggers.gjson.absence import MISSING
from scaler.triggers.gjson.modifiers import MODIFIERS
from scaler.triggers.gjson.query import Condition, read_query
from scaler.triggers.gjson.scanning import (
    closing_bracket,
    end_of_component,
    naming_colon,
    part_argument,
    part_literal,
    split_items,
    split_pipe,
)
from scaler.triggers.gjson.wildcards import Pattern, literal_text, matches, read_pattern

Step = Callable[[object], object]

_LITERAL: Final = re.compile(r"!(?:[\[{\"+\-0-9]|(?i:true|false|null|nan|inf)(?:[.|]|$))", re.ASCII)
"""How a literal begins; other text behind an exclamation mark is an ordinary key."""
_DEEPEST: Final = 100
"""Components a path may nest; each costs a frame of the stack."""


class _Chain(NamedTuple):
    """Components up to a pipe, and what stands after it."""

    step: Step
    pipe: str | None


@functools.lru_cache(maxsize=2048)
def compile_path(path: str) -> Step:
    """Compile a path.

    Raises ValueError naming the path and what is wrong with it.
    """
    if sum(map(path.count, ".|([{")) > _DEEPEST:
        raise ValueError(f'path "{path[:80]}..." has more than {_DEEPEST} components')
    try:
        return _compile(path)
    except ValueError as error:
        raise ValueError(f'path "{path[:200]}" cannot be read: {error}') from error


def _compile(path: str) -> Step:
    if len(path) > 1:
        if path[0] == "@" and _modifier_name(path) is not None:
            return _modified(path)
        if _LITERAL.match(path):
            return _literal(path)
        if path[0] in "[{":
            return _multipath(path)
        if path.startswith(".."):
            lines = _compile(path[2:])
            return lambda document: lines([document])
    chain = _chain(path)
    return chain.step if chain.pipe is None else _piped(chain.step, _compile(chain.pipe))


def _piped(first: Step, second: Step) -> Step:
    return lambda document: second(first(document))


def _rest(path: str) -> Step | None:
    """Compile what follows a modifier, a literal or a multipath."""
    if path and path[0] not in ".|":
        raise ValueError(f'found "{path}" where "." or "|" belongs')
    return _compile(path[1:]) if path else None


def _then(step: Step, rest: str) -> Step:
    following = _rest(rest)
    return step if following is None else _piped(step, following)


# --- components -------------------------------------------------------------------------------------------


def _chain(path: str) -> _Chain:
    if path.startswith(("#(", "#[")):
        return _query(path)
    if path == "#" or path.startswith(("#.", "#|")):
        return _each(path)
    end = end_of_component(path)
    name, separator, rest = path[:end], path[end : end + 1], path[end + 1 :]
    pattern = read_pattern(name)
    if separator == "." and not _is_piped(rest):
        following = _chain(rest)
        return _Chain(_inside(name, pattern, following.step), following.pipe)
    return _Chain(_inside(name, pattern, None), rest if separator else None)


def _is_piped(rest: str) -> bool:
    """Tell whether a dot before this text acts as a pipe."""
    return rest[:1] in {"[", "{"} or (rest[:1] == "@" and _modifier_name(rest) is not None)


def _inside(name: str, pattern: Pattern, following: Step | None) -> Step:
    """Give the step into one member: a key of an object or an index of an array."""
    key = literal_text(pattern)
    index = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else None
    into_object = _by_key(key, following) if key is not None else _by_pattern(pattern, following)

    def step(value: object) -> object:
        if isinstance(value, dict):
            return into_object(value)
        if isinstance(value, list) and index is not None and index < len(value):
            return value[index] if following is None else following(value[index])
        return MISSING

    return step


def _by_key(key: str, following: Step | None) -> Callable[[dict[str, object]], object]:
    if following is None:
        return lambda value: value.get(key, MISSING)
    return lambda value: following(value[key]) if key in value else MISSING


def _by_pattern(pattern: Pattern, following: Step | None) -> Callable[[dict[str, object]], object]:
    """Try every key that fits until one leads somewhere."""

    def step(value: dict[str, object]) -> object:
        for key, member in value.items():
            if matches(key, pattern):
                found = member if following is None else following(member)
                if found is not MISSING:
                    return found
        return MISSING

    return step


def _each(path: str) -> _Chain:
    """Read `#`, how many, or `#.path`, that of each."""
    if path[1:2] != ".":
        return _Chain(
            lambda value: len(value) if isinstance(value, list) else MISSING, path[2:] if path[1:] else None
        )
    inner, pipe = split_pipe(path[2:])
    of_one = _compile(inner)
    return _Chain(lambda value: _all_found(value, of_one) if isinstance(value, list) else MISSING, pipe)


def _all_found(values: list[object], step: Step) -> list[object]:
    return [found for value in values if (found := step(value)) is not MISSING]


def _query(path: str) -> _Chain:
    inner, condition, end = read_query(path)
    every = path[end : end + 1] == "#"
    end += every
    separator, rest = path[end : end + 1], path[end + 1 :]
    if separator not in {"", ".", "|"}:
        raise ValueError(f'found "{path[end:]}" after a query, where "." or "|" belongs')
    text, pipe = split_pipe(rest) if separator == "." else ("", rest if separator else None)
    following = _compile(text) if separator == "." else None
    fits = _fitting(inner, condition)
    step = _all_fitting(fits, following) if every else _first_fitting(fits, following)
    return _Chain(lambda value: step(value) if isinstance(value, list) else MISSING, pipe)


def _fitting(path: str, condition: Condition) -> Callable[[object], bool]:
    inner = _compile(path)

    def fits(value: object) -> bool:
        if isinstance(value, dict | list):
            return condition.holds(inner(value))
        return path == "" and condition.holds(value)

    return fits


def _all_fitting(fits: Callable[[object], bool], following: Step | None) -> Callable[[list[object]], object]:
    if following is None:
        return lambda values: [value for value in values if fits(value)]
    return lambda values: _all_found([value for value in values if fits(value)], following)


def _first_fitting(fits: Callable[[object], bool], following: Step | None) -> Callable[[list[object]], object]:
    def step(values: list[object]) -> object:
        for value in values:
            if fits(value):
                return value if following is None else following(value)
        return MISSING

    return step


# --- modifiers, literals, multipaths ----------------------------------------------------------------------


def _modifier_name(path: str) -> str | None:
    """Give the name of the known modifier a path begins with; an unknown one is an ordinary key."""
    end = next((at for at, character in enumerate(path) if character in ".|:"), len(path))
    name = path[1:end]
    return name if name in MODIFIERS or name == "dig" else None


def _modified(path: str) -> Step:
    name = _modifier_name(path)
    assert name is not None
    rest = path[1 + len(name) :]
    argument = ""
    if rest.startswith(":"):
        argument, rest = part_argument(rest[1:])
    if name == "dig":
        sought = _compile(argument)
        return _then(lambda value: MISSING if value is MISSING else _dig(value, sought), rest)
    modify = MODIFIERS[name]
    return _then(lambda value: MISSING if value is MISSING else modify(value, argument), rest)


def _dig(value: object, sought: Step) -> list[object]:
    """Collect what the path gives here and anywhere below, outermost first."""
    found: list[object] = []
    left = [value]
    while left:
        place = left.pop()
        here = sought(place)
        if here is not MISSING:
            found.append(here)
        members = place.values() if isinstance(place, dict) else place if isinstance(place, list) else ()
        left += reversed(list(members))
    return found


def _literal(path: str) -> Step:
    text, rest = part_literal(path[1:])
    special = {"nan": math.nan, "inf": math.inf, "true": True, "false": False, "null": None}
    try:
        value = special[text.lower()] if text.lower() in special else msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f'"!{text}" is not a literal: write JSON, such as !5 or !"text"') from error
    return _then(lambda _: value, rest)


def _multipath(path: str) -> Step:
    end = closing_bracket(path, 0)
    named = [_named(item) for item in split_items(path[1:end])]
    compiled = [(name, _compile(text)) for name, text in named]
    if path[0] == "[":
        return _then(
            lambda value: [found for _, step in compiled if (found := step(value)) is not MISSING], path[end + 1 :]
        )
    return _then(lambda value: _object_of(compiled, value), path[end + 1 :])


def _object_of(compiled: list[tuple[str, Step]], value: object) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, step in compiled:
        found = step(value)
        if found is not MISSING:
            made.setdefault(name, found)
    return made


def _named(item: str) -> tuple[str, str]:
    """Part `"name":path`; without a name, the last component names the value."""
    colon = naming_colon(item)
    if colon is None:
        # The name keeps its backslashes, as upstream's does.
        last = re.split(r"(?<!\\)[.|]", item)[-1]
        return (last if not any(mark in "[]{}()#!" for mark in last) else "_"), item
    name = item[:colon]
    return (msgspec.json.decode(name, type=str) if name.startswith('"') else name), item[colon + 1 :]
