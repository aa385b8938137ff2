import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from scaler.api.meta import Raw
from scaler.api.selector import Selector
from scaler.api.verticalpodautoscaler import TargetRef
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.resources import CRON_JOBS, DEPLOYMENTS, JOBS, REPLICA_SETS, REPLICATION_CONTROLLERS, Resource
from scaler.kube.targets import Targets
from scaler.vertical.conditions import Trouble
from tests.kube.conftest import deployment, eventually


@contextlib.asynccontextmanager
async def following(connection: Connection, namespace: str) -> AsyncIterator[Targets]:
    targets = Targets(connection, (namespace,))
    task = asyncio.create_task(targets.run())
    try:
        yield targets
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def ref(kind: str, name: str = "web", api_version: str = "apps/v1") -> TargetRef:
    return TargetRef(kind=kind, name=name, api_version=api_version)


async def found(connection: Connection, namespace: str, target: TargetRef | None) -> Selector | Trouble:
    async with following(connection, namespace) as targets, asyncio.timeout(20):
        return await targets.find(namespace, target)


def job(labels: dict[str, str]) -> Raw:
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"},
    }
    return {"metadata": {"name": "web"}, "spec": {"template": pod, "suspend": True}}


async def test_a_workload_is_followed_by_its_selector(connection: Connection, namespace: str) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    async with following(connection, namespace) as targets, asyncio.timeout(20):
        assert str(await targets.find(namespace, ref("Deployment"))) == "app=web"
        calls = connection.counts.total()
        for _ in range(10):
            await targets.find(namespace, ref("Deployment"))
        assert connection.counts.total() == calls, "it is read from the copy"


async def test_controllers_of_pods_have_their_selectors_in_other_places(
    connection: Connection, namespace: str
) -> None:
    controller = deployment("web")["spec"] | {"selector": {"app": "web"}}
    await connection.create(
        REPLICATION_CONTROLLERS, namespace, {"metadata": {"name": "web"}, "spec": controller}, into=Ack
    )
    cron = {
        "metadata": {"name": "web"},
        "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": job({"app": "web"})["spec"]}},
    }
    await connection.create(CRON_JOBS, namespace, cron, into=Ack)
    await connection.create(JOBS, namespace, job({"app": "web"}), into=Ack)
    assert str(await found(connection, namespace, ref("ReplicationController", api_version="v1"))) == "app=web"
    assert str(await found(connection, namespace, ref("CronJob", api_version="batch/v1"))) == "app=web"
    by_job = str(await found(connection, namespace, ref("Job", api_version="batch/v1")))
    assert "app=web" in by_job
    assert "job-name=web" in by_job


async def test_pods_that_nothing_tells_from_others_are_not_guessed(connection: Connection, namespace: str) -> None:
    """Upstream takes every pod of the namespace for those of a CronJob whose template has no labels."""
    cron = {"metadata": {"name": "web"}, "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": job({})["spec"]}}}
    await connection.create(CRON_JOBS, namespace, cron, into=Ack)
    trouble = await found(connection, namespace, ref("CronJob", api_version="batch/v1"))
    assert isinstance(trouble, Trouble)
    assert trouble.reason == "NoSelector"
    assert "give its template one" in trouble.message


@pytest.mark.parametrize(
    ("target", "reason", "words"),
    [
        (None, "NoTarget", "spec.targetRef is missing"),
        (ref("Deployment", "nobody"), "TargetNotFound", "Deployment nobody does not exist"),
        (ref("Sprocket", api_version="example.com/v1"), "UnknownKind", "does not know example.com/v1"),
        (ref("Gizmo"), "UnknownKind", "apps/v1 has no kind Gizmo"),
        (ref("ConfigMap", api_version="v1"), "NoScale", "has no /scale subresource"),
    ],
)
async def test_a_target_that_leads_nowhere_says_why(
    connection: Connection, namespace: str, target: TargetRef | None, reason: str, words: str
) -> None:
    trouble = await found(connection, namespace, target)
    assert isinstance(trouble, Trouble)
    assert trouble.reason == reason
    assert words in trouble.message


async def test_a_target_below_another_controller_is_told_which(connection: Connection, namespace: str) -> None:
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)

    async def below() -> list[Raw]:
        return (await connection.listing(REPLICA_SETS, namespace, into=dict)).items

    async def made() -> bool:
        return bool(await below())

    await eventually(made, 30)
    name = (await below())[0]["metadata"]["name"]
    words = f"ReplicaSet {name} is controlled by Deployment web: name that one as the target"
    assert await found(connection, namespace, ref("ReplicaSet", name)) == Trouble("NotTopmost", words)


GADGETS = Resource("gadgets.test", "v1", "gadgets")


@pytest.fixture(scope="module")
def gadgets(cluster: object) -> None:
    """A kind of one's own that can be scaled."""
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema, "status": schema}}},
        "subresources": {"status": {}, "scale": scale},
    }
    names = {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.gadgets.test"},
        "spec": {"group": "gadgets.test", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    cluster.apply(definition)  # type: ignore[attr-defined]


async def test_any_kind_that_scales_is_followed_by_its_scale(
    connection: Connection, namespace: str, gadgets: None
) -> None:
    body = {"apiVersion": "gadgets.test/v1", "kind": "Gadget", "metadata": {"name": "web"}, "spec": {"replicas": 1}}

    async def made() -> bool:
        try:
            await connection.create(GADGETS, namespace, body, into=Ack)
        except Exception:  # served a moment after it was applied
            return False
        return True

    await eventually(made, 30)
    gadget = ref("Gadget", api_version="gadgets.test/v1")
    trouble = await found(connection, namespace, gadget)
    assert isinstance(trouble, Trouble)
    assert (trouble.reason, "status.selector" in trouble.message) == ("NoSelector", True)
    await connection.patch(
        GADGETS, namespace, "web", {"status": {"selector": "app=web"}}, into=Ack, subresource="status"
    )
    assert str(await found(connection, namespace, gadget)) == "app=web"
    absent = await found(connection, namespace, ref("Gadget", "nobody", "gadgets.test/v1"))
    assert isinstance(absent, Trouble)
    assert absent.reason == "TargetNotFound"


async def test_what_was_known_goes_on_while_the_server_cannot_say(
    connection: Connection, namespace: str, gadgets: None
) -> None:
    body = {"apiVersion": "gadgets.test/v1", "kind": "Gadget", "metadata": {"name": "web"}, "spec": {"replicas": 1}}
    await connection.create(GADGETS, namespace, body, into=Ack)
    await connection.patch(
        GADGETS, namespace, "web", {"status": {"selector": "app=web"}}, into=Ack, subresource="status"
    )
    gadget = ref("Gadget", api_version="gadgets.test/v1")
    async with Connection("http://127.0.0.1:1") as nobody, following(connection, namespace) as targets:
        assert str(await targets.find(namespace, gadget)) == "app=web"
        targets._controllers._connection = nobody
        targets._controllers._answers.clear()
        nobody._wire._limits = type(nobody._wire._limits)(patience=0.1)
        assert str(await targets.find(namespace, gadget)) == "app=web"
        unknown = await targets.find(namespace, ref("Gadget", "other", "gadgets.test/v1"))
        assert isinstance(unknown, Trouble)
        assert unknown.reason == "TargetUnreadable"
