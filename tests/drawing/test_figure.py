"""A chart says in its markup what it shows."""

import math
import re
from xml.etree import ElementTree as ET

import numpy as np

from scaler.drawing.chart import Band, Chart, Distribution, Level, Line, Moments, Range, Spans
from scaler.drawing.figure import figure

TIMES = np.arange(0.0, 86400, 300)
USAGE = 0.2 + 0.1 * np.sin(TIMES / 86400 * 2 * np.pi)


def chart(*more: object, **changes: object) -> Chart:
    parts = (Line("usage", TIMES, USAGE), *more)
    return Chart("CPU", "cores", parts, **changes)  # type: ignore[arg-type]


def entries(markup: str) -> list[str]:
    tree = ET.fromstring(markup)
    legend = tree.find(".//ul[@class='legend']")
    assert legend is not None
    return ["".join(entry.itertext()) for entry in legend]


def top(markup: str) -> float:
    said = re.search(r'data-y="(\S+) ', markup)
    assert said
    return float(said[1])


def test_every_part_stands_in_the_legend_with_its_figures() -> None:
    drawn = figure(
        chart(
            Level("request now", 0.5, "orange", "dashed"),
            Range("bounds", 0.2, 0.4),
            Spans("no data", ((0, 600),)),
            Moments("OOM kill", (100.0, 200.0)),
            Band("all pods", TIMES, USAGE / 2, USAGE * 1.1, note="3 pods"),
        )
    )
    assert entries(drawn) == [
        "usage", "request now 500m", "bounds 200m to 400m", "no data", "OOM kill \N{MULTIPLICATION SIGN} 2",
        "all pods 3 pods",
    ]  # fmt: skip


def test_the_markup_is_well_formed_and_nothing_of_a_name_becomes_a_tag() -> None:
    drawn = figure(chart(Level("<script>alert(1)</script>", 0.3), caption='a "quoted" & <b>bold</b> remark'))
    ET.fromstring(drawn)
    assert "<script" not in drawn
    assert "<b>bold" not in drawn


def test_a_picture_says_in_words_what_it_shows() -> None:
    tree = ET.fromstring(figure(chart(Level("request now", 0.5))))
    svg = tree.find(".//svg")
    assert svg is not None
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "CPU: usage from 100m to 300m"


def test_a_level_far_above_everything_is_named_but_presses_nothing_flat() -> None:
    drawn = figure(chart(Level("request now", 8.0)))
    assert top(drawn) < 0.5
    assert entries(drawn)[1] == "request now 8 \N{UPWARDS ARROW}"
    assert top(figure(chart(Level("request now", 1.2)))) >= 1.2


def test_bounds_without_an_end_are_cut_at_the_upper_edge() -> None:
    drawn = figure(chart(Range("bounds", 0.1, math.inf)))
    ET.fromstring(drawn)
    assert top(drawn) < 0.5
    assert entries(drawn)[1] == "bounds 100m to unbounded"


def test_the_y_axis_begins_at_zero() -> None:
    drawn = figure(chart())
    assert '<i style="bottom:0%">0</i>' in drawn


def test_a_chart_without_a_single_value_is_still_a_chart() -> None:
    empty = Line("usage", np.array([]), np.array([]))
    missing = Line("usage", TIMES, np.full_like(TIMES, np.nan))
    for line in (empty, missing):
        ET.fromstring(figure(Chart("CPU", "cores", (line,))))


def test_a_distribution_lies_along_the_same_axis() -> None:
    plain, sided = (
        figure(chart()),
        figure(chart(distribution=Distribution(np.array([0.1, 0.2, 0.3]), np.array([1.0, 3])))),
    )
    assert 'class="side"' in sided
    assert 'class="side"' not in plain
    assert top(plain) == top(sided)


def test_times_are_dates_or_counted_or_amounts() -> None:
    assert ">12:00</i>" in figure(chart())
    assert ">12 h</i>" in figure(chart(axis="elapsed"))
    assert ">200m</i>" in figure(Chart("spread", "share", (Line("x", USAGE, USAGE),), axis="cores"))


def test_the_same_values_give_the_same_text() -> None:
    assert figure(chart()) == figure(chart())


def test_the_size_of_a_picture_does_not_grow_with_its_samples() -> None:
    def size(count: int) -> int:
        times = np.linspace(0, 1e6, count)
        noise = np.random.default_rng(1).gamma(2.0, 0.1, count)
        return len(figure(Chart("CPU", "cores", (Line("usage", times, noise),)), 120))

    assert size(1_000_000) < 1.2 * size(10_000) < 4000
