"""Whether a program is alive and ready, and its Prometheus metrics, on a plain HTTP port."""

import inspect
import ssl

from aiohttp import web

from scaler.serving.readiness import TEXT_FORMAT, Check, Health, Render

__all__ = ["TEXT_FORMAT", "Check", "Health", "Render", "application", "serve"]


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
