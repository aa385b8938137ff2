"""What a review of a new pod costs: the webhook as a program, N VerticalPodAutoscalers, every answer a patch.

Reviews of 2.8 kB go straight to its TLS port over connections that are kept, each with one review under way at a time
(closed loop), as VPA was measured. The yardstick of the same run is an aiohttp server that echoes the review's uid.
"""

import asyncio
import base64
import random
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import uvloop
from aiohttp import web

from scaler.kube.access import connect_quickly
from scaler.kube.answers import Ack
from scaler.kube.connection import Patch
from scaler.kube.resources import VPAS
from tests.bench import recorded
from tests.bench.process import cost, machine
from tests.bench.report import Row, say, table
from tests.bench.world import LOGS, NAMESPACE, ROOT, deployment
from tests.controlplane.certificates import Authority
from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.processes import Process, free_port, wait_until

CONNECTIONS = (16, 64)
WANTED: dict[int, dict[str, float]] = {16: {"cpu": 0.2, "p99": 10}, 64: {"cpu": 0.2, "p99": 30}}
WARM_UP = 3.0
SIZE = 2800
"""Bytes of a review."""
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
Figures = dict[str, float]
Object = dict[str, Any]


class Server(NamedTuple):
    """Who is asked."""

    pid: int
    port: int
    authority: bytes
    """Whom its callers must trust, PEM."""


def run(sizes: list[int], seconds: float) -> None:
    """Each number of VerticalPodAutoscalers in turn; VPA is compared at 1,000."""
    print(f"# admission, {sizes} VPAs, {seconds:g} s each\n{machine()}", flush=True)
    found: dict[tuple[int, int], Figures] = {}
    with start_plane(Options(controllers=False, max_requests_inflight=4000)) as plane:
        for definition in sorted((ROOT / "crds").glob("*.yaml")):
            plane.apply(definition)
        plane.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
        made = 0
        for size in sorted(sizes):
            say(f"making {size - made} VPAs and their workloads")
            asyncio.run(populate(plane, range(made, size)))
            made = size
            with webhook(plane) as (server, ready):
                for connections in CONNECTIONS:
                    say(f"{size} VPAs, {connections} connections")
                    reviews = [request(index) for index in range(size)]
                    figures = uvloop.run(asked(server, reviews, connections, seconds))
                    found[size, connections] = {**figures, "ready": ready}
    with echo() as server:
        for connections in CONNECTIONS:
            say(f"the echo, {connections} connections")
            bodies = [request(index) for index in range(100)]
            found[0, connections] = uvloop.run(asked(server, bodies, connections, seconds))
    report(found)


def report(found: dict[tuple[int, int], Figures]) -> None:
    rows = []
    for (size, connections), ours in found.items():
        at = f"{size:,} VPAs, {connections} connections:" if size else f"bare aiohttp echo, {connections}:"
        theirs: Figures = recorded.ADMISSION[connections] if size == 1000 else {}
        wanted = WANTED[connections] if size else {}
        rows += [
            Row(f"{at} CPU a review, ms", ours["cpu"], 3, theirs.get("cpu"), wanted.get("cpu")),
            Row(f"{at} p50, ms", ours["p50"], 2, theirs.get("p50")),
            Row(f"{at} p99, ms", ours["p99"], 1, theirs.get("p99"), wanted.get("p99")),
            Row(f"{at} reviews a second", ours["rate"], 0, theirs.get("rate")),
        ]
        if size and connections == CONNECTIONS[-1]:
            rows += [
                Row(f"{size:,} VPAs: memory, MiB", ours["memory"], 0, theirs.get("memory")),
                Row(f"{size:,} VPAs: from start to ready, s", ours["ready"], 2),
            ]
    table("admission", rows, peer="VPA", source=recorded.VPA_SOURCE)


# -- the cluster ----------------------------------------------------------------------------------------------------


async def populate(plane: ControlPlane, indexes: range) -> None:
    """Deployments with a ReplicaSet each, and a VPA with a recommendation for every one."""
    async with connect_quickly(str(plane.kubeconfig)) as connection:

        async def post(path: str, body: Object) -> Object:
            made: Object = await connection.request(
                "POST", f"{path}/namespaces/{NAMESPACE}/{body['kind'].lower()}s", body=body, into=dict
            )
            return made

        async def one(index: int) -> None:
            above = await post("/apis/apps/v1", deployment(index))
            await post("/apis/apps/v1", replica_set(index, above["metadata"]["uid"]))
            await post("/apis/autoscaling.k8s.io/v1", vpa(index))
            status = [{"op": "add", "path": "/status", "value": recommendation()}]
            await connection.patch(
                VPAS, NAMESPACE, f"w{index}", status, into=Ack, how=Patch.JSON, subresource="status"
            )

        for start in range(indexes.start, indexes.stop, 200):
            await asyncio.gather(*(one(index) for index in range(start, min(start + 200, indexes.stop))))


def replica_set(index: int, uid: str) -> Object:
    made = deployment(index)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"w{index}", "uid": uid, "controller": True}
    metadata = {"name": f"w{index}-5d9c7b", "namespace": NAMESPACE, "ownerReferences": [owner]}
    return {**made, "kind": "ReplicaSet", "metadata": metadata}


def vpa(index: int) -> Object:
    policy = {"containerName": "*", "minAllowed": {"cpu": "10m"}, "maxAllowed": {"cpu": "2", "memory": "4Gi"}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"w{index}"}
    return {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": f"w{index}", "namespace": NAMESPACE},
        "spec": {
            "targetRef": target,
            "updatePolicy": {"updateMode": "Recreate"},
            "resourcePolicy": {"containerPolicies": [policy]},
        },
    }


def recommendation() -> Object:
    amounts = {"cpu": f"{random.randint(50, 900)}m", "memory": str(random.randint(2**26, 2**31))}
    bounds = dict.fromkeys(("target", "lowerBound", "upperBound", "uncappedTarget"), amounts)
    containers = [{"containerName": name, **bounds} for name in ("main", "proxy")]
    condition = {"type": "RecommendationProvided", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"recommendation": {"containerRecommendations": containers}, "conditions": [condition]}


@contextmanager
def webhook(plane: ControlPlane) -> Iterator[tuple[Server, float]]:
    """The program, and how long it took to be ready."""
    port, plain = free_port(), free_port()
    command = [
        sys.executable, "-m", "webhook", "--kubeconfig", str(plane.kubeconfig), "--pod-namespace", NAMESPACE,
        "--port", str(port), "--bind-address", "127.0.0.1", "--address", f"127.0.0.1:{plain}",
        "--register-by-url", "--webhook-address", "127.0.0.1", "--log-level", "warning",
    ]  # fmt: skip
    started = time.perf_counter()
    process = Process(command, LOGS / "webhook.log", {"PYTHONPATH": str(ROOT)})

    def ready() -> bool:
        process.check()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{plain}/readyz", timeout=5).close()
        except OSError:
            return False
        return True

    try:
        wait_until(ready, "the webhook to be ready", 60, every=0.01)
        took = time.perf_counter() - started
        path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config"
        wait_until(lambda: plane.api.found(path), "its registration")
        bundle = plane.api.get(path)["webhooks"][0]["clientConfig"]["caBundle"]
        yield Server(process.pid, port, base64.b64decode(bundle)), took
    finally:
        process.kill()


# -- the client -----------------------------------------------------------------------------------------------------


def request(index: int) -> bytes:
    """The review of a new pod of workload `index`, of about 2.8 kB, as an API server sends it."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"w{index}-5d9c7b",
        "uid": "a" * 36,
        "controller": True,
    }
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "256Mi"}}
    mount = {
        "name": "kube-api-access",
        "readOnly": True,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    }
    more = {
        "image": "registry.example.com/shop/web:1.2.3",
        "imagePullPolicy": "Always",
        "terminationMessagePath": "/dev/termination-log",
        "volumeMounts": [mount],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"w{index}-5d9c7b-",
            "creationTimestamp": None,
            "labels": {"app": f"w{index}", "pod-template-hash": "5d9c7b"},
            "ownerReferences": [owner],
        },
        "spec": {
            "containers": [{"name": name, **more, "resources": resources} for name in ("main", "proxy")],
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "schedulerName": "default-scheduler",
            "tolerations": [
                {
                    "key": "node.kubernetes.io/not-ready",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 300,
                }
            ],
        },
        "status": {},
    }
    asked = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "requestResource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": NAMESPACE,
        "operation": "CREATE",
        "userInfo": {
            "username": "system:serviceaccount:kube-system:replicaset-controller",
            "groups": ["system:serviceaccounts", "system:authenticated"],
        },
        "object": pod,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": asked}
    pod["metadata"]["annotations"] = {"padding": "x" * (SIZE - 28 - len(msgspec.json.encode(review)))}  # type: ignore[index]
    body = msgspec.json.encode(review)
    head = f"POST /?timeout=3s HTTP/1.1\r\nHost: vpa-webhook.bench.svc\r\nUser-Agent: kube-apiserver-admission\r\nContent-Length: {len(body)}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
    return head.encode() + body


class Caller(asyncio.Protocol):
    """One connection: the next review goes out when the answer to the last is here."""

    def __init__(self, loop: "ClosedLoop") -> None:
        self.loop = loop
        self.came = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.loop.next())

    def data_received(self, data: bytes) -> None:
        self.came = self.came + data if self.came else data
        end = self.came.find(b"\r\n\r\n")
        length = _LENGTH.search(self.came, 0, end) if end >= 0 else None
        if length is None or len(self.came) < end + 4 + int(length[1]):
            return
        whole, self.came = self.came, b""
        self.loop.answered(whole, time.perf_counter() - self.sent)
        if self.loop.open:
            self.send()
        else:
            self.loop.idle += 1


class ClosedLoop:
    """Reviews in a random order over some connections, as fast as they are answered."""

    def __init__(self, reviews: list[bytes]) -> None:
        self.reviews = reviews
        self.callers: list[Caller] = []
        self.latencies: list[float] = []
        self.bad: list[bytes] = []
        self.in_order: Iterator[bytes] | None = None
        self.open = True
        self.idle = 0

    def next(self) -> bytes:
        if self.in_order is not None:
            found = next(self.in_order, None)
            if found is not None:
                return found
            self.in_order = None
        return random.choice(self.reviews)

    def answered(self, whole: bytes, seconds: float) -> None:
        self.latencies.append(seconds)
        if b'"patch":' not in whole:
            self.bad.append(whole)


async def asked(server: Server, reviews: list[bytes], connections: int, seconds: float) -> Figures:
    """Every review once, a warm-up, then the measurement."""
    context = ssl.create_default_context(cadata=server.authority.decode())
    context.check_hostname = False
    loop = ClosedLoop(reviews)
    loop.in_order = iter(reviews)
    for _ in range(connections):
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: Caller(loop), "127.0.0.1", server.port, ssl=context, server_hostname="127.0.0.1"
        )
        loop.callers.append(caller)
    for caller in loop.callers:
        caller.send()
    while loop.in_order is not None:  # noqa: ASYNC110 - only before the measurement
        await asyncio.sleep(0.01)
    await asyncio.sleep(WARM_UP)
    loop.latencies.clear()
    loop.bad.clear()  # a first pod waits for the owners of its controller no longer than the deadline
    before, started = cost(server.pid).cpu, time.perf_counter()
    await asyncio.sleep(seconds)
    spent, took, latencies = cost(server.pid).cpu - before, time.perf_counter() - started, sorted(loop.latencies)
    loop.open = False
    while loop.idle < connections:  # noqa: ASYNC110 - only after the measurement
        await asyncio.sleep(0.01)
    for caller in loop.callers:
        caller.transport.close()
    if loop.bad:
        raise SystemExit(f"{len(loop.bad)} answers without a patch, such as {loop.bad[0][:500]!r}")
    return {
        "cpu": spent / len(latencies) * 1000,
        "rate": len(latencies) / took,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        "memory": cost(server.pid).memory,
    }


# -- the yardstick --------------------------------------------------------------------------------------------------


@contextmanager
def echo() -> Iterator[Server]:
    """A bare aiohttp server over TLS on uvloop that reads a review and answers with its uid."""
    authority = Authority.new("bench")
    with tempfile.TemporaryDirectory() as name:
        certificate, key = authority.server("127.0.0.1").write(Path(name), "server")
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.admission", str(certificate), str(key)], stdout=subprocess.PIPE
        )
        try:
            assert child.stdout is not None
            yield Server(child.pid, int(child.stdout.readline()), authority.pem)
        finally:
            child.kill()
            child.wait()


async def serve_echo(certificate: str, key: str) -> None:
    """Says its port on the standard output."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(asked: web.BaseRequest) -> web.Response:
        review = msgspec.json.decode(await asked.read())
        response = {"uid": review["request"]["uid"], "allowed": True, "patch": "W10="}
        return web.Response(body=msgspec.json.encode({"response": response}), content_type="application/json")

    server = web.Server(answer, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=context)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve_echo(*sys.argv[1:]))
