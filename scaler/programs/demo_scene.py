"""What a demo plays with, wherever it plays: a cluster, a queue over loopback, and the real programs as processes."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

import msgspec

from scaler.errors import ScalerError
from scaler.horizontal.explain import Explanation
from scaler.kube.connection import Connection
from scaler.kube.resources import DEPLOYMENTS, EXPLANATIONS
from scaler.sim.demo_manifests import PER_POD, QUEUE
from scaler.sim.sqs import SqsEndpoint
from scaler.sim.world import Queue, Queues, Workers

NAME = "worker"
"""Of the Deployment and of its ScaledObject."""
PATIENCE = 5.0
"""Seconds that a program may take to end."""


class DemoFailed(ScalerError):
    """The demo cannot go on; says what would help."""


class _Spec(msgspec.Struct, frozen=True):
    replicas: int = 0


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    ready_replicas: int = 0


class Workload(msgspec.Struct, frozen=True):
    """The demo's Deployment, as far as it is shown."""

    spec: _Spec = _Spec()
    status: _Status = _Status()


class _Document(msgspec.Struct, frozen=True):
    status: Explanation


class Scene:
    """A cluster with the demo's workload in it, and the queue that the workload works off."""

    def __init__(self, connection: Connection, namespace: str, sqs: SqsEndpoint, queue: Queue) -> None:
        self.sqs = sqs
        self.queue = queue
        self._connection = connection
        self._namespace = namespace

    async def workload(self) -> Workload:
        """The Deployment as it is now; ApiError."""
        return await self._connection.get(DEPLOYMENTS, self._namespace, NAME, into=Workload)

    async def explanation(self) -> Explanation:
        """The operator's own; ApiError while there is none."""
        told = await self._connection.get(EXPLANATIONS, self._namespace, NAME, into=_Document)
        return told.status


def open_queue(queues: Queues, namespace: str) -> Queue:
    """The demo's queue, empty until a load begins."""
    return queues.add_queue(QUEUE, workers=Workers(namespace, f"app={NAME}", PER_POD, in_flight=2))


class Programs:
    """The real programs, as processes of their own."""

    def __init__(self, log: BinaryIO, on_end: Callable[[str], None]) -> None:
        """`on_end` is told when one of them ends that was not asked to."""
        self._log = log
        self._on_end = on_end

    @contextlib.asynccontextmanager
    async def running(
        self, *flags: str, sqs: SqsEndpoint, listens: str, port: int, watch: str
    ) -> AsyncIterator[None]:
        """Operator and metrics server, both with `flags`; the latter on `listens` and `port`."""
        board = ("--metrics-service-bind-address", f"127.0.0.1:{free_port()}")
        operator = (*board, "--aws-endpoint-url", sqs.url, "--watch-namespace", watch)
        metrics = ("--secure-port", str(port), "--bind-address", listens)
        async with self._one("operator", *flags, *operator), self._one("metrics", *flags, *metrics):
            yield

    @contextlib.asynccontextmanager
    async def _one(self, program: str, *flags: str) -> AsyncIterator[None]:
        addresses = ("--metrics-bind-address", "--health-probe-bind-address")
        listens = [part for flag in addresses for part in (flag, f"127.0.0.1:{free_port()}")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scaler.programs.cli", program, "--log-format", "text", *flags, *listens,
            stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        watching = asyncio.create_task(self._await_end(process, program))
        try:
            yield
        finally:
            watching.cancel()
            await _stop(process)

    async def _await_end(self, process: asyncio.subprocess.Process, program: str) -> None:
        code = await process.wait()
        self._on_end(f"scaler {program} ended with exit code {code}; --log-file FILE shows why")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
