import asyncio

import pytest
from aiohttp import web

from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.lanes import Lane
from scaler.kube.pace import Pace
from scaler.kube.resources import PODS
from scaler.kube.wire import Limits
from tests.kube.conftest import Peer


def waits(pace: Pace, *moments: float) -> list[float]:
    return [round(pace.wait(now), 6) for now in moments]


def test_calls_come_at_the_rate_once_the_burst_is_used_up() -> None:
    assert waits(Pace(10, 3), *[0.0] * 6) == [0, 0, 0, 0.1, 0.2, 0.3]


def test_a_quiet_time_gives_the_burst_back_and_no_more() -> None:
    pace = Pace(10, 2)
    waits(pace, *[0.0] * 12)
    assert waits(pace, *[100.0] * 4) == [0, 0, 0.1, 0.2]


def test_a_slow_caller_never_waits() -> None:
    assert waits(Pace(10, 1), 0.0, 0.11, 0.22, 0.33) == [0, 0, 0, 0]


def test_without_a_rate_nobody_waits() -> None:
    assert waits(Pace(0, 1), *[0.0] * 100) == [0] * 100


async def test_of_those_that_wait_the_lowest_lane_goes_first() -> None:
    pace = Pace(50, 1)
    order: list[str] = []

    async def call(name: str, lane: Lane) -> None:
        await pace.turn(lane)
        order.append(name)

    await pace.turn()
    async with asyncio.TaskGroup() as group:
        for name, lane in (
            ("event", Lane.LAST),
            ("status", Lane.LATER),
            ("hpa", Lane.NORMAL),
            ("scale", Lane.NORMAL),
        ):
            group.create_task(call(name, lane))
    assert order == ["hpa", "scale", "status", "event"]


async def test_those_that_wait_come_at_the_rate() -> None:
    pace = Pace(100, 1)
    begin = asyncio.get_running_loop().time()
    await asyncio.gather(*(pace.turn() for _ in range(11)))
    assert asyncio.get_running_loop().time() - begin >= 0.099


async def test_who_gives_up_waiting_takes_no_place() -> None:
    pace = Pace(10, 1)
    await pace.turn()
    begin = asyncio.get_running_loop().time()
    gone = [asyncio.create_task(pace.turn()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.wait(gone)
    await pace.turn(Lane.LAST)
    assert asyncio.get_running_loop().time() - begin < 0.4  # five places would be half a second


async def test_a_connection_with_a_rate_keeps_to_it_and_the_lease_goes_before(peer: Peer) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    peer.answer = answer
    async with Connection(peer.url, Limits(rate=0.001, burst=1)) as connection:
        await connection.get(PODS, "a", "b", into=Ack)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await connection.get(PODS, "a", "b", into=Ack)
        async with asyncio.timeout(10):
            await connection.get(PODS, "a", "b", into=Ack, lane=Lane.URGENT)
    assert len(peer.seen) == 2
