import asyncio
import json
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from aiohttp import web

from scaler.api.meta import ObjectMeta, Raw
from scaler.errors import ApiError
from scaler.kube.answers import Ack, NoAnswer
from scaler.kube.connection import Connection, Patch
from scaler.kube.lanes import Lane
from scaler.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, SERVICE_ACCOUNTS
from scaler.kube.wire import Limits, Server
from tests.kube.conftest import Peer
from tests.processes import free_port


class Named(msgspec.Struct, frozen=True):
    metadata: ObjectMeta


def answers(*given: web.StreamResponse | Exception) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """One answer a request; an exception drops the connection."""
    left = list(given)

    async def answer(request: web.Request) -> web.StreamResponse:
        following = left.pop(0)
        if isinstance(following, Exception):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return following

    return answer


def refused(code: int, retry_after: str | None = None) -> web.Response:
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return web.json_response(
        {"kind": "Status", "code": code, "reason": "Said", "message": "no"}, status=code, headers=headers
    )


def config_map(name: str, **data: str) -> Raw:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_an_object_goes_through_its_whole_life(connection: Connection, namespace: str) -> None:
    made = await connection.create(CONFIG_MAPS, namespace, config_map("a", x="1"), into=Raw)
    changed = await connection.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": None, "y": "2"}}, into=Raw)
    assert changed["data"] == {"y": "2"}
    with pytest.raises(ApiError) as stale:
        await connection.update(CONFIG_MAPS, namespace, "a", made | {"data": {}}, into=Raw)
    assert (stale.value.status, stale.value.reason) == (409, "Conflict")
    replaced = await connection.update(CONFIG_MAPS, namespace, "a", changed | {"data": {"z": "3"}}, into=Raw)
    assert (await connection.get(CONFIG_MAPS, namespace, "a", into=Raw))["data"] == replaced["data"] == {"z": "3"}
    with pytest.raises(ApiError) as other:
        await connection.delete(CONFIG_MAPS, namespace, "a", uid="0e47ae3c-0000-0000-0000-000000000000")
    assert other.value.status == 409
    await connection.delete(CONFIG_MAPS, namespace, "a", uid=made["metadata"]["uid"])
    with pytest.raises(ApiError) as gone:
        await connection.get(CONFIG_MAPS, namespace, "a", into=Raw)
    assert (gone.value.status, gone.value.reason) == (404, "NotFound")


async def test_a_json_patch_is_sent_as_one(connection: Connection, namespace: str) -> None:
    await connection.create(CONFIG_MAPS, namespace, config_map("a", x="1"), into=Ack)
    steps = [{"op": "test", "path": "/data/x", "value": "1"}, {"op": "replace", "path": "/data/x", "value": "2"}]
    changed = await connection.patch(CONFIG_MAPS, namespace, "a", steps, how=Patch.JSON, into=Raw)
    assert changed["data"] == {"x": "2"}


async def test_a_listing_is_read_in_pages_and_narrowed_by_selectors(connection: Connection, namespace: str) -> None:
    for number in range(7):
        body = config_map(f"m{number}")
        body["metadata"]["labels"] = {"odd": str(number % 2)}
        await connection.create(CONFIG_MAPS, namespace, body, into=Ack)
    listing = await connection.listing(CONFIG_MAPS, namespace, into=Named, labels="odd=1", limit=2)
    assert [item.metadata.name for item in listing.items] == ["m1", "m3", "m5"]
    assert int(listing.resource_version) > 0
    assert connection.counts["list", "configmaps", "200"] == 2
    only = await connection.listing(CONFIG_MAPS, namespace, into=Named, fields="metadata.name=m4")
    assert [item.metadata.name for item in only.items] == ["m4"]


async def test_a_subresource_is_posted_to(connection: Connection, namespace: str) -> None:
    await connection.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "robot"}}, into=Ack)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = await connection.create(SERVICE_ACCOUNTS, namespace, body, name="robot", subresource="token", into=Raw)
    assert token["status"]["token"].count(".") == 2


async def test_a_client_certificate_is_an_identity(connection: Connection) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    said = await connection.request("POST", path, body=review, into=Raw)
    assert "system:authenticated" in said["status"]["userInfo"]["groups"]


async def test_a_call_without_a_name_is_never_sent(peer: Peer) -> None:
    async with Connection(peer.url) as connection:
        with pytest.raises(ApiError, match="a name is needed to address one of configmaps"):
            await connection.delete(CONFIG_MAPS, "a", "")
    assert peer.seen == []


async def test_the_servers_429_is_obeyed_for_every_verb(peer: Peer) -> None:
    peer.answer = answers(refused(429, "0"), refused(429, "0"), web.json_response({"made": True}))
    async with Connection(peer.url) as connection:
        assert await connection.create(CONFIG_MAPS, "a", {"x": 1}, into=Raw) == {"made": True}
    assert peer.bodies == [b'{"x":1}'] * 3
    assert connection.counts == {("create", "configmaps", "429"): 2, ("create", "configmaps", "200"): 1}


async def test_a_5xx_is_tried_again_only_when_the_server_says_when(peer: Peer) -> None:
    async with Connection(peer.url) as connection:
        peer.answer = answers(refused(503, "0"), web.json_response({"a": 1}))
        assert await connection.get(CONFIG_MAPS, "a", "b", into=Raw) == {"a": 1}
        peer.answer = answers(refused(503))
        with pytest.raises(ApiError) as error:
            await connection.get(CONFIG_MAPS, "a", "b", into=Raw)
    assert error.value.status == 503


async def test_patience_ends(peer: Peer) -> None:
    peer.answer = answers(refused(429, "0"), refused(429, "60"))
    async with Connection(peer.url, Limits(patience=5)) as connection:
        with pytest.raises(ApiError) as error:
            await connection.get(CONFIG_MAPS, "a", "b", into=Raw)
    assert (error.value.status, error.value.retry_after, len(peer.seen)) == (429, 60, 2)


async def test_a_broken_connection_is_tried_again_except_for_a_create(peer: Peer) -> None:
    async with Connection(peer.url) as connection:
        peer.answer = answers(ConnectionResetError(), ConnectionResetError(), web.json_response({"a": 1}))
        assert await connection.patch(CONFIG_MAPS, "a", "b", {}, into=Raw) == {"a": 1}
        before = len(peer.seen)
        peer.answer = answers(ConnectionResetError(), web.json_response({}))
        with pytest.raises(NoAnswer) as error:
            await connection.create(CONFIG_MAPS, "a", {}, into=Ack)
    assert error.value.sent
    assert len(peer.seen) == before + 1


async def test_a_server_that_is_not_there_is_waited_for_and_then_named() -> None:
    port = free_port()
    async with Connection(f"http://127.0.0.1:{port}", Limits(patience=0.5)) as connection:
        with pytest.raises(NoAnswer, match=str(port)) as error:
            await connection.create(CONFIG_MAPS, "a", {}, into=Ack)
    assert not error.value.sent
    assert connection.counts["create", "configmaps", "error"] >= 2


async def test_a_server_that_comes_back_is_found_even_by_a_create(peer: Peer) -> None:
    port = free_port()
    async with Connection(f"http://127.0.0.1:{port}") as connection:
        creating = asyncio.create_task(connection.create(CONFIG_MAPS, "a", {}, into=Raw))
        await asyncio.sleep(0.1)
        runner = web.ServerRunner(web.Server(peer.serve))
        peer.answer = answers(web.json_response({"a": 1}))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        assert await creating == {"a": 1}
        await runner.cleanup()


async def test_a_slow_answer_is_no_answer(peer: Peer) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(10)
        return web.Response()

    peer.answer = never
    async with Connection(peer.url, Limits(timeout=0.1, patience=0.1)) as connection:
        with pytest.raises(NoAnswer, match="no answer in time"):
            await connection.get(CONFIG_MAPS, "a", "b", into=Raw)


async def test_an_answer_that_is_not_what_was_asked_for_is_an_error_of_the_call(peer: Peer) -> None:
    peer.answer = answers(web.Response(text="<html>"), web.json_response({"metadata": {"name": 5}}))
    async with Connection(peer.url) as connection:
        for _ in range(2):
            with pytest.raises(ApiError, match="the answer to GET /api/v1/namespaces/a") as error:
                await connection.get(NAMESPACES, "", "a", into=Named)
            assert error.value.reason == "Undecodable"


async def test_a_redirect_is_not_followed(peer: Peer) -> None:
    peer.answer = answers(web.Response(status=301, headers={"Location": "/api/v1/secrets"}))
    async with Connection(peer.url) as connection:
        with pytest.raises(ApiError) as error:
            await connection.get(DEPLOYMENTS, "a", "..", into=Raw)
    assert (error.value.status, len(peer.seen)) == (301, 1)
    assert peer.seen[0].raw_path == "/apis/apps/v1/namespaces/a/deployments/.."


class Renewable:
    """Credentials that are good after one renewal."""

    def __init__(self) -> None:
        self.renewals = 0

    async def header(self) -> str:
        return f"Bearer {self.renewals}"

    async def renew(self) -> bool:
        self.renewals += 1
        return self.renewals == 1


async def test_a_401_renews_the_credentials_once(peer: Peer) -> None:
    credentials = Renewable()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({}) if request.headers["Authorization"] == "Bearer 1" else refused(401)

    peer.answer = answer
    async with Connection(Server(peer.url, authorization=credentials)) as connection:
        await connection.get(CONFIG_MAPS, "a", "b", into=Ack)
        assert credentials.renewals == 1
        peer.answer = answers(refused(401), refused(401))
        with pytest.raises(ApiError) as error:
            await connection.get(CONFIG_MAPS, "a", "b", into=Ack)
    assert error.value.status == 401


async def test_a_watch_renews_its_credentials_too(peer: Peer) -> None:
    peer.answer = answers(refused(401), web.Response(text='{"type":"ADDED"}\n'))
    async with (
        Connection(Server(peer.url, authorization=Renewable())) as connection,
        connection.watch(CONFIG_MAPS, "a", {}, idle=5) as content,
    ):
        assert json.loads(await content.read()) == {"type": "ADDED"}
    assert peer.seen[0].query == {"watch": "true", "allowWatchBookmarks": "true"}
    assert connection.counts["watch", "configmaps", "401"] == 1


async def test_a_silent_watch_is_given_up(peer: Peer) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(10)
        return response

    peer.answer = silent
    async with Connection(peer.url) as connection:
        with pytest.raises(NoAnswer):
            async with connection.watch(CONFIG_MAPS, "a", {}, idle=0.1) as content:
                await content.read()


async def test_waiting_calls_are_let_through_by_lane(peer: Peer) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.json_response({})

    peer.answer = slow
    async with Connection(peer.url, Limits(concurrency=1)) as connection, asyncio.TaskGroup() as group:
        group.create_task(connection.get(CONFIG_MAPS, "a", "first", into=Ack))
        group.create_task(connection.get(CONFIG_MAPS, "a", "event", into=Ack, lane=Lane.LAST))
        group.create_task(connection.get(CONFIG_MAPS, "a", "status", into=Ack, lane=Lane.LATER))
        group.create_task(connection.get(CONFIG_MAPS, "a", "hpa", into=Ack))
        await asyncio.sleep(0)
        assert connection.waiting == 3
    assert [request.path.rsplit("/", 1)[1] for request in peer.seen] == ["first", "hpa", "status", "event"]
