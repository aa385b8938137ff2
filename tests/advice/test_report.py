"""The page, in a real browser."""

import re

import numpy as np
import pytest

from scaler.advice.figures import figures
from scaler.advice.gathered import Gathered, columns
from scaler.advice.judging import Policy, judge
from scaler.advice.learning import Learning
from scaler.advice.money import Prices, saving, totals
from scaler.advice.report import PICTURED, report
from scaler.advice.subjects import Advice, Facts
from scaler.advice.table import headline, shown
from scaler.drawing import terminal
from scaler.history.owners import Workload
from scaler.vertical.estimation import Estimation
from tests import browser
from tests.advice.usages import BEGIN, DAY, MIB, usage

HOW, PRICES = Estimation(), Prices(core=0.03, gib=0.004)
REQUESTS = {"cpu": 1.0, "memory": 1024 * MIB}


def fleet(count: int, days: float = 4.0, asked: bool = True) -> tuple[tuple[Advice, ...], Gathered]:
    random = np.random.default_rng(7)
    learning = Learning(BEGIN, BEGIN + days * DAY, columns=columns(count))
    facts = {}
    size = round(days * DAY / 300) + 1
    for k in range(count):
        workload = Workload(f"team-{k % 4}", "Deployment", f"service-{k}")
        wave = 0.3 + 0.2 * np.sin(np.arange(size) / 40 + k)
        cpu, memory = wave * random.gamma(8, 1 / 8, size), (200 + 300 * random.random(size)) * MIB
        kills = (BEGIN + DAY,) if k == 3 else ()
        learning.add(workload, usage(cpu, memory, step=300, days=days), REQUESTS if asked else {}, kills)
        known = {"cpu": 1000, "memory": 1 << 30}
        facts[workload, "app"] = Facts(
            known if asked else {}, replicas=3, asked=asked, kills={"web-1": kills} if kills else {}
        )
    gathered = Gathered("a test", learning, facts, 300.0, notes=("it is only a test",))
    return judge(learning, facts, Policy(), 300.0), gathered


def test_a_page_of_fifty_workloads_is_small_and_asks_nothing_of_any_other_place() -> None:
    advice, gathered = fleet(50)
    page = report(advice, gathered, PRICES, HOW, "made by a test")
    assert len(page.encode()) < 200_000
    assert re.findall(r"(?:src|href)=\"(?!#|data:,)[^\"]*\"|url\(|@import|https?://", page) == []
    assert page.count('<figure class="chart') == 2 * PICTURED
    assert page.count("<details") == 50


def test_a_browser_shows_it_without_anything_over_the_edge_and_links_lead_to_the_details() -> None:
    advice, gathered = fleet(5)
    script = """
      document.querySelectorAll("details").forEach(d => d.open = true);
      const over = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, pre, svg") && e.getBoundingClientRect().right > window.innerWidth + 1);
      const links = [...document.querySelectorAll("td a")].map(a => !!document.getElementById(a.getAttribute("href").slice(1)));
      return {over: over.map(e => e.outerHTML.slice(0, 90)), links, first: document.querySelector("summary").textContent, killed: !!document.querySelector("path.moment")};
    """
    for width in (400, 1200):
        found = browser.asked(report(advice, gathered, PRICES, HOW, "made by a test"), script, width)
        assert found["over"] == []
        assert found["links"] == [True] * 5
        assert found["first"].startswith("team-3/service-3")
        assert found["killed"]


def test_where_requests_are_not_known_nothing_is_saved() -> None:
    advice, gathered = fleet(2, asked=False)
    page = report(advice, gathered, PRICES, HOW, "made by a test")
    assert "What is requested now is not known" in page
    assert "saved a month" not in page
    assert [saving(one, PRICES) for one in advice] == [None, None]


def test_the_sum_is_over_all_pods() -> None:
    advice, gathered = fleet(2)
    found = totals(advice, PRICES)
    assert found.now == (6.0, 6 * 2.0**30)
    assert sum(found.cost_now) == pytest.approx(730 * (6 * 0.03 + 6 * 0.004))
    assert found.saved == pytest.approx(sum(saving(one, PRICES) or 0 for one in advice))
    assert headline(advice, gathered, PRICES).startswith(
        "2 containers of 2 workloads, 4 days of a test. Requested now: 6 cores and 6 GiB. Recommended: "
    )


def test_the_table_has_a_line_a_container_the_notes_and_the_sum() -> None:
    advice, gathered = fleet(4)
    out = terminal.console(width=300)
    with out.capture() as said:
        shown(advice, gathered, PRICES, HOW, out)
    lines = said.get().splitlines()
    assert len(lines) == 1 + 4 + 2
    assert lines[1].split()[:3] == ["team-0/service-0", "app", "3"]
    assert "killed for want of memory once" in lines[4]
    assert lines[5] == "note: it is only a test"


def test_figures_are_numbers_and_quantities() -> None:
    advice, gathered = fleet(4)
    found = figures(advice, gathered, PRICES, HOW)
    one = found["containers"][3]
    assert (one["namespace"], one["kind"], one["name"], one["pods"]) == ("team-3", "Deployment", "service-3", 3)
    assert one["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert one["risks"] == ["killed"]
    assert one["target"]["cpu"].endswith("m")
    assert found["totals"]["savedMonth"] == totals(advice, PRICES).saved


@pytest.mark.parametrize("width", [70, 90, 120, 200])
def test_no_figure_is_cut_on_a_narrow_terminal(width: int) -> None:
    advice, gathered = fleet(4)
    out = terminal.console(width=width)
    with out.capture() as said:
        shown(advice, gathered, PRICES, HOW, out)
    for figure in ("1 -> 671m", "1 GiB -> 600 MiB", "$25.25"):
        assert figure in said.get()
    assert "killed for want of memory once" in " ".join(said.get().split())
