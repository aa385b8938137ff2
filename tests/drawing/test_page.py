"""A page is one file that asks nothing of any other place, and a browser shows it as it is meant."""

import re

import numpy as np

from scaler.drawing import page as pages
from scaler.drawing.bars import Bar, Segment, bars
from scaler.drawing.chart import Chart, Distribution, Level, Line, Moments, Range, Spans
from scaler.drawing.figure import figure
from scaler.drawing.markup import Markup, element, escaped, slug
from scaler.drawing.page import Card, Cell, Column
from scaler.drawing.spark import spark
from tests import browser

TIMES = 1_767_225_600 + np.arange(0.0, 14 * 86400, 300)
USAGE = np.where(np.arange(len(TIMES)) < 2000, 0.25, 0.75)


def chart() -> Markup:
    parts = (
        Line("usage", TIMES, USAGE),
        Spans("no data", ((TIMES[100], TIMES[200]),)),
        Level("request now", 2.0, "orange", "dashed"),
        Level("recommended", 0.9, "green"),
        Range("bounds", 0.5, 1.2),
        Moments("OOM kill", (float(TIMES[3000]),)),
    )
    spread = Distribution(np.array([0.0, 0.5, 1.0]), np.array([2.0, 3.0]))
    return figure(Chart("CPU", "cores", parts, "What one pod used.", distribution=spread))


def whole() -> str:
    columns = [Column("workload"), Column("saves", number=True), Column("usage"), Column("why", wrap=True)]
    rows = [
        [pages.link(name, "detail"), Cell(f"${saved}", float(saved), "green"), spark(TIMES, USAGE, "usage"), "because " * 20]
        for name, saved in (("shop/b", 9), ("shop/c", 100), ("mail/a", 20))
    ]  # fmt: skip
    cost = bars(
        "Cost",
        [Bar("today", (Segment("CPU", 8), Segment("memory", 2, "violet"))), Bar("then", (Segment("CPU", 2.5),))],
        "money",
    )
    return pages.page(
        "What pods ask for",
        "A lead.",
        pages.cards(Card("requested", "412 cores", "now"), Card("saved", "$5,320", tone="green")),
        pages.notes("Read first", ["one", "two"]),
        cost,
        pages.section("Workloads", pages.table(columns, rows, filtered=True)),
        pages.details(
            "shop/b",
            pages.beside(chart(), chart()),
            pages.code("kind: Deployment\n" * 3, "patch.yaml"),
            anchor="detail",
            shut=True,
        ),
        chart(),
    )


def test_text_is_escaped_and_markup_is_not() -> None:
    assert escaped("<b>") == "&lt;b&gt;"
    assert escaped(escaped("<b>")) == "&lt;b&gt;"
    assert element("a", "x<y", class_="n", href='"') == '<a class="n" href="&quot;">x&lt;y</a>'
    assert element("details", open="", id=None) == "<details open></details>"
    assert slug("In detail: shop/b") == "in-detail-shop-b"


def test_a_page_asks_nothing_of_any_other_place() -> None:
    text = whole()
    assert re.findall(r"(?:src|href)=\"(?!#|data:,)[^\"]*\"|url\(|@import|https?://", text) == []


def test_the_same_values_give_the_same_page() -> None:
    assert whole() == whole()


def test_a_note_that_says_nothing_is_not_there() -> None:
    assert pages.notes("Read first", []) == ""


def test_nothing_is_wider_than_the_window_nor_over_another() -> None:
    script = """
      document.querySelectorAll("details").forEach(d => d.open = true);
      const over = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, pre, svg") && e.getBoundingClientRect().right > window.innerWidth + 1);
      const apart = (a, b) => a.right <= b.left + .5 || b.right <= a.left + .5 || a.bottom <= b.top + .5 || b.bottom <= a.top + .5;
      const clashes = [];
      for (const chart of document.querySelectorAll(".chart")) {
        const boxes = [...chart.querySelectorAll(".plot i, .legend li, figcaption")].filter(e => e.getBoundingClientRect().width).map(e => [e.textContent, e.getBoundingClientRect()]);
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => { if (!apart(a[1], b[1])) clashes.push(a[0] + " / " + b[0]); }));
      }
      return {wide: window.innerWidth, over: over.map(e => e.outerHTML.slice(0, 80)), clashes};
    """
    for width in (400, 760, 1200):
        assert browser.asked(whole(), script, width) == {"wide": width, "over": [], "clashes": []}


def test_the_pointer_reads_the_values_out() -> None:
    script = """
      const pane = document.querySelectorAll(".pane")[2], box = pane.getBoundingClientRect(), found = [];
      for (const share of [.04, .4, .9]) {
        pane.dispatchEvent(new window.PointerEvent("pointermove", {clientX: box.left + share * box.width}));
        found.push([...pane.querySelector(".readout").children].map(e => e.textContent));
      }
      pane.dispatchEvent(new window.PointerEvent("pointerleave"));
      return [found, pane.querySelector(".readout") === null];
    """
    (early, middle, late), gone = browser.asked(whole(), script)
    assert early[0].startswith("Thu 1 Jan, 13:2")
    assert early[1:] == ["no data", "usage 250m"]
    assert middle[0].startswith("Tue 6 Jan, 14:2")  # to the pixel
    assert middle[1:] == ["usage 250m"]
    assert late[1] == "usage 750m"
    assert gone


def test_arrow_keys_move_the_readout() -> None:
    script = """
      const chart = document.querySelectorAll(".chart")[2];
      const press = key => { chart.dispatchEvent(new window.KeyboardEvent("keydown", {key})); return chart.querySelector(".readout em")?.textContent; };
      return [press("ArrowRight"), press("ArrowLeft"), press("Escape")];
    """
    right, left, none = browser.asked(whole(), script)
    assert [right[:9], left[:9]] == ["Thu 8 Jan", "Wed 7 Jan"]
    assert none is None


def test_a_click_on_a_head_sorts_by_number_or_by_name_and_a_word_narrows() -> None:
    script = """
      const [name, saves] = document.querySelectorAll(".table th"), rows = () => [...document.querySelectorAll(".table tbody tr")].filter(r => !r.hidden).map(r => r.cells[0].textContent);
      const found = [];
      saves.click(); found.push(rows()); saves.click(); found.push(rows()); name.click(); found.push(rows());
      const field = document.querySelector("input"); field.value = "MAIL"; field.dispatchEvent(new window.Event("input")); found.push(rows());
      return found;
    """
    assert browser.asked(whole(), script) == [
        ["shop/c", "mail/a", "shop/b"],
        ["shop/b", "mail/a", "shop/c"],
        ["mail/a", "shop/b", "shop/c"],
        ["mail/a"],
    ]


def test_a_link_unfolds_what_it_leads_to_and_text_can_be_copied() -> None:
    script = """
      const fold = document.getElementById("detail"), before = fold.open;
      window.location.hash = "detail"; await new Promise(done => setTimeout(done, 100));
      const button = document.querySelector(".code button"); button.click(); await new Promise(done => setTimeout(done, 100));
      return [before, fold.open, ["copied", "selected"].includes(button.textContent)];
    """
    assert browser.asked(whole(), script) == [False, True, True]
