"""Cold start, steady polling, restart, and growth: what N objects cost the operator."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from typing import Any

from tests.bench import recorded
from tests.bench.process import machine
from tests.bench.report import Row, say, table
from tests.bench.world import (
    NAMESPACE,
    WAIT,
    Program,
    Source,
    create,
    deployment,
    operator,
    our_writes,
    scaled_object,
    world,
    yardstick,
)
from tests.controlplane.plane import ControlPlane
from tests.processes import wait_until

WANTED = {
    1_000: {"cpu": 0.9, "memory": 180, "cold": 15, "restart": 10},
    10_000: {"cpu": 0.45, "memory": 500, "p99": 50, "max": 250},
}
QUIET = 35.0
"""Seconds between the first polls and the window: longer than an interval, so that starting is over."""
CONTROLLED = 1_000
"""Objects up to which the controllers run too; at 10,000 KEDA was measured without them."""
Figures = dict[str, Any]


def run(objects: int, window: float) -> None:
    """Cold start, steady state and restart of one operator."""
    print(f"# {objects} objects, one metrics-api trigger each, 30 s polling\n{machine()}", flush=True)
    with world(controllers=objects <= CONTROLLED) as (plane, source):
        say("creating the objects")
        make(plane, source, range(objects))
        running = operator(plane)
        figures = cold(plane, source, objects, running)
        say(f"steady for {window:.0f} s")
        figures |= steady(running, source, window)
        figures |= restart(plane, source, objects, running)
        figures["yardstick"] = asyncio.run(yardstick(source, objects / 30, 20))
    report(objects, figures)


def grow(sizes: list[int], window: float) -> None:
    """The cost of a poll while the same operator gets more and more objects."""
    print(f"# growing to {sizes[-1]} objects, one metrics-api trigger each, 30 s polling\n{machine()}", flush=True)
    rows = []
    with world(controllers=False) as (plane, source):
        running, there = operator(plane), 0
        for size in sizes:
            say(f"{size} objects")
            source.tell("forget")
            make(plane, source, range(there, size))
            wait_until(lambda size=size: len(polled(source)) >= size, f"{size} objects polled", WAIT)
            figures, there = steady(running, source, window), size
            bare = asyncio.run(yardstick(source, size / 30, 15))
            rows += grown(size, figures, bare)
        running.kill()
    costs = [row.ours for row in rows if "CPU a poll" in row.what]
    table("growth", rows, f"CPU a poll from {sizes[0]:,} to {sizes[-1]:,} objects: x{costs[-1] / costs[0]:.2f}")


def grown(size: int, figures: Figures, bare: float) -> list[Row]:
    theirs, wanted = recorded.POLLS.get(size, {}), WANTED.get(size, {})
    about = f"{size:,} objects:"
    return [
        Row(f"{about} CPU a poll, ms", figures["cpu"], 2, theirs.get("cpu"), wanted.get("cpu")),
        Row(f"{about} a bare aiohttp GET at this rate, ms", bare),
        Row(f"{about} off the interval, p99, ms", figures["p99"], 0, theirs.get("p99"), wanted.get("p99", 50)),
        Row(f"{about} off the interval, max, ms", figures["max"], 0, theirs.get("max"), wanted.get("max", 250)),
        Row(f"{about} memory, MiB", figures["memory"], 0, theirs.get("memory"), wanted.get("memory")),
    ]


def make(plane: ControlPlane, source: Source, numbers: range) -> None:
    """Deployments of no replicas, and an object over each."""
    create(plane, [deployment(index) for index in numbers])
    create(plane, [scaled_object(index, source) for index in numbers])


def cold(plane: ControlPlane, source: Source, objects: int, running: Program) -> Figures:
    """From the start of the operator until every object has its HPA, and until each was polled once."""
    say("cold start")
    hpas = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers?limit=1"

    def count() -> int:
        found = plane.api.get(hpas)
        return len(found["items"]) + (found["metadata"].get("remainingItemCount") or 0)

    wait_until(lambda: count() >= objects, f"{objects} HPAs", WAIT)
    until_hpas = time.time() - running.started
    wait_until(lambda: len(polled(source)) >= objects, "every object polled", WAIT)
    until_polled = time.time() - running.started
    spent = running.cost.cpu
    settle(plane)
    writes = Counter((event["verb"], kind_of(event)) for event in our_writes(plane))
    say(f"{until_hpas:.1f} s until all HPAs, {until_polled:.1f} s until all polled, {sum(writes.values())} writes")
    return {"cold": until_hpas, "polled": until_polled, "cold_cpu": spent, "writes": writes}


def steady(running: Program, source: Source, window: float) -> Figures:
    """Nothing but polling."""
    time.sleep(QUIET)
    source.tell("forget")
    before, began = running.cost, time.time()
    time.sleep(window)
    after, took = running.cost, time.time() - began
    asked = polled(source)
    polls = sum(len(times) for times in asked.values())
    cpu = (after.cpu - before.cpu) / polls * 1000
    say(f"{polls / took:.1f} polls/s, {cpu:.2f} ms a poll, {after.memory:.0f} MiB")
    return {"cpu": cpu, "memory": after.memory, **off_the_interval(asked, 30.0)}


def off_the_interval(asked: dict[str, list[float]], interval: float) -> Figures:
    """By how many milliseconds the time between two polls differed from the interval."""
    errors = sorted(
        abs(later - earlier - interval) * 1000
        for times in asked.values()
        for earlier, later in itertools.pairwise(times)
    )
    return {"p50": statistics.median(errors), "p99": errors[int(len(errors) * 0.99)], "max": errors[-1]}


def restart(plane: ControlPlane, source: Source, objects: int, running: Program) -> Figures:
    """Killed and started again with nothing changed: until every object was polled, and what was written."""
    say("restart")
    running.kill()
    plane.kubectl("-n", NAMESPACE, "delete", "lease", "scaler-operator", "--ignore-not-found")
    settle(plane)
    written = len(our_writes(plane))
    source.tell("forget")
    again = operator(plane)
    wait_until(lambda: len(polled(source)) >= objects, "every object polled again", WAIT)
    firsts = [times[0] for times in polled(source).values()]
    time.sleep(10)
    writes = len(our_writes(plane)) - written
    again.kill()
    first, last = min(firsts) - again.started, max(firsts) - again.started
    say(f"{last:.1f} s until all polled, the first after {first:.1f} s; {writes} writes")
    return {"restart": last, "first": first, "restart_writes": writes}


def report(objects: int, figures: Figures) -> None:
    theirs, wanted = recorded.POLLS.get(objects, {}), WANTED.get(objects, {})
    writes: Counter[tuple[str, str]] = figures["writes"]
    rows = [
        Row("cold start: until all HPAs, s", figures["cold"], 1, theirs.get("cold"), wanted.get("cold")),
        Row("cold start: until all polled, s", figures["polled"], 1),
        Row("API writes a new object", writes.total() / objects, 2, recorded.WRITES, 7),
        Row("CPU a poll, ms", figures["cpu"], 2, theirs.get("cpu"), wanted.get("cpu")),
        Row("  a bare aiohttp GET in this run, ms", figures["yardstick"], 2),
        Row("off the interval, p99, ms", figures["p99"], 0, theirs.get("p99"), wanted.get("p99", 50)),
        Row("off the interval, max, ms", figures["max"], 0, theirs.get("max"), wanted.get("max", 250)),
        Row("memory, MiB", figures["memory"], 0, theirs.get("memory"), wanted.get("memory")),
        Row("restart: until all polled, s", figures["restart"], 1, theirs.get("restart"), wanted.get("restart")),
        Row("  until the first was polled, s", figures["first"], 1),
        Row("restart: writes", figures["restart_writes"], 0, theirs.get("restart_writes"), 0),
    ]
    parts = ", ".join(f"{verb} {kind} {count / objects:.2f}" for (verb, kind), count in writes.most_common())
    table(f"polls, {objects:,} objects", rows, f"writes a new object: {parts}")


def polled(source: Source) -> dict[str, list[float]]:
    return {path: times for path, times in source.asked().items() if path.startswith("/o")}


def kind_of(event: dict[str, Any]) -> str:
    about = event["objectRef"]
    return "/".join(part for part in (about["resource"], about.get("subresource")) if part)


def settle(plane: ControlPlane) -> None:
    """Until two looks, five seconds apart, find the same writes."""
    before = -1
    while (now := len(our_writes(plane))) != before:
        before = now
        time.sleep(5)
