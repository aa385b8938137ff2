"""The demo in a terminal: a live view where somebody watches, a line now and then where nobody does."""

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scaler.sim.story import Sample, Story, Summary

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 72
LINES = 8
COLOURS = {"activate": "green", "deactivate": "cyan", "error": "red", "stale-zero": "red", "cooldown": "yellow"}


def view(story: Story, page: str) -> Panel:
    """Everything at a glance."""
    if not story.samples:
        return Panel(Text("starting: a cluster, a queue, the operator, the metrics server …"), title="Scaler")
    last = story.samples[-1]
    head = Text.assemble(
        (f"{last.clock}  ", "bold"),
        f"queue {last.depth:>6,}   replicas {last.ready}/{last.wanted}   ",
        ("the queue cannot be read: replicas are held" if last.dark else "", "bold red"),
    )
    rows = Table.grid(padding=(0, 1))
    rows.add_row("queue", _sparkline(story.samples, "depth", "blue"))
    rows.add_row("replicas", _sparkline(story.samples, "wanted", "green"))
    log = Table.grid(padding=(0, 1))
    for told in story.told[-LINES:]:
        log.add_row(told.clock, Text(told.rule, COLOURS.get(told.rule, "white")), told.message)
    return Panel(Group(head, rows, Text(), log), title=f"Scaler: {story.play.title}", subtitle=f"live page: {page}")


def line(sample: Sample) -> str:
    """One moment for a log."""
    dark = "  the queue cannot be read: replicas are held" if sample.dark else ""
    return f"{sample.clock}  queue {sample.depth:>6,}  replicas {sample.ready}/{sample.wanted}{dark}"


def print_summary(console: Console, summary: Summary) -> None:
    """The end of the story."""
    table = Table(title=f"What came of {summary.title}", show_header=False, title_justify="left")
    fixed = summary.replica_hours_of_a_fixed_fleet
    saved = 1 - summary.replica_hours / fixed if fixed else 0.0
    rows = {
        "messages": f"{summary.arrived:,} arrived, {summary.worked:,} worked off; deepest queue {summary.deepest:,}",
        "replicas": f"{summary.fewest} to {summary.most}; {summary.activations} activation(s) from zero",
        "at zero": f"{summary.hours_at_zero:g} of {summary.hours:g} hours",
        "cost": f"{summary.replica_hours:g} replica-hours; a fixed fleet of {summary.most} would have cost "
        f"{fixed:g} ({saved:.0%} saved)",
        "decisions": ", ".join(f"{rule} {count}" for rule, count in sorted(summary.decisions.items())),
    }
    if summary.first_scaling_seconds is not None:
        rows["first scaling"] = f"{summary.first_scaling_seconds:.1f} s after the start"
    if summary.fewest_while_unreadable is not None:
        rows["unreadable hour"] = (
            f"{summary.before_unreadable} replicas when it began, never fewer than {summary.fewest_while_unreadable}"
        )
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def _sparkline(samples: list[Sample], name: str, colour: str) -> Text:
    """The whole story in one line: each column the most of its stretch, red where the queue was dark."""
    text = Text()
    highest = max(getattr(sample, name) for sample in samples) or 1
    step = max(1, -(-len(samples) // WIDTH))
    for start in range(0, len(samples), step):
        stretch = samples[start : start + step]
        most = max(getattr(sample, name) for sample in stretch)
        bar = BARS[min(8, -(-most * 8 // highest))]
        text.append(bar, "red" if any(sample.dark for sample in stretch) else colour)
    return text
