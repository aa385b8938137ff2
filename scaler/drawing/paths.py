"""SVG paths in few letters: whole numbers, each relative to the one before.

A picture is `columns` wide and `HEIGHT` high, y downwards, and is stretched to whatever size it is shown in.
"""

import numpy as np

from scaler.drawing.thinning import Array, Envelope, changes, envelope, runs, stretches

HEIGHT = 1000
UNSEEN = 2.0
"""A third of a pixel in a plot of 180."""


class Frame:
    """From times and values to places in the picture."""

    def __init__(self, begin: float, end: float, top: float, columns: int) -> None:
        self.begin, self.end, self.top, self.columns = begin, end, top, columns
        self.height = HEIGHT

    def across(self, times: Array) -> Array:
        """Whole columns where there are many points, tenths where there are few."""
        places: Array = (times - self.begin) / (self.end - self.begin) * self.columns
        return np.round(places, 0 if len(places) > self.columns else 1)

    def down(self, values: Array) -> Array:
        """Whole steps from the upper edge; never far outside of the picture."""
        return np.round(self.height - np.clip(values / self.top, -0.01, 1.01) * self.height)

    def dense(self, times: Array) -> bool:
        """Whether there are more points in sight than the picture can tell apart."""
        return int(np.count_nonzero((times >= self.begin) & (times <= self.end))) > self.columns

    def envelope(self, times: Array, values: Array) -> Envelope:
        """The extremes of each column."""
        return envelope(times, values, self.begin, self.end, self.columns)


def line(frame: Frame, times: Array, values: Array) -> str:
    """A line, or the envelope of one."""
    if frame.dense(times):
        seen = frame.envelope(times, values)
        return outline(frame, seen.low, seen.high)
    times, values = _in_sight(frame, times, values)
    xs, ys = frame.across(times), frame.down(values)
    return "".join(_open(xs[a:b], ys[a:b]) for a, b in stretches(times, values))


def area(frame: Frame, times: Array, values: Array) -> str:
    """All between zero and the line."""
    if frame.dense(times):
        high = frame.envelope(times, values).high
        return outline(frame, np.where(np.isnan(high), np.nan, 0.0), high)
    times, values = _in_sight(frame, times, values)
    xs, ys = frame.across(times), frame.down(values)
    return "".join(_closed(xs[a:b], np.full(b - a, float(HEIGHT)), ys[a:b]) for a, b in stretches(times, values))


def steps(frame: Frame, times: Array, values: Array) -> str:
    """A value holds until the next; the last one until its own time."""
    kept = changes(values)
    if len(kept) > 2 * frame.columns:
        seen = frame.envelope(times, values)
        return outline(frame, seen.low, seen.high)
    last = len(times) - 1
    kept = kept if kept[-1] == last else np.append(kept, last)
    xs, ys = frame.across(np.clip(times[kept], frame.begin, frame.end)), frame.down(values[kept])
    return "".join(_stairs(xs, ys, first, past) for first, past in runs(~np.isnan(ys)))


def band(frame: Frame, times: Array, low: Array, high: Array) -> str:
    """All between two lines."""
    if frame.dense(times):
        return outline(frame, frame.envelope(times, low).low, frame.envelope(times, high).high)
    xs, lows, highs = frame.across(times), frame.down(low), frame.down(high)
    both = low + high
    return "".join(_closed(xs[a:b], lows[a:b], highs[a:b]) for a, b in stretches(times, both))


def outline(frame: Frame, low: Array, high: Array) -> str:
    """The closed outline of an envelope, at the middle of each column."""
    xs, lows, highs = np.arange(frame.columns, dtype=np.float64), frame.down(low), frame.down(high)
    return "".join(_closed(xs[a:b], lows[a:b], highs[a:b]) for a, b in runs(~np.isnan(low)))


def rectangles(frame: Frame, spans: tuple[tuple[float, float], ...]) -> str:
    """From top to bottom, one for each span; none is too thin to be seen."""
    inside = [(max(a, frame.begin), min(b, frame.end)) for a, b in spans if b >= frame.begin and a <= frame.end]
    edges = np.array(inside, dtype=np.float64).reshape(-1, 2)
    left, right = frame.across(edges[:, 0]), frame.across(edges[:, 1])
    return "".join(
        f"M{_short(a)} 0h{_short(max(b - a, 0.5))}v{HEIGHT}h-{_short(max(b - a, 0.5))}z"
        for a, b in zip(left, right, strict=True)
    )


def verticals(frame: Frame, times: tuple[float, ...]) -> str:
    """A line from top to bottom at each of these."""
    seen = np.array([at for at in times if frame.begin <= at <= frame.end], dtype=np.float64)
    return "".join(f"M{_short(x)} 0v{HEIGHT}" for x in np.unique(frame.across(seen)))


def _in_sight(frame: Frame, times: Array, values: Array) -> tuple[Array, Array]:
    inside = (times >= frame.begin) & (times <= frame.end)
    return times[inside], values[inside]


def _open(xs: Array, ys: Array) -> str:
    if len(xs) == 1:  # a lonely sample is a dot
        return f"M{_short(xs[0])} {_short(ys[0])}h0"
    kept = _telling(xs, ys)
    return _start(xs, ys) + _relative(xs[kept], ys[kept])


def _closed(xs: Array, low: Array, high: Array) -> str:
    upper, lower = _telling(xs, high), _telling(xs, low)[::-1]
    around, up = np.concatenate((xs[upper], xs[lower])), np.concatenate((high[upper], low[lower]))
    return _start(around, up) + _relative(around, up) + "z"


def _telling(xs: Array, ys: Array) -> list[int]:
    """The points without which the line would pass more than `UNSEEN` away from one of them.

    A door swings from the last point that was kept: as long as the next lies in its opening, those between need not
    be drawn (swinging door compression, Bristol 1990).
    """
    across, up = xs.tolist(), ys.tolist()
    kept, anchor = [0], 0
    low, high = -np.inf, np.inf
    for at in range(1, len(across)):
        width, rise = across[at] - across[anchor], up[at] - up[anchor]
        if width <= 0 or not low * width <= rise <= high * width:
            if at - 1 > anchor:
                kept.append(at - 1)
                anchor = at - 1
            low, high = -np.inf, np.inf
            width, rise = across[at] - across[anchor], up[at] - up[anchor]
        if width > 0:
            low, high = max(low, (rise - UNSEEN) / width), min(high, (rise + UNSEEN) / width)
    return [*kept, len(across) - 1] if len(across) > 1 else kept


def _start(xs: Array, ys: Array) -> str:
    return f"M{_short(xs[0])} {_short(ys[0])}"


def _relative(xs: Array, ys: Array) -> str:
    """A number that begins with a minus needs no space before it."""
    both = np.empty(2 * (len(xs) - 1))
    both[0::2], both[1::2] = np.diff(xs), np.diff(ys)
    words = [_short(number) for number in both.tolist()]
    return "l" + "".join(word if word.startswith("-") or not k else f" {word}" for k, word in enumerate(words))


def _stairs(xs: Array, ys: Array, first: int, past: int) -> str:
    parts = [_start(xs[first:], ys[first:])]
    for k in range(first + 1, past):
        parts.append(f"h{_short(xs[k] - xs[k - 1])}")
        if ys[k] != ys[k - 1]:
            parts.append(f"v{_short(ys[k] - ys[k - 1])}")
    if past < len(xs):  # it holds until nothing is known
        parts.append(f"h{_short(xs[past] - xs[past - 1])}")
    return "".join(parts)


def _short(number: float) -> str:
    """0.5 as .5, -3.0 as -3: differences of tenths are tenths."""
    text = f"{round(number, 1):g}" if number != round(number) else f"{int(number)}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
