"""`scaler backtest --journal`: the operator's own record, read, judged again and held against what it did then."""

from collections.abc import Sequence
from pathlib import Path

import click

from scaler.clock import to_rfc3339
from scaler.drawing import terminal, units
from scaler.history.journal import Lost, Record
from scaler.history.members import Damage
from scaler.history.records import files, records
from scaler.sim.backtest.journals import Again, again

DIFFERS = 1
"""Exit code when a decision came out otherwise."""


def journalled(place: Path) -> list[Record]:
    """All that can be read; what is damaged or was lost is said."""
    found: list[Record] = []
    for file in files(place):
        for one in records(file.read_bytes()):
            if isinstance(one, Damage):
                click.echo(f"{file.name}: after {units.counted(one.after, 'line')} {one.why}", err=True)
            else:
                found.append(one)
            if isinstance(one, Lost):
                click.echo(f"{file.name}: {units.counted(one.count, 'observation')} lost: {one.why}", err=True)
    return found


def judge_again(place: Path, form: str) -> int:
    """Every decision of a journal, made again; the exit code."""
    objects = again(journalled(place))
    if form == "text":
        _tell(objects)
    else:
        from scaler.programs.backtest import written

        click.echo(written(objects, form))
    return DIFFERS if any(one.same < one.checks for one in objects) else 0


def _tell(objects: Sequence[Again]) -> None:
    out = terminal.console()
    heads = ("object", "from", "to", "checks", "reads", "set replicas", "same decision", "rules")
    table = terminal.table(*heads, numbers=heads[3:7], wrap=("rules",))
    for one in objects:
        table.add_row(
            one.object,
            to_rfc3339(one.first),
            to_rfc3339(one.last),
            f"{one.checks:,}",
            f"{one.looks:,}",
            f"{one.scaled:,}",
            f"{one.same:,} of {one.checks:,}",
            ", ".join(f"{rule} {count:,}" for rule, count in one.decided.items()),
        )
    out.print(table)
    for one in objects:
        if one.differs:
            out.print(f"{one.object}: {one.differs}", style="red", soft_wrap=True)
        if one.unplayable:
            words = f"{units.counted(one.unplayable, 'record')} cannot be played: the object itself was lost before"
            out.print(f"{one.object}: {words}", style="yellow", soft_wrap=True)
