"""What is written, in which order, and what becomes of refusals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from scaler.actions import Action, DeleteCheckpoint, KeepCheckpoint, WriteRecommendation
from scaler.api.meta import ObjectRef
from scaler.api.verticalpodautoscaler import CheckpointSpec, CheckpointStatus, VerticalPodAutoscalerStatus
from scaler.errors import ApiError
from scaler.kube.hands import Done, Outcome
from scaler.loops.recommender.writer import Writer


class Slow:
    """Hands that do one thing after the other when they are let, and refuse what they are told to."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.may = asyncio.Event()
        self.refuses: set[str] = set()

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        await self.may.wait()
        name = action.ref.name if isinstance(action, WriteRecommendation) else action.name  # type: ignore[union-attr]
        if name in self.refuses:
            raise ApiError(500, "Broken", "no")
        self.done.append(name)
        return Done()


@contextlib.asynccontextmanager
async def writing(hands: Slow, workers: int = 1) -> AsyncIterator[Writer]:
    writer = Writer(hands, workers)
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def status(name: str, generation: int = 0) -> WriteRecommendation:
    ref = ObjectRef("VerticalPodAutoscaler", "shop", name)
    return WriteRecommendation(ref, VerticalPodAutoscalerStatus(observed_generation=generation))


def checkpoint(name: str) -> KeepCheckpoint:
    return KeepCheckpoint("shop", name, CheckpointSpec(name, "app"), CheckpointStatus())


async def test_statuses_go_first_and_checkpoints_are_not_kept_out() -> None:
    hands = Slow()
    async with writing(hands) as writer:
        for number in range(5):
            writer.put(checkpoint(f"c{number}"))
            writer.put(status(f"s{number}"))
        writer.put(DeleteCheckpoint("shop", "orphan", "", ""))
        hands.may.set()
        assert await writer.flush(10)
    assert hands.done == ["orphan", "s0", "s1", "c0", "s2", "s3", "c1", "s4", "c2", "c3", "c4"]


async def test_what_changes_again_before_its_turn_is_written_once() -> None:
    hands = Slow()
    async with writing(hands) as writer:
        for generation in range(3):
            writer.put(status("web", generation))
        assert writer.waits(("shop", "web"))
        assert writer.waiting == 1
        hands.may.set()
        assert await writer.flush(10)
        assert not writer.waits(("shop", "web"))
    assert hands.done == ["web"]
    assert writer.counts == {("status", "written"): 1}


async def test_a_refusal_ends_nothing_and_a_checkpoint_has_its_turn_again() -> None:
    hands = Slow()
    hands.refuses = {"bad", "worse"}
    missed = []
    async with writing(hands) as writer:
        writer.on_missed = missed.append
        for action in (status("bad"), checkpoint("worse"), status("good")):
            writer.put(action)
        hands.may.set()
        assert await writer.flush(10)
    assert hands.done == ["good"]
    assert [one.name for one in missed] == ["worse"]
    assert writer.counts["status", "refused"] == writer.counts["checkpoint", "refused"] == 1


async def test_waiting_for_the_end_has_an_end() -> None:
    hands = Slow()
    async with writing(hands) as writer:
        writer.put(status("web"))
        assert not await writer.flush(0.05)
