"""A control plane with N ScaledObjects on it, a source, and the operator as a process: what the benches share."""

import asyncio
import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import DEPLOYMENTS, SCALED_OBJECTS, Resource
from scaler.sim.demo_manifests import api_services, metrics_service
from tests.bench.process import Cost, cost
from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.processes import Process, free_port, temporary_folder, wait_until

ROOT = Path(__file__).parents[2]
NAMESPACE = "bench"
USER = "bench:operator"
"""Who the operator is, so that its writes can be told from ours."""
LOGS = temporary_folder("scaler-bench")
WAIT = 900.0
"""Seconds a bench waits for anything before it gives up."""


class Source:
    """The metrics source, a process of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.bench.source", str(self.port)]
        self.process = Process(command, LOGS / "source.log", {"PYTHONPATH": str(ROOT)})
        wait_until(self._answers, "the source answers", 30)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            self.asked()
            return True
        return False

    def tell(self, order: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_{order}", method="POST")
        urllib.request.urlopen(request, timeout=30).read()

    def asked(self) -> dict[str, list[float]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_asked", timeout=60) as answer:
            return json.load(answer)


class Program:
    """One of our programs as a process, with an administrator's rights and ports of its own."""

    def __init__(self, plane: ControlPlane, name: str, *flags: str) -> None:
        self.metrics_port, self.health_port = free_port(), free_port()
        command = [
            sys.executable, "-m", "scaler.programs.cli", name,
            "--kubeconfig", str(plane.client_cert(USER, ["system:masters"])), "--pod-namespace", NAMESPACE,
            "--metrics-bind-address", f"127.0.0.1:{self.metrics_port}",
            "--health-probe-bind-address", f"127.0.0.1:{self.health_port}",
            "--log-level", "warning", *flags,
        ]  # fmt: skip
        self.process = Process(command, LOGS / f"{name}.log", {"PYTHONPATH": str(ROOT)})
        self.started = time.time()

    @property
    def cost(self) -> Cost:
        return cost(self.process.pid)

    def page(self) -> str:
        """Its Prometheus metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    @property
    def ready(self) -> bool:
        self.process.check()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/readyz", timeout=5).close()
            return True
        return False

    def kill(self) -> None:
        self.process.kill()


def operator(plane: ControlPlane, *flags: str) -> Program:
    """`scaler operator`."""
    return Program(plane, "operator", "--metrics-service-bind-address", f"127.0.0.1:{free_port()}", *flags)


class MetricsServer(Program):
    """`scaler metrics`, behind an APIService."""

    def __init__(self, plane: ControlPlane, *flags: str) -> None:
        self.secure_port = free_port()
        for manifests in (metrics_service, api_services):
            plane.apply(manifests(NAMESPACE, self.secure_port))
        listens = ("--bind-address", "127.0.0.1", "--secure-port", str(self.secure_port))
        super().__init__(plane, "metrics", *listens, *flags)

    def wait_serving(self, plane: ControlPlane) -> None:
        """Until the API server reaches it."""
        wait_until(lambda: self.ready, "the metrics server is ready", 60)
        plane.wait_available("v1beta1.external.metrics.k8s.io")


@contextlib.contextmanager
def world(**options: Any) -> Iterator[tuple[ControlPlane, Source]]:
    """A plane with our definitions, and a source; both gone at the end."""
    with start_plane(
        Options(audit=True, max_requests_inflight=4000, max_mutating_requests_inflight=2000, **options)
    ) as plane:
        for definition in sorted((ROOT / "crds").glob("*.yaml")):
            plane.apply(definition)
        plane.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
        source = Source()
        try:
            yield plane, source
        finally:
            source.process.kill()


def deployment(index: int, replicas: int = 0) -> dict[str, Any]:
    labels = {"app": f"w{index}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"w{index}", "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "none"}]},
            },
        },
    }


def scaled_object(
    index: int,
    source: Source,
    *,
    polling: int = 30,
    path: str = "o",
    timeout: str = "",
    annotations: dict[str, str] | None = None,
    **trigger: Any,
) -> dict[str, Any]:
    """Number `index`, which reads /PATHindex of the source."""
    metadata = {"url": f"http://127.0.0.1:{source.port}/{path}{index}", "valueLocation": "value", "targetValue": "5"}
    if timeout:
        metadata["timeout"] = timeout
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": f"w{index}", "namespace": NAMESPACE, "annotations": annotations or {}},
        "spec": {
            "scaleTargetRef": {"name": f"w{index}"},
            "pollingInterval": polling,
            "minReplicaCount": 0,
            "triggers": [{"type": "metrics-api", "metadata": metadata, **trigger}],
        },
    }


def create(plane: ControlPlane, bodies: list[dict[str, Any]]) -> None:
    """All of them, as many at a time as a connection allows."""

    async def one(connection: Connection, resource: Resource, body: dict[str, Any]) -> None:
        await connection.create(resource, NAMESPACE, body, into=Ack)

    asyncio.run(_each(plane, bodies, one))


def replace(plane: ControlPlane, bodies: list[dict[str, Any]]) -> None:
    """Give each the spec that is in its body."""

    async def one(connection: Connection, resource: Resource, body: dict[str, Any]) -> None:
        await connection.patch(resource, NAMESPACE, body["metadata"]["name"], {"spec": body["spec"]}, into=Ack)

    asyncio.run(_each(plane, bodies, one))


async def _each(
    plane: ControlPlane,
    bodies: list[dict[str, Any]],
    one: Callable[[Connection, Resource, dict[str, Any]], Awaitable[None]],
) -> None:
    kinds = {"Deployment": DEPLOYMENTS, "ScaledObject": SCALED_OBJECTS}
    async with await connect(str(plane.kubeconfig)) as connection:
        for start in range(0, len(bodies), 500):
            some = bodies[start : start + 500]
            await asyncio.gather(*(one(connection, kinds[body["kind"]], body) for body in some))


async def yardstick(source: Source, rate: float, seconds: float) -> float:
    """CPU milliseconds of a bare aiohttp GET of the same source at the same rate, in this process."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def get(index: int) -> None:
            async with session.get(f"http://127.0.0.1:{source.port}/yardstick{index}") as answer:
                await answer.read()

        await asyncio.gather(*(get(index) for index in range(50)))
        count = int(rate * seconds)
        started, cpu = time.monotonic(), time.process_time()
        tasks = set()
        for index in range(count):
            delay = started + index / rate - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            tasks.add(asyncio.create_task(get(index % 1000)))
        await asyncio.gather(*tasks)
        return (time.process_time() - cpu) / count * 1000


def our_writes(plane: ControlPlane) -> list[dict[str, Any]]:
    """What the operator wrote, by the audit log, leaving out its Lease and certificates."""
    return [
        event
        for event in plane.writes(user__username=USER)
        if (event.get("objectRef") or {}).get("resource") not in {"leases", "secrets"}
    ]
