"""Rounds of the recommender in one process: simulated sources, nothing written, every usage changed each round.

Each size runs in a process of its own, so that its memory is its own: `python -m tests.bench.rounds VPAS PODS`. What
a round does is the product's, from the bytes of metrics.k8s.io to the statuses that would be written. Pods come as
JSON through the copy that programs keep, and stay in it.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from scaler.actions import Action
from scaler.api.selector import Selector, parse_selector
from scaler.api.verticalpodautoscaler import TargetRef, VerticalPodAutoscaler
from scaler.clock import to_rfc3339
from scaler.kube.connection import Connection
from scaler.kube.hands import Done, Outcome
from scaler.loops.recommender.checkpoints import Checkpoints
from scaler.loops.recommender.nodes import Nodes
from scaler.loops.recommender.objects import Objects, Scope
from scaler.loops.recommender.pods import PodsFeed
from scaler.loops.recommender.rounds import Options, Rounds
from scaler.loops.recommender.writer import Writer
from scaler.vertical.roster import Roster
from scaler.vertical.running import RunningPod
from scaler.vertical.samples import PodUsage, Usages
from scaler.vertical.terms import Defaults
from scaler.vertical.usage import Aggregates

CONTAINERS = ("app", "sidecar")
NAMESPACES = 100
ROUNDS = 4
BEGIN = 1_767_225_600.0


class Clock:
    def __init__(self) -> None:
        self.time = BEGIN

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


class Source:
    """metrics.k8s.io as it answers: a body, decoded as the product decodes it."""

    name = "simulated"

    def __init__(self, vpas: int, pods: int, clock: Clock) -> None:
        self.vpas, self.pods, self.clock = vpas, pods, clock
        self.random = np.random.default_rng(1)
        self.body = b""

    def turn(self) -> None:
        """Another usage for everyone; not a part of what is measured."""
        count = self.vpas * self.pods * len(CONTAINERS)
        cpus = self.random.integers(10_000_000, 4_000_000_000, count).tolist()
        sizes = self.random.integers(20_000, 2_000_000, count).tolist()
        self.body = b"".join(self._parts(cpus, sizes))

    def _parts(self, cpus: list[int], sizes: list[int]) -> Iterator[bytes]:
        stamp = to_rfc3339(self.clock.time)
        yield b'{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":['
        at = 0
        for vpa in range(self.vpas):
            for pod in range(self.pods):
                used = ",".join(
                    f'{{"name":"{name}","usage":{{"cpu":"{cpus[at + each]}n","memory":"{sizes[at + each]}Ki"}}}}'
                    for each, name in enumerate(CONTAINERS)
                )
                at += len(CONTAINERS)
                last = b"" if (vpa, pod) == (self.vpas - 1, self.pods - 1) else b","
                yield (
                    f'{{"metadata":{{"name":"w{vpa}-{pod}","namespace":"ns-{vpa % NAMESPACES}",'
                    f'"labels":{{"app":"w{vpa}"}}}},"timestamp":"{stamp}","window":"15s","containers":[{used}]}}'
                ).encode() + last
        yield b"]}"

    async def read(self) -> list[PodUsage]:
        return msgspec.json.decode(self.body, type=Usages).items


class Finder:
    async def find(self, namespace: str, target: TargetRef | None) -> Selector:
        assert target is not None
        return parse_selector(f"app={target.name}")


class Counting:
    """Hands that write nothing."""

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        return Done()


def pod(vpa: int, number: int) -> bytes:
    """A pod as the API server has it, its more common fields all there."""
    labels = {"app": f"w{vpa}", "pod-template-hash": "5d9c7b6f4", "app.kubernetes.io/part-of": "shop"}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"w{vpa}-5d9c7b6f4",
        "uid": "0" * 36,
        "controller": True,
    }
    container = {
        "image": "registry.example.com/shop/web:1.2.3",
        "env": [{"name": f"VARIABLE_{each}", "value": "a value that somebody needs"} for each in range(8)],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
    }
    status = {
        "restartCount": 0, "ready": True, "image": "registry.example.com/shop/web:1.2.3", "imageID": "sha256:" + "0" * 64,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "lastState": {},
    }  # fmt: skip
    return json.dumps(
        {
            "metadata": {
                "name": f"w{vpa}-{number}", "namespace": f"ns-{vpa % NAMESPACES}", "resourceVersion": str(vpa * 100 + number),
                "uid": "0" * 36, "labels": labels, "ownerReferences": [owner], "annotations": {"a": "b" * 100},
            },
            "spec": {"nodeName": "node-1", "containers": [{"name": name, **container} for name in CONTAINERS]},
            "status": {
                "phase": "Running", "podIP": "10.0.0.1",
                "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "Initialized", "PodScheduled")],
                "containerStatuses": [{"name": name, **status} for name in CONTAINERS],
            },
        }
    ).encode()  # fmt: skip


def vpa(number: int) -> VerticalPodAutoscaler:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"w{number}"}
    meta = {
        "name": f"w{number}",
        "namespace": f"ns-{number % NAMESPACES}",
        "uid": str(number),
        "resourceVersion": "1",
    }
    return msgspec.convert({"metadata": meta, "spec": {"targetRef": ref}}, VerticalPodAutoscaler)


def memory() -> float:
    """MiB that are resident now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def measure(vpas: int, pods: int) -> dict[str, Any]:
    clock = Clock()
    roster = Roster(Aggregates())
    connection = Connection("http://127.0.0.1:9")
    objects = Objects(connection, roster, Finder(), Scope(), Defaults())
    feed = PodsFeed(connection, roster, clock)
    writer = Writer(Counting(), 10)
    writing = asyncio.create_task(writer.run())
    source = Source(vpas, pods, clock)
    rounds = Rounds(
        roster=roster, objects=objects, pods=feed, source=source, checkpoints=Checkpoints(connection, roster),
        writer=writer, nodes=Nodes(connection, clock), clock=clock, options=Options(orphans_each=float("inf")),
    )  # fmt: skip
    for number in range(vpas):
        objects.copy.replace(vpa(number))
    await objects.look()
    gc.collect()
    before, decoder = memory(), msgspec.json.Decoder(RunningPod)
    for number in range(vpas):
        for each in range(pods):
            feed.copy.replace(decoder.decode(pod(number, each)))
    gc.freeze()
    a_pod = (memory() - before) * 1024 / (vpas * pods)
    spent = []
    for _ in range(ROUNDS):
        clock.time += 60
        source.turn()
        began = time.process_time()
        await rounds.once()
        spent.append(time.process_time() - began)
        await writer.flush(600)
    writing.cancel()
    steps = {name: found.last for name, found in rounds.steps.by_name.items()}
    statuses = writer.counts["status", "written"] / ROUNDS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    samples = vpas * pods * len(CONTAINERS)
    return {
        "containers": samples, "round": min(spent[1:]), "steps": steps, "statuses": statuses, "pod_kib": a_pod,
        "peak": peak, "sample_us": _histograms(roster, samples),
    }  # fmt: skip


def _histograms(roster: Roster, containers: int) -> float:
    """Microseconds of histogram work a sample: cpu and memory of every container, new peaks all of them."""
    rows = np.arange(containers)
    random = np.random.default_rng(2)
    times = np.full(containers, BEGIN + 3600.0)
    cpus, sizes = random.integers(1, 4000, containers), random.integers(4 * 10**9, 9 * 10**9, containers)
    began = time.process_time()
    roster.containers.add_cpu(rows, times, cpus)
    roster.containers.add_memory(rows, times, sizes)
    return (time.process_time() - began) / (2 * containers) * 1e6


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2])))))
