"""A real HTTP server that answers as a test says, and remembers what it was asked."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint:
    """Set `body`, `status`, `delay`; or `handler` for what these cannot say."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.body: bytes | str | dict[str, Any] = b"{}"
        self.status = 200
        self.delay = 0.0
        self.handler: Answer | None = None
        self.asked: list[web.Request] = []
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def last(self) -> web.Request:
        return self.asked[-1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.handler is not None:
            return await self.handler(request)
        await asyncio.sleep(self.delay)
        if isinstance(self.body, dict):
            return web.json_response(self.body, status=self.status)
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return web.Response(body=body, status=self.status)
