"""The updater on a real control plane: every pod outside its range, judged without end and moved for a minute."""

import asyncio
import datetime as dt
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import DEPLOYMENTS, PODS, REPLICA_SETS, VPAS
from tests.bench import recorded
from tests.bench.process import cost, machine
from tests.bench.recommending import CONTAINERS, together, vpa_over, yardstick
from tests.bench.report import Row, say, table
from tests.bench.world import LOGS, NAMESPACE, ROOT, USER, WAIT, deployment
from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.processes import Process, free_port, wait_until

MINUTE = 60.0
NODE = """
apiVersion: v1
kind: Node
metadata: {name: node-0}
status:
  capacity: {cpu: "100000", memory: 100Ti, pods: "100000"}
  allocatable: {cpu: "100000", memory: 100Ti, pods: "100000"}
"""
"""The API server itself refuses the resize of a pod whose node is not there, or too small."""
ROUND = 15.0
"""Seconds between two judgements where they are measured alone."""
WANTED = {"judging": 0.5, "moved": 1500}


def run(vpas: int, pods: int) -> None:
    """Judgement alone, then a minute of resizes and a minute of evictions at 50 calls a second."""
    print(f"# updater, {vpas} VPAs x {pods} pods x {len(CONTAINERS)} containers\n{machine()}", flush=True)
    flags = {"kube-apiserver": {"disable-admission-plugins": "TaintNodesByCondition,ServiceAccount"}}
    options = Options(
        audit=True, controllers=False, max_requests_inflight=4000, max_mutating_requests_inflight=2000, flags=flags
    )
    with start_plane(options) as plane:
        for definition in sorted((ROOT / "crds").glob("autoscaling*.yaml")):
            plane.apply(definition)
        plane.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
        plane.apply(NODE)
        say("creating the objects")
        asyncio.run(make(plane, vpas, pods))
        judged = judge(plane)
        say(f"{judged['cpu']:.2f} CPU-s a round of judgement, {judged['memory']:.0f} MiB")
        resized = move(plane, "resize")
        asyncio.run(turn(plane, vpas))
        evicted = move(plane, "eviction")
        bare = asyncio.run(yardstick(plane, 300))
    report(judged, resized, evicted, bare)


async def make(plane: ControlPlane, vpas: int, pods: int) -> None:
    """Deployments with a ReplicaSet and pods that run, and a recommendation far from what they request."""
    names = [(vpa, pod) for vpa in range(vpas) for pod in range(pods)]
    async with await connect(str(plane.kubeconfig)) as connection:
        create = connection.create
        await together(create(DEPLOYMENTS, NAMESPACE, deployment(vpa), into=Ack) for vpa in range(vpas))
        await together(create(REPLICA_SETS, NAMESPACE, replica_set(vpa, pods), into=Ack) for vpa in range(vpas))
        await together(create(PODS, NAMESPACE, pod_of(vpa, pod), into=Ack) for vpa, pod in names)
        ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
        await together(_status(connection, f"w{vpa}-{pod}", ready) for vpa, pod in names)
        for vpa in range(vpas):
            body = vpa_over(vpa)
            body["spec"]["updatePolicy"]["updateMode"] = "InPlaceOrRecreate"
            await create(VPAS, NAMESPACE, body, into=Ack)
        recommended = {"status": {"recommendation": {"containerRecommendations": recommendation()}}}
        await together(
            connection.patch(VPAS, NAMESPACE, f"w{vpa}", recommended, into=Ack, subresource="status")
            for vpa in range(vpas)
        )


async def turn(plane: ControlPlane, vpas: int) -> None:
    """From resizes to evictions."""
    evicts = {"spec": {"updatePolicy": {"updateMode": "Recreate"}}}
    async with await connect(str(plane.kubeconfig)) as connection:
        await together(connection.patch(VPAS, NAMESPACE, f"w{vpa}", evicts, into=Ack) for vpa in range(vpas))


async def _status(connection: Connection, name: str, status: Any) -> None:
    await connection.patch(PODS, NAMESPACE, name, status, into=Ack, subresource="status")


def recommendation() -> list[dict[str, Any]]:
    bound = {"cpu": "500m", "memory": "512Mi"}
    return [{"containerName": name, "target": bound, "lowerBound": bound, "upperBound": bound} for name in CONTAINERS]


def replica_set(vpa: int, pods: int) -> dict[str, Any]:
    made: dict[str, Any] = deployment(vpa)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"w{vpa}", "uid": "d", "controller": True}
    spec = {key: made["spec"][key] for key in ("selector", "template")}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": f"w{vpa}-1", "ownerReferences": [owner]},
        "spec": {**spec, "replicas": pods},
    }


def pod_of(vpa: int, number: int) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"w{vpa}-1", "uid": "r", "controller": True}
    containers = [
        {"name": name, "image": "none", "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}}
        for name in CONTAINERS
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"w{vpa}-{number}", "labels": {"app": f"w{vpa}"}, "ownerReferences": [owner]},
        "spec": {"nodeName": "node-0", "containers": containers},
    }


def _updater(plane: ControlPlane, port: int, *flags: str) -> Process:
    command = [
        sys.executable, "-m", "scaler.programs.cli", "updater", "--leader-elect=false",
        "--kubeconfig", str(plane.client_cert(USER, ["system:masters"])), "--pod-namespace", NAMESPACE + "-programs",
        "--address", f"127.0.0.1:{port}", "--log-level", "error", "--use-admission-controller-status=false", *flags,
    ]  # fmt: skip
    return Process(command, LOGS / "updater.log", {"PYTHONPATH": str(ROOT)})


def judge(plane: ControlPlane) -> dict[str, float]:
    """With so many replicas asked for that nothing may be moved: CPU of a round and all that is between two."""
    port = free_port()
    with _updater(plane, port, "--min-replicas=1000", f"--updater-interval={ROUND:g}s") as process:
        wait_until(lambda: _rounds(process, port) >= 1, "the first round", WAIT)
        time.sleep(ROUND / 2)
        before = cost(process.pid)
        time.sleep(2 * ROUND)
        after = cost(process.pid)
        return {"cpu": (after.cpu - before.cpu) / 2, "memory": after.memory}


def _rounds(process: Process, port: int) -> int:
    import urllib.request

    process.check()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return 0
    found = [line for line in lines if 'latency_seconds_count{step="total"}' in line]
    return int(found[0].rpartition(" ")[2]) if found else 0


def move(plane: ControlPlane, how: str) -> dict[str, float]:
    """The first minute from the first move on, at the default limits: pods moved, calls, CPU."""
    port, begun = free_port(), time.time()
    say(f"a minute of {how}s")
    with _updater(plane, port) as process:
        wait_until(lambda: bool(list(_calls(plane, how, begun, time.time()))), f"the first {how}", WAIT)
        first = min(_calls(plane, how, begun, time.time()))
        before = cost(process.pid)
        time.sleep(max(0.0, first + MINUTE - time.time()))
        after = cost(process.pid)
    calls = len(list(_calls(plane, "", first, first + MINUTE)))
    moved = len(list(_calls(plane, how, first, first + MINUTE)))
    say(f"{moved} pods moved with {calls} calls, {after.cpu - before.cpu:.1f} CPU-s")
    return {"moved": moved, "calls": calls, "cpu": after.cpu - before.cpu, "memory": after.memory}


def _calls(plane: ControlPlane, how: str, begin: float, end: float) -> Iterator[float]:
    """When our updater's writes came in: those of one subresource that were not refused, or (empty) all."""
    for event in plane.writes(user__username=USER):
        refused = event["responseStatus"]["code"] >= HTTPStatus.BAD_REQUEST
        if how and (refused or event["objectRef"].get("subresource") != how):
            continue
        at = dt.datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
        if begin <= at < end:
            yield at


def report(judged: dict[str, float], resized: dict[str, float], evicted: dict[str, float], bare: float) -> None:
    theirs = recorded.UPDATER
    rows = [
        Row("CPU of a round of judgement (s)", judged["cpu"], 2, theirs["judging"], WANTED["judging"]),
        Row("memory (MiB)", judged["memory"], 0, theirs["memory"]),
        Row("pods resized in the first minute", resized["moved"], 0, None, None, WANTED["moved"]),
        Row("pods evicted in the first minute", evicted["moved"], 0, theirs["moved"], None, WANTED["moved"]),
        Row("CPU a pod resized (ms)", resized["cpu"] / max(resized["moved"], 1) * 1000, 2),
        Row("CPU a pod evicted (ms)", evicted["cpu"] / max(evicted["moved"], 1) * 1000, 2, theirs["evicted_ms"]),
    ]
    notes = (
        f"yardstick: a bare patch by the same connection costs {bare:.2f} CPU-ms here",
        f"calls in that minute at 50 a second, events included: {resized['calls']:.0f} and {evicted['calls']:.0f}",
        "VPA's memory is that of its judgement; its minute of evictions has the start of the process in its CPU",
    )
    table("updater", rows, *notes, peer="VPA", source=recorded.VPA_SOURCE)
