"""Queues fill and are worked off, and pods use what their work takes."""

import pytest

from scaler.sim.clocks import ManualClock
from scaler.sim.cluster import EmbeddedCluster
from scaler.sim.controllers.kubelet import Pace
from scaler.sim.world import Queue, Workers

WORKERS = Workers("default", "app=web", rate=2.0, in_flight=4)


def test_what_arrives_and_is_not_worked_off_waits() -> None:
    queue = Queue("q", lambda _: 10.0, WORKERS)
    queue.step(0.0, 1.0, pods=0)
    assert (queue.backlog, queue.waiting, queue.held) == (10.0, 10, 0)
    queue.step(1.0, 1.0, pods=2)
    assert queue.backlog == 16.0
    assert (queue.waiting, queue.held) == (8, 8)
    assert queue.strain == 1.0


def test_work_ends_with_the_queue() -> None:
    queue = Queue("q", workers=WORKERS, depth=3.0)
    queue.step(0.0, 1.0, pods=2)
    assert queue.backlog == 0.0
    assert queue.finished == 3.0
    assert queue.strain == pytest.approx(0.75)
    queue.step(1.0, 1.0, pods=2)
    assert queue.strain == 0.0


def test_no_message_is_lost_or_invented() -> None:
    queue = Queue("q", lambda now: 3.0 + now % 5, WORKERS, depth=7.0)
    for second in range(100):
        queue.step(float(second), 0.5, pods=second % 4)
    assert queue.backlog == pytest.approx(7.0 + queue.arrived - queue.finished)


def test_a_load_below_nothing_is_nothing() -> None:
    queue = Queue("q", lambda _: -5.0, depth=1.0)
    queue.step(0.0, 1.0, pods=0)
    assert queue.backlog == 1.0


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: none}, {name: side, image: none}]}
"""


async def test_ready_pods_work_the_queue_and_use_what_it_takes() -> None:
    clock = ManualClock()
    async with EmbeddedCluster(clock, pace=Pace(start=2, ready=3)) as cluster:
        queue = cluster.world.add_queue("q", lambda _: 8.0, WORKERS)
        await cluster.apply(DEPLOYMENT)
        await clock.advance(4)
        assert cluster.world.ready_pods("default", "app=web") == []
        assert queue.backlog == pytest.approx(32.0, abs=3.0)
        await clock.advance(4)
        assert len(cluster.world.ready_pods("default", "app=web")) == 2
        assert queue.pods == 2
        pod = cluster.world.ready_pods("default", "app=web")[0]
        assert cluster.usage.of(pod) == {"main": WORKERS.busy, "side": WORKERS.busy}
        cluster.world.uses("default", "app=web", lambda _: (0.25, 1024.0))
        assert cluster.usage.of(pod) == {"main": (0.25, 1024.0), "side": (0.25, 1024.0)}
