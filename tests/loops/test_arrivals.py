"""What comes in from the cluster, and what it wakes."""

import msgspec
import pytest

from scaler.api.scaledobject import ScaledObject
from scaler.loops.arrivals import Arrivals
from scaler.loops.objects import Objects

KEY = ("ns", "web")


def scaled(version, *, generation=1, uid="u", **about):
    metadata = {
        "name": "web",
        "namespace": "ns",
        "uid": uid,
        "generation": generation,
        "resourceVersion": str(version),
        **about,
    }
    spec = {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "cron", "metadata": {}}]}
    return msgspec.convert({"metadata": metadata, "spec": spec}, ScaledObject)


class Queue:
    """Notes what is to be looked at."""

    def __init__(self):
        self.woken = []

    def add(self, key):
        self.woken.append(key)


class World:
    """Objects, and a reconciler that notes what it is told."""

    def __init__(self):
        self.objects, self.queue = Objects(), Queue()
        self.arrivals = Arrivals(self.objects, self, lambda _tracked: None, self)

    def now(self):
        return 1_790_000_000.0

    def forget(self, key):
        self.objects.remove(key)

    def take(self, *many):
        """One after the other; what the last of them woke."""
        for one in many:
            self.queue.woken.clear()
            self.arrivals.scaled_object(one)
        return self.queue.woken


@pytest.fixture
def world():
    return World()


def test_a_new_object_is_looked_at(world):
    assert world.take(scaled(1)) == [KEY]


def test_a_status_write_wakes_nobody_but_its_version_is_kept(world):
    """Or the next patch of the metadata, which says what version it is for, would be refused for ever."""
    assert world.take(scaled(1), scaled(5)) == []
    assert world.objects.get(KEY).scaled.metadata.resource_version == "5"


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": 2},
        {"annotations": {"a": "b"}},
        {"labels": {"a": "b"}},
        {"finalizers": ["x"]},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_wish_is_looked_at(world, changed):
    assert world.take(scaled(1), scaled(2, **changed)) == [KEY]


def test_what_is_behind_what_we_hold_says_nothing_new(world):
    assert world.take(scaled(5, generation=2), scaled(4)) == []
    assert world.objects.get(KEY).scaled.metadata.generation == 2


def test_a_namesake_begins_anew(world):
    world.take(scaled(1))
    before = world.objects.get(KEY)
    assert world.take(scaled(2, uid="other")) == [KEY]
    assert world.objects.get(KEY) is not before
