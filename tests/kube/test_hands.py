import asyncio
import logging

import pytest

from scaler.actions import Action, ApplyHpa, DeleteHpa, PatchMetadata, SetReplicas, Tell, WriteStatus
from scaler.api.meta import ObjectRef, Raw
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.hands import ClusterHands, Done, DryHands, Gone, Outcome
from scaler.kube.resources import CONFIG_MAPS, DEPLOYMENTS, HPAS, SCALED_OBJECTS
from tests.kube.conftest import deployment, scaled_object


class Told:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Tell] = []

    def record(self, tell: Tell) -> None:
        self.events.append(tell)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def hands(connection: Connection, told: Told) -> ClusterHands:
    return ClusterHands(connection, told)


def hpa(name: str, maximum: int = 5, owner: str = "") -> Raw:
    owners = (
        [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": owner, "controller": True}] if owner else []
    )
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "labels": {"max": str(maximum)}, "ownerReferences": owners},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": maximum,
            "metrics": [metric],
        },
    }


def body(outcome: Outcome) -> Raw:
    assert isinstance(outcome, Done)
    assert outcome.body is not None
    return outcome.body


def ref(made: Raw) -> ObjectRef:
    meta = made["metadata"]
    return ObjectRef("ScaledObject", meta["namespace"], meta["name"], "keda.sh/v1alpha1", meta["uid"])


async def replicas(connection: Connection, namespace: str, name: str) -> int:
    found = await connection.get(DEPLOYMENTS, namespace, name, into=Raw)
    return int(found["spec"]["replicas"])


async def test_replicas_are_set_through_the_scale(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    outcome = await hands.carry_out(SetReplicas("apps", "v1", "deployments", namespace, "web", 3), "the queue fills")
    assert body(outcome)["kind"] == "Scale"
    assert await replicas(connection, namespace, "web") == 3


async def test_a_workload_that_is_not_there_cannot_be_scaled(hands: ClusterHands, namespace: str) -> None:
    with pytest.raises(ApiError, match='"web" not found') as error:
        await hands.carry_out(SetReplicas("apps", "v1", "deployments", namespace, "web", 3))
    assert error.value.status == 404


async def test_an_hpa_is_created_changed_and_deleted(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h"))))
    changed = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 7), made)))
    assert (changed["spec"]["maxReplicas"], changed["metadata"]["labels"]) == (7, {"max": "7"})
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    other = DeleteHpa(namespace, "h", "0e47ae3c-0000-0000-0000-000000000000")
    assert await hands.carry_out(other) == Gone()
    assert (await connection.get(HPAS, namespace, "h", into=Raw))["metadata"]["uid"] == made["metadata"]["uid"]
    delete = DeleteHpa(namespace, "h", made["metadata"]["uid"])
    assert await hands.carry_out(delete) == Done()
    assert await hands.carry_out(delete) == Gone()


async def test_an_hpa_that_somebody_wrote_meanwhile_is_still_brought_to_its_body(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h"))))
    await connection.patch(HPAS, namespace, "h", {"metadata": {"annotations": {"somebody": "else"}}}, into=Ack)
    changed = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), made)))
    assert changed["spec"]["maxReplicas"] == 9


async def test_an_hpa_that_got_another_owner_meanwhile_is_left_alone(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    owner = await connection.create(CONFIG_MAPS, namespace, {"metadata": {"name": "o"}}, into=Raw)
    made = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h"))))
    owned = hpa("h", owner=owner["metadata"]["uid"])["metadata"]["ownerReferences"]
    await connection.patch(HPAS, namespace, "h", {"metadata": {"ownerReferences": owned}}, into=Ack)
    with pytest.raises(ApiError) as error:
        await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), made))
    assert error.value.status == 409
    assert (await connection.get(HPAS, namespace, "h", into=Raw))["spec"]["maxReplicas"] == 5


async def test_a_users_own_hpa_that_he_wrote_meanwhile_is_left_as_he_wrote_it(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = await connection.create(HPAS, namespace, hpa("h"), into=Raw)
    await connection.patch(HPAS, namespace, "h", {"spec": {"maxReplicas": 6}}, into=Ack)
    with pytest.raises(ApiError) as error:
        await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), made, theirs=True))
    assert error.value.status == 409
    found = await connection.get(HPAS, namespace, "h", into=Raw)
    assert found["spec"]["maxReplicas"] == 6
    assert body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), found, theirs=True)))


async def test_a_users_own_hpa_that_he_deleted_meanwhile_stays_gone(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = await connection.create(HPAS, namespace, hpa("h"), into=Raw)
    await connection.delete(HPAS, namespace, "h")
    with pytest.raises(ApiError) as error:
        await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), made, theirs=True))
    assert error.value.status == 404
    with pytest.raises(ApiError):
        await connection.get(HPAS, namespace, "h", into=Raw)


async def test_an_hpa_of_that_name_that_we_did_not_know_of_is_left_alone(hands: ClusterHands, namespace: str) -> None:
    await hands.carry_out(ApplyHpa(namespace, "h", hpa("h")))
    with pytest.raises(ApiError) as error:
        await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9)))
    assert error.value.reason == "AlreadyExists"


async def test_an_hpa_that_was_deleted_meanwhile_is_made_again(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h"))))
    await connection.delete(HPAS, namespace, "h")
    again = body(await hands.carry_out(ApplyHpa(namespace, "h", hpa("h", 9), made)))
    assert again["metadata"]["uid"] != made["metadata"]["uid"]


@pytest.mark.usefixtures("kinds")
async def test_metadata_and_status_are_merged(hands: ClusterHands, connection: Connection, namespace: str) -> None:
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("so"), into=Raw)
    version = made["metadata"]["resourceVersion"]
    patch = {"finalizers": ["finalizer.keda.sh"], "labels": {"scaledobject.keda.sh/name": "so"}}
    marked = body(await hands.carry_out(PatchMetadata(ref(made), "scaledobjects", patch, version)))
    assert marked["metadata"]["finalizers"] == ["finalizer.keda.sh"]
    with pytest.raises(ApiError) as stale:
        await hands.carry_out(PatchMetadata(ref(made), "scaledobjects", {"finalizers": []}, version))
    assert stale.value.status == 409
    written = body(
        await hands.carry_out(WriteStatus(ref(made), "scaledobjects", {"hpaName": "h", "triggersTypes": "cron"}))
    )
    assert written["status"] == {"hpaName": "h", "triggersTypes": "cron"}
    written = body(await hands.carry_out(WriteStatus(ref(made), "scaledobjects", {"hpaName": None})))
    assert written["status"] == {"triggersTypes": "cron"}


@pytest.mark.usefixtures("kinds")
async def test_what_is_gone_or_was_made_anew_is_said_to_be_gone(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("so"), into=Raw)
    await connection.delete(SCALED_OBJECTS, namespace, "so")
    status = WriteStatus(ref(made), "scaledobjects", {"hpaName": "h"})
    metadata = PatchMetadata(ref(made), "scaledobjects", {"labels": {"a": "b"}})
    assert await hands.carry_out(status) == Gone()
    assert await hands.carry_out(metadata) == Gone()
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("so"), into=Ack)
    assert await hands.carry_out(metadata) == Gone()
    assert await hands.carry_out(status) == Gone()
    namesake = await connection.get(SCALED_OBJECTS, namespace, "so", into=Raw)
    assert "labels" not in namesake["metadata"]


async def test_an_event_goes_to_the_recorder(hands: ClusterHands, told: Told) -> None:
    tell = Tell(ObjectRef("ScaledObject", "a", "b"), "Normal", "ScaledObjectReady", "ready")
    assert await hands.carry_out(tell) == Done()
    assert told.events == [tell]


async def test_writers_that_meet_all_come_through(
    hands: ClusterHands, connection: Connection, namespace: str
) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    await asyncio.gather(
        *(hands.carry_out(SetReplicas("apps", "v1", "deployments", namespace, "web", count)) for count in range(8))
    )
    assert await replicas(connection, namespace, "web") in range(8)


async def test_what_is_done_is_one_line_that_says_why(
    hands: ClusterHands, connection: Connection, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    with caplog.at_level(logging.INFO, "scaler.hands"):
        await hands.carry_out(SetReplicas("apps", "v1", "deployments", namespace, "web", 2), "12 messages wait")
        with pytest.raises(ApiError):
            await hands.carry_out(SetReplicas("apps", "v1", "deployments", namespace, "nobody", 2))
    done, refused = caplog.records
    assert done.getMessage() == "set deployments/web to 2 replicas"
    said = done.__dict__
    assert (said["namespace"], said["name_"], said["replicas"], said["why"]) == (
        namespace,
        "web",
        2,
        "12 messages wait",
    )
    assert refused.levelno == logging.WARNING
    assert "not found" in refused.__dict__["error"]


async def test_dry_hands_write_nothing_but_what_informs(
    hands: ClusterHands, connection: Connection, namespace: str, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    dry = DryHands(hands)
    someone = ObjectRef("ScaledObject", namespace, "so", "keda.sh/v1alpha1")
    actions: list[Action] = [
        SetReplicas("apps", "v1", "deployments", namespace, "web", 3),
        ApplyHpa(namespace, "h", hpa("h")),
        DeleteHpa(namespace, "h"),
        PatchMetadata(someone, "scaledobjects", {"finalizers": []}),
        Tell(someone, "Normal", "ScaledObjectReady", "ready"),
    ]
    before = connection.counts.total()
    with caplog.at_level(logging.INFO, "scaler.hands"):
        for action in actions:
            assert await dry.carry_out(action) == Done()
    assert connection.counts.total() == before
    assert len(told.events) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "would: set deployments/web to 3 replicas",
        "would: create HPA h",
        "would: delete HPA h",
        f"would: patch the metadata of scaledobject/so in {namespace}",
    ]
