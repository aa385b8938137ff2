import asyncio
import base64
import json

import pytest
from aiohttp import web

from scaler.api.scaledobject import GroupVersionKindResource
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.lookup import Lookup
from scaler.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SECRETS, SERVICE_ACCOUNTS
from tests.kube.conftest import Peer, deployment

DEPLOYMENT = GroupVersionKindResource("apps", "v1", "Deployment", "deployments")


async def test_single_objects_are_read(connection: Connection, namespace: str) -> None:
    await connection.create(SECRETS, namespace, {"metadata": {"name": "s"}, "stringData": {"key": "välue"}}, into=Ack)
    await connection.create(CONFIG_MAPS, namespace, {"metadata": {"name": "c"}, "data": {"a": "b"}}, into=Ack)
    annotations = {"eks.amazonaws.com/role-arn": "arn:x"}
    await connection.create(
        SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "r", "annotations": annotations}}, into=Ack
    )
    await connection.create(DEPLOYMENTS, namespace, deployment("web"), into=Ack)
    lookup = Lookup(connection)
    assert await lookup.get_secret(namespace, "s") == {"key": "välue".encode()}
    assert await lookup.get_config_map(namespace, "c") == {"a": "b"}
    assert await lookup.get_service_account(namespace, "r") == annotations
    template = await lookup.get_pod_template(DEPLOYMENT, namespace, "web")
    assert template is not None
    assert template["spec"]["containers"][0]["name"] == "c"


async def test_what_is_not_there_is_none_and_what_is_empty_is_empty(connection: Connection, namespace: str) -> None:
    lookup = Lookup(connection)
    assert await lookup.get_secret(namespace, "x") is None
    assert await lookup.get_config_map(namespace, "x") is None
    assert await lookup.get_service_account(namespace, "x") is None
    assert await lookup.get_pod_template(DEPLOYMENT, namespace, "x") is None
    await connection.create(SECRETS, namespace, {"metadata": {"name": "empty"}}, into=Ack)
    assert await lookup.get_secret(namespace, "empty") == {}
    secrets = GroupVersionKindResource("", "v1", "Secret", "secrets")
    assert await lookup.get_pod_template(secrets, namespace, "empty") is None


async def test_a_token_is_made_for_a_service_account(connection: Connection, namespace: str) -> None:
    await connection.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "robot"}}, into=Ack)
    token = await Lookup(connection).create_token(namespace, "robot", 7200, ["vault"])
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == f"system:serviceaccount:{namespace}:robot"
    assert claims["aud"] == ["vault"]
    assert claims["exp"] - claims["iat"] == 7200
    with pytest.raises(ApiError, match="not found"):
        await Lookup(connection).create_token(namespace, "nobody", 3600)


async def test_many_questions_are_one_for_a_few_seconds(peer: Peer, to_peer: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.json_response({"data": {"a": "b"}})

    peer.answer = answer
    lookup = Lookup(to_peer, ttl=0.1)
    assert await asyncio.gather(*(lookup.get_config_map("n", "c") for _ in range(5))) == [{"a": "b"}] * 5
    await lookup.get_config_map("n", "c")
    assert len(peer.seen) == 1
    await lookup.get_config_map("n", "other")
    await lookup.get_config_map("other", "c")
    assert len(peer.seen) == 3
    await asyncio.sleep(0.15)
    assert lookup._answers == {}
    await lookup.get_config_map("n", "c")
    assert len(peer.seen) == 4


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_the_others(
    peer: Peer, to_peer: Connection
) -> None:
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.json_response({"data": {"a": "b"}})

    peer.answer = answer
    lookup = Lookup(to_peer)
    impatient = asyncio.create_task(lookup.get_config_map("n", "c"))
    patient = asyncio.create_task(lookup.get_config_map("n", "c"))
    await asyncio.sleep(0.05)
    impatient.cancel()
    go_on.set()
    assert await patient == {"a": "b"}


async def test_an_error_is_told_to_all_who_wait_and_then_forgotten(peer: Peer, to_peer: Connection) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}, status=403)

    peer.answer = refuse
    lookup = Lookup(to_peer)
    results = await asyncio.gather(*(lookup.get_secret("n", "s") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ApiError] * 3
    assert len(peer.seen) == 1
    await asyncio.sleep(0)
    with pytest.raises(ApiError):
        await lookup.get_secret("n", "s")
    assert len(peer.seen) == 2
