"""The page of a backtest: what each policy would have cost and suffered, and when."""

from collections.abc import Sequence

from scaler.drawing import units
from scaler.drawing.bars import Bar, Segment, bars
from scaler.drawing.chart import Tone
from scaler.drawing.figure import figure
from scaler.drawing.markup import Markup, Piece, slug
from scaler.drawing.page import Card, Cell, Column, cards, details, link, notes, paragraph, section, table
from scaler.drawing.page import page as whole
from scaler.programs.backtest_pictures import TONES, charts
from scaler.sim.backtest.report import ABOUT, NAMES, Comparison, best, verdict
from scaler.sim.backtest.run import Prices
from scaler.sim.backtest.scene import Policy


def page(comparisons: Sequence[Comparison], prices: Prices, currency: str) -> str:
    """The whole file."""
    fleet = len(comparisons) > 1
    parts: list[Piece] = [_fleet(comparisons, currency)] if fleet else []
    parts += [_workload(one, currency, shut=fleet and at > 0) for at, one in enumerate(comparisons)]
    return whole(
        "Backtest",
        "The judgement that runs in the cluster, played over recorded load in simulated time.",
        *parts,
        foot=f"Prices: {currency}{prices.core:g} a core-hour and {currency}{prices.gib:g} a GiB-hour of requests. "
        "Demand is what was recorded as used: where the workload was throttled then, it may have wanted more.",
    )


# -- the fleet -------------------------------------------------------------------------------------------------


def _fleet(comparisons: Sequence[Comparison], currency: str) -> Markup:
    before = sum(one.monthly("as-it-is") for one in comparisons)
    after = sum(one.monthly(best(one)) for one in comparisons)
    numbers = (Column(head, number=True) for head in ("as it is", "then", "saved", "short of cpu"))
    columns = (Column("workload"), *numbers, Column("what it says", wrap=True))
    rows = [_fleet_row(one, currency) for one in comparisons]
    return section(
        f"{len(comparisons)} workloads",
        cards(
            Card("as they are", units.shown(before, "money", currency), "a month"),
            Card("by their autoscalers", units.shown(after, "money", currency), "a month", "green"),
            Card("saved", f"{1 - after / before:.0%}" if before else units.NOTHING, "of the cost of requests"),
        ),
        table(columns, rows, filtered=True),
    )


def _fleet_row(one: Comparison, currency: str) -> list[Piece | Cell]:
    policy = best(one)
    before, after = one.monthly("as-it-is"), one.monthly(policy)
    minutes = one.scores[policy].saturated_minutes
    return [
        link(one.played.title, slug(one.played.title)),
        Cell(units.shown(before, "money", currency), before),
        Cell(units.shown(after, "money", currency), after),
        Cell(f"{one.saving(policy):.0%}", one.saving(policy)),
        Cell(f"{minutes:,.0f} min", minutes),
        verdict(one, currency),
    ]


# -- one workload ----------------------------------------------------------------------------------------------


def _workload(one: Comparison, currency: str, *, shut: bool) -> Markup:
    parts = (
        paragraph(verdict(one, currency)),
        _cards(one, currency),
        _costs(one, currency),
        _scores(one, currency),
        *(figure(chart) for chart in charts(one)),
        notes("What was assumed", tuple(dict.fromkeys(one.notes))),
        notes("The policies", [f"{NAMES[policy]}: {ABOUT[policy]}" for policy in one.runs]),
    )
    return details(one.played.title, *parts, shut=shut, anchor=slug(one.played.title))


def _cards(one: Comparison, currency: str) -> Markup:
    policy = best(one)
    before, after = one.scores["as-it-is"], one.scores[policy]
    worse = after.saturated_minutes > before.saturated_minutes
    return cards(
        Card("days of load", f"{one.days:.3g}"),
        Card("cost as it is", units.shown(one.monthly("as-it-is"), "money", currency), "a month"),
        Card(NAMES[policy], units.shown(one.monthly(policy), "money", currency), "a month", TONES[policy]),
        Card(*_difference(one.saving(policy))),
        Card(
            "short of cpu",
            f"{after.saturated_minutes:,.0f} min",
            f"as it is {before.saturated_minutes:,.0f} min",
            "red" if worse else None,
        ),
        Card("OOM kills", f"{after.ooms}", f"as it is {before.ooms}", "red" if after.ooms > before.ooms else None),
    )


def _difference(share: float) -> tuple[str, str, str, Tone | None]:
    return ("saved", f"{share:.0%}", "", "green") if share >= 0 else ("dearer by", f"{-share:.0%}", "", "red")


def _costs(one: Comparison, currency: str) -> Markup:
    rows = [
        Bar(NAMES[policy], (Segment("cost", one.monthly(policy), TONES[policy]),), _saved(one, policy))
        for policy in one.scores
    ]
    return bars("Cost of a month", rows, "money", caption="of what pods request, at this pace", currency=currency)


def _saved(one: Comparison, policy: Policy) -> str:
    share = one.saving(policy)
    if abs(share) < 0.005:
        return ""
    return f"{abs(share):.0%} {'saved' if share > 0 else 'more'}"


def _scores(one: Comparison, currency: str) -> Markup:
    heads = ("replicas", "most", "core-hours", "GiB-hours", "cost a month", "short of cpu", "OOM risk", "OOMs",
             "restarts", "replica moves a day", "request moves a day")  # fmt: skip
    columns = (Column("policy"), *(Column(head, number=True) for head in heads))
    return table(columns, [_score_row(one, policy, currency) for policy in one.scores])


def _score_row(one: Comparison, policy: Policy, currency: str) -> list[Piece | Cell]:
    score = one.scores[policy]
    return [
        NAMES[policy],
        Cell(f"{score.replicas_mean:.1f}", score.replicas_mean),
        Cell(str(score.replicas_most), float(score.replicas_most)),
        Cell(units.digits(score.core_hours), score.core_hours),
        Cell(units.digits(score.gib_hours), score.gib_hours),
        Cell(units.shown(one.monthly(policy), "money", currency), one.monthly(policy)),
        Cell(f"{score.saturated_minutes:,.0f} min", score.saturated_minutes),
        Cell(f"{score.risk_minutes:,.0f} min", score.risk_minutes),
        Cell(str(score.ooms), float(score.ooms)),
        Cell(str(score.restarts), float(score.restarts)),
        Cell(units.digits(score.replica_changes_a_day), score.replica_changes_a_day),
        Cell(units.digits(score.request_changes_a_day), score.request_changes_a_day),
    ]
