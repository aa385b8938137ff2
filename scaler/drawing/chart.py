"""What a chart shows, as values; `scaler.drawing.figure` makes the picture.

The y-axis begins at zero: half the height is half the amount.
"""

from typing import Literal

import msgspec

from scaler.drawing.thinning import Array
from scaler.drawing.units import Unit

Tone = Literal["blue", "green", "orange", "red", "violet", "teal", "grey"]
Dash = Literal["solid", "dashed", "dotted"]


class Line(msgspec.Struct, frozen=True, eq=False, tag=True):
    """Values over time. Where there are more samples than columns it is drawn as the envelope of its extremes."""

    name: str
    times: Array
    """float64[n], growing"""
    values: Array
    """float64[n], NaN = missing: the line is interrupted"""
    tone: Tone = "blue"
    shape: Literal["line", "step", "area"] = "line"
    """step: a value holds until the next one. area: filled down to zero."""
    dash: Dash = "solid"
    note: str = ""
    """Stands beside the name in the legend."""


class Band(msgspec.Struct, frozen=True, eq=False, tag=True):
    """A range over time."""

    name: str
    times: Array
    low: Array
    high: Array
    tone: Tone = "green"
    note: str = ""


class Level(msgspec.Struct, frozen=True, tag=True):
    """One value for all times. Far above everything else it is named in the legend only."""

    name: str
    value: float
    tone: Tone = "green"
    dash: Dash = "solid"
    note: str | None = None
    """In the legend; the value when None."""


class Range(msgspec.Struct, frozen=True, tag=True):
    """One range for all times; what reaches above the picture is cut."""

    name: str
    low: float
    high: float
    tone: Tone = "green"
    note: str | None = None
    """In the legend; from and to when None."""


class Spans(msgspec.Struct, frozen=True, tag=True):
    """Times that are something else than the others: without data, saturated, at night."""

    name: str
    spans: tuple[tuple[float, float], ...]
    tone: Tone = "grey"
    note: str = ""


class Moments(msgspec.Struct, frozen=True, tag=True):
    """Things that happened: an OOM kill, a restart, a decision."""

    name: str
    times: tuple[float, ...]
    tone: Tone = "red"
    note: str | None = None
    """In the legend; how many when None."""


class Distribution(msgspec.Struct, frozen=True, eq=False):
    """How often which value was: drawn at the right of a chart, along the same y-axis."""

    edges: Array
    """float64[n + 1], growing"""
    weights: Array
    """float64[n]"""
    tone: Tone = "blue"


Part = Line | Band | Level | Range | Spans | Moments


class Chart(msgspec.Struct, frozen=True, eq=False):
    """One picture."""

    title: str
    unit: Unit
    parts: tuple[Part, ...]
    caption: str = ""
    """What one sees in it, in a sentence."""
    axis: Literal["date", "elapsed"] | Unit = "date"
    """What `times` are: epoch seconds, seconds since an unknown beginning, or amounts of a unit."""
    begin: float | None = None
    """Where the x-axis begins; with the first line when None."""
    end: float | None = None
    top: float | None = None
    """At least how far the y-axis reaches; what the lines need when None."""
    distribution: Distribution | None = None
    currency: str = "$"
    height: int = 180
    """Pixels of the plot."""
