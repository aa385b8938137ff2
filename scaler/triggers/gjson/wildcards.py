"""Wildcard patterns: `*` for any text, `?` for any one character, a backslash before either for itself.

Matches in time proportional to text times pattern, so that no pattern and no answer can stall a poll.
"""

from collections.abc import Sequence
from typing import Final

_ANY_TEXT: Final = "*"
_ANY_ONE: Final = "?"

Pattern = tuple[tuple[str, bool], ...]
"""Characters, each with whether it is a wildcard."""


def read_pattern(text: str) -> Pattern:
    """Part a pattern into its characters, resolving backslashes."""
    read: list[tuple[str, bool]] = []
    characters = iter(text)
    for character in characters:
        if character == "\\":
            read.append((next(characters, ""), False))
        else:
            read.append((character, character in {_ANY_TEXT, _ANY_ONE}))
    return tuple(read)


def literal_text(pattern: Pattern) -> str | None:
    """Give the one text a pattern without wildcards matches, None if it has any."""
    if any(wild for _, wild in pattern):
        return None
    return "".join(character for character, _ in pattern)


def matches(text: str, pattern: Sequence[tuple[str, bool]]) -> bool:
    """Tell whether the whole text fits the pattern."""
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == (_ANY_TEXT, True):
            star, resume, place = place, at, place + 1
        elif place < len(pattern) and pattern[place] in {(text[at], False), (_ANY_ONE, True)}:
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return all(item == (_ANY_TEXT, True) for item in pattern[place:])
