"""Tables, sparklines and bars for terminals, as rich's values; who prints them decides where."""

import math
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

BLOCKS = " ▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉█"
UNSEEN_WIDTH = 160
"""Columns where nobody sees them: in a pipe nothing is to be cut or wrapped early."""


def console(*, error: bool = False, width: int | None = None) -> Console:
    """Where programs print what people read; markup in names is not obeyed."""
    made = Console(highlight=False, soft_wrap=False, markup=False, stderr=error, width=width)
    if made.is_terminal or width is not None:
        return made
    return Console(highlight=False, soft_wrap=False, markup=False, stderr=error, width=UNSEEN_WIDTH)


def table(*heads: str, numbers: Sequence[str] = (), wrap: Sequence[str] = ()) -> Table:
    """A table without lines: `numbers` names the columns that stand to the right, `wrap` those that may fold."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in heads:
        made.add_column(
            head, justify="right" if head in numbers else "left", overflow="fold", no_wrap=head not in wrap
        )
    return made


def sparkline(values: Sequence[float], width: int = 24, top: float | None = None) -> str:
    """The course of values in block letters: in each letter the highest, so that no peak is lost; NaN is a blank."""
    known = [value for value in values if math.isfinite(value)]
    high = max(known, default=0.0) if top is None else top
    chunks = np.array_split(np.asarray(values, dtype=np.float64), min(width, len(values) or 1))
    return "".join(_block(chunk.tolist(), high) for chunk in chunks)


def _block(chunk: Sequence[float], high: float) -> str:
    known = [value for value in chunk if math.isfinite(value)]
    if not known:
        return " "
    share = max(known) / high if high > 0 else 0.0
    return BLOCKS[1 + min(7, max(0, math.ceil(share * 8) - 1))]


def bar(share: float, width: int = 20) -> str:
    """A bar that fills its share of the width, to an eighth of a letter."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    rest = _PARTS[eighths % 8] if eighths % 8 else ""
    return ("█" * (eighths // 8) + rest).ljust(width)
