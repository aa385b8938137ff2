"""Bars are as long as what they stand for."""

import re

from scaler.drawing.bars import Bar, Segment, bars

ROWS = [
    Bar("today", (Segment("CPU", 60), Segment("memory", 20, "violet"))),
    Bar("then", (Segment("CPU", 40),), "-50 %"),
]


def test_bars_share_one_scale_that_begins_at_zero() -> None:
    assert re.findall(r"width:(\S+?)%", bars("Cost", ROWS, "money")) == ["75", "25", "50"]


def test_totals_and_remarks_stand_beside() -> None:
    drawn = bars("Cost", ROWS, "money")
    assert "<td>$80</td>" in drawn
    assert "<td>$40 <small>-50 %</small></td>" in drawn


def test_a_legend_is_there_where_there_is_something_to_tell_apart() -> None:
    assert 'class="legend"' in bars("Cost", ROWS, "money")
    assert 'class="legend"' not in bars("Cost", ROWS[1:], "money")


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    assert "width:" not in bars("Cost", [Bar("today", (Segment("CPU", 0),))], "money")
