"""What a person sees on a terminal."""

import io
import math

import pytest
from rich.console import Console

from scaler.drawing.terminal import UNSEEN_WIDTH, bar, console, sparkline, table


def test_a_sparkline_has_one_letter_a_sample_or_the_highest_of_several() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == "▁▁▂▄█"
    assert sparkline([1, 1, 9, 1, 1, 1], width=3, top=9) == "▁█▁"


def test_a_sparkline_leaves_blank_what_is_not_known() -> None:
    assert sparkline([1, math.nan, 1]) == "█ █"
    assert sparkline([]) == " "
    assert sparkline([0, 0]) == "▁▁"


@pytest.mark.parametrize(
    ("share", "drawn"), [(0, "    "), (0.5, "██  "), (1, "████"), (7, "████"), (0.03125, "▏   ")]
)
def test_a_bar_fills_its_share(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


def test_a_table_keeps_its_cells_on_one_line_but_for_those_that_may_fold() -> None:
    made = table("name", "cores", "why", numbers=["cores"], wrap=["why"])
    made.add_row("shop/worker", "1.5", "because of this and that and some more")
    out = Console(file=io.StringIO(), width=40, highlight=False)
    out.print(made)
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    assert lines[1].startswith("shop/worker    1.5")
    assert len(lines) > 2


def test_nothing_is_cut_where_nobody_sees_it() -> None:
    assert console().width == UNSEEN_WIDTH
    assert console(width=80).width == 80
