"""What we set stands for a while, and is anybody's afterwards."""

import asyncio

import pytest

from scaler.actions import SetReplicas
from scaler.horizontal.readings import Memory
from scaler.loops import standing as module
from scaler.loops.objects import Objects, Tracked
from scaler.loops.standing import LATEST, Standing
from tests.horizontal.objects import NOW, scaled_object

PAUSED = {"autoscaling.keda.sh/paused-replicas": "4"}


class World:
    def __init__(self, **about):
        self.time, self.again, self.followed = NOW, [], True
        self.objects = Objects()
        self.standing = Standing(self.objects, self.again.append, lambda _action: self.followed, self)
        self.tracked = Tracked(scaled_object(**about), Memory())
        self.objects.add(self.tracked)

    def now(self):
        return self.time

    def set(self, replicas):
        self.standing.set(self.tracked, SetReplicas("apps", "v1", "deployments", "shop", "web", replicas))

    def somebody_sets(self, replicas):
        self.again.clear()
        self.standing.rescaled("shop", "Deployment", "web", replicas)
        return self.again


def test_our_own_write_comes_back_and_means_nothing():
    world = World()
    world.set(0)
    assert world.somebody_sets(0) == []


def test_zero_is_looked_at_again_whenever_somebody_sets_something_else():
    world = World()
    world.set(0)
    for replicas in (4, 0, 3):
        assert world.somebody_sets(replicas) == ([world.tracked] if replicas else [])


def test_so_is_what_a_pause_asks_for():
    world = World(annotations=PAUSED)
    world.set(4)
    assert world.somebody_sets(7) == [world.tracked]
    assert world.somebody_sets(4) == []


def test_after_an_activation_the_replicas_are_the_hpas_to_move():
    world = World()
    world.set(0)
    world.set(1)
    assert world.somebody_sets(4) == []


def test_later_it_is_anybodys():
    world = World(annotations=PAUSED)
    world.set(4)
    world.time += LATEST + 1
    assert world.somebody_sets(7) == []
    world.time -= LATEST
    assert world.somebody_sets(8) == []


def test_a_workload_that_we_never_set_and_an_object_that_is_gone_are_nobodys_business():
    world = World()
    assert world.somebody_sets(3) == []
    world.set(0)
    world.objects.remove(world.tracked.key)
    world.standing.forget(world.tracked)
    assert world.somebody_sets(3) == []


@pytest.mark.parametrize("gone", [False, True])
async def test_a_workload_whose_changes_are_not_told_is_looked_at_once_more(monkeypatch, gone):
    monkeypatch.setattr(module, "UNSEEN", 0.01)
    world = World()
    world.followed = False
    world.set(0)
    if gone:
        world.objects.remove(world.tracked.key)
        world.standing.forget(world.tracked)
    await asyncio.sleep(0.05)
    assert world.again == ([] if gone else [world.tracked])
