"""One thing a key, made once, closed in the end."""

import asyncio

import pytest

from scaler.triggers.pool import Pool


class Workshop:
    """Makes texts, slowly, and remembers what was made and closed."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.closed: list[str] = []
        self.fault: Exception | None = None

    async def make(self, key: str) -> str:
        await asyncio.sleep(0.01)
        if self.fault is not None:
            raise self.fault
        self.made.append(key)
        return key.upper()

    async def close(self, value: str) -> None:
        self.closed.append(value)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


async def test_all_who_ask_get_the_one_that_the_first_has_made(workshop: Workshop) -> None:
    pool = Pool(workshop.make, workshop.close)
    assert await asyncio.gather(*(pool.get("a") for _ in range(5))) == ["A"] * 5
    assert await pool.get("a") == "A"
    assert workshop.made == ["a"]


async def test_who_gives_up_waiting_does_not_stop_the_making(workshop: Workshop) -> None:
    pool = Pool(workshop.make, workshop.close)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await pool.get("a")
    assert await pool.get("a") == "A"
    assert workshop.made == ["a"]


async def test_a_maker_that_fails_leaves_nothing_behind(workshop: Workshop) -> None:
    pool = Pool(workshop.make, workshop.close)
    workshop.fault = ValueError("no clay")
    outcomes = await asyncio.gather(pool.get("a"), pool.get("a"), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no clay", "no clay"]
    workshop.fault = None
    assert await pool.get("a") == "A"


async def test_what_nobody_asks_for_is_closed_when_another_is_made(workshop: Workshop) -> None:
    pool = Pool(workshop.make, workshop.close, idle=0.05)
    await pool.get("a")
    await pool.get("b")
    await asyncio.sleep(0.06)
    await pool.get("b")
    assert workshop.closed == []
    await pool.get("c")
    assert workshop.closed == ["A"]
    assert len(pool) == 2


async def test_closing_closes_all_and_stops_what_is_being_made(workshop: Workshop) -> None:
    pool = Pool(workshop.make, workshop.close)
    await pool.get("a")
    waiting = asyncio.create_task(pool.get("b"))
    await asyncio.sleep(0)
    await pool.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert workshop.closed == ["A"]
    assert workshop.made == ["a"]
