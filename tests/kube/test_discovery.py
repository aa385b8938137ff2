import asyncio

import pytest
from aiohttp import web

from scaler.api.meta import Raw
from scaler.api.scaledobject import GroupVersionKindResource
from scaler.errors import ApiError
from scaler.kube import discovery as discovering
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.discovery import Discovery, Unknown, resource_of
from scaler.kube.resources import CRDS, DEPLOYMENTS, Resource
from scaler.kube.workloads import NoTarget, ScaleNow, Workloads
from tests.kube.conftest import Peer, eventually

ROLLOUTS = Resource("tests.kube-scaler.dev", "v1", "rollouts")
ROLLOUT = GroupVersionKindResource("tests.kube-scaler.dev", "v1", "Rollout", "rollouts")


def rollouts(*, scale: bool = True) -> Raw:
    """A definition of a kind that can be scaled, as Argo's can."""
    paths = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}} | ({"scale": paths} if scale else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.tests.kube-scaler.dev"},
        "spec": {
            "group": "tests.kube-scaler.dev",
            "scope": "Namespaced",
            "names": {"plural": "rollouts", "singular": "rollout", "kind": "Rollout", "listKind": "RolloutList"},
            "versions": [version],
        },
    }


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every miss is asked again."""
    monkeypatch.setattr(discovering, "REFUSED_FOR", 0.0)


@pytest.mark.usefixtures("always")
async def test_a_kind_that_is_installed_later_is_found(connection: Connection, namespace: str) -> None:
    discovery = Discovery(connection)
    missing = await discovery.resolve("tests.kube-scaler.dev/v1", "Rollout")
    assert isinstance(missing, Unknown)
    assert missing.cause == "no-kind"
    assert missing.why == "the API server does not know tests.kube-scaler.dev/v1"
    await connection.create(CRDS, "", rollouts(), into=Ack)
    try:

        async def found() -> bool:
            return await discovery.resolve("tests.kube-scaler.dev/v1", "Rollout") == ROLLOUT

        await eventually(found, 20)
        body = {
            "apiVersion": "tests.kube-scaler.dev/v1",
            "kind": "Rollout",
            "metadata": {"name": "r"},
            "spec": {"replicas": 3},
        }
        await connection.create(ROLLOUTS, namespace, body, into=Ack)
        status = {"status": {"replicas": 2, "selector": "app=r"}}
        await connection.patch(ROLLOUTS, namespace, "r", status, subresource="status", into=Ack)
        workloads = Workloads(connection)
        scale = await workloads.read_scale(ROLLOUT, namespace, "r")
        assert scale == ScaleNow(3, 2, "app=r")
        assert isinstance(await workloads.read_scale(ROLLOUT, namespace, "x"), NoTarget)
    finally:
        await connection.delete(CRDS, "", "rollouts.tests.kube-scaler.dev")


async def test_a_kind_without_a_scale_cannot_be_scaled(connection: Connection) -> None:
    for version, kind in [("v1", "ConfigMap"), ("apps/v1", "DaemonSet")]:
        found = await Discovery(connection).resolve(version, kind)
        assert isinstance(found, Unknown)
        assert (found.cause, kind in found.why) == ("no-scale", True)


async def test_other_built_in_kinds_with_a_scale_are_found(connection: Connection) -> None:
    discovery = Discovery(connection)
    assert await discovery.resolve("apps/v1", "ReplicaSet") == GroupVersionKindResource(
        "apps", "v1", "ReplicaSet", "replicasets"
    )
    assert await discovery.resolve("v1", "ReplicationController") == GroupVersionKindResource(
        "", "v1", "ReplicationController", "replicationcontrollers"
    )


@pytest.mark.parametrize("version", ["a/b/c", "", "../../v1", "no.such.group/v1", "apps/v9", "v1?x=y"])
async def test_a_version_that_nobody_serves_has_no_kinds(connection: Connection, version: str) -> None:
    found = await Discovery(connection).resolve(version, "Thing")
    assert isinstance(found, Unknown)
    assert found.cause == "no-kind"


async def test_the_common_kinds_are_trusted(peer: Peer, to_peer: Connection) -> None:
    discovery = Discovery(to_peer)
    target = await discovery.resolve("apps/v1", "Deployment")
    assert target == GroupVersionKindResource("apps", "v1", "Deployment", "deployments")
    assert await discovery.resolve("apps/v1", "StatefulSet") == GroupVersionKindResource(
        "apps", "v1", "StatefulSet", "statefulsets"
    )
    assert peer.seen == []
    assert isinstance(target, GroupVersionKindResource)
    assert resource_of(target) == DEPLOYMENTS


async def test_many_questions_are_one_and_a_miss_is_not_repeated_at_once(peer: Peer, to_peer: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"resources": [{"name": "rollouts", "kind": "Rollout"}, {"name": "rollouts/scale", "kind": "Scale"}]}
        )

    peer.answer = answer
    discovery = Discovery(to_peer)
    kinds = ["Rollout"] * 5 + ["Other"] * 5
    found = await asyncio.gather(*(discovery.resolve("tests.kube-scaler.dev/v1", kind) for kind in kinds))
    assert found[:5] == [ROLLOUT] * 5
    assert all(isinstance(each, Unknown) for each in found[5:])
    assert len(peer.seen) == 1


async def test_a_server_that_refuses_is_not_taken_for_a_missing_kind(peer: Peer, to_peer: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}, status=403)

    peer.answer = answer
    discovery = Discovery(to_peer)
    with pytest.raises(ApiError):
        await discovery.resolve("tests.kube-scaler.dev/v1", "Rollout")
