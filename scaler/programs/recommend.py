"""`scaler recommend`: reads a history, tells what to request. It writes the files it was asked for, and no object."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scaler import __version__
from scaler.advice import figures, patches, report, table
from scaler.advice.gathered import Gathered
from scaler.advice.judging import Policy, judge
from scaler.advice.money import Prices
from scaler.advice.subjects import Advice
from scaler.clock import SystemClock, from_rfc3339, to_rfc3339
from scaler.drawing import terminal
from scaler.errors import Invalid, Problem
from scaler.settings.recommend import Estimate, RecommendSettings
from scaler.vertical.estimation import Estimation, Percentiles
from scaler.vertical.usage import MemoryRules

Report = Callable[[int, int], None]


def run(settings: RecommendSettings, files: tuple[str, ...]) -> int:
    """Gather, judge, tell; the exit code."""
    if files and settings.source.prometheus:
        raise click.UsageError("give FILEs or --prometheus, not both")
    gathered = _gathered(settings, files)
    policy = _policy(settings.estimate)
    advice = judge(gathered.learning, gathered.facts, policy, gathered.step)
    prices = Prices(settings.money.price_core, settings.money.price_gib, settings.money.currency)
    _tell(settings, advice, gathered, prices, policy.estimation)
    return 0


def _policy(said: Estimate) -> Policy:
    estimation = Estimation(
        cpu=Percentiles(target=said.target_cpu_percentile),
        memory=Percentiles(target=said.target_memory_percentile),
        margin=said.recommendation_margin_fraction,
        minimum_cpu=said.pod_recommendation_min_cpu_millicores,
        minimum_memory=said.pod_recommendation_min_memory_mb,
    )
    return Policy(estimation, limits=said.limits)


# -- where it is from ------------------------------------------------------------------------------------------


def _gathered(settings: RecommendSettings, files: tuple[str, ...]) -> Gathered:
    said = settings.estimate
    half_lives = (said.cpu_histogram_decay_half_life, said.memory_histogram_decay_half_life)
    if files:
        from scaler.advice import from_files

        return from_files.gather(
            [Path(file) for file in files],
            units=_pairs("--unit", settings.recorded.unit),
            capacity=_pairs("--capacity", settings.recorded.capacity),
            requests=_pairs("--request", settings.recorded.request),
            half_lives=half_lives,
            memory=MemoryRules(),
        )
    with _progress() as bar:
        work = _prometheus if settings.source.prometheus else _cluster
        return asyncio.run(work(settings, half_lives, bar))


async def _prometheus(settings: RecommendSettings, half_lives: tuple[float, float], bar: Progress) -> Gathered:
    from scaler.advice import from_prometheus
    from scaler.history.access import access, history
    from scaler.history.prometheus import Prometheus

    progress = _reporter(bar, f"reading {settings.source.prometheus}")
    async with Prometheus(access(settings.source.prometheus, settings.access)) as prometheus:
        until = from_rfc3339(settings.source.until) if settings.source.until else None
        return await from_prometheus.gather(
            history(prometheus, settings.history, until),
            settings.source.namespace,
            half_lives=half_lives,
            memory=MemoryRules(),
            progress=progress,
        )


async def _cluster(settings: RecommendSettings, half_lives: tuple[float, float], bar: Progress) -> Gathered:
    from scaler.advice import from_cluster
    from scaler.kube.credentials import connect
    from scaler.kube.wire import Limits

    progress = _reporter(bar, "watching metrics.k8s.io")
    source = settings.source
    async with await connect(source.kubeconfig or None, source.context or None, Limits(patience=5.0)) as connection:
        return await from_cluster.gather(
            connection,
            source.namespace,
            clock=SystemClock(),
            watch_for=source.watch_for,
            half_lives=half_lives,
            memory=MemoryRules(),
            progress=progress,
        )


def _pairs(flag: str, texts: tuple[str, ...]) -> dict[str, str]:
    wrong = [text for text in texts if not all(part.strip() for part in text.partition("="))]
    if wrong:
        raise click.UsageError(f"{flag}: {wrong[0]!r} is not NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


def _progress() -> Progress:
    """On the error output, where somebody watches; what is piped stays clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    out = terminal.console(error=True)
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


def _reporter(bar: Progress, words: str) -> Report:
    task = bar.add_task(words, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


# -- what is told ----------------------------------------------------------------------------------------------


def _tell(
    settings: RecommendSettings, advice: tuple[Advice, ...], gathered: Gathered, prices: Prices, how: Estimation
) -> None:
    form, said = settings.output.output, terminal.console(error=True)
    if form == "text":
        table.shown(advice, gathered, prices, how, terminal.console())
    else:
        click.echo(_written(form, advice, gathered, prices, how), nl=False)
        for note in gathered.notes:
            click.echo(f"note: {note}", err=True)
    if settings.output.page:
        when = to_rfc3339(SystemClock().now())
        made = f"Made by scaler {__version__} on {when} from {gathered.source}. Nothing was changed."
        _save("--page", settings.output.page, report.report(advice, gathered, prices, how, made), said)
    if settings.output.patches:
        _patches(settings.output.patches, advice, said)


def _written(form: str, advice: tuple[Advice, ...], gathered: Gathered, prices: Prices, how: Estimation) -> str:
    if form in {"patches", "vpa"}:
        return patches.documents(advice, as_vpas=form == "vpa")
    value = figures.figures(advice, gathered, prices, how)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
    return patches.written(value)


def _save(flag: str, path: str, text: str, said: Console) -> None:
    try:
        Path(path).write_text(text)
    except OSError as error:
        raise Invalid([Problem(flag, f"{path} cannot be written: {error.strerror}")]) from error
    said.print(f"wrote {path} ({len(text.encode()) / 1000:.0f} kB)")


def _patches(path: str, advice: tuple[Advice, ...], said: Console) -> None:
    try:
        made = patches.folder(advice, Path(path))
    except OSError as error:
        raise Invalid([Problem("--patches", f"{path} cannot be written: {error.strerror}")]) from error
    said.print(f"wrote {len(made)} patches and a kustomization to {path}")
