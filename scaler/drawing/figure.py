"""A chart as HTML: an SVG that stretches to the width there is, with labels that do not stretch with it.

Everything a reader can see is in the markup; the page's script only adds the readout under the pointer.
"""

import math
from collections.abc import Iterator

import numpy as np

from scaler.drawing import axes, paths, times
from scaler.drawing.axes import Axis
from scaler.drawing.chart import Band, Chart, Distribution, Level, Line, Moments, Part, Range, Spans
from scaler.drawing.markup import Markup, element
from scaler.drawing.paths import HEIGHT, Frame
from scaler.drawing.units import shown

TIMES = "\N{MULTIPLICATION SIGN}"
COLUMNS = 600
"""Columns of a picture across the whole page; fewer make a smaller page."""
FAR = 5.0
"""A level this many times above everything else would press it flat: it is named, and not drawn."""
_SIDE = 100
"""Columns of the distribution at the side."""


def figure(chart: Chart, columns: int = COLUMNS) -> Markup:
    """The picture with its title, its legend and its caption."""
    along, upwards = _along(chart), _upwards(chart)
    frame = Frame(along.low, along.high, upwards.high, columns)
    return element(
        "figure",
        element("figcaption", element("b", chart.title), *(_caption(chart))),
        element("ul", *(_entry(chart, part, upwards) for part in chart.parts), class_="legend"),
        _plot(chart, frame, along, upwards),
        class_="chart" + (" sided" if chart.distribution is not None else ""),
        tabindex="0",
        data_x=f"{along.low:.10g} {along.high:.10g} {chart.axis}",
        data_y=f"{upwards.high:.10g} {chart.unit}" + (f" {chart.currency}" if chart.unit == "money" else ""),
    )


def _caption(chart: Chart) -> Iterator[str]:
    if chart.caption:
        yield " "
        yield element("span", chart.caption)


# -- how far the axes go ---------------------------------------------------------------------------------------


def _along(chart: Chart) -> Axis:
    lines = [part.times for part in chart.parts if isinstance(part, Line | Band) and len(part.times)]
    begin = chart.begin if chart.begin is not None else min((float(one[0]) for one in lines), default=0.0)
    end = chart.end if chart.end is not None else max((float(one[-1]) for one in lines), default=begin + 1)
    end = end if end > begin else begin + 1.0
    if chart.axis == "date":
        return times.dates(begin, end)
    if chart.axis == "elapsed":
        return times.elapsed(begin, end)
    wide = axes.amounts(end, chart.axis, 8, chart.currency)
    return Axis(0.0, end, tuple(tick for tick in wide.ticks if tick.at <= end))


def _upwards(chart: Chart) -> Axis:
    return axes.amounts(max(_highest(chart), chart.top or 0.0), chart.unit, _steps(chart.height), chart.currency)


def _steps(height: int) -> int:
    return max(2, min(5, height // 36))


def _highest(chart: Chart) -> float:
    """What lines need, and levels and ranges that are not far above them."""
    lines = max((_peak(part) for part in chart.parts), default=0.0)
    levels = sorted(part.value for part in chart.parts if isinstance(part, Level) and math.isfinite(part.value))
    for level in levels:
        if not lines or level <= FAR * lines:
            lines = max(lines, level * 1.02)
    return lines


def _peak(part: Part) -> float:
    values = part.values if isinstance(part, Line) else part.high if isinstance(part, Band) else None
    if values is None or not np.isfinite(values).any():
        return 0.0
    return float(np.max(values[np.isfinite(values)]))


# -- the picture -----------------------------------------------------------------------------------------------


def _plot(chart: Chart, frame: Frame, along: Axis, upwards: Axis) -> Markup:
    shapes = (shape for part in _backmost_first(chart.parts) for shape in _drawn(part, frame))
    svg = element(
        "svg",
        _grid(upwards, frame.columns),
        *shapes,
        viewBox=f"0 0 {frame.columns} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=_spoken(chart),
    )
    side = () if chart.distribution is None else (_side(chart, chart.distribution, upwards),)
    return element(
        "div",
        element("div", *(_label("bottom", upwards.share(tick.at), tick) for tick in upwards.ticks), class_="y"),
        element("div", svg, class_="pane"),
        *side,
        element("div", *(_label("left", along.share(tick.at), tick) for tick in along.ticks), class_="x"),
        class_="plot",
        style=f"--h:{chart.height}px;--l:{max(len(tick.label) for tick in upwards.ticks)}",
    )


def _label(edge: str, share: float, tick: axes.Tick) -> Markup:
    return element("i", tick.label, style=f"{edge}:{share * 100:.4g}%", class_="o" if tick.extra else None)


def _grid(upwards: Axis, columns: int) -> Markup:
    rows = "".join(f"M0 {round(HEIGHT * (1 - upwards.share(tick.at)))}h{columns}" for tick in upwards.ticks)
    return _path(rows, "grid")


def _backmost_first(parts: tuple[Part, ...]) -> list[Part]:
    order: tuple[type, ...] = (Spans, Range, Band, Line, Level, Moments)
    return sorted(parts, key=lambda part: order.index(type(part)))


def _path(d: str, kind: str, name: str | None = None) -> Markup:
    return element("path", d=d, class_=kind, data_n=name) if d else Markup()


def _drawn(part: Part, frame: Frame) -> Iterator[Markup]:
    if isinstance(part, Line):
        yield from _line(part, frame)
    elif isinstance(part, Band):
        yield _path(paths.band(frame, part.times, part.low, part.high), f"band {part.tone}", part.name)
    elif isinstance(part, Level):
        yield _level(part, frame, frame.columns)
    elif isinstance(part, Range):
        yield _range(part, frame, frame.columns)
    elif isinstance(part, Spans):
        yield _path(paths.rectangles(frame, part.spans), f"span {part.tone}", part.name)
    else:
        yield _path(paths.verticals(frame, part.times), f"moment {part.tone}", part.name)


def _line(part: Line, frame: Frame) -> Iterator[Markup]:
    if not len(part.times):
        return
    if part.shape == "area":
        yield _path(paths.area(frame, part.times, part.values), f"area {part.tone}", part.name)
    elif part.shape == "step":
        yield _path(paths.steps(frame, part.times, part.values), f"line step {part.tone} {part.dash}", part.name)
    else:
        kind = "envelope" if frame.dense(part.times) else "line"
        yield _path(paths.line(frame, part.times, part.values), f"{kind} {part.tone} {part.dash}", part.name)


def _level(part: Level, frame: Frame, columns: int) -> Markup:
    if not 0 <= part.value <= frame.top:
        return Markup()
    return _path(f"M0 {frame.down(np.array(part.value)):.0f}h{columns}", f"line {part.tone} {part.dash}")


def _range(part: Range, frame: Frame, columns: int) -> Markup:
    low, high = (float(frame.down(np.array(min(value, frame.top)))) for value in (part.low, part.high))
    return _path(f"M0 {high:.0f}h{columns}V{low:.0f}H0z", f"band {part.tone}")


def _side(chart: Chart, shown_at: Distribution, upwards: Axis) -> Markup:
    """The distribution, lying on its side; levels and ranges go on through it."""
    frame = Frame(0.0, 1.0, upwards.high, _SIDE)
    levels = [
        _level(part, frame, _SIDE) if isinstance(part, Level) else _range(part, frame, _SIDE)
        for part in _backmost_first(chart.parts)
        if isinstance(part, Level | Range)
    ]
    ranges = [one for one in levels if 'class="band' in one]
    lines = [one for one in levels if 'class="band' not in one]
    bars = _path(_lying(shown_at, frame), f"area {shown_at.tone}")
    svg = element(
        "svg",
        *ranges,
        bars,
        *lines,
        viewBox=f"0 0 {_SIDE} {HEIGHT}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    return element("div", svg, class_="side")


def _lying(shown_at: Distribution, frame: Frame) -> str:
    most = float(np.max(shown_at.weights, initial=0.0))
    if most <= 0:
        return ""
    lengths = np.round(shown_at.weights / most * (_SIDE - 6))
    edges = frame.down(shown_at.edges)
    parts = [f"M0 {edges[0]:.0f}"]
    at = 0.0
    for length, above in zip(lengths.tolist(), edges[1:].tolist(), strict=True):
        parts.append(f"h{length - at:.0f}V{above:.0f}" if length != at else f"V{above:.0f}")
        at = length
    return "".join(parts) + "H0z"


# -- the legend ------------------------------------------------------------------------------------------------


def _entry(chart: Chart, part: Part, upwards: Axis) -> Markup:
    note = _note(chart, part, upwards)
    said = () if not note else (" ", element("b", note))
    return element("li", part.name, *said, class_=_swatch(part))


def _swatch(part: Part) -> str:
    if isinstance(part, Line):
        return f"{'area' if part.shape == 'area' else 'line'} {part.tone} {part.dash}"
    if isinstance(part, Level):
        return f"line {part.tone} {part.dash}"
    kind = {Band: "band", Range: "band", Spans: "span", Moments: "moment"}[type(part)]
    return f"{kind} {part.tone}"


def _note(chart: Chart, part: Part, upwards: Axis) -> str:
    if isinstance(part, Level):
        note = shown(part.value, chart.unit, chart.currency) if part.note is None else part.note
        return f"{note} ↑" if part.value > upwards.high else note
    if part.note is not None:
        return part.note
    if isinstance(part, Range):
        low, high = (shown(value, chart.unit, chart.currency) for value in (part.low, part.high))
        return f"{low} to {high}"
    return f"{TIMES} {len(part.times)}" if isinstance(part, Moments) else ""


def _spoken(chart: Chart) -> str:
    """The picture in a few words, for those who do not see it; the legend, which is text, says the rest."""
    lines = [part for part in chart.parts if isinstance(part, Line) and np.isfinite(part.values).any()]
    return f"{chart.title}: {', '.join(f'{part.name} {_extent(chart, part)}' for part in lines)}"


def _extent(chart: Chart, part: Line) -> str:
    known = part.values[np.isfinite(part.values)]
    low, high = (shown(float(value), chart.unit, chart.currency) for value in (known.min(), known.max()))
    return f"from {low} to {high}"
