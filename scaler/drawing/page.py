"""A page of one file: what it is about, figures at a glance, pictures, tables, text to copy. Light and dark.

It asks nothing of any other place, so that it can be mailed, attached and opened where there is no network.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from scaler.drawing.chart import Tone
from scaler.drawing.markup import Markup, Piece, element, joined, slug

_HERE = Path(__file__).parent
_STYLE = _HERE / "style.css"
_SCRIPT = _HERE / "script.js"


class Card(msgspec.Struct, frozen=True):
    """One figure at a glance."""

    label: str
    value: str
    note: str = ""
    tone: Tone | None = None


class Column(msgspec.Struct, frozen=True):
    """One column of a table."""

    head: str
    number: bool = False
    """Set to the right; sorted by number."""
    wrap: bool = False
    """Its text may take several lines."""


class Cell(msgspec.Struct, frozen=True):
    """What a cell shows, and what it is sorted by."""

    shown: Piece
    by: float | str | None = None
    tone: Tone | None = None


def page(title: str, lead: Piece, *parts: Piece, foot: Piece = "") -> str:
    """The whole file."""
    head = (
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<link rel="icon" href="data:,">'),  # or a browser asks for one
        element("title", title),
        Markup(f"<style>{_compact(_STYLE)}</style>"),
    )
    body = (
        element("header", element("h1", title), element("p", lead, class_="lead")),
        element("main", *parts),
        element("footer", foot),
        Markup(f"<script>{_compact(_SCRIPT)}</script>"),
    )
    return f'<!doctype html>\n<html lang="en">{joined(head)}{element("body", *body)}</html>\n'


def _compact(path: Path) -> str:
    """Without indentation: nobody reads it there."""
    return "\n".join(line.strip() for line in path.read_text().splitlines() if line.strip())


def section(title: str, *parts: Piece, intro: Piece = "") -> Markup:
    """A part of the page with a heading that can be linked to."""
    lead = (element("p", intro, class_="intro"),) if intro else ()
    return element("section", element("h2", title), *lead, *parts, id=slug(title))


def details(title: Piece, *parts: Piece, shut: bool = False, anchor: str | None = None) -> Markup:
    """A part that folds."""
    return element("details", element("summary", title), *parts, open=None if shut else "", id=anchor)


def paragraph(text: Piece) -> Markup:
    """Running text."""
    return element("p", text)


def note(text: Piece, tone: Tone = "grey") -> Markup:
    """Something to know before one believes the figures."""
    return element("p", text, class_=f"note {tone}")


def notes(title: str, texts: Sequence[Piece], tone: Tone = "grey") -> Markup:
    """Several of them; nothing when there are none."""
    if not texts:
        return Markup()
    return element(
        "div", element("b", title), element("ul", *(element("li", text) for text in texts)), class_=f"note {tone}"
    )


def cards(*figures: Card) -> Markup:
    """Figures at a glance, in a row."""
    return element("div", *map(_card, figures), class_="cards")


def _card(card: Card) -> Markup:
    small = (element("small", card.note),) if card.note else ()
    return element("div", element("span", card.label), element("b", card.value, class_=card.tone), *small)


def beside(*parts: Piece) -> Markup:
    """Next to each other where there is room, below each other where there is none."""
    return element("div", *parts, class_="beside")


def code(text: str, name: str = "") -> Markup:
    """Text to copy, with a button that does."""
    head = element("div", element("span", name), element("button", "copy", type="button"))
    return element("div", head, element("pre", element("code", text)), class_="code")


def link(text: Piece, anchor: str) -> Markup:
    """To a place of the same page."""
    return element("a", text, href=f"#{anchor}")


def table(columns: Sequence[Column], rows: Sequence[Sequence[Piece | Cell]], *, filtered: bool = False) -> Markup:
    """Rows that a click on a head sorts; with a field to narrow them by a word where `filtered`."""
    heads = element("tr", *(element("th", column.head, scope="col", class_=_kind(column)) for column in columns))
    lines = (element("tr", *map(_cell, columns, row)) for row in rows)
    search = '<input type="search" placeholder="narrow by a word" aria-label="narrow the table by a word">'
    whole = element("div", element("table", element("thead", heads), element("tbody", *lines)), class_="scroll")
    return element("div", *((Markup(search),) if filtered else ()), whole, class_="table")


def _kind(column: Column) -> str | None:
    return " ".join(word for word, said in (("n", column.number), ("w", column.wrap)) if said) or None


def _cell(column: Column, content: Piece | Cell) -> Markup:
    cell = content if isinstance(content, Cell) else Cell(content)
    kinds = " ".join(word for word in (_kind(column), cell.tone) if word) or None
    by = None if cell.by is None else f"{cell.by:.6g}" if isinstance(cell.by, float) else str(cell.by)
    return element("td", cell.shown, class_=kinds, data_v=by)
