"""A picture of the size of a word: the course of something, in a cell of a table."""

import numpy as np

from scaler.drawing.chart import Tone
from scaler.drawing.markup import Markup, element
from scaler.drawing.paths import Frame, outline
from scaler.drawing.thinning import Array

COLUMNS = 24
HEIGHT = 50


def spark(times: Array, values: Array, spoken: str, *, top: float | None = None, tone: Tone = "blue") -> Markup:
    """The envelope of the values from zero to their highest, or to `top`; `spoken` is for those who do not see."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Markup()
    high = max(float(known.max()), top or 0.0) or 1.0
    end = float(times[-1]) if times[-1] > times[0] else float(times[0]) + 1.0
    frame = Frame(float(times[0]), end, high, COLUMNS)
    seen = frame.envelope(times, values)
    frame.height = HEIGHT
    d = outline(frame, np.where(np.isnan(seen.high), np.nan, 0.0), seen.high)
    view = f"0 0 {COLUMNS - 1} {HEIGHT}"
    return element(
        "svg",
        element("path", d=d),
        class_=f"spark {tone}",
        viewBox=view,
        preserveAspectRatio="none",
        role="img",
        aria_label=spoken,
    )
