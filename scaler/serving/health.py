"""Whether a program is alive and ready, and its Prometheus metrics, on a plain HTTP port."""

import inspect
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

Check = Callable[[], str]
"""Why something is not well; empty when it is."""
Render = Callable[[], bytes | Awaitable[bytes]]
"""The metrics in Prometheus' text format."""

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """What must hold for the program to be ready. A standby is ready: it does what a standby does."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def check(self, name: str, check: Check) -> None:
        """Ready only while this check finds nothing."""
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """What is not well, by name."""
        found = {name: check() for name, check in self._checks.items()}
        return {name: why for name, why in found.items() if why}


def application(health: Health, render: Render | None = None) -> web.Application:
    """/healthz and /livez answer while the loop turns; /readyz by the checks; /metrics where there are any."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ready(_: web.Request) -> web.Response:
        problems = health.problems()
        text = "\n".join(f"{name}: {why}" for name, why in problems.items()) or "ok"
        return web.Response(text=text, status=503 if problems else 200)

    async def metrics(_: web.Request) -> web.Response:
        assert render is not None
        rendered = render()
        body = await rendered if inspect.isawaitable(rendered) else rendered
        return web.Response(body=body, headers={"Content-Type": TEXT_FORMAT})

    app = web.Application()
    app.router.add_get("/healthz", alive)
    app.router.add_get("/livez", alive)
    app.router.add_get("/readyz", ready)
    if render is not None:
        app.router.add_get("/metrics", metrics)
    return app


async def serve(
    app: web.Application, host: str, port: int, *, context: ssl.SSLContext | None = None
) -> web.AppRunner:
    """Listen; an empty host is every interface. Clean up what is returned to end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host or None, port, ssl_context=context).start()
    return runner
