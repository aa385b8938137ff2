"""The pictures of a backtest: load, replicas, requests and memory under each policy."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from scaler.drawing.chart import Chart, Line, Moments, Part, Spans, Tone
from scaler.drawing.units import Unit
from scaler.sim.backtest.report import NAMES, Comparison, best
from scaler.sim.backtest.run import SHORT, Run
from scaler.sim.backtest.scene import Floats, Policy

TONES: dict[Policy, Tone] = {
    "as-it-is": "grey",
    "hpa": "orange",
    "vpa": "violet",
    "naive": "red",
    "together": "green",
}
MOST_SPANS = 400
"""Spans of saturation that a picture can still show."""
_DATED = 1e8
"""Seconds from here on are of the epoch; less count from the beginning of a recording."""


class _Clock(NamedTuple):
    axis: Literal["date", "elapsed"]
    begin: float
    """What the axis counts from."""


def charts(one: Comparison) -> Iterator[Chart]:
    """All pictures of one workload."""
    dated = one.load.start >= _DATED
    clock = _Clock("date", 0.0) if dated else _Clock("elapsed", one.load.start)
    chosen = one.runs[best(one)]
    yield _cpu(one, chosen, clock)
    if np.nanmax(chosen.series.backlog) > 0:
        yield _each("Messages that wait", "number", one, "backlog", clock)
    yield _each("Replicas", "replicas", one, "replicas", clock)
    yield _each("Cpu request of a new pod", "cores", one, "request", clock, factor=1e-3)
    yield _each("Memory request of a new pod", "bytes", one, "request_memory", clock)
    yield _memory(one, chosen, clock)


def _cpu(one: Comparison, chosen: Run, clock: _Clock) -> Chart:
    times = chosen.series.times - clock.begin
    demand = Line("demand", times, chosen.series.demand, "blue", "area", note="cores asked for")
    capacity = (_line(run, run.series.requested, clock) for run in one.runs.values())
    caption = "The closer a line stays above the blue area, the less is paid for nothing."
    parts = (demand, *_short(chosen, clock), *capacity)
    title = "Cpu: what the load asks for, and what each policy holds ready"
    return Chart(title, "cores", parts, caption, clock.axis, height=240)


def _each(title: str, unit: Unit, one: Comparison, field: str, clock: _Clock, *, factor: float = 1.0) -> Chart:
    lines = tuple(_line(run, getattr(run.series, field) * factor, clock) for run in one.runs.values())
    return Chart(title, unit, lines, axis=clock.axis)


def _memory(one: Comparison, chosen: Run, clock: _Clock) -> Chart:
    times = chosen.series.times - clock.begin
    kept = Line("kept", times, chosen.series.memory, "teal", "area", note="by all pods")
    lines = (_line(run, run.series.requested_memory, clock) for run in one.runs.values())
    kills = tuple(event.at - clock.begin for event in chosen.events if event.kind == "oom")
    marks = (Moments("killed for memory", kills),) if kills else ()
    title = "Memory: what pods keep, and what each policy requests"
    return Chart(title, "bytes", (kept, *lines, *marks), axis=clock.axis)


def _line(run: Run, values: Floats, clock: _Clock) -> Line:
    dash: Literal["solid", "dashed"] = "dashed" if run.policy == "as-it-is" else "solid"
    return Line(NAMES[run.policy], run.series.times - clock.begin, values, TONES[run.policy], "step", dash)


def _short(run: Run, clock: _Clock) -> tuple[Part, ...]:
    """When cpu was short under the policy that one would choose."""
    short: npt.NDArray[np.bool_] = run.series.short > SHORT * run.series.demand
    if not short.any():
        return ()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], short, [False]]).astype(np.int8)))
    times = run.series.times - clock.begin
    spans = tuple(
        (float(times[first] - run.step), float(times[last - 1]))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )
    return (Spans(f"short of cpu ({NAMES[run.policy]})", spans[:MOST_SPANS], "red"),)
