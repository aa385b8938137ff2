"""What the tests of this room share: a server that misbehaves as told, and a connection to the real cluster."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scaler.api.meta import Raw
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from tests.controlplane.cluster import Cluster
from tests.processes import wait_until

CRDS = Path(__file__).parents[2] / "crds"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Peer:
    """A small HTTP server whose answers a test writes: for what a healthy API server does not do on request."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.answer: Handler | None = None
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        assert self.answer is not None, f"nobody said what to answer to {request.path_qs}"
        return await self.answer(request)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    served = Peer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", served.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@pytest.fixture
async def to_peer(peer: Peer) -> AsyncIterator[Connection]:
    async with Connection(peer.url) as connected:
        yield connected


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until this holds; a TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def kinds(cluster: Cluster) -> None:
    """Our kinds, known to the cluster."""
    for file in sorted(CRDS.glob("*.yaml")):
        for definition in cluster.apply(file):
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
            wait_until(lambda path=path: _established(cluster.api.get(path)), f"{file.name} is served")


def _established(definition: Raw) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def scaled_object(name: str, target: str = "web", **metadata: Any) -> Raw:
    """A ScaledObject that the API server takes."""
    cron = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": "2"}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, **metadata},
        "spec": {"scaleTargetRef": {"name": target}, "triggers": [{"type": "cron", "metadata": cron}]},
    }


def deployment(name: str, replicas: int = 0) -> Raw:
    """A Deployment of pods that only pretend."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[Connection]:
    async with await connect(str(cluster.kubeconfig)) as connected:
        yield connected
