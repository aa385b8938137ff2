"""The client against a real Prometheus; its troubles against a server that answers as a test says."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from scaler.errors import Unreadable
from scaler.history import prometheus as room
from scaler.history.prometheus import Access, Prometheus, TooMuch
from tests.controlplane.certificates import Authority
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus as Server
from tests.triggers.endpoint import Endpoint

EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FIRST_WAIT", 0.01)


@pytest.fixture
async def client(prometheus_server: Server) -> AsyncIterator[Prometheus]:
    async with Prometheus(Access(prometheus_server.url)) as made:
        yield made


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as made:
        made.body = EMPTY
        yield made


async def test_an_instant_query_gives_labels_and_values(client: Prometheus, prometheus_server: Server) -> None:
    prometheus_server.set("history_queue", 7, queue="a")
    prometheus_server.set("history_queue", 8, queue="b")
    found = await client.query("history_queue", time.time())
    assert sorted((one.labels["queue"], one.value) for one in found) == [("a", 7), ("b", 8)]


async def test_a_range_query_gives_times_and_values(client: Prometheus, prometheus_server: Server) -> None:
    prometheus_server.set("history_depth", 5, queue="a")
    now = float(int(time.time())) + 1
    (found,) = await client.range("history_depth", now - 10, now + 30, 10)
    assert found.labels["queue"] == "a"
    assert set(found.values.tolist()) == {5}
    assert set(found.times.tolist()) <= {now - 10 + k * 10 for k in range(5)}


async def test_the_index_tells_series_and_metrics_without_their_samples(
    client: Prometheus, prometheus_server: Server
) -> None:
    prometheus_server.set("history_index", 1, pod="x")
    now = time.time()
    (labels,) = await client.series(['history_index{pod!=""}'], now - 60, now + 60)
    assert labels["pod"] == "x"
    assert "history_index" in await client.values("__name__", now - 60, now + 60)


async def test_numbers_that_are_words_are_read(client: Prometheus) -> None:
    found = await client.query("vector(0) / 0 or on() vector(1)", time.time())
    assert [str(one.value) for one in found] == ["nan"]


async def test_a_wrong_query_is_refused_with_the_servers_words(client: Prometheus) -> None:
    with pytest.raises(Unreadable, match=r"answered 400: invalid parameter .*query"):
        await client.query("sum(", time.time())


async def test_more_points_than_the_server_gives_is_too_much(client: Prometheus) -> None:
    with pytest.raises(TooMuch, match="maximum resolution"):
        await client.range("up", 0, 12_000, 1)


async def test_a_password_is_sent_and_a_lack_of_one_is_told() -> None:
    # bcrypt of "right"; Prometheus takes no other form
    users = {"basic_auth_users": {"me": "$2b$04$Xd0bXaWGD/KgUMsDH5Fp3ee2/KtEMGSKwGueUHZpGqAYqUQENgwZi"}}
    with lend(lambda: Server(users)) as server:
        async with Prometheus(Access(server.url, username="me", password="right")) as friend:
            assert await friend.query("vector(3)", time.time())
        async with Prometheus(Access(server.url)) as nobody:
            with pytest.raises(Unreadable, match=r"answered 401: .*; it wants credentials"):
                await nobody.query("up", time.time())
        async with Prometheus(Access(server.url, username="me", password="wrong")) as stranger:
            with pytest.raises(Unreadable, match=r"answered 401: .*; are the credentials right\?"):
                await stranger.query("up", time.time())


async def test_headers_and_a_bearer_token_are_sent(endpoint: Endpoint) -> None:
    headers = {"Authorization": "Bearer secret", "X-Scope-OrgID": "shop"}
    async with Prometheus(Access(endpoint.url, headers)) as client:
        await client.query("up", 0)
    assert endpoint.last.headers["Authorization"] == "Bearer secret"
    assert endpoint.last.headers["X-Scope-OrgID"] == "shop"


async def test_a_password_in_the_address_is_used_and_not_told(endpoint: Endpoint) -> None:
    endpoint.status = 401
    async with Prometheus(Access(endpoint.url.replace("://", "://reader:hidden@"))) as client:
        with pytest.raises(Unreadable) as refused:
            await client.query("up", 0)
    assert "hidden" not in str(refused.value)
    assert endpoint.last.headers["Authorization"].startswith("Basic ")


async def test_what_the_server_has_no_time_for_is_asked_again(endpoint: Endpoint) -> None:
    answers = [429, 502, 200]

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(EMPTY, status=answers.pop(0), headers={"Retry-After": "0"})

    endpoint.handler = handler
    async with Prometheus(Access(endpoint.url)) as client:
        assert await client.query("up", 0) == []
    assert answers == []


async def test_patience_ends(endpoint: Endpoint) -> None:
    endpoint.status = 502
    async with Prometheus(Access(endpoint.url)) as client:
        with pytest.raises(Unreadable, match="answered 502"):
            await client.query("up", 0)
    assert len(endpoint.asked) == room.TRIES


async def test_a_connection_that_breaks_is_made_again_but_one_that_was_never_made_is_told_at_once(
    endpoint: Endpoint,
) -> None:
    broken = [True, True]

    async def handler(request: web.Request) -> web.Response:
        if len(endpoint.asked) > 1 and broken:
            broken.pop()
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(EMPTY)

    endpoint.handler = handler
    async with Prometheus(Access(endpoint.url)) as client:
        await client.query("up", 0)
        await client.query("up", 0)
    assert broken == []
    async with Prometheus(Access("http://127.0.0.1:1")) as client:
        with pytest.raises(Unreadable, match=r"Prometheus http://127.0.0.1:1 cannot be reached: .*127.0.0.1:1"):
            await client.query("up", 0)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, "<html>Grafana</html>", r"is no Prometheus: <html>Grafana</html>"),
        (404, "404 page not found", r"has no /api/v1/query \(404\): is the address right\? 404 page not found"),
        (403, '{"status":"error","error":"denied"}', "answered 403: denied; it wants credentials"),
        (500, "", "answered 500: no words"),
    ],
)
async def test_an_address_of_something_else_is_told(endpoint: Endpoint, status: int, body: str, words: str) -> None:
    endpoint.status, endpoint.body = status, body
    async with Prometheus(Access(endpoint.url)) as client:
        with pytest.raises(Unreadable, match=words):
            await client.query("up", 0)


async def test_a_login_page_elsewhere_is_named(endpoint: Endpoint) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://login.example/"})

    endpoint.handler = handler
    async with Prometheus(Access(endpoint.url)) as client:
        with pytest.raises(Unreadable, match=r"sends us to https://login\.example/: give that address"):
            await client.query("up", 0)


@pytest.mark.parametrize(
    ("status", "said"),
    [(422, "query processing would load too many samples into memory"), (503, "query timed out in query execution")],
)
async def test_a_question_that_is_too_large_is_told_apart(endpoint: Endpoint, status: int, said: str) -> None:
    endpoint.status, endpoint.body = status, {"status": "error", "errorType": "execution", "error": said}
    async with Prometheus(Access(endpoint.url)) as client:
        with pytest.raises(TooMuch, match=said):
            await client.query("up", 0)
    assert len(endpoint.asked) == 1


async def test_a_silent_server_is_left_after_the_timeout(endpoint: Endpoint) -> None:
    endpoint.delay = 5
    async with Prometheus(Access(endpoint.url, timeout=0.1)) as client:
        with pytest.raises(TooMuch, match=r"did not answer within 0.1 s"):
            await client.query("up", 0)


async def test_an_endless_answer_is_cut(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LARGEST", 1 << 20)
    endpoint.body = b" " * (2 << 20)
    async with Prometheus(Access(endpoint.url)) as client:
        with pytest.raises(TooMuch, match="answered more than 1 MiB"):
            await client.query("up", 0)


async def test_no_more_questions_are_under_way_than_allowed(endpoint: Endpoint) -> None:
    now, most = 0, 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.json_response(EMPTY)

    endpoint.handler = handler
    async with Prometheus(Access(endpoint.url, concurrency=3)) as client:
        await asyncio.gather(*(client.query("up", 0) for _ in range(12)))
    assert most == 3


async def test_what_the_server_remarks_is_kept_once(endpoint: Endpoint) -> None:
    endpoint.body = {**EMPTY, "warnings": ["a store is down"]}
    async with Prometheus(Access(endpoint.url)) as client:
        await client.query("up", 0)
        await client.query("up", 0)
        assert list(client.warnings) == ["a store is down"]


async def test_an_authority_of_ones_own_is_trusted(tmp_path: Path) -> None:
    authority = Authority.new("tests")
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*authority.server("127.0.0.1").write(tmp_path, "server"))
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    async with Endpoint(served) as endpoint:
        endpoint.body = EMPTY
        async with Prometheus(Access(endpoint.url, tls=trust)) as client:
            assert await client.query("up", 0) == []
        async with Prometheus(Access(endpoint.url)) as client:
            with pytest.raises(Unreadable, match="certificate verify failed"):
                await client.query("up", 0)
