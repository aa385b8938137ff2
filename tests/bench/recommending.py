"""The recommender on a real control plane: VPAs over Deployments whose pods run, every usage changed each round."""

import asyncio
import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from aiohttp import web

from scaler.clock import to_rfc3339
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection, Patch
from scaler.kube.credentials import connect
from scaler.kube.resources import DEPLOYMENTS, PODS, VPAS
from tests.bench import recorded
from tests.bench.process import cost, machine
from tests.bench.report import Row, say, table
from tests.bench.world import LOGS, NAMESPACE, ROOT, USER, WAIT, deployment
from tests.controlplane.cluster import service_host
from tests.controlplane.fixtures import start_plane
from tests.controlplane.loopback import Loopback
from tests.controlplane.plane import ControlPlane, Options
from tests.processes import Process, free_port, wait_until

CONTAINERS = ("app", "sidecar")
WANTED = {100: {"round": 0.1}, 1000: {"round": 1.0, "write": 0.4, "wall": 30, "memory": 200}}
SIZES = ((150, 10), (1500, 10), (15000, 10))
"""VPAs and pods of each, for the rounds with simulated sources: 3,000 to 300,000 containers."""
GROUP = "metrics.k8s.io"


class Metrics:
    """metrics.k8s.io of all pods; another usage with every answer. Bodies are made beforehand, so as not to be in the way."""

    def __init__(self, vpas: int, pods: int) -> None:
        self.asked: list[float] = []
        random = np.random.default_rng(1)
        shape = (8, vpas * pods * len(CONTAINERS))
        self._cpus = random.integers(10_000_000, 4_000_000_000, shape)
        self._sizes = random.integers(20_000, 2_000_000, shape)
        self._pods = [f"w{vpa}-{pod}" for vpa in range(vpas) for pod in range(pods)]

    def app(self) -> web.Application:
        root = f"/apis/{GROUP}/v1beta1"
        app = web.Application()
        app.router.add_get(root, self._discovery)
        app.router.add_get(f"{root}/pods", self._list)
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        pods = {
            "name": "pods",
            "singularName": "",
            "namespaced": True,
            "kind": "PodMetrics",
            "verbs": ["get", "list"],
        }
        about = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/v1beta1"}
        return web.json_response({**about, "resources": [pods]})

    async def _list(self, _: web.Request) -> web.Response:
        self.asked.append(time.time())
        turn, stamp = len(self.asked) % 8, to_rfc3339(time.time())
        cpus, sizes = self._cpus[turn].tolist(), self._sizes[turn].tolist()
        items = ",".join(self._item(at, name, stamp, cpus, sizes) for at, name in enumerate(self._pods))
        head = f'{{"kind":"PodMetricsList","apiVersion":"{GROUP}/v1beta1","metadata":{{}},"items":['
        return web.Response(body=f"{head}{items}]}}".encode(), content_type="application/json")

    def _item(self, at: int, name: str, stamp: str, cpus: list[int], sizes: list[int]) -> str:
        first = at * len(CONTAINERS)
        used = ",".join(
            f'{{"name":"{one}","usage":{{"cpu":"{cpus[first + each]}n","memory":"{sizes[first + each]}Ki"}}}}'
            for each, one in enumerate(CONTAINERS)
        )
        return (
            f'{{"metadata":{{"name":"{name}","namespace":"{NAMESPACE}"}},'
            f'"timestamp":"{stamp}","window":"15s","containers":[{used}]}}'
        )


def run(vpas: int, pods: int, rounds: int) -> None:
    """Rounds at the default limits, then the same with none, each killed afterwards."""
    print(f"# recommender, {vpas} VPAs x {pods} pods x {len(CONTAINERS)} containers\n{machine()}", flush=True)
    # Without controllers there are no service accounts that pods could be given.
    flags = {"kube-apiserver": {"disable-admission-plugins": "TaintNodesByCondition,ServiceAccount"}}
    options = Options(
        audit=True, controllers=False, max_requests_inflight=4000, max_mutating_requests_inflight=2000, flags=flags
    )
    metrics = Metrics(vpas, pods)
    with start_plane(options) as plane, Loopback(metrics.app(), service_host(GROUP)) as served:
        for definition in sorted((ROOT / "crds").glob("*.yaml")):
            plane.apply(definition)
        plane.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
        plane.register_apiservice(GROUP, "v1beta1", served.port, served.authority.pem)
        say("creating the objects")
        asyncio.run(make(plane, vpas, pods))
        limited = measure(plane, metrics, rounds, interval=60.0)
        hurried = measure(plane, metrics, rounds, interval=15.0 if vpas <= 100 else 30.0, flags=["--kube-api-qps=0"])
        bare = asyncio.run(yardstick(plane, 300))
    report(vpas, pods, limited, hurried, bare)


async def make(plane: ControlPlane, vpas: int, pods: int) -> None:
    """Everything there is, 200 calls at a time."""
    async with await connect(str(plane.kubeconfig)) as connection:
        await together(connection.create(DEPLOYMENTS, NAMESPACE, deployment(vpa), into=Ack) for vpa in range(vpas))
        await together(connection.create(VPAS, NAMESPACE, vpa_over(vpa), into=Ack) for vpa in range(vpas))
        names = [(vpa, pod) for vpa in range(vpas) for pod in range(pods)]
        await together(connection.create(PODS, NAMESPACE, pod_of(vpa, pod), into=Ack) for vpa, pod in names)
        runs = {"status": {"phase": "Running"}}
        await together(
            connection.patch(PODS, NAMESPACE, f"w{vpa}-{pod}", runs, into=Ack, subresource="status")
            for vpa, pod in names
        )


async def together(calls: Any) -> None:
    """Make the calls, 200 at a time."""
    waiting: list[Any] = []
    for call in calls:
        waiting.append(call)
        if len(waiting) == 200:
            await asyncio.gather(*waiting)
            waiting = []
    await asyncio.gather(*waiting)


def vpa_over(number: int) -> dict[str, Any]:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"w{number}"}
    return {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": f"w{number}"},
        "spec": {"targetRef": ref, "updatePolicy": {"updateMode": "Recreate"}},
    }


def pod_of(vpa: int, number: int) -> dict[str, Any]:
    containers = [
        {"name": name, "image": "none", "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}}
        for name in CONTAINERS
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"w{vpa}-{number}", "labels": {"app": f"w{vpa}"}},
        "spec": {"nodeName": "node-0", "containers": containers},
    }


def measure(
    plane: ControlPlane, metrics: Metrics, rounds: int, *, interval: float, flags: list[str] | None = None
) -> dict[str, float]:
    """One recommender for so many rounds after its first: CPU a round, its writes and how long they took."""
    metrics.asked.clear()
    port = free_port()
    command = [
        sys.executable, "-m", "scaler.programs.cli", "recommender", "--leader-elect=false",
        "--kubeconfig", str(plane.client_cert(USER, ["system:masters"])), "--pod-namespace", NAMESPACE,
        "--address", f"127.0.0.1:{port}", "--recommendation-metrics=false", "--log-level", "warning",
        f"--recommender-interval={interval:g}s", *(flags or []),
    ]  # fmt: skip
    say(f"rounds each {interval:g} s {' '.join(flags or [])}")
    with Process(command, LOGS / "recommender.log", {"PYTHONPATH": str(ROOT)}) as process:

        def begun(count: int) -> bool:
            process.check()
            return len(metrics.asked) >= count

        first = 1
        wait_until(lambda: begun(first), "the first round", WAIT)
        time.sleep(interval - 1)
        before = cost(process.pid)
        wait_until(lambda: begun(first + rounds), f"{rounds} more rounds", WAIT)
        time.sleep(interval - 1)
        after = cost(process.pid)
        begins = metrics.asked[first : first + rounds]
        judged = judging(port)
    writes = [list(written(plane, begin, begin + interval)) for begin in begins]
    each = sum(map(len, writes)) / rounds
    cpu = (after.cpu - before.cpu) / rounds
    wall = max((max(moments) - begin for begin, moments in zip(begins, writes, strict=True) if moments), default=0.0)
    say(f"{cpu:.2f} CPU-s a round with {each:.0f} writes; {after.memory:.0f} MiB")
    return {"cpu": cpu, "writes": each, "wall": wall, "memory": after.memory, "judged": judged}


def judging(port: int) -> float:
    """Seconds of a usual round without its writes, as the program's own metric has them."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    name = 'vpa_recommender_execution_latency_seconds_{}{{step="total"}} '
    total, count = (
        float(next(line for line in lines if line.startswith(name.format(what))).rpartition(" ")[2])
        for what in ("sum", "count")
    )
    return total / count


def written(plane: ControlPlane, begin: float, end: float) -> Iterator[float]:
    """When our recommender's writes came in."""
    for event in plane.writes(user__username=USER):
        at = dt.datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
        if begin <= at < end and event["objectRef"]["resource"].startswith("verticalpodautoscaler"):
            yield at


async def yardstick(plane: ControlPlane, count: int) -> float:
    """CPU milliseconds of one bare status patch by the connection that all programs have, in this process."""
    body = [{"op": "add", "path": "/status", "value": {"conditions": []}}]
    async with await connect(str(plane.kubeconfig)) as connection:
        await _patched(connection, body, 20)
        began = time.process_time()
        await _patched(connection, body, count)
        return (time.process_time() - began) / count * 1000


async def _patched(connection: Connection, body: Any, count: int) -> None:
    for _ in range(count):
        await connection.patch(VPAS, NAMESPACE, "w0", body, into=Ack, how=Patch.JSON, subresource="status")


def report(vpas: int, pods: int, limited: dict[str, float], hurried: dict[str, float], bare: float) -> None:
    alone = simulated(vpas, pods)["round"]
    theirs, wanted = recorded.RECOMMENDER.get(vpas, {}), WANTED.get(vpas, {})
    a_write = (hurried["cpu"] - alone) / hurried["writes"] * 1000
    rows = [
        Row("CPU of a round, its writes included, s", hurried["cpu"], 2, theirs.get("cpu"), wanted.get("round")),
        Row("  such a round simulated and without writes, s", alone, 3),
        Row("  the rest, a write with all that follows from it, ms", a_write, 2, None, wanted.get("write")),
        Row("  from reading usage to the last judgement, s", hurried["judged"], 2),
        Row("  a bare patch by the same connection in this run, ms", bare, 2),
        Row("writes a round", hurried["writes"], 0, theirs.get("writes")),
        Row(
            "from reading usage to the last write at 50 calls/s, s",
            limited["wall"],
            1,
            theirs.get("wall"),
            wanted.get("wall"),
        ),
        Row("CPU of such a round, s", limited["cpu"], 2, theirs.get("limited")),
        Row("memory, MiB", max(limited["memory"], hurried["memory"]), 0, theirs.get("memory"), wanted.get("memory")),
    ]
    title = f"recommender, {vpas:,} VPAs x {pods} pods x {len(CONTAINERS)} containers"
    table(title, rows, peer="VPA", source=recorded.VPA_SOURCE)


def simulate() -> None:
    """Rounds of growing size in processes of their own, with sources that live in them and nothing written."""
    print(f"# rounds of the recommender, simulated sources\n{machine()}", flush=True)
    rows, each = [], []
    for vpas, pods in SIZES:
        found = simulated(vpas, pods)
        containers, last = int(found["containers"]), (vpas, pods) == SIZES[-1]
        each.append(found["round"] / containers * 1e6)
        say(f"{containers:,} containers: {found['round']:.2f} CPU-s a round, {found['peak']:.0f} MiB")
        about = f"{containers:,} containers:"
        rows.append(Row(f"{about} CPU of a round, s", found["round"], 2, None, 10 if last else None))
        rows.append(Row(f"{about} CPU a container, us", each[-1], 2))
        rows.append(Row(f"{about} most memory, MiB", found["peak"], 0, None, 1536 if last else None))
        rows.append(Row(f"{about} histogram work a sample, us", found["sample_us"], 2, None, 1))
    many = simulated(5000, 10)
    rows.append(Row("50,000 pods: memory of the copy a pod, KiB", many["pod_kib"], 2, None, 5))
    growth = each[-1] / each[0]
    table(
        "recommender rounds", rows, f"CPU a container from {SIZES[0][0] * 20:,} to 300,000 containers: x{growth:.2f}"
    )


def simulated(vpas: int, pods: int) -> dict[str, Any]:
    """What `tests.bench.rounds` says of that size."""
    command = [sys.executable, "-m", "tests.bench.rounds", str(vpas), str(pods)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
