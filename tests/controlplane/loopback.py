"""An aiohttp application with TLS on a port of the loopback, on a thread of its own.

For what the API server calls back: aggregated APIs, webhooks. On a thread, so that a test may block in a
call to the API server while that one asks here.
"""

import asyncio
import ssl
import tempfile
import threading
from pathlib import Path
from typing import Self

from aiohttp import web

from tests.controlplane.certificates import Authority


class Loopback:
    """Serves from `with` to its end; `authority` is what a caller must trust."""

    def __init__(self, app: web.Application, *hosts: str) -> None:
        """`hosts` are the names that callers may expect in the certificate, besides localhost."""
        self._app = app
        self.authority = Authority.new("tests-loopback")
        self._pair = self.authority.server("localhost", "127.0.0.1", *hosts)
        self.port = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context())
        await self._site.start()
        self.port = int(self._runner.addresses[0][1])

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*self._pair.write(Path(folder), "loopback"))
        return context

    async def _end(self) -> None:
        """Cut, not closed: the API server keeps its connections, and TLS would wait for its farewell."""
        assert self._runner.server is not None
        await self._site.stop()
        await asyncio.sleep(0.05)  # who was shaking hands is a connection now
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.05)  # the sockets are closed by callbacks that the cut has scheduled
