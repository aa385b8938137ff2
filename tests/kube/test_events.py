import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from scaler.actions import Tell
from scaler.api.meta import ObjectRef, Raw
from scaler.clock import SystemClock
from scaler.kube import events as recording
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.events import Recorder
from scaler.kube.resources import CONFIG_MAPS, EVENTS, SCALED_OBJECTS
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import Peer, scaled_object


@contextlib.asynccontextmanager
async def recording_to(connection: Connection, **settings: Any) -> AsyncIterator[Recorder]:
    recorder = Recorder(connection, SystemClock(), **settings)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def tell(namespace: str, name: str = "so", message: str = "ready", uid: str = "") -> Tell:
    ref = ObjectRef("ScaledObject", namespace, name, "keda.sh/v1alpha1", uid)
    return Tell(ref, "Normal", "ScaledObjectReady", message)


async def written(connection: Connection, namespace: str) -> list[Raw]:
    found = await connection.listing(EVENTS, namespace, into=Raw, fields="reason=ScaledObjectReady")
    return found.items


@pytest.mark.usefixtures("kinds")
async def test_an_event_stands_at_its_object(connection: Connection, cluster: Cluster, namespace: str) -> None:
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("so"), into=Raw)
    async with recording_to(connection, instance="pod-0") as recorder:
        recorder.record(tell(namespace, uid=made["metadata"]["uid"]))
        assert await recorder.flush(5)
    described = await asyncio.to_thread(cluster.kubectl, "-n", namespace, "describe", "scaledobject", "so")
    assert "ScaledObjectReady" in described
    assert "keda-operator" in described
    (event,) = await written(connection, namespace)
    assert event["source"] == {"component": "keda-operator"}
    assert (event["reportingComponent"], event["reportingInstance"]) == ("keda-operator", "pod-0")
    assert (event["type"], event["message"], event["count"]) == ("Normal", "ready", 1)


async def test_a_repeated_event_is_one_with_a_count(connection: Connection, namespace: str) -> None:
    async with recording_to(connection) as recorder:
        for _ in range(4):
            recorder.record(tell(namespace))
        recorder.record(tell(namespace, message="other"))
        assert await recorder.flush(5)
    counts = {event["message"]: event["count"] for event in await written(connection, namespace)}
    assert counts == {"ready": 4, "other": 1}
    assert connection.counts["create", "events", "201"] == 2


async def test_an_event_that_was_forgotten_by_the_server_is_made_again(
    connection: Connection, namespace: str
) -> None:
    async with recording_to(connection) as recorder:
        recorder.record(tell(namespace))
        await recorder.flush(5)
        (event,) = await written(connection, namespace)
        await connection.delete(EVENTS, namespace, event["metadata"]["name"])
        recorder.record(tell(namespace))
        await recorder.flush(5)
    (again,) = await written(connection, namespace)
    assert again["count"] == 2


async def test_an_event_of_a_cluster_wide_object_stands_in_default(connection: Connection) -> None:
    ref = ObjectRef("ClusterTriggerAuthentication", "", "recorded", "keda.sh/v1alpha1")
    async with recording_to(connection) as recorder:
        recorder.record(Tell(ref, "Warning", "ClusterTriggerAuthenticationFailed", "no such secret"))
        assert await recorder.flush(5)
    found = await connection.listing(EVENTS, "default", into=Raw, fields="involvedObject.name=recorded")
    (event,) = found.items
    assert "namespace" not in event["involvedObject"]
    await connection.delete(EVENTS, "default", event["metadata"]["name"])


async def test_a_message_that_is_too_long_is_cut_at_a_character(connection: Connection, namespace: str) -> None:
    async with recording_to(connection) as recorder:
        recorder.record(tell(namespace, message="ä" * 2000))
        assert await recorder.flush(5)
    (event,) = await written(connection, namespace)
    assert event["message"] == "ä" * 510 + "..."


async def test_what_is_refused_is_dropped_and_counted(connection: Connection) -> None:
    async with recording_to(connection) as recorder:
        recorder.record(tell("there-is-no-such-namespace"))
        assert await recorder.flush(5)
    assert (recorder.counts["refused"], recorder.dropped) == (1, 1)


async def test_recording_never_waits_and_a_full_queue_drops(
    to_peer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAITING", 8)
    recorder = Recorder(to_peer, SystemClock())  # nobody writes
    for number in range(100):
        recorder.record(tell("n", f"so{number}"))
    assert recorder.counts["full"] == 92
    for _ in range(30):
        recorder.record(tell("n", "loud"))
    assert recorder.counts["flood"] == 5
    assert recorder.dropped == recorder.counts.total()
    assert not await recorder.flush(0.01)


async def test_events_wait_behind_everything_else(peer: Peer, to_peer: Connection) -> None:
    slow = asyncio.Event()
    under_way = most = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        if request.path.endswith("events"):
            under_way += 1
            most = max(most, under_way)
            await slow.wait()
            under_way -= 1
        return web.json_response({})

    peer.answer = answer
    async with recording_to(to_peer) as recorder:
        for number in range(40):
            recorder.record(tell("n", f"so{number}"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await asyncio.gather(*(to_peer.get(CONFIG_MAPS, "n", "c", into=Ack) for _ in range(40)))
        slow.set()
        assert await recorder.flush(5)
    assert most == recording.WRITERS
    assert recorder.counts == {"written": 40}
