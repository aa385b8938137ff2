"""Where the pieces of a path's text end: quotes, brackets, pipes, commas. Knows nothing of what they mean."""

from typing import Final

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def skip_quoted(path: str, at: int) -> int:
    """Give the place of the quote that closes the one at `at`, or the end of the path."""
    at += 1
    while at < len(path) and path[at] != '"':
        at += 2 if path[at] == "\\" else 1
    return at


def end_of_component(path: str) -> int:
    at = 0
    while at < len(path) and path[at] not in ".|":
        at += 2 if path[at] == "\\" else 1
    return min(at, len(path))


def split_pipe(path: str) -> tuple[str, str | None]:
    """Part a path at its first pipe outside of quotes and brackets."""
    at = 0
    while at < len(path):
        if path[at] == "|":
            return path[:at], path[at + 1 :]
        if path[at] == "\\":
            at += 1
        elif path[at] == '"':
            at = skip_quoted(path, at)
        elif path[at] in _CLOSING:
            at = closing_bracket(path, at)
        at += 1
    return path, None


def closing_bracket(path: str, at: int) -> int:
    """Give the place of the bracket that closes the one at `at`."""
    opened = [path[at]]
    opening = at
    while opened:
        at += 1
        if at >= len(path):
            raise ValueError(f'"{path[opening:]}" is not closed: "{_CLOSING[path[opening]]}" is missing')
        if path[at] == "\\":
            at += 1
        elif path[at] == '"':
            at = skip_quoted(path, at)
        elif path[at] in _CLOSING:
            opened.append(path[at])
        elif path[at] in ")]}":
            opened.pop()
    return at


def part_argument(text: str) -> tuple[str, str]:
    """Part a modifier's argument, JSON or plain text, from the path behind it."""
    if text[:1] in {"{", "["}:
        end = closing_bracket(text, 0) + 1
        return text[:end], text[end:]
    if text[:1] == '"':
        end = skip_quoted(text, 0) + 1
        return text[:end], text[end:]
    argument, pipe = split_pipe(text)
    return argument, "" if pipe is None else f"|{pipe}"


def part_literal(text: str) -> tuple[str, str]:
    if text[:1] in _CLOSING:
        end = closing_bracket(text, 0) + 1
    elif text[:1] == '"':
        end = skip_quoted(text, 0) + 1
    else:
        # A number's own point is followed by a digit, a path's dot hardly ever.
        end = next(
            (
                at
                for at, mark in enumerate(text)
                if mark == "|" or (mark == "." and not text[at + 1 : at + 2].isdigit())
            ),
            len(text),
        )
    return text[:end], text[end:]


def split_items(text: str) -> list[str]:
    """Part the inside of a multipath at its commas."""
    items, begins, at = [], 0, 0
    while at < len(text):
        if text[at] == ",":
            items.append(text[begins:at])
            begins = at + 1
        elif text[at] == "\\":
            at += 1
        elif text[at] == '"':
            at = skip_quoted(text, at)
        elif text[at] in _CLOSING:
            at = closing_bracket(text, at)
        at += 1
    return [*items, text[begins:]]


def naming_colon(item: str) -> int | None:
    """Find the colon after a name; one after a modifier introduces its argument."""
    at = 0
    while at < len(item):
        if item[at] == ":":
            return at
        if item[at] in _CLOSING or (item[at] == "@" and item[at - 1 : at] in {".", "|"}):
            return None
        if item[at] == '"':
            at = skip_quoted(item, at)
        at += 2 if item[at : at + 1] == "\\" else 1
    return None
