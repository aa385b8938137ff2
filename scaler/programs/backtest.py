"""`scaler backtest`: what a manifest would have done with a load that was recorded, and what it would have cost.

It reads files, spreads the plays over the cores and prints; what is played and judged is `scaler.sim.backtest`'s.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scaler.clock import from_rfc3339
from scaler.drawing import terminal, units
from scaler.errors import Invalid, Problem
from scaler.history import files as recordings
from scaler.history.access import access, history
from scaler.history.owners import Workload
from scaler.history.prometheus import Prometheus
from scaler.history.recorded import Recorded
from scaler.history.workloads import load_of
from scaler.programs import manifests
from scaler.programs.manifests import Manifest
from scaler.settings.backtest import BacktestSettings
from scaler.sim.backtest.journals import load_from
from scaler.sim.backtest.loads import Meaning, Meant, load_for
from scaler.sim.backtest.manifests import Assumed, Played, played
from scaler.sim.backtest.report import NAMES, Comparison, best, compared, policies, told, verdict
from scaler.sim.backtest.run import Prices, Run
from scaler.sim.backtest.scene import Nature, Policy, Scene
from scaler.sim.backtest.spread import Job, spread

DAY = 86400.0
LONG = 31 * DAY
"""Seconds of load above which a step is a minute."""

Playing = tuple[Played, Meant]


def run(settings: BacktestSettings, files: tuple[str, ...]) -> int:
    """Play every workload of the files; the exit code."""
    if not files and not settings.recording.journal:
        raise click.UsageError("Missing argument 'FILE...'.")
    if not files:
        from scaler.programs.backtest_journal import judge_again

        return judge_again(Path(settings.recording.journal), settings.output)
    playing = _playing(settings, _workloads(settings, files))
    prices = Prices(settings.money.price_core, settings.money.price_gib)
    comparisons = [
        compared(one, meant.load, runs, meant.notes, prices)
        for (one, meant), runs in zip(playing, _play(settings, playing), strict=True)
    ]
    if settings.page:
        from scaler.programs.backtest_page import page

        Path(settings.page).write_text(page(comparisons, prices, settings.money.currency))
    _tell(settings, comparisons)
    return 0


def _workloads(settings: BacktestSettings, files: tuple[str, ...]) -> list[Played]:
    try:
        named = manifests.found(files)
    except FileNotFoundError as missing:
        raise click.UsageError(str(missing)) from None
    read = [one for name, asked in named for one in manifests.read(name, asked)]
    wrong = [Problem(f"{one.file}:{one.line}", one.message) for one in read if not isinstance(one, Manifest)]
    values = [one.value for one in read if isinstance(one, Manifest) and isinstance(one.value, dict)]
    assumed = Assumed(settings.assumptions.add_vpa, settings.assumptions.add_hpa)
    workloads, problems = played(values, settings.namespace, assumed)
    if wrong or problems:
        raise Invalid([*wrong, *problems])
    return workloads


def _playing(settings: BacktestSettings, workloads: Sequence[Played]) -> list[Playing]:
    if settings.recording.journal:
        from scaler.programs.backtest_journal import journalled

        told = journalled(Path(settings.recording.journal))
        return [(one, load_from(one, told, settings.recording.history)) for one in workloads]
    recording, meaning = _recording(settings, workloads), _meaning(settings)
    return [(one, load_for(one, recording, meaning)) for one in workloads]


def _recording(settings: BacktestSettings, workloads: Sequence[Played]) -> Sequence[Recorded]:
    if settings.recording.load:
        return recordings.read(Path(settings.recording.load))
    return asyncio.run(_watched(settings, workloads))


async def _watched(settings: BacktestSettings, workloads: Sequence[Played]) -> list[Recorded]:
    """What a Prometheus saw of them, one after the other: the client bounds what it is asked at once."""
    past = settings.past
    if settings.recording.history:
        past = msgspec.structs.replace(past, history_length=settings.recording.history)
    found: list[Recorded] = []
    async with Prometheus(access(settings.recording.prometheus, settings.access)) as prometheus:
        until = settings.recording.until
        read = history(prometheus, past, from_rfc3339(until) if until else None)
        for one in workloads:
            click.echo(f"reading {past.history_length / DAY:g} days of {one.title}", err=True)
            found += await load_of(read, Workload(one.workload.namespace, one.kind, one.workload.name))
    return found


def _meaning(settings: BacktestSettings) -> Meaning:
    recording = settings.recording
    return Meaning(recording.series, recording.peak, recording.pod_rate, recording.history)


# -- playing ---------------------------------------------------------------------------------------------------


def _play(settings: BacktestSettings, playing: Sequence[Playing]) -> list[dict[Policy, Run]]:
    jobs = [
        (number, _job(settings, one, policy)) for number, one in enumerate(playing) for policy in policies(one[0])
    ]
    runs: list[dict[Policy, Run]] = [{} for _ in playing]
    with _progress(len(jobs)) as advance:
        for at, done in spread([job for _, job in jobs], settings.jobs):
            runs[jobs[at][0]][done.policy] = done
            advance()
    return runs


def _job(settings: BacktestSettings, playing: Playing, policy: Policy) -> Job:
    one, meant = playing
    assumed = settings.assumptions
    workload = msgspec.structs.replace(one.workload, startup=assumed.startup)
    nature = Nature(noise=assumed.noise, skew=assumed.skew)
    scene = Scene(workload, meant.load, one.hpa, one.subject, one.vpa, nature=nature)
    step = assumed.step or (60.0 if meant.load.length > LONG else 15.0)
    return Job(scene, policy, assumed.seed, step)


@contextmanager
def _progress(jobs: int) -> Iterator["_Advance"]:
    """A bar where somebody looks; one line where nobody does."""
    out = terminal.console(error=True)
    if not out.is_terminal:
        click.echo(f"playing {units.counted(jobs, 'run')}", err=True)
        yield _Advance(None)
        return
    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        progress.add_task("playing", total=jobs)
        yield _Advance(progress)


class _Advance:
    """One more run is done."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def __call__(self) -> None:
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])


# -- telling ---------------------------------------------------------------------------------------------------

HEADS = (
    "policy", "replicas", "most", "core-h", "GiB-h", "cost/month", "saved", "short of cpu", "OOM risk", "OOMs",
    "restarts", "replica changes/d", "request changes/d",
)  # fmt: skip


def _tell(settings: BacktestSettings, comparisons: Sequence[Comparison]) -> None:
    currency = settings.money.currency
    if settings.output != "text":
        click.echo(written(told(comparisons, currency), settings.output))
        return
    for one in comparisons:
        _tell_one(one, currency)
    if len(comparisons) > 1:
        _tell_fleet(comparisons, currency)
    if settings.page:
        click.echo(f"\nThe page with the pictures is {settings.page}", err=True)


def written(values: object, form: str) -> str:
    """As JSON or YAML."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(values), indent=2).decode()
    return msgspec.yaml.encode(values).decode().rstrip()


def _tell_one(one: Comparison, currency: str) -> None:
    out = terminal.console()
    out.print(f"{one.played.title}, {one.days:.3g} days of load", style="bold")
    table = terminal.table(*HEADS, numbers=HEADS[1:], wrap=HEADS)
    for policy, score in one.scores.items():
        table.add_row(
            NAMES[policy],
            f"{score.replicas_mean:.1f}",
            str(score.replicas_most),
            units.digits(score.core_hours),
            units.digits(score.gib_hours),
            units.shown(one.monthly(policy), "money", currency),
            "" if policy == "as-it-is" else f"{one.saving(policy):.0%}",
            f"{score.saturated_minutes:,.0f} min",
            f"{score.risk_minutes:,.0f} min",
            str(score.ooms),
            str(score.restarts),
            units.digits(score.replica_changes_a_day),
            units.digits(score.request_changes_a_day),
            style="bold" if policy == best(one) else None,
        )
    out.print(table)
    out.print(verdict(one, currency), soft_wrap=True)
    for note in dict.fromkeys(one.notes):
        out.print(f"  assumed: {note}", style="dim", soft_wrap=True)
    out.print()


def _tell_fleet(comparisons: Sequence[Comparison], currency: str) -> None:
    before = sum(one.monthly("as-it-is") for one in comparisons)
    after = sum(one.monthly(best(one)) for one in comparisons)
    out = terminal.console()
    share = f", {1 - after / before:.0%} saved" if before else ""
    words = f"{len(comparisons)} workloads: {units.shown(before, 'money', currency)} a month as they are, "
    out.print(f"{words}{units.shown(after, 'money', currency)} by their autoscalers{share}", style="bold")
