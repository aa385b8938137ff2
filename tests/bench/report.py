"""How figures are printed: ours beside KEDA's recorded ones, the yardstick of this run, and what is wanted."""

import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench import recorded


class Row(NamedTuple):
    """One figure."""

    what: str
    ours: float
    digits: int = 2
    theirs: object = None
    """KEDA's; None where none was recorded."""
    most: float | None = None
    """What ours must not exceed; None where nothing is asked."""
    least: float | None = None
    """What ours must reach; None where nothing is asked."""


def table(title: str, rows: Sequence[Row], *notes: str, peer: str = "KEDA", source: str = recorded.SOURCE) -> None:
    """Print them, then a line of JSON for whoever compares runs."""
    known = any(row.theirs is not None for row in rows)
    shown = Table(title=title, title_justify="left", caption_justify="left")
    shown.caption = f"{peer}: {source}" if known else None
    shown.add_column("")
    for column in (*((peer,) if known else ()), "ours", "wanted", ""):
        shown.add_column(column, justify="right")
    for row in rows:
        theirs = "" if row.theirs is None else _number(row.theirs, row.digits)
        wanted, verdict = _wanted(row)
        cells = (*((theirs,) if known else ()), _number(row.ours, row.digits), wanted, verdict)
        shown.add_row(row.what, *cells)
    Console(width=118, highlight=False).print(shown)
    for note in notes:
        print(f"  {note}")
    figures: dict[str, Any] = {row.what: round(row.ours, row.digits + 2) for row in rows}
    print(json.dumps({"bench": title, **figures}), flush=True)


def _wanted(row: Row) -> tuple[str, str]:
    if row.most is not None:
        return f"<= {row.most:g}", "met" if row.ours <= row.most else "MISSED"
    if row.least is not None:
        return f">= {row.least:g}", "met" if row.ours >= row.least else "MISSED"
    return "", ""


def _number(value: object, digits: int) -> str:
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else str(value)


def say(text: str) -> None:
    """What happens now."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
