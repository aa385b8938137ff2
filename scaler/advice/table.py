"""The recommendation on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scaler.advice import words
from scaler.advice.gathered import Gathered
from scaler.advice.money import Prices, saving, totals
from scaler.advice.subjects import Advice
from scaler.drawing import terminal, times, units
from scaler.vertical.amounts import Resource
from scaler.vertical.estimation import Estimation

_SURE = {"none": "red", "low": "yellow", "fair": "", "good": "green"}
_HEADS = {
    "workload": 0,
    "container": 0,
    "pods": 90,
    "CPU -> wanted": 0,
    "bounds": 150,
    "memory -> wanted": 0,
    "bounds ": 150,
    "saves": 0,
    "sure": 90,
    "why": 110,
}
"""From which width on a column is shown; the second bounds are those of memory."""
SIGNIFICANT = 0.1
"""A change of less than a tenth is not worth a colour, nor VPA's while."""


def shown(advice: Sequence[Advice], gathered: Gathered, prices: Prices, how: Estimation, out: Console) -> None:
    """All of it: what one should know, the table, the sum."""
    out.print(_table(advice, prices, how, out.width))
    if out.width < _HEADS["why"]:
        for one in advice:
            for amiss in words.risks(one):
                out.print(Text(f"{one.name}: {amiss}", style="red"), soft_wrap=True)
    for note in gathered.notes:
        out.print(Text(f"note: {note}", style="yellow"), soft_wrap=True)
    out.print(Text(headline(advice, gathered, prices), style="bold"), soft_wrap=True)


def headline(advice: Sequence[Advice], gathered: Gathered, prices: Prices) -> str:
    """What comes of it in a sentence."""
    workloads = len({one.workload for one in advice})
    length = times.span(gathered.learning.end - gathered.learning.begin)
    counts = f"{units.counted(len(advice), 'container')} of {units.counted(workloads, 'workload')}"
    seen = f"{counts}, {length} of {gathered.source}"
    if not any(one.facts.asked for one in advice):
        return f"{seen}. What is requested now is not known, so neither is what it would save."
    found = totals(advice, prices)
    return (
        f"{seen}. Requested now: {_both(found.now)}. Recommended: {_both(found.then)}. "
        f"That {'saves' if found.saved >= 0 else 'costs'} "
        f"{units.shown(abs(found.saved), 'money', prices.currency)}{'' if found.saved >= 0 else ' more'} a month."
    )


def _both(amounts: tuple[float, float]) -> str:
    return f"{units.digits(amounts[0])} cores and {units.shown(amounts[1], 'bytes')}"


def _table(advice: Sequence[Advice], prices: Prices, how: Estimation, width: int) -> Table:
    """As many columns as there is room for: no figure is ever cut."""
    heads = [head for head, least in _HEADS.items() if width >= least]
    made = terminal.table(*map(str.strip, heads), numbers=("pods", "saves"), wrap=("workload", "container", "why"))
    for one in advice:
        cells = _cells(one, prices, how)
        made.add_row(*(cells[head] for head in heads))
    return made


def _cells(one: Advice, prices: Prices, how: Estimation) -> dict[str, Text | str]:
    sure = words.sure(one.confidence)
    return {
        "workload": str(one.workload),
        "container": one.container,
        "pods": str(one.replicas),
        "CPU -> wanted": _change(one, "cpu"),
        "bounds": _bounds(one, "cpu"),
        "memory -> wanted": _change(one, "memory"),
        "bounds ": _bounds(one, "memory"),
        "saves": _saved(one, prices),
        "sure": Text(sure, style=_SURE[sure]),
        "why": Text(words.brief(one, how), style="red" if one.risks else ""),
    }


def _change(one: Advice, resource: Resource) -> Text:
    now, wanted = one.facts.requests.get(resource), one.bounds.target[resource]
    text = Text(f"{words.listed(one.facts.requests, resource)} -> ")
    style = ""
    if now and abs(wanted - now) > SIGNIFICANT * now:
        style = "green" if wanted < now else "red"
    text.append(words.amount(resource, wanted), style=style)
    return text


def _bounds(one: Advice, resource: Resource) -> Text:
    low, high = one.bounds.lower[resource], one.bounds.upper[resource]
    return Text(f"{words.amount(resource, low)}..{words.amount(resource, high)}", style="dim")


def _saved(one: Advice, prices: Prices) -> Text:
    saved = saving(one, prices)
    style = "" if not saved or abs(saved) < 0.5 else "green" if saved > 0 else "red"
    return Text(words.money(one, prices), style=style)
