"""How controllers are run: once a key, again when asked, and never two at a time for one."""

import asyncio
import logging
from collections.abc import Iterable

import pytest

from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.store import Event, Key, Store, Table
from scaler.sim.clocks import ManualClock
from scaler.sim.controllers.loop import RETRY, Loop


class Recorder:
    """Notes what it is asked, and answers what it is told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.again: float | None = None
        self.refusal: Refusal | None = None

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        yield event.key

    async def reconcile(self, key: Key) -> float | None:
        self.seen.append(key[1])
        await asyncio.sleep(0)
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        again, self.again = self.again, None
        return again


class Setup:
    def __init__(self, **options: float) -> None:
        self.clock = ManualClock()
        self.store = Store()
        self.table = self.store.table("things")
        self.recorder = Recorder()
        self.loop = Loop(self.store, self.clock, self.recorder, **options)  # type: ignore[arg-type] - test options
        self.task = asyncio.create_task(self.loop.run())

    def touch(self, name: str) -> None:
        self.store.put(self.table, ("", name), {"metadata": {"name": name}})

    async def end(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


async def test_changes_of_one_object_are_taken_together() -> None:
    setup = Setup()
    for name in ("a", "b", "a"):
        setup.touch(name)
    await setup.clock.advance(0)
    assert setup.recorder.seen == ["a", "b"]
    setup.touch("a")
    await setup.clock.advance(0)
    assert setup.recorder.seen == ["a", "b", "a"]
    await setup.end()


async def test_who_asks_to_be_asked_again_is() -> None:
    setup = Setup()
    setup.recorder.again = 5.0
    setup.touch("a")
    await setup.clock.advance(4)
    assert setup.recorder.seen == ["a"]
    await setup.clock.advance(2)
    assert setup.recorder.seen == ["a", "a"]
    await setup.end()


async def test_a_refusal_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    setup = Setup()
    setup.recorder.refusal = Refusal(409, "Conflict", "somebody was faster")
    with caplog.at_level(logging.WARNING):
        setup.touch("a")
        await setup.clock.advance(RETRY / 2)
    assert "somebody was faster" in caplog.text
    await setup.clock.advance(RETRY)
    assert setup.recorder.seen == ["a", "a"]
    await setup.end()


async def test_what_is_gone_is_let_go() -> None:
    setup = Setup()
    setup.recorder.refusal = Refusal(404, "NotFound", "gone")
    setup.touch("a")
    await setup.clock.advance(10 * RETRY)
    assert setup.recorder.seen == ["a"]
    await setup.end()


async def test_a_delay_gathers_changes_and_keeps_the_first_time() -> None:
    setup = Setup(delay=10.0)
    setup.touch("a")
    await setup.clock.advance(6)
    setup.touch("a")
    await setup.clock.advance(5)
    assert setup.recorder.seen == ["a"]
    await setup.clock.advance(20)
    assert setup.recorder.seen == ["a"]
    await setup.end()
