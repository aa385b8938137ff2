import asyncio

import msgspec
import pytest

from scaler.actions import ApplyHpa, DeleteHpa, PatchMetadata, SetReplicas, WriteStatus
from scaler.api.scaledobject import ScaledObject
from scaler.errors import ApiError
from scaler.horizontal.plans import Resolved
from scaler.horizontal.readings import Memory, Policy, Scale
from scaler.kube.hands import Done
from scaler.loops import workqueue
from scaler.loops.board import Board
from scaler.loops.objects import Objects, Tracked
from scaler.loops.reconciler import Reconciler
from tests.horizontal.objects import DEPLOYMENT, scaled_object, trigger


class World:
    """A cluster in memory: one workload for all, HPAs by name, hands that write into it."""

    def __init__(self):
        self.made = {}
        self.done, self.told, self.polled, self.stopped, self.dropped = [], [], [], [], []
        self.refuse = {}
        self.objects, self.board = Objects(), Board()
        self.reconciler = Reconciler(
            objects=self.objects,
            world=self,
            hands=self,
            tell=self.told.append,
            build=self.build,
            drop=self.dropped.append,
            poller=self,
            board=self.board,
            policy=Policy(),
            clock=self,
            workers=4,
        )

    async def target(self, scaled):
        return Resolved(DEPLOYMENT, Scale(3))

    async def requests(self, scaled):
        return None, ()

    def hpas(self, scaled):
        return tuple(self.made.values())

    def vpas(self, scaled):
        return ()

    async def pod_template(self, scaled):
        return None

    def wrote_hpa(self, body):
        self.made[body["metadata"]["name"]] = body

    def deleted_hpa(self, namespace, name):
        self.made.pop(name, None)

    async def build(self, tracked):
        return (trigger(),)

    async def carry_out(self, action, why=""):
        await asyncio.sleep(0)
        error = self.refuse.get(type(action))
        if error is not None:
            raise error
        self.done.append(action)
        if isinstance(action, ApplyHpa):
            return Done(msgspec.to_builtins(action.body) | {"status": {}})
        if isinstance(action, PatchMetadata):
            tracked = self.objects.get((action.ref.namespace, action.ref.name))
            body = msgspec.to_builtins(tracked.scaled)
            body["metadata"] |= action.patch | {
                "labels": body["metadata"].get("labels", {}) | action.patch.get("labels", {})
            }
            return Done(body)
        return Done()

    def start(self, tracked, *, spread=False):
        tracked.poll, tracked.polled_for = object(), tracked.asks
        self.polled.append((tracked.key[1], spread))

    def stop(self, tracked):
        tracked.poll = tracked.polled_for = None
        self.stopped.append(tracked.key[1])

    def now(self):
        return 0.0

    def add(self, **about):
        tracked = Tracked(scaled_object(**about), Memory())
        self.objects.add(tracked)
        return tracked

    async def settle(self):
        """Work until nothing waits, statuses included."""
        for _ in range(50):
            await self.reconciler.queue.calm()
            await self.reconciler.statuses.calm()
            await asyncio.sleep(0.01)


@pytest.fixture
async def world(monkeypatch):
    monkeypatch.setattr("scaler.loops.reconciler.STATUS_PAUSE", 0.01)
    monkeypatch.setattr(workqueue, "FIRST_RETRY", 0.01)
    made = World()
    yield made
    await made.reconciler.queue.stop()
    await made.reconciler.statuses.stop()


def kinds(world):
    return [type(action) for action in world.done]


async def test_a_new_object_gets_its_metadata_its_hpa_and_one_status_in_that_order(world):
    world.add()
    world.reconciler.start()
    await world.settle()
    assert kinds(world) == [PatchMetadata, ApplyHpa, WriteStatus]
    assert world.polled == [("web", True)]


async def test_every_hpa_is_there_before_the_first_status(world):
    for number in range(20):
        world.add(name=f"o{number}", scaleTargetRef={"name": f"w{number}"})
    world.reconciler.start()
    await world.settle()
    order = kinds(world)
    assert order.count(ApplyHpa) == order.count(WriteStatus) == 20
    assert max(i for i, kind in enumerate(order) if kind is ApplyHpa) < order.index(WriteStatus)


async def test_an_object_that_comes_later_is_polled_at_once(world):
    world.reconciler.start()
    tracked = world.add()
    world.reconciler.queue.add(tracked.key)
    await world.settle()
    assert world.polled == [("web", False)]


async def test_looking_again_at_what_stands_writes_nothing_and_keeps_the_loop(world):
    tracked = world.add()
    world.reconciler.start()
    await world.settle()
    world.done.clear()
    world.reconciler.queue.add(tracked.key)
    await world.settle()
    assert world.done == []
    assert len(world.polled) == 1


async def test_a_changed_annotation_that_is_judged_starts_the_loop_anew(world):
    tracked = world.add()
    world.reconciler.start()
    await world.settle()
    meta = msgspec.structs.replace(tracked.scaled.metadata, annotations={"kube-scaler.dev/no-data": "strict"})
    world.objects.replace(tracked, msgspec.structs.replace(tracked.scaled, metadata=meta))
    world.reconciler.queue.add(tracked.key)
    await world.settle()
    assert world.polled == [("web", True), ("web", False)]


async def test_a_paused_object_loses_its_hpa_and_its_loop(world):
    tracked = world.add()
    world.reconciler.start()
    await world.settle()
    meta = msgspec.structs.replace(tracked.scaled.metadata, annotations={"autoscaling.keda.sh/paused-replicas": "2"})
    world.objects.replace(tracked, msgspec.structs.replace(tracked.scaled, metadata=meta))
    world.done.clear()
    world.reconciler.queue.add(tracked.key)
    await world.settle()
    assert {DeleteHpa, SetReplicas, WriteStatus} <= set(kinds(world))
    assert world.made == {}
    assert tracked.subject is None
    assert world.stopped


async def test_a_forgotten_object_wakes_those_it_stood_in_the_way_of(world):
    first, second = world.add(name="a"), world.add(name="b")
    world.reconciler.start()
    await world.settle()
    assert [name for name, _ in world.polled] == ["a"]
    world.reconciler.forget(first.key)
    world.made.clear()
    await world.settle()
    assert [name for name, _ in world.polled] == ["a", "b"]
    assert second.subject is not None
    assert world.dropped == [first]


async def test_a_deletion_never_hangs_on_a_restore_that_fails(world):
    world.add(
        metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["finalizer.keda.sh"]},
        status={"originalReplicaCount": 5},
        advanced={"restoreToOriginalReplicaCount": True},
    )
    world.refuse[SetReplicas] = ApiError(404, "NotFound", "the workload is gone")
    world.reconciler.start()
    await world.settle()
    (patch,) = [action for action in world.done if isinstance(action, PatchMetadata)]
    assert patch.patch["finalizers"] == []


async def test_what_the_api_server_keeps_refusing_stands_in_the_status(world):
    tracked = world.add()
    world.refuse[ApplyHpa] = ApiError(403, "Forbidden", "may not create")
    world.reconciler.start()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if any("may not create" in condition.message for condition in tracked.wanted.conditions):
            break
    ready = next(condition for condition in tracked.wanted.conditions if condition.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "ScaledObjectCheckFailed")
    assert "may not create" in ready.message
    assert [tell.reason for tell in world.told if tell.type == "Warning"] == ["ScaledObjectCheckFailed"]


async def test_before_leaving_every_status_that_is_due_is_written(world):
    tracked = world.add()
    world.reconciler.start()
    await world.settle()
    world.done.clear()
    tracked.wanted = msgspec.structs.replace(tracked.wanted, last_active_time="2026-01-01T00:00:00Z")
    await world.reconciler.write_statuses()
    (write,) = world.done
    assert write.patch == {"lastActiveTime": "2026-01-01T00:00:00Z"}
    assert isinstance(tracked.scaled, ScaledObject)
