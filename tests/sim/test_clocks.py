"""Clocks that stand still or run fast."""

import asyncio

import pytest

from scaler.sim.clocks import AcceleratedClock, ManualClock


async def test_a_manual_clock_wakes_sleepers_in_their_order_and_at_their_time() -> None:
    clock = ManualClock(100.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))
        await clock.sleep(1)
        woken.append((f"{name} again", clock.now()))

    tasks = [asyncio.create_task(sleeper("late", 5)), asyncio.create_task(sleeper("early", 2))]
    await clock.advance(4)
    assert woken == [("early", 102.0), ("early again", 103.0)]
    assert clock.now() == 104.0
    await clock.advance(10)
    assert woken[2:] == [("late", 105.0), ("late again", 106.0)]
    await asyncio.gather(*tasks)


async def test_a_sleeper_that_gave_up_is_passed_over() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await clock.advance(2)
    assert task.cancelled()


async def test_an_accelerated_clock_runs_ahead() -> None:
    clock = AcceleratedClock(1000, start=0.0)
    await clock.sleep(100)
    assert clock.now() >= 100


def test_a_clock_runs_forward() -> None:
    with pytest.raises(ValueError, match="above 0"):
        AcceleratedClock(0)
