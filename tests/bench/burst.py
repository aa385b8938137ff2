"""A burst: each object's value jumps from 0 to 50 at target 5; how long until 1 and until 10 replicas are asked for."""

import random
import statistics
import time
from typing import Any

from tests.bench import recorded
from tests.bench.process import machine
from tests.bench.report import Row, say, table
from tests.bench.world import NAMESPACE, MetricsServer, Source, create, deployment, operator, scaled_object, world
from tests.e2e.watching import Seen, Watcher
from tests.processes import wait_until

DEPLOYMENTS = "/apis/apps/v1/deployments"
VALUE, REPLICAS = 50, 10
SPREAD = 30.0
"""Seconds in which the objects are switched, each at a moment of its own: one polling interval."""
PATIENCE = 150.0


def run(objects: int) -> None:
    """As many objects as KEDA does it, and as many more that go straight to the demand."""
    print(f"# {objects} + {objects} objects, polled each 30 s, HPA controller at its 15 s\n{machine()}", flush=True)
    with world(hpa_sync="15s", flags={"kube-controller-manager": _USUAL}) as (plane, source):
        usual, demand = range(objects), range(objects, 2 * objects)
        say("creating the objects")
        create(plane, [deployment(index) for index in (*usual, *demand)])
        create(plane, [scaled_object(index, source) for index in usual])
        create(plane, [scaled_object(index, source, annotations=_DEMAND) for index in demand])
        programs = operator(plane), MetricsServer(plane)
        programs[1].wait_serving(plane)
        wait_until(lambda: len(source.asked()) >= 2 * objects, "every object polled", 120)
        with Watcher(plane.api, (DEPLOYMENTS,)) as watcher:
            say("switching them on")
            begun = _switch(source, [*usual, *demand])
            watcher.until(lambda: _all_there(watcher, [*usual, *demand]), f"{REPLICAS} replicas of each", PATIENCE)
            took = {index: _took(watcher, index, begun[index]) for index in begun}
        for program in programs:
            program.kill()
    report([took[index] for index in usual], [took[index] for index in demand])


_DEMAND = {"kube-scaler.dev/activate-to": "demand"}
_USUAL = {"concurrent-horizontal-pod-autoscaler-syncs": "5"}
"""What a cluster has by default."""


def _switch(source: Source, numbers: list[int]) -> dict[int, float]:
    """When each was switched."""
    order = sorted((random.uniform(0, SPREAD), index) for index in numbers)
    start, begun = time.time(), {}
    for due, index in order:
        time.sleep(max(0.0, start + due - time.time()))
        source.tell(f"value?{VALUE}&/o{index}")
        begun[index] = time.time()
    return begun


def _all_there(watcher: Watcher, numbers: list[int]) -> bool:
    return all(_replicas(watcher, index) >= REPLICAS for index in numbers)


def _replicas(watcher: Watcher, index: int) -> int:
    found = watcher.latest(DEPLOYMENTS, NAMESPACE, f"w{index}") or {}
    return int(found["spec"]["replicas"])


def _took(watcher: Watcher, index: int, begun: float) -> tuple[float, float, list[int]]:
    """Seconds to one and to ten replicas, and the way there."""
    seen = watcher.history(DEPLOYMENTS, NAMESPACE, f"w{index}", begun)
    return _first(seen, 1) - begun, _first(seen, REPLICAS) - begun, _way(seen)


def _first(seen: list[Seen], replicas: int) -> float:
    return next(one.at for one in seen if one.object and one.object["spec"]["replicas"] >= replicas)


def _way(seen: list[Seen]) -> list[int]:
    counts = [int(one.object["spec"]["replicas"]) for one in seen if one.object]
    return [count for at, count in enumerate(counts) if at == 0 or count != counts[at - 1]]


def report(usual: list[Any], demand: list[Any]) -> None:
    rows = []
    for title, took, most in (("as KEDA goes", usual, None), ("activate-to: demand", demand, 25.0)):
        for part, place, replicas in (("one", 0, ">= 1"), ("ten", 1, str(REPLICAS))):
            times = [each[place] for each in took]
            theirs = recorded.BURST[part]
            wanted = most if part == "ten" else None
            rows += [
                Row(f"{title}: 0 to {replicas} replicas, mean, s", statistics.mean(times), 1, theirs[1], wanted),
                Row(f"{title}: 0 to {replicas} replicas, slowest, s", max(times), 1, theirs[2]),
            ]
    ways = sorted({" -> ".join(map(str, way)) for *_, way in usual})
    straight = sorted({" -> ".join(map(str, way)) for *_, way in demand})
    table("burst", rows, f"as KEDA: {'; '.join(ways)}", f"demand: {'; '.join(straight)}")
