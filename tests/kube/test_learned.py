from typing import Any

import pytest

from scaler.actions import DeleteCheckpoint, KeepCheckpoint, Tell, WriteRecommendation
from scaler.api.meta import ObjectRef, Raw
from scaler.api.verticalpodautoscaler import (
    API_VERSION,
    CheckpointSpec,
    CheckpointStatus,
    ContainerRecommendation,
    HistogramCheckpoint,
    PodRecommendation,
    VerticalPodAutoscalerStatus,
    VpaCondition,
)
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.hands import ClusterHands, Done, Gone
from scaler.kube.resources import VPA_CHECKPOINTS, VPAS

pytestmark = pytest.mark.usefixtures("kinds")


class Nobody:
    def record(self, tell: Tell) -> None:
        raise AssertionError(tell)


STATUS = VerticalPodAutoscalerStatus(
    recommendation=PodRecommendation((ContainerRecommendation({"cpu": "126m"}, "app"),)),
    conditions=(VpaCondition("RecommendationProvided", "True", last_transition_time="2026-01-01T00:00:00Z"),),
)


async def vpa(connection: Connection, namespace: str) -> ObjectRef:
    body = {
        "apiVersion": API_VERSION,
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    made: Raw = await connection.create(VPAS, namespace, body, into=dict)
    return ObjectRef("VerticalPodAutoscaler", namespace, "web", API_VERSION, made["metadata"]["uid"])


async def test_a_status_is_replaced_whole(connection: Connection, namespace: str) -> None:
    ref = await vpa(connection, namespace)
    hands = ClusterHands(connection, Nobody())
    assert isinstance(await hands.carry_out(WriteRecommendation(ref, STATUS)), Done)
    empty = VerticalPodAutoscalerStatus(conditions=STATUS.conditions)
    assert isinstance(await hands.carry_out(WriteRecommendation(ref, empty)), Done)
    found: Raw = await connection.get(VPAS, namespace, "web", into=dict)
    assert set(found["status"]) == {"conditions"}
    assert found["metadata"]["generation"] == 1


async def test_a_namesake_is_not_written(connection: Connection, namespace: str) -> None:
    ref = await vpa(connection, namespace)
    hands = ClusterHands(connection, Nobody())
    await connection.delete(VPAS, namespace, "web")
    assert isinstance(await hands.carry_out(WriteRecommendation(ref, STATUS)), Gone)
    await vpa(connection, namespace)
    assert isinstance(await hands.carry_out(WriteRecommendation(ref, STATUS)), Gone)
    found: Raw = await connection.get(VPAS, namespace, "web", into=dict)
    assert "status" not in found


def kept(namespace: str, buckets: dict[str, int], **more: Any) -> KeepCheckpoint:
    histogram = HistogramCheckpoint(bucket_weights=buckets, total_weight=1.5)
    status = CheckpointStatus(version="v3", cpu_histogram=histogram, total_samples_count=2)
    return KeepCheckpoint(namespace, "web-app", CheckpointSpec("web", "app"), status, **more)


async def test_a_checkpoint_is_made_and_then_replaced(connection: Connection, namespace: str) -> None:
    hands = ClusterHands(connection, Nobody())
    await hands.carry_out(kept(namespace, {"1": 10000, "2": 5}))
    await hands.carry_out(kept(namespace, {"3": 10000}, annotations={"example.com/a": "1"}))
    found: Raw = await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=dict)
    assert found["spec"] == {"vpaObjectName": "web", "containerName": "app"}
    assert found["status"]["cpuHistogram"] == {"bucketWeights": {"3": 10000}, "totalWeight": 1.5}
    assert found["metadata"]["annotations"] == {"example.com/a": "1"}
    await hands.carry_out(kept(namespace, {"4": 10000}))
    found = await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=dict)
    assert found["metadata"]["annotations"] == {"example.com/a": "1"}


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("there", [True, False])
async def test_whether_it_is_there_may_be_thought_wrongly(
    connection: Connection, namespace: str, *, new: bool, there: bool
) -> None:
    hands = ClusterHands(connection, Nobody())
    if there:
        await hands.carry_out(kept(namespace, {"1": 10000}))
    note = {"example.com/a": "1"}
    assert await hands.carry_out(kept(namespace, {"2": 10000}, annotations=note, new=new)) == Done()
    found: Raw = await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=dict)
    assert found["status"]["cpuHistogram"]["bucketWeights"] == {"2": 10000}
    assert found["metadata"]["annotations"] == note


async def test_a_checkpoint_that_was_written_meanwhile_is_not_deleted(connection: Connection, namespace: str) -> None:
    hands = ClusterHands(connection, Nobody())
    await hands.carry_out(kept(namespace, {"1": 10000}))
    found: Raw = await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=dict)
    meta = found["metadata"]
    deletion = DeleteCheckpoint(namespace, "web-app", meta["uid"], meta["resourceVersion"])
    await hands.carry_out(kept(namespace, {"2": 10000}))
    assert isinstance(await hands.carry_out(deletion), Gone)
    found = await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=dict)
    again = DeleteCheckpoint(namespace, "web-app", meta["uid"], found["metadata"]["resourceVersion"])
    assert isinstance(await hands.carry_out(again), Done)
    assert isinstance(await hands.carry_out(again), Gone)
    with pytest.raises(ApiError, match="not found"):
        await connection.get(VPA_CHECKPOINTS, namespace, "web-app", into=Ack)


async def test_a_namespace_that_is_not_there_is_no_error(connection: Connection) -> None:
    hands = ClusterHands(connection, Nobody())
    assert isinstance(await hands.carry_out(kept("no-such-namespace", {"1": 1})), Gone)
