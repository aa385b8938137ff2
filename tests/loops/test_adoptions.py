"""When a user's own HPA is looked at, and what is written to it."""

import asyncio

import pytest

from scaler.errors import ApiError
from scaler.kube.hands import Done, DryHands
from scaler.loops import adoptions as module
from scaler.loops.adoptions import Adoptions
from scaler.loops.hpas import decoded
from tests.together.test_adoption import POD, no_longer_asked, target, users, vpa

KEY = ("shop", "web")


async def until(holds):
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


class World:
    """HPAs as an API server has them, and their copies; what is written is told as a watch would."""

    def __init__(self, *hpas, vpas=()):
        self.there = {(hpa["metadata"]["namespace"], hpa["metadata"]["name"]): hpa for hpa in hpas}
        self.vpas, self.written, self.refuse, self.asked = vpas, [], [], 0
        self.adoptions = Adoptions(self, self)
        self.copies = {}
        for hpa in hpas:
            self.wrote_hpa(hpa)

    def hpa(self, namespace, name):
        return self.copies.get((namespace, name))

    def hpas_on(self, workload):
        return [copy for copy in self.copies.values() if copy.target == workload]

    async def hpa_now(self, namespace, name):
        return self.there.get((namespace, name))

    async def vpas_on(self, _target):
        self.asked += 1
        return self.vpas

    async def template_of(self, namespace, api_version, kind, name):
        assert (namespace, api_version, kind, name) == ("shop", "apps/v1", "Deployment", "web")
        return {"spec": POD}

    def wrote_hpa(self, body):
        copy = decoded(body)
        old = self.copies.get(copy.key)
        self.copies[copy.key] = copy
        self.adoptions.hpa(old, copy)

    async def carry_out(self, action, why=""):
        assert action.theirs
        assert action.existing == self.there[action.namespace, action.name]
        if self.refuse:
            raise self.refuse.pop()
        self.written.append(action.body)
        self.there[action.namespace, action.name] = action.body
        return Done(action.body)

    def users_edit(self, hpa):
        """Until it is seen by the watch."""
        self.there[KEY] = hpa
        self.wrote_hpa(hpa)

    async def settled(self):
        await asyncio.sleep(0)
        await asyncio.wait_for(self.adoptions.queue.calm(), 5)


@pytest.fixture
async def adopted():
    world = World(users(), vpas=(vpa(),))
    world.adoptions.queue.start()
    await world.settled()
    yield world
    await world.adoptions.queue.stop()


async def test_one_that_asks_is_written_once(adopted):
    assert [target(body)["averageValue"] for body in adopted.written] == ["500m"]


async def test_nothing_is_written_before_we_lead():
    world = World(users(), vpas=(vpa(),))
    await asyncio.sleep(0)
    assert world.written == []


async def test_one_that_does_not_ask_costs_no_look():
    world = World(users(asks=None), vpas=(vpa(),))
    world.adoptions.queue.start()
    world.adoptions.vpa(None, vpa())
    await world.settled()
    assert (world.asked, world.written) == (0, [])
    await world.adoptions.queue.stop()


async def test_it_is_given_back_when_he_stops_asking(adopted):
    adopted.users_edit(no_longer_asked(adopted.there[KEY]))
    await adopted.settled()
    assert adopted.there[KEY] == no_longer_asked(users())


async def test_it_is_given_back_when_the_vpa_goes(adopted):
    gone, adopted.vpas = adopted.vpas[0], ()
    adopted.adoptions.vpa(gone, None)
    await adopted.settled()
    assert adopted.there[KEY] == users()


async def test_a_second_hpa_on_the_workload_gives_it_back(adopted):
    adopted.wrote_hpa(users(asks=None, name="second"))
    await adopted.settled()
    assert adopted.there[KEY] == users()


async def test_after_a_start_nothing_is_given_back_before_the_vpas_are_known(adopted, monkeypatch):
    monkeypatch.setattr(module, "UNKNOWN", 0.01)
    world = World(adopted.there[KEY], vpas=None)
    world.adoptions.queue.start()
    await until(lambda: world.asked >= 3)
    assert world.written == []
    world.vpas = ()
    await until(lambda: world.written)
    assert world.there[KEY] == users()
    await world.adoptions.queue.stop()


async def test_what_was_refused_is_tried_again_with_what_stands_there_then(monkeypatch):
    monkeypatch.setattr("scaler.loops.workqueue.FIRST_RETRY", 0.01)
    world = World(users(), vpas=(vpa(),))
    world.refuse = [ApiError(409, "Conflict", "the object has been modified")]
    world.there[KEY] = users(maxReplicas=20)  # not seen by the watch yet
    world.adoptions.queue.start()
    await until(lambda: world.written)
    assert world.there[KEY]["spec"]["maxReplicas"] == 20
    assert target(world.there[KEY])["averageValue"] == "500m"
    await world.adoptions.queue.stop()


async def test_one_whose_memory_somebody_broke_is_left_and_the_log_says_why(adopted, caplog):
    broken = adopted.there[KEY]
    broken["metadata"]["annotations"]["kube-scaler.dev/adopted"] = "{"
    adopted.written.clear()
    adopted.users_edit(broken)
    await adopted.settled()
    assert adopted.written == []
    assert "write its spec anew" in next(record.error for record in caplog.records if record.levelname == "WARNING")


async def test_who_only_recommends_writes_nothing():
    world = World(users(), vpas=(vpa(),))
    adoptions = Adoptions(world, DryHands(world))
    world.adoptions = adoptions
    adoptions.hpa(None, world.copies[KEY])
    adoptions.queue.start()
    await world.settled()
    assert (world.asked, world.written) == (1, [])
    await adoptions.queue.stop()
