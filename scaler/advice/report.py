"""The recommendation as a page: totals, every container, and of the most telling ones pictures and patches."""

from collections.abc import Sequence

import numpy as np

from scaler.advice import patches, words
from scaler.advice.gathered import Gathered
from scaler.advice.money import Prices, Totals, saving, totals
from scaler.advice.subjects import Advice, Course
from scaler.advice.table import headline
from scaler.drawing import page, times, units
from scaler.drawing.bars import Bar, Segment, bars
from scaler.drawing.chart import Band, Chart, Distribution, Level, Line, Moments, Part, Range
from scaler.drawing.figure import figure
from scaler.drawing.markup import Markup, element, joined, slug
from scaler.drawing.page import Card, Cell, Column
from scaler.drawing.spark import spark
from scaler.history.owners import Workload
from scaler.vertical.amounts import RESOURCES, Resource
from scaler.vertical.estimation import Estimation

PICTURED = 16
"""Workloads that have pictures, those that need a look first: the page stays small enough to be mailed."""
DETAILED = 500
"""Workloads that have words and a patch of their own; the others stand in the table."""
OPEN = 3
"""Of them those that are unfolded at first."""
_COLUMNS = (
    Column("workload"),
    Column("container"),
    Column("pods", number=True),
    Column("CPU now", number=True),
    Column("CPU wanted", number=True),
    Column("CPU used"),
    Column("memory now", number=True),
    Column("memory wanted", number=True),
    Column("memory used"),
    Column("saves", number=True),
    Column("sure"),
    Column("what is amiss", wrap=True),
)


def report(advice: Sequence[Advice], gathered: Gathered, prices: Prices, how: Estimation, made: str) -> str:
    """The whole file; `made` says when, by what."""
    found = totals(advice, prices)
    ranked = sorted(patches.by_workload(advice), key=lambda group: -_weight(group[1], prices))
    detailed = ranked[:DETAILED]
    there = {workload for workload, _ in detailed}
    return page.page(
        "What your pods ask for, and what they need",
        headline(advice, gathered, prices),
        page.cards(*_cards(advice, found, prices)),
        page.notes("Know this first", gathered.notes, "orange"),
        *_cost(found, prices),
        page.section(
            "Every container",
            page.table(_COLUMNS, [_row(one, prices, there) for one in advice], filtered=True),
            intro="A click on a head sorts. Green is less than now, red is more. Usage is drawn up to its own peak.",
        ),
        page.section("One by one", *_details(detailed, gathered, prices, how), intro=_order(len(ranked))),
        page.section("How this was judged", *map(page.paragraph, _method(how, gathered))),
        foot=made,
    )


def _weight(own: Sequence[Advice], prices: Prices) -> float:
    """What is amiss counts as much as all savings, then money decides, either way."""
    money = sum(abs(saving(one, prices) or 0.0) for one in own)
    return money + 1e9 * any("killed" in one.risks for one in own) + 1e6 * any(one.risks for one in own)


def _order(workloads: int) -> str:
    left = f" The first {PICTURED} of {workloads} have pictures." if workloads > PICTURED else ""
    return f"What is amiss comes first, then what changes most money.{left}"


# -- at a glance -----------------------------------------------------------------------------------------------


def _cards(advice: Sequence[Advice], found: Totals, prices: Prices) -> list[Card]:
    amiss = sum(1 for one in advice if one.risks)
    short = "killed, short of something, or without requests"
    risky = Card("to look at", units.counted(amiss, "container"), short, "red" if amiss else None)
    if not any(one.facts.asked for one in advice):
        return [risky]
    less = found.saved >= 0
    saved = units.shown(abs(found.saved), "money", prices.currency)
    return [
        _wanted("CPU", found.then[0], found.now[0], "cores"),
        _wanted("memory", found.then[1], found.now[1], "bytes"),
        Card(
            "saved a month" if less else "more a month",
            saved,
            _percent(found, prices.currency),
            "green" if less else "orange",
        ),
        risky,
    ]


def _wanted(label: str, then: float, now: float, unit: units.Unit) -> Card:
    shown = f"{units.digits(then)} cores" if unit == "cores" else units.shown(then, unit)
    before = f"{units.digits(now)} cores" if unit == "cores" else units.shown(now, unit)
    return Card(f"{label} recommended", shown, f"{before} requested now" if now else "")


def _percent(found: Totals, currency: str) -> str:
    before = sum(found.cost_now)
    change = f"{-found.saved / before:+.0%}".replace("%", " %") if before else ""
    return f"of {units.shown(before, 'money', currency)}: {change}" if before else ""


def _cost(found: Totals, prices: Prices) -> list[Markup]:
    if not sum(found.cost_now):
        return []
    caption = (
        f"At {prices.currency}{prices.core:g} for a core and {prices.currency}{prices.gib:g} for a GiB an hour, paid "
        "for what is requested."
    )
    rows = [_bar("requested now", found.cost_now), _bar("recommended", found.cost_then)]
    return [bars("Cost a month", rows, "money", caption=caption, currency=prices.currency)]


def _bar(name: str, cost: tuple[float, float]) -> Bar:
    return Bar(name, (Segment("CPU", cost[0], "blue"), Segment("memory", cost[1], "violet")))


# -- the table -------------------------------------------------------------------------------------------------


def _row(one: Advice, prices: Prices, detailed: set[Workload]) -> list[Cell | str]:
    anchored = one.workload in detailed
    name = page.link(str(one.workload), _anchor(one.workload)) if anchored else str(one.workload)
    saved = saving(one, prices)
    tone = None if not saved or abs(saved) < 0.5 else "green" if saved > 0 else "red"
    return [
        Cell(name, str(one.workload)),
        one.container,
        Cell(str(one.replicas), float(one.replicas)),
        *_cells(one, "cpu"),
        *_cells(one, "memory"),
        Cell(words.money(one, prices), saved or 0.0, tone),  # type: ignore[arg-type] # a tone or None
        words.sure(one.confidence),
        "; ".join(words.risks(one)),
    ]


def _cells(one: Advice, resource: Resource) -> list[Cell | str]:
    now, wanted = one.facts.requests.get(resource), one.bounds.target[resource]
    tone = None if not now or abs(wanted - now) <= 0.1 * now else "green" if wanted < now else "red"
    course = one.courses[resource]
    return [
        Cell(words.listed(one.facts.requests, resource), float(now or 0)),
        Cell(words.amount(resource, wanted), float(wanted), tone),  # type: ignore[arg-type] # a tone or None
        spark(course.times, course.high, f"up to {words.amount(resource, _shown(course.peak, resource))}")
        if np.isfinite(course.peak)
        else units.NOTHING,
    ]


def _shown(value: float, resource: Resource) -> float:
    """Cores as millicores."""
    return value * 1000.0 if resource == "cpu" else value


# -- one by one ------------------------------------------------------------------------------------------------


def _anchor(workload: Workload) -> str:
    return slug(f"{workload.namespace}-{workload.kind}-{workload.name}")


def _details(
    ranked: Sequence[tuple[Workload, list[Advice]]], gathered: Gathered, prices: Prices, how: Estimation
) -> list[Markup]:
    return [
        page.details(
            joined([str(workload), element("small", _about(workload, own, prices))]),
            *(part for one in own for part in _container(one, len(own), gathered, how, place < PICTURED)),
            page.code(patches.written(patches.patch(workload, own)), patches.command(workload)),
            shut=place >= OPEN,
            anchor=_anchor(workload),
        )
        for place, (workload, own) in enumerate(ranked)
    ]


def _about(workload: Workload, own: Sequence[Advice], prices: Prices) -> str:
    saved = sum(saving(one, prices) or 0.0 for one in own)
    money = ""
    if any(one.facts.asked for one in own):
        amount = units.shown(abs(saved), "money", prices.currency)
        money = f", {'saves' if saved >= 0 else 'costs'} {amount}{'' if saved >= 0 else ' more'} a month"
    pods = units.counted(max(one.replicas for one in own), "pod")
    return f"{workload.kind}, {pods}{money}"


def _container(one: Advice, siblings: int, gathered: Gathered, how: Estimation, pictured: bool) -> list[Markup]:
    title = (element("p", element("b", f"container {one.container}")),) if siblings > 1 else ()
    amiss = list(words.risks(one))
    seen = [which for which in RESOURCES if one.courses[which].weights.size]
    shown = page.beside(*(_picture(one, which, gathered, how) for which in seen))
    told = page.paragraph(" ".join(f"{words.capital(which)}: {words.why(one, which, how)}." for which in RESOURCES))
    return [
        *title,
        *((page.note("; ".join(amiss), "red"),) if amiss else ()),
        shown if pictured and seen else told,
        element("p", element("small", f"Watched: {words.confidence(one)}.")),
    ]


def _picture(one: Advice, resource: Resource, gathered: Gathered, how: Estimation) -> Markup:
    course, scale = one.courses[resource], 1000.0 if resource == "cpu" else 1.0
    chart = Chart(
        words.capital(resource),
        "cores" if resource == "cpu" else "bytes",
        (*_usage(one, course), *_levels(one, resource, scale)),
        f"{words.why(one, resource, how)}.",
        axis="date" if gathered.dated else "elapsed",
        begin=gathered.learning.begin,
        end=gathered.learning.end,
        distribution=Distribution(course.edges, course.weights),
        height=150,
    )
    return figure(chart, len(course.times))


def _usage(one: Advice, course: Course) -> tuple[Part, ...]:
    name = "least to most" + (" of all pods" if one.pods > 1 else "")
    return (
        Band(name, course.times, course.low, course.high, "blue"),
        Line("mean", course.times, course.mean, "blue"),
    )


def _levels(one: Advice, resource: Resource, scale: float) -> tuple[Part, ...]:
    bounds, now, limit = one.bounds, one.facts.requests.get(resource), one.facts.limits.get(resource)
    low, high = bounds.lower[resource], bounds.upper[resource]
    within = f"{words.amount(resource, low)} to {words.amount(resource, high)}"
    parts: list[Part] = [Range("left alone within", low / scale, high / scale, note=within)]
    if limit:
        parts.append(Level("limit", limit / scale, "red", "dotted"))
    if now:
        parts.append(Level("requested now", now / scale, "orange", "dashed"))
    parts.append(Level("recommended", bounds.target[resource] / scale, "green"))
    if resource == "memory" and one.kills:
        parts.append(Moments("killed", one.kills))
    return tuple(parts)


def _method(how: Estimation, gathered: Gathered) -> list[str]:
    cpu, memory, margin = (_share(share) for share in (how.cpu.target, how.memory.target, how.margin))
    numbers = (
        f"CPU: {cpu} of the samples of all pods lie at or below the target before its margin. Memory: {memory} of "
        f"the daily peaks. A day of age halves what they count. On top comes {margin}, and no pod gets less than "
        f"{how.minimum_cpu:g}m and {how.minimum_memory:g} MiB, shared by its containers. This is the arithmetic of "
        "the Vertical Pod Autoscaler, so what it would say is what stands here."
    )
    pictures = (
        "Within the green band a pod would be left alone; outside of it, moved. The band narrows as the history "
        "grows. At the right of each picture lies the histogram that is judged by, newer usage weighing more."
    )
    limits = (
        f"One value stands for {times.span(gathered.step)}. Usage that was held back by a limit, or killed, does not "
        "show what would have been used: look at what is amiss first."
    )
    return [numbers, pictures, limits]


def _share(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
