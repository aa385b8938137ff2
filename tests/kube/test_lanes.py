import asyncio

import pytest

from scaler.kube.lanes import Gate, Lane


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_lowest_lane_goes_first_and_then_first_come() -> None:
    gate = Gate(1)
    order: list[str] = []

    async def call(name: str, lane: Lane) -> None:
        async with gate.passing(lane):
            order.append(name)
            await asyncio.sleep(0)

    async with gate.passing(Lane.NORMAL):
        calls = [
            asyncio.create_task(call("event", Lane.LAST)),
            asyncio.create_task(call("status 1", Lane.LATER)),
            asyncio.create_task(call("hpa", Lane.NORMAL)),
            asyncio.create_task(call("status 2", Lane.LATER)),
        ]
        await settle()
        assert gate.waiting == 4
    await asyncio.gather(*calls)
    assert order == ["hpa", "status 1", "status 2", "event"]


async def test_never_more_are_inside_than_may_be() -> None:
    gate = Gate(3)
    inside = most = 0

    async def call() -> None:
        nonlocal inside, most
        async with gate.passing(Lane.NORMAL):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3


async def test_the_lease_does_not_wait() -> None:
    gate = Gate(1)
    async with gate.passing(Lane.NORMAL), gate.passing(Lane.URGENT):
        assert gate.waiting == 0


async def test_a_caller_that_gives_up_leaves_no_hole() -> None:
    gate = Gate(1)
    reached = asyncio.Event()

    async def call() -> None:
        async with gate.passing(Lane.NORMAL):
            reached.set()

    async with gate.passing(Lane.NORMAL):
        given_up = asyncio.create_task(call())
        stays = asyncio.create_task(call())
        await settle()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    await stays
    assert reached.is_set()


async def test_a_place_given_to_a_caller_that_is_cancelled_in_the_same_turn_goes_to_the_next() -> None:
    gate = Gate(1)
    inside = gate.passing(Lane.NORMAL)
    await inside.__aenter__()
    waiting = asyncio.create_task(gate._enter(Lane.NORMAL))
    await settle()
    await inside.__aexit__(None, None, None)  # gives the place to `waiting`
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1), gate.passing(Lane.NORMAL):
        assert gate.waiting == 0
