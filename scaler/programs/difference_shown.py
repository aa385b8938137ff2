"""A difference on a terminal: where it is the same in one line, where it is not in a table, the money at the end."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.text import Text

from scaler.drawing import terminal
from scaler.programs.difference import Difference, ReplicasLine, RequestsLine, summary
from scaler.vertical.status import cpu_quantity


def show(found: Difference, currency: str, *, everything: bool) -> None:
    """Print it."""
    out = terminal.console()
    counted = summary(found)
    for note in found.notes:
        click.echo(f"Note: {note}", err=True)
    if not found.replicas and not found.requests:
        out.print("There is no ScaledObject and no VerticalPodAutoscaler here.")
        return
    if found.replicas:
        _replicas([line for line in found.replicas if everything or not line.same], currency, out)
        out.print(_count("ScaledObject", counted["replicas_same"], counted["replicas_other"]), soft_wrap=True)
    if found.requests:
        out.print()
        _requests([line for line in found.requests if everything or not line.same], currency, out)
        out.print(_count("container", counted["requests_same"], counted["requests_other"]), soft_wrap=True)
    out.print()
    out.print(Text(_money(found.monthly, currency), style="bold"), soft_wrap=True)


def _replicas(lines: Sequence[ReplicasLine], currency: str, out: Console) -> None:
    if not lines:
        return
    table = terminal.table(
        "scaledobject", "workload", "now", "theirs", "ours", "a month", "why", "they said",
        numbers=("now", "theirs", "ours", "a month"), wrap=("why", "they said"),
    )  # fmt: skip
    for line in lines:
        table.add_row(
            f"{line.namespace}/{line.name}",
            line.workload,
            _number(line.now),
            _number(line.theirs),
            Text(_number(line.ours), style="" if line.same else "bold yellow"),
            _signed(line.monthly, currency),
            line.why,
            line.says,
        )
    out.print(table)


def _requests(lines: Sequence[RequestsLine], currency: str, out: Console) -> None:
    if not lines:
        return
    table = terminal.table(
        "vpa", "workload", "container", "pods", "requests", "theirs", "ours", "a month", "why",
        numbers=("pods", "a month"), wrap=("why",),
    )  # fmt: skip
    for line in lines:
        both = bool(line.ours and line.theirs)
        table.add_row(
            f"{line.namespace}/{line.name}",
            line.workload,
            line.container,
            str(line.replicas),
            _amounts(line.now),
            _amounts(line.theirs),
            Text(_amounts(line.ours), style="" if line.same else "bold yellow"),
            _signed(line.monthly_ours - line.monthly_theirs, currency) if both else "",
            line.why,
        )
    out.print(table)


def _amounts(amounts: dict[str, int]) -> str:
    """Cores as Kubernetes writes them, memory in whole MiB: nobody reads bytes."""
    cpu = [cpu_quantity(amounts["cpu"])] if "cpu" in amounts else []
    memory = [f"{amounts['memory'] / (1 << 20):,.0f}Mi"] if "memory" in amounts else []
    return " ".join([*cpu, *memory]) or "-"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def _signed(amount: float, currency: str) -> str:
    return "" if abs(amount) < 0.005 else f"{'+' if amount > 0 else '-'}{currency}{abs(amount):,.2f}"


def _count(what: str, same: int, other: int) -> str:
    plural = "" if same + other == 1 else "s"
    if not other:
        return f"{same} {what}{plural}: we would decide the same."
    return f"{same + other} {what}{plural}: we would decide otherwise for {other}, the same for {same}."


def _money(monthly: float, currency: str) -> str:
    if abs(monthly) < 0.005:
        return "It would cost the same."
    verb = "cost" if monthly > 0 else "save"
    return f"At the prices given, deciding our way would {verb} {currency}{abs(monthly):,.2f} a month."
