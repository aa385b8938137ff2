"""What the tests of this room share: a server that misbehaves as told, and a connection to the real cluster."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from tests.controlplane.cluster import Cluster

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


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until this holds; a TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen from outside
            await asyncio.sleep(0.01)


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[Connection]:
    async with await connect(str(cluster.kubeconfig)) as connected:
        yield connected
