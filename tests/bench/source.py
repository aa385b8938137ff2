"""A source for `metrics-api` triggers that costs little and remembers when it was asked.

Run as a process of its own: ``python -m tests.bench.source PORT``. It answers ``{"value": N}`` to every path;
``POST /_value?N`` sets N for all and ``POST /_value?N&PATH`` for one, ``POST /_slow?SECONDS&PREFIX`` makes paths with
that prefix slow, ``GET /_asked`` gives the times at which each path was asked since the last ``POST /_forget``.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict


class State:
    """What the source says, and who asked."""

    def __init__(self) -> None:
        self.value = 0.0
        self.values: dict[str, float] = {}
        self.slow: tuple[float, str] = (0.0, "\0")
        self.asked: defaultdict[str, list[float]] = defaultdict(list)


class Talk(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much of it as a GET needs."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while b"\r\n\r\n" in self.rest:
            head, self.rest = self.rest.split(b"\r\n\r\n", 1)
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self.answer(method, target)

    def answer(self, method: str, target: str) -> None:
        state = self.state
        if target.startswith("/_"):
            self.send(self.control(method, target))
            return
        state.asked[target].append(time.time())
        body = b'{"value": %g}' % state.values.get(target, state.value)
        seconds, prefix = state.slow
        if target.startswith(prefix):
            asyncio.get_running_loop().call_later(seconds, self.send, body)
        else:
            self.send(body)

    def control(self, method: str, target: str) -> bytes:
        state = self.state
        path, _, argument = target.partition("?")
        if path == "/_value":
            value, _, one = argument.partition("&")
            if one:
                state.values[one] = float(value)
            else:
                state.value = float(value)
        elif path == "/_slow":
            seconds, _, prefix = argument.partition("&")
            state.slow = (float(seconds), prefix)
        elif path == "/_forget":
            state.asked.clear()
        return json.dumps(state.asked).encode() if method == "GET" else b"{}"

    def send(self, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)


async def main(port: int) -> None:
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Talk(state), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
