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
from scaler.vertical.amounts import RESOURCES, Resource
from scaler.vertical.estimation import Estimation

_SURE = {"none": "red", "low": "yellow", "fair": "", "good": "green"}
SIGNIFICANT = 0.1
"""A change of less than a tenth is not worth a colour, nor VPA's while."""


def shown(advice: Sequence[Advice], gathered: Gathered, prices: Prices, how: Estimation, out: Console) -> None:
    """All of it: what one should know, the table, the sum."""
    out.print(_table(advice, prices, how))
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


def _table(advice: Sequence[Advice], prices: Prices, how: Estimation) -> Table:
    heads = (
        "workload",
        "container",
        "pods",
        "CPU -> wanted",
        "bounds",
        "memory -> wanted",
        "bounds",
        "saves",
        "sure",
        "why",
    )
    made = terminal.table(*heads, numbers=("pods", "saves"), wrap=("why",))
    for one in advice:
        made.add_row(
            str(one.workload),
            one.container,
            str(one.replicas),
            *(cell for which in RESOURCES for cell in (_change(one, which), _bounds(one, which))),
            _saved(one, prices),
            Text(words.sure(one.confidence), style=_SURE[words.sure(one.confidence)]),
            Text(words.brief(one, how), style="red" if one.risks else ""),
        )
    return made


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
