"""The demo in a browser: a self-contained page, fed by server-sent events. It shows a `Story` and changes nothing."""

import asyncio
import contextlib
from pathlib import Path

import msgspec
from aiohttp import web

from scaler.sim.story import Sample, Story, Told

HTML = Path(__file__).with_name("page.html")
EVERY = 0.5
"""Seconds between two looks at the story."""
TRIES = 20
"""Ports that are tried, upwards from the one that was asked for."""


class _News(msgspec.Struct):
    samples: list[Sample]
    told: list[Told]
    now: dict[str, object]
    title: str
    over: bool


class Page:
    """Use it with `start` and `close`."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._runner: web.AppRunner | None = None
        self.over = False
        """The story has ended: browsers are told, and stop asking."""

    async def start(self, host: str, port: int) -> str:
        """Listen on the first free port from there upwards; the URL."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/events", self._events)
        app.router.add_get("/story", self._whole)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        for wanted in (*range(port, port + TRIES), 0):
            site = web.TCPSite(self._runner, host, wanted)
            try:
                await site.start()
            except OSError:  # taken
                continue
            return f"http://{host}:{self._runner.addresses[-1][1]}/"
        raise OSError(f"no free port from {port} to {port + TRIES} on {host}")

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(body=HTML.read_bytes(), content_type="text/html", charset="utf-8")

    async def _whole(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self._news(0, 0)), content_type="application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await answer.prepare(request)
        samples = told = 0
        with contextlib.suppress(ConnectionResetError):  # the browser went away
            while True:
                news = self._news(samples, told)
                samples, told = len(self._story.samples), len(self._story.told)
                await answer.write(b"data: " + msgspec.json.encode(news) + b"\n\n")
                if news.over:
                    break
                await asyncio.sleep(EVERY)
        return answer

    def _news(self, samples: int, told: int) -> _News:
        story = self._story
        return _News(story.samples[samples:], story.told[told:], story.now, story.play.title, self.over)
