import asyncio
import heapq

import pytest

from scaler.api.meta import ObjectMeta
from scaler.api.scaledobject import ScaledObject, ScaledObjectSpec, ScaleTargetRef, TriggerSpec
from scaler.horizontal.readings import Memory
from scaler.loops.objects import Tracked
from scaler.loops.poller import Poller, phase


class VirtualClock:
    """Time that stands still until `play` moves it to the next sleeper."""

    def __init__(self):
        self.time = 1000.0
        self.sleepers = []

    def now(self):
        return self.time

    async def sleep(self, seconds):
        waiting = asyncio.get_running_loop().create_future()
        heapq.heappush(self.sleepers, (self.time + seconds, id(waiting), waiting))
        await waiting

    async def play(self, until):
        while True:
            for _ in range(10):
                await asyncio.sleep(0)
            if not self.sleepers or self.sleepers[0][0] > until:
                self.time = until
                return
            self.time, _, waiting = heapq.heappop(self.sleepers)
            if not waiting.done():
                waiting.set_result(None)


def tracked(name="w", polling=30, generation=1, **annotations):
    spec = ScaledObjectSpec(ScaleTargetRef("w"), (TriggerSpec("cron", {}),), polling_interval=polling)
    meta = ObjectMeta(name=name, namespace="ns", generation=generation, annotations=annotations)
    return Tracked(ScaledObject(meta, spec), Memory())


@pytest.fixture
async def world():
    clock, polls = VirtualClock(), []
    world_ = type("World", (), {})()
    world_.clock, world_.polls, world_.takes, world_.answer, world_.fails = clock, polls, 0.0, None, False

    async def poll(subject):
        polls.append((subject.key[1], clock.now() - 1000))
        if world_.takes:
            await clock.sleep(world_.takes)
        if world_.fails:
            raise RuntimeError("a bug")
        return world_.answer

    world_.poller = Poller(poll, clock, spread=8.0)
    yield world_
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def times(world):
    return [at for _, at in world.polls]


async def test_the_first_check_is_at_once_and_the_others_from_start_to_start(world):
    world.takes = 4.0
    world.poller.start(tracked())
    await world.clock.play(1095)
    assert times(world) == [0, 30, 60, 90]


async def test_a_check_that_overruns_is_followed_at_once_and_the_grid_begins_there(world):
    world.takes = 40.0
    world.poller.start(tracked())
    await world.clock.play(1119)
    assert times(world) == [0, 40, 80]


async def test_after_a_start_first_checks_are_spread_over_the_shorter_of_interval_and_spread(world):
    for number in range(50):
        world.poller.start(tracked(f"slow{number}"), spread=True)
        world.poller.start(tracked(f"fast{number}", polling=2), spread=True)
    await world.clock.play(1008)
    first = {}
    for name, at in world.polls:
        first.setdefault(name, at)
    assert len(first) == 100
    slow = [at for name, at in first.items() if name.startswith("slow")]
    fast = [at for name, at in first.items() if name.startswith("fast")]
    assert max(slow) < 8
    assert max(slow) > 6
    assert max(fast) < 2
    assert len({round(at) for at in slow}) >= 8


async def test_an_objects_place_in_the_spread_is_the_same_after_every_restart():
    assert phase(("ns", "w")) == phase(("ns", "w"))
    assert 0 <= phase(("ns", "w")) < 1


async def test_a_shared_answer_pulls_the_next_check_to_where_it_grows_old(world):
    world.answer = 1010.0
    world.poller.start(tracked())
    await world.clock.play(1005)
    world.answer = None
    await world.clock.play(1045)
    assert times(world) == [0, 10, 40]


async def test_a_check_can_be_hurried_and_the_interval_counts_from_it(world):
    one = tracked()
    world.poller.start(one)
    await world.clock.play(1010)
    world.poller.hurry(one)
    await world.clock.play(1045)
    assert times(world) == [0, 10, 40]


async def test_a_check_that_is_under_way_is_not_cut_short_but_followed_at_once_when_hurried(world):
    world.takes, one = 4.0, tracked()
    world.poller.start(one)
    await world.clock.play(1002)
    world.poller.hurry(one)
    await world.clock.play(1040)
    assert times(world) == [0, 4, 34]


async def test_what_is_not_polled_cannot_be_hurried(world):
    world.poller.hurry(tracked())
    await world.clock.play(1040)
    assert not world.polls


async def test_a_bug_in_one_check_does_not_end_the_loop(world, caplog):
    world.fails = True
    world.poller.start(tracked())
    await world.clock.play(1035)
    assert times(world) == [0, 30]
    assert "a check failed" in caplog.text


async def test_a_clock_that_is_set_back_does_not_stop_the_loop(world):
    world.poller.start(tracked())
    await world.clock.play(1001)
    world.clock.time = 500.0
    world.clock.sleepers = [(530.0, 0, world.clock.sleepers[0][2])]
    await world.clock.play(600)
    assert len(world.polls) >= 3


async def test_a_stopped_loop_polls_no_more(world):
    one = tracked()
    world.poller.start(one)
    await world.clock.play(1001)
    world.poller.stop(one)
    await world.clock.play(1100)
    assert times(world) == [0]
    assert one.poll is None


async def test_it_tells_how_late_a_check_began(world):
    late = []
    world.poller.on_latency = lambda _, seconds: late.append(seconds)
    world.poller.start(tracked())
    await world.clock.play(1031)
    assert late == [0, 0]
