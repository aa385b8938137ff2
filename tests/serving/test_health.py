import contextlib

import aiohttp
import pytest

from scaler.serving.health import Health, application, serve


@contextlib.asynccontextmanager
async def asking(health, render=None):
    runner = await serve(application(health, render), "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield session
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_a_program_without_checks_is_well(path):
    async with asking(Health()) as session, session.get(path) as response:
        assert (response.status, await response.text()) == (200, "ok")


async def test_what_is_not_well_is_named_and_only_costs_readiness():
    health, problem = Health(), "no snapshot yet"
    health.check("board", lambda: problem)
    health.check("authorities", lambda: "")
    async with asking(health) as session:
        async with session.get("/readyz") as response:
            assert (response.status, await response.text()) == (503, "board: no snapshot yet")
        async with session.get("/healthz") as response:
            assert response.status == 200
        problem = ""
        async with session.get("/readyz") as response:
            assert response.status == 200


@pytest.mark.parametrize("later", [False, True])
async def test_metrics_are_served_in_prometheus_text_format(later):
    async def rendered():
        return b"a 1\n"

    async with (
        asking(Health(), rendered if later else lambda: b"a 1\n") as session,
        session.get("/metrics") as response,
    ):
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert await response.read() == b"a 1\n"


async def test_a_port_for_probes_only_has_no_metrics():
    async with asking(Health()) as session, session.get("/metrics") as response:
        assert response.status == 404
