"""Amounts side by side as horizontal bars: what each policy costs, where the money is."""

from collections.abc import Sequence

import msgspec

from scaler.drawing.chart import Tone
from scaler.drawing.markup import Markup, element
from scaler.drawing.units import Unit, shown


class Segment(msgspec.Struct, frozen=True):
    """A part of a bar."""

    name: str
    value: float
    tone: Tone = "blue"


class Bar(msgspec.Struct, frozen=True):
    """One row: its name, its parts one behind the other, and a remark."""

    name: str
    segments: tuple[Segment, ...]
    note: str = ""

    @property
    def total(self) -> float:
        return sum(segment.value for segment in self.segments)


def bars(title: str, rows: Sequence[Bar], unit: Unit, *, caption: str = "", currency: str = "$") -> Markup:
    """All rows on one scale that begins at zero."""
    most = max((row.total for row in rows), default=0.0) or 1.0
    return element(
        "figure",
        element("figcaption", element("b", title), *((" ", element("span", caption)) if caption else ())),
        *_legend(rows),
        element("table", *(_row(row, most, unit, currency) for row in rows)),
        class_="bars",
    )


def _legend(rows: Sequence[Bar]) -> tuple[Markup, ...]:
    kinds = dict.fromkeys((segment.name, segment.tone) for row in rows for segment in row.segments)
    if len({name for name, _ in kinds}) < 2:
        return ()
    return (element("ul", *(element("li", name, class_=f"area {tone}") for name, tone in kinds), class_="legend"),)


def _row(row: Bar, most: float, unit: Unit, currency: str) -> Markup:
    parts = (
        element(
            "i",
            class_=segment.tone,
            style=f"width:{segment.value / most * 100:.4g}%",
            title=f"{segment.name}: {shown(segment.value, unit, currency)}",
        )
        for segment in row.segments
        if segment.value > 0
    )
    note = (" ", element("small", row.note)) if row.note else ()
    return element(
        "tr",
        element("th", row.name, scope="row"),
        element("td", *parts),
        element("td", shown(row.total, unit, currency), *note),
    )
