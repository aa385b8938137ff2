"""Both axes on one workload: what a joint judgement costs, how fast simulated time goes, and ten thousand days."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich.progress import track

from scaler.sim.backtest.play import play
from scaler.sim.backtest.scene import Nature, Policy, Scene
from scaler.together.judge import judge
from tests.bench.process import machine
from tests.bench.report import Row, table
from tests.sim.backtest.scenes import DAY, daily, hpa, scene, vpa, workload
from tests.together.test_judge import LONG_AGO, NOW, case

ROUNDS, BEST_OF = 2_000, 5
MOST = 100.0
"""Microseconds."""
FORTNIGHT, YEAR = 14 * DAY, 365 * DAY


def run() -> None:
    """The judgement of a workload, and seconds of CPU for a fortnight of quarter minutes and a year of minutes."""
    print(f"# together\n{machine()}", flush=True)
    settled = case(used=2000, pods=4, rule=580)
    pinned = case(used=15000, pods=10, rule=1800)
    addition = np.arange(176.0)
    rows = [
        Row(
            "a joint judgement that moves nothing, us",
            _microseconds(lambda: judge(settled, LONG_AGO, NOW)),
            1,
            most=MOST,
        ),
        Row("a joint judgement that resizes, us", _microseconds(lambda: judge(pinned, LONG_AGO, NOW)), 1, most=MOST),
        Row("  adding up one histogram, us", _microseconds(addition.sum), 1),
    ]
    for policy in ("hpa", "naive", "together"):
        fine, coarse = _seconds(policy, 15.0, 1.0), _seconds(policy, 60.0, 2.0)
        rows += [
            Row(f"{policy}: 14 days at 15 s, s", fine * 14, 1, most=25),
            Row(f"{policy}: a year at 60 s, s", coarse * 365, 1, most=150),
        ]
    table("both axes", rows, f"judgements: the best of {BEST_OF} times {ROUNDS:,}; runs: from a day or two of each")


def days(runs: int) -> None:
    """Random scenes, a day each: how many oscillate."""
    print(f"# oscillation\n{machine()}", flush=True)
    begin, bad = time.monotonic(), list[str]()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as cores:
        found = cores.map(_judged, range(runs), chunksize=20)
        for why in track(found, description="days", total=runs):
            bad += [why] if why else []
    for why in bad:
        print(why)
    rows = [
        Row("scenes of a day that oscillate", len(bad), 0, most=0),
        Row("  seconds a scene, with its reference", (time.monotonic() - begin) / runs, 3),
    ]
    table(f"{runs:,} days", rows)


def _judged(number: int) -> str:
    from tests.sim.backtest.weather import played

    why, _ = played(number, 60.0)
    return why and f"scene {number}: {why}"


def _seconds(policy: Policy, step: float, length: float) -> float:
    """CPU for one simulated day."""
    made: Scene = scene(
        daily(1.5, 6.0, length),
        workload=workload(replicas=3, limit=1000),
        hpa=hpa(least=2),
        vpa=vpa(),
        nature=Nature(noise=0.03, jitter=0.05, skew=0.05),
    )
    begin = time.process_time()
    play(made, policy, step=step)
    return (time.process_time() - begin) / length


def _microseconds(work: Callable[[], Any]) -> float:
    """Of one call, by this process's own CPU."""
    best = float("inf")
    for _ in range(BEST_OF):
        begin = time.process_time()
        for _ in range(ROUNDS):
            work()
        best = min(best, time.process_time() - begin)
    return best / ROUNDS * 1e6
