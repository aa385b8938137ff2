"""An open loop of HTTP requests over a fixed set of connections: a request's latency counts from when it was due."""

import asyncio
import random
import re
import ssl
import time

_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


class Caller(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.came = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.came += data
        head, _, body = self.came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is not None and len(body) >= int(length[1]):
            whole, self.came = self.came, b""
            self.load.answered(self, whole)


class Load:
    """Requests at a rate, in no order."""

    def __init__(self, requests: list[bytes], rate: float) -> None:
        self.requests, self.rate = requests, rate
        self.free: list[Caller] = []
        self.queue: list[float] = []
        self.latencies: list[float] = []
        self.refused: list[bytes] = []

    async def connect(self, port: int, context: ssl.SSLContext | None, name: str | None, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, caller = await loop.create_connection(
                lambda: Caller(self), "127.0.0.1", port, ssl=context, server_hostname=name
            )
            self.free.append(caller)

    def close(self) -> None:
        for caller in self.free:
            caller.transport.close()

    async def offer(self, seconds: float) -> int:
        """Send for that long and wait for the last answer; how many were sent."""
        start, count = time.perf_counter(), int(self.rate * seconds)
        self.latencies.clear()
        for number in range(count):
            due = start + number / self.rate
            if (wait := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            self.queue.append(due)
            self._pump()
        async with asyncio.timeout(30):
            while self.queue or len(self.latencies) < count:  # noqa: ASYNC110 - cheaper than an event an answer
                await asyncio.sleep(0.01)
        return count

    def answered(self, caller: Caller, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            self.refused.append(data)
        self.latencies.append(time.perf_counter() - caller.due)
        self.free.append(caller)
        self._pump()

    def _pump(self) -> None:
        while self.queue and self.free:
            caller = self.free.pop()
            caller.due = self.queue.pop(0)
            caller.transport.write(random.choice(self.requests))

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000
