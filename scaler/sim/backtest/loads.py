"""What a recording means for a workload: cores, bytes or messages, and how large where it does not say.

A recording in a known unit is taken as it stands, as the sum over all pods. One in a share of something, or in
units of its own, has a shape only: its peak is then what `Meaning.peak` says, or, unsaid, a load that the workload as
it is works at `USUAL` of its requests. Whatever was assumed stands in the notes.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from scaler.errors import Invalid, Problem
from scaler.history.measures import measure, resource
from scaler.history.recorded import Recorded
from scaler.sim.backtest.manifests import Played
from scaler.sim.backtest.scene import Floats, Load, Queue
from scaler.triggers.cron import shown_by

Truths = npt.NDArray[np.bool_]

USUAL = 0.7
"""The share of its requests that a workload as it is works at in the peak of a load that has only a shape."""
PATIENCE = 30.0
"""Seconds in which one pod is taken to finish as many messages as its trigger's target says."""
CRON_STEP = 60.0
"""A schedule changes on whole minutes."""
PERIODS = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}


class Meaning(msgspec.Struct, frozen=True):
    """What the user says of a recording."""

    series: str = ""
    """The name of the series, where the recording has several."""
    peak: float = 0.0
    """Its peak in cores, or in messages a second; 0: as it says itself."""
    pod_rate: float = 0.0
    """Messages a second that one pod finishes; 0: its target in `PATIENCE`."""
    last: float = 0.0
    """Seconds of its end that are played; 0: all."""


class Meant(msgspec.Struct, frozen=True, eq=False):
    """A load, and what was assumed of it."""

    load: Load
    notes: tuple[str, ...]


class _Series(msgspec.Struct, frozen=True, eq=False):
    """A series at even steps."""

    recorded: Recorded
    start: float
    step: float
    values: Floats


def load_for(played: Played, recording: Sequence[Recorded], meaning: Meaning) -> Meant:
    """The load of one workload; Invalid when the recording has none for it."""
    chosen = _chosen(played, recording, meaning.series)
    by_kind = {_kind(one): _even(one, meaning.last) for one in reversed(chosen)}
    main = by_kind.get("cpu") or by_kind.get("rate")
    if main is None:
        words = f"has memory only for {chosen[0].name}; a load is cpu, or messages or requests over time"
        raise Invalid([Problem("--load", words)])
    notes = [f"{chosen[0].name}: {note}" for one in chosen for note in one.notes]
    memory = _memory(played, by_kind.get("memory"), main, notes)
    if _is_queue(played, main):
        load = _queue_load(played, main, memory, meaning, notes)
    else:
        load = _cpu_load(played, main, memory, meaning, notes)
    return Meant(msgspec.structs.replace(load, metrics=_clocks(played, load, notes)), (*played.notes, *notes))


# -- which series ----------------------------------------------------------------------------------------------


def _chosen(played: Played, recording: Sequence[Recorded], series: str) -> list[Recorded]:
    names = dict.fromkeys(one.name for one in recording)
    workload = played.workload
    wanted = [series] if series else [f"{workload.namespace}/{workload.name}", workload.name]
    name = next((one for one in wanted if one in names), None)
    if name is None and len(names) == 1 and not series:
        name = next(iter(names))
    if name is None:
        some = ", ".join(list(names)[:8]) + (", ..." if len(names) > 8 else "")
        words = f"has no series {series!r}" if series else f"has {len(names)} series and none named {workload.name}"
        raise Invalid([Problem("--load", f"{words}; choose one by --series: {some}")])
    return [one for one in recording if one.name == name]


def _kind(recorded: Recorded) -> str:
    """cpu, memory, or rate: anything that comes in."""
    return resource(recorded.metric, recorded.unit) or ("rate" if recorded.metric not in {"cpu", "value"} else "cpu")


def _even(recorded: Recorded, last: float) -> _Series:
    """At even steps; longer gaps than usual stay unknown."""
    series = recorded.series
    if len(series) < 2:
        raise Invalid([Problem("--load", f"{recorded.name} has fewer than two samples of {recorded.metric}")])
    begin = float(series.times[-1]) - last if last else -np.inf
    series = series.between(begin, np.inf) if last else series
    step = max(series.step, 1.0)
    grid = np.arange(series.times[0], series.times[-1] + step / 2, step)
    known = series.known
    if not len(known):
        raise Invalid([Problem("--load", f"{recorded.name} has no known sample of {recorded.metric}")])
    values = np.interp(grid, known.times, known.values)
    values[_far(known.times, grid, step)] = np.nan
    return _Series(recorded, float(grid[0]), step, values)


def _far(known: Floats, grid: Floats, step: float) -> Truths:
    """Which times are further than a step from everything known."""
    after = np.searchsorted(known, grid).clip(0, len(known) - 1)
    before = (after - 1).clip(0)
    far: Truths = np.minimum(np.abs(grid - known[before]), np.abs(known[after] - grid)) > step
    return far


# -- how large -------------------------------------------------------------------------------------------------


def _is_queue(played: Played, main: _Series) -> bool:
    """Messages go through a queue where a trigger of the workload's looks at one."""
    return _kind(main.recorded) == "rate" and bool(_visible(played))


def _visible(played: Played) -> list[str]:
    if played.subject is None:
        return []
    return [spec.name for plan in played.subject.triggers if plan.type != "cron" for spec in plan.metrics]


def _cpu_load(played: Played, main: _Series, memory: Floats | None, meaning: Meaning, notes: list[str]) -> Load:
    factor = _in_cores(main.recorded) if not meaning.peak else None
    if factor is not None:
        return Load(main.start, main.step, main.values * factor, memory)
    peak = meaning.peak or USUAL * _requested(played, "cpu") / 1000.0
    if not peak:
        words = f"{main.recorded.unit or main.recorded.metric} is no amount of cpu, and {played.title} requests none"
        raise Invalid([Problem("--load", f"{words}; say what its peak is: --peak CORES")])
    if not meaning.peak:
        notes.append(
            f"the load is in {main.recorded.unit or 'units of its own'}, so only its shape counts: its peak is taken "
            f"for {peak:.3g} cores, {USUAL:.0%} of what the workload requests; --peak says otherwise"
        )
    return Load(main.start, main.step, main.values * (peak / _peak(main)), memory)


def _queue_load(played: Played, main: _Series, memory: Floats | None, meaning: Meaning, notes: list[str]) -> Load:
    arrivals = main.values / _period(main.recorded.unit)
    if meaning.peak:
        arrivals = main.values * (meaning.peak / _peak(main))
    rate = meaning.pod_rate or _usual_rate(played, notes)
    cores = USUAL * sum(one.requests.get("cpu", 0) for one in played.workload.containers) / 1000.0 or 0.5
    notes.append(f"a pod that works all the time uses {cores:.3g} cores")
    queue = Queue(arrivals, rate, cores, tuple(_visible(played)))
    return Load(main.start, main.step, np.zeros(len(arrivals)), memory, queue)


def _usual_rate(played: Played, notes: list[str]) -> float:
    assert played.subject is not None
    target = next(spec.target for plan in played.subject.triggers if plan.type != "cron" for spec in plan.metrics)
    rate = max(target, 1.0) / PATIENCE
    notes.append(
        f"a pod is taken to finish {rate:.3g} messages a second, its target of {target:g} in {PATIENCE:g} s; "
        "--pod-rate says otherwise"
    )
    return rate


def _memory(played: Played, memory: _Series | None, main: _Series, notes: list[str]) -> Floats | None:
    """Bytes that the whole workload keeps, at the main series' times."""
    if memory is None:
        notes.append("memory was not recorded: every container is taken to keep 70 % of its memory request")
        return None
    times = main.start + np.arange(len(main.values)) * main.step
    own = memory.start + np.arange(len(memory.values)) * memory.step
    known = np.isfinite(memory.values)
    values: Floats = np.interp(times, own[known], memory.values[known])
    counts = measure(memory.recorded.unit) if memory.recorded.unit else None
    if counts is not None and counts.resource == "memory":
        return values * counts.factor
    requested = _requested(played, "memory")
    if not requested:
        notes.append("memory was recorded in no amount, and none is requested: it is left out")
        return None
    notes.append(f"memory was recorded as a shape: its peak is taken for {USUAL:.0%} of what the workload requests")
    return values * (USUAL * requested / max(float(values.max()), 1e-12))


def _requested(played: Played, which: str) -> float:
    total = sum(one.requests.get(which, 0) for one in played.workload.containers)  # type: ignore[call-overload] # two are all
    return float(total * max(played.workload.replicas, 1))


def _in_cores(recorded: Recorded) -> float | None:
    """What one of its units is in cores; None when that is not known."""
    counts = measure(recorded.unit) if recorded.unit else None
    return counts.factor if counts is not None and counts.resource == "cpu" else None


def _period(unit: str) -> float:
    """Seconds that ``requests/min`` counts over; 1 when it does not say."""
    word = unit.lower().rpartition("/")[2] if "/" in unit else unit.lower().rpartition(" per ")[2]
    return PERIODS.get(word.strip(), 1.0)


def _peak(series: _Series) -> float:
    peak = float(np.nanmax(series.values))
    if peak <= 0:
        raise Invalid([Problem("--load", f"{series.recorded.name} is never more than 0: there is nothing to play")])
    return peak


# -- what the clock says ---------------------------------------------------------------------------------------


def _clocks(played: Played, load: Load, notes: list[str]) -> dict[str, Floats]:
    """What cron triggers show; what other triggers looked at is not in the recording, and is said."""
    found: dict[str, Floats] = {}
    if played.subject is None:
        return found
    for plan in played.subject.triggers:
        entry = played.subject.scaled.spec.triggers[plan.index]
        for spec in plan.metrics:
            if plan.type == "cron":
                found[spec.name] = _cron(entry.metadata, load)
            elif load.queue is None:
                notes.append(f"what {spec.name} showed is not in the recording: it counts as unreadable")
    return found


def _cron(metadata: dict[str, str], load: Load) -> Floats:
    shows = shown_by(metadata)
    minutes = (load.start + np.arange(len(load.cores)) * load.step) // CRON_STEP
    each, rows = np.unique(minutes, return_inverse=True)
    return np.array([shows(float(minute * CRON_STEP)) for minute in each])[rows]
