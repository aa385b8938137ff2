"""Cold start, steady polling, restart: what N objects cost. `python -m tests.bench polls --objects 1000`."""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from typing import Any

from tests.bench.process import machine
from tests.bench.world import (
    NAMESPACE,
    WAIT,
    Operator,
    Source,
    create,
    deployment,
    our_writes,
    scaled_object,
    world,
    yardstick,
)
from tests.controlplane.plane import ControlPlane
from tests.processes import wait_until

RECORDED = {
    100: {"cold": 74.3, "restart": 18.5, "cpu": 1.60, "p99": 1, "max": 3, "memory": 130},
    1000: {"cold": 787.9, "restart": 198.8, "cpu": 1.07, "p99": 2, "max": 11, "memory": 225},
    10000: {"cpu": 0.43, "p99": 13, "max": 39, "memory": 1149},
}
"""KEDA at its default limits, on 2 cores shared with the API server (at 10,000: limits raised, controllers stopped)."""


def run(objects: int, window: float) -> None:
    """The whole measurement, printed as it goes."""
    print(f"# {objects} objects, one metrics-api trigger each, 30 s polling\n{machine()}", flush=True)
    with world(controllers=objects <= 1000) as (plane, source):
        say("creating the objects")
        create(plane, [deployment(index) for index in range(objects)])
        create(plane, [scaled_object(index, source) for index in range(objects)])
        figures = cold(plane, source, objects)
        figures |= steady(figures.pop("operator"), source, window)
        figures |= restart(plane, source, objects, figures.pop("operator"))
        figures["yardstick"] = asyncio.run(yardstick(source, objects / 30, 20))
    report(objects, figures)


def cold(plane: ControlPlane, source: Source, objects: int) -> dict[str, Any]:
    """From the start of the operator until every object has its HPA, and until each was polled once."""
    say("cold start")
    operator = Operator(plane)
    hpas = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers?limit=1"

    def count() -> int:
        found = plane.api.get(hpas)
        return len(found["items"]) + (found["metadata"].get("remainingItemCount") or 0)

    wait_until(lambda: count() >= objects, f"{objects} HPAs", WAIT)
    until_hpas = time.time() - operator.started
    wait_until(lambda: len(polled(source)) >= objects, "every object polled", WAIT)
    until_polled = time.time() - operator.started
    spent = operator.cost.cpu
    settle(plane)
    writes = Counter((event["verb"], kind_of(event)) for event in our_writes(plane))
    say(f"{until_hpas:.1f} s until all HPAs, {until_polled:.1f} s until all polled, {sum(writes.values())} writes")
    return {"operator": operator, "cold": until_hpas, "polled": until_polled, "cold_cpu": spent, "writes": writes}


def steady(operator: Operator, source: Source, window: float) -> dict[str, Any]:
    """Two intervals and more of nothing but polling."""
    say(f"steady for {window:.0f} s")
    time.sleep(35)
    source.tell("forget")
    before, began = operator.cost, time.time()
    time.sleep(window)
    after, took = operator.cost, time.time() - began
    asked = polled(source)
    polls = sum(len(times) for times in asked.values())
    errors = sorted(
        abs(later - earlier - 30) * 1000 for times in asked.values() for earlier, later in itertools.pairwise(times)
    )
    cpu = (after.cpu - before.cpu) / polls * 1000
    say(f"{polls / took:.1f} polls/s, {cpu:.2f} ms a poll, {after.memory:.0f} MiB")
    return {
        "operator": operator,
        "cpu": cpu,
        "memory": after.memory,
        "p50": statistics.median(errors),
        "p99": errors[int(len(errors) * 0.99)],
        "max": errors[-1],
    }


def restart(plane: ControlPlane, source: Source, objects: int, operator: Operator) -> dict[str, Any]:
    """Killed and started again with nothing changed: until every object was polled, and what was written."""
    say("restart")
    operator.kill()
    plane.kubectl("-n", NAMESPACE, "delete", "lease", "scaler-operator", "--ignore-not-found")
    settle(plane)
    written = len(our_writes(plane))
    source.tell("forget")
    again = Operator(plane)
    wait_until(lambda: len(polled(source)) >= objects, "every object polled again", WAIT)
    took = time.time() - again.started
    time.sleep(10)
    writes = len(our_writes(plane)) - written
    again.kill()
    say(f"{took:.1f} s until all polled, {writes} writes")
    return {"restart": took, "restart_writes": writes}


def report(objects: int, figures: dict[str, Any]) -> None:
    recorded = RECORDED.get(objects, {})
    rows = [
        ("cold start: until all HPAs, s", "cold", 1),
        ("CPU a poll, ms", "cpu", 2),
        ("  a bare aiohttp GET in this run, ms", "yardstick", 2),
        ("interval error p99, ms", "p99", 0),
        ("interval error max, ms", "max", 0),
        ("memory, MiB", "memory", 0),
        ("restart: until all polled, s", "restart", 1),
        ("restart: writes", "restart_writes", 0),
    ]
    print(f"\n{'':44}{'KEDA (recorded)':>16}{'ours':>12}")
    for title, name, digits in rows:
        theirs = f"{recorded[name]:,}" if name in recorded else ""
        print(f"{title:44}{theirs:>16}{figures[name]:>12,.{digits}f}")
    each = sum(figures["writes"].values()) / objects
    print(f"{'API writes a new object':44}{20 if objects <= 1000 else '':>16}{each:>12.2f}")
    print(
        "  "
        + ", ".join(f"{verb} {kind} {count / objects:.2f}" for (verb, kind), count in figures["writes"].most_common())
    )
    print(json.dumps({name: value for name, value in figures.items() if name != "writes"}))


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


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
