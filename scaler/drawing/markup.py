"""HTML in pieces: text is escaped unless it is `Markup`, so that no name from a cluster becomes a tag."""

import html
import re
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Piece = str
"""Text, escaped where it is put; or Markup, which stays as it is."""


def escaped(piece: Piece) -> Markup:
    """Any text as HTML; Markup stays."""
    return piece if isinstance(piece, Markup) else Markup(html.escape(piece))


def joined(pieces: Iterable[Piece]) -> Markup:
    """All of them, one after the other."""
    return Markup("".join(map(escaped, pieces)))


def element(name: str, *inside: Piece, **attributes: str | None) -> Markup:
    """``<name attribute="...">inside</name>``; `class_` is written class, data_x data-x; None is left out."""
    return Markup(f"<{name}{_written(attributes)}>{joined(inside)}</{name}>")


def _written(attributes: dict[str, str | None]) -> str:
    said = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    return "".join(f' {key}="{html.escape(value)}"' if value else f" {key}" for key, value in said)


def slug(text: str) -> str:
    """A text as the name of an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
