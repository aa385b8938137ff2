"""A program that works in rounds says when it does not."""

import aiohttp
import pytest
from aiohttp import web

from scaler.serving.health import serve
from scaler.serving.rounds import add_health_check, stuck


@pytest.mark.parametrize(("silent", "works"), [(0.0, True), (299.0, True), (300.0, False)])
def test_five_rounds_may_be_missing(silent: float, works: bool) -> None:
    assert (stuck(silent, 60.0) == "") is works


def test_a_program_that_is_stuck_says_since_when() -> None:
    assert stuck(400.0, 60.0) == "the last round ended 400 s ago; there should be one each 60 s"


@pytest.mark.parametrize(("why", "status", "text"), [("", 200, "OK"), ("stuck", 500, "stuck")])
async def test_the_page_answers_as_upstreams_does(why: str, status: int, text: str) -> None:
    app = web.Application()
    add_health_check(app, lambda: why)
    runner = await serve(app, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/health-check"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert (answer.status, await answer.text()) == (status, text)
    finally:
        await runner.cleanup()
