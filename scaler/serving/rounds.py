"""Whether a program that works in rounds still does: /health-check, as upstream's recommender and updater have it."""

from collections.abc import Callable

from aiohttp import web

LATE = 5
"""Rounds that may be missing before a leader counts as stuck, as upstream has it."""


def stuck(silent: float, interval: float) -> str:
    """Why a leader that ended a round so many seconds ago does not work; empty when it does."""
    if silent < LATE * interval:
        return ""
    return f"the last round ended {silent:.0f} s ago; there should be one each {interval:g} s"


def add_health_check(app: web.Application, why_stuck: Callable[[], str]) -> None:
    """200 while rounds end in time, 500 when they do not."""

    async def health_check(_: web.Request) -> web.Response:
        why = why_stuck()
        return web.Response(text=why or "OK", status=500 if why else 200)

    app.router.add_get("/health-check", health_check)
