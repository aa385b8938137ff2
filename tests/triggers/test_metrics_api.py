"""metrics-api against a real HTTP endpoint."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from scaler.triggers.connections import Connections
from scaler.triggers.http import Asker
from tests.triggers.building import NOW, built, failure, good, reading, said
from tests.triggers.endpoint import Endpoint


def metadata(endpoint: Endpoint, **more: str) -> dict[str, str]:
    return {"url": f"{endpoint.url}/stats", "valueLocation": "jobs.waiting", "targetValue": "5", **more}


class TestTheNumber:
    @pytest.mark.parametrize(
        ("body", "location", "number"),
        [
            ({"jobs": {"waiting": 7}}, "jobs.waiting", 7.0),
            ({"jobs": {"waiting": 2.43}}, "jobs.waiting", 2.43),
            ({"jobs": [{"id": "a", "waiting": 32}]}, "jobs.0.waiting", 32.0),
            ({"jobs": ["a", "b"]}, "jobs.#", 2.0),
            ({"jobs": {"waiting": "1k"}}, "jobs.waiting", 1000.0),
            ({"jobs": {"waiting": "250m"}}, "jobs.waiting", 0.25),
        ],
    )
    async def test_stands_at_a_path_in_json_as_a_number_or_a_quantity(
        self, io: Connections, endpoint: Endpoint, body: dict[str, Any], location: str, number: float
    ) -> None:
        endpoint.body = body
        shown = await reading(io, "metrics-api", metadata(endpoint, valueLocation=location))
        assert shown.value == number

    async def test_stands_in_yaml(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = "components:\n- {id: a, tasks: 32}\n"
        given = metadata(endpoint, format="yaml", valueLocation="components.0.tasks")
        assert (await reading(io, "metrics-api", given)).value == 32

    @pytest.mark.parametrize("location", ["stats.jobs.waiting", "jobs.waiting"])
    async def test_stands_in_xml_with_or_without_the_roots_name(
        self, io: Connections, endpoint: Endpoint, location: str
    ) -> None:
        endpoint.body = '<?xml version="1.0"?><stats><jobs state="ok"><waiting>11</waiting></jobs></stats>'
        given = metadata(endpoint, format="xml", valueLocation=location)
        assert (await reading(io, "metrics-api", given)).value == 11

    @pytest.mark.parametrize(
        ("location", "number"),
        [
            ("plain", 3.5),
            ('queue_size{queue="two"}', 20.0),
            ('queue_size{queue="two",zone!="a"}', 21.0),
            ('queue_size{queue=~"th.*"}', 300.0),
            ('{__name__="queue_size",queue="one"}', 1.0),
        ],
    )
    async def test_stands_in_prometheus_text(
        self, io: Connections, endpoint: Endpoint, location: str, number: float
    ) -> None:
        endpoint.body = (
            "# HELP queue_size Items.\n# TYPE queue_size gauge\n"
            'queue_size{queue="one"} 1\nqueue_size{queue="two",zone="a"} 20\nqueue_size{queue="two",zone="b"} 21\n'
            'queue_size{queue="three"} 3e2 1700000000000\n# TYPE plain counter\nplain 3.5'
        )
        given = metadata(endpoint, format="prometheus", valueLocation=location)
        assert (await reading(io, "metrics-api", given)).value == number

    async def test_activates_strictly_above_the_threshold(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = {"jobs": {"waiting": 0.5}}
        at = await reading(io, "metrics-api", metadata(endpoint, activationTargetValue="0.5"))
        above = await reading(io, "metrics-api", metadata(endpoint, activationTargetValue="0.4"))
        assert (at.active, above.active) == (False, True)


class TestTrouble:
    async def test_a_status_other_than_200_is_a_failure_with_the_answers_words(
        self, io: Connections, endpoint: Endpoint
    ) -> None:
        endpoint.status, endpoint.body = 503, "the database\n is away"
        why = await failure(io, "metrics-api", metadata(endpoint))
        assert why == f"metrics API {endpoint.url}/stats answered 503 (the database is away)"

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("<html>welcome</html>", "makes no sense"),
            ("", "makes no sense"),
            ({"jobs": {}}, "there is nothing at jobs.waiting"),
            ({"jobs": {"waiting": None}}, "null stands at jobs.waiting"),
            ({"jobs": {"waiting": True}}, "a boolean stands at jobs.waiting"),
            ({"jobs": {"waiting": {"n": 1}}}, "an object stands at jobs.waiting"),
            ({"jobs": {"waiting": "many"}}, "many"),
        ],
    )
    async def test_garbage_is_a_failure_and_never_a_zero(
        self, io: Connections, endpoint: Endpoint, body: Any, words: str
    ) -> None:
        endpoint.body = body
        why = await failure(io, "metrics-api", metadata(endpoint))
        assert words in why
        assert endpoint.url in why

    async def test_a_slow_source_is_given_up_after_the_triggers_timeout(
        self, io: Connections, endpoint: Endpoint
    ) -> None:
        endpoint.delay = 30
        why = await failure(io, "metrics-api", metadata(endpoint, timeout="200"))
        assert why.startswith(f"metrics API {endpoint.url}/stats did not answer within 0.2 s")

    async def test_a_source_that_begins_and_never_ends_is_given_up_too(
        self, io: Connections, endpoint: Endpoint
    ) -> None:
        async def drip(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"[")
                await asyncio.sleep(0.01)

        endpoint.handler = drip
        assert "did not answer within 0.3 s" in await failure(io, "metrics-api", metadata(endpoint, timeout="300ms"))

    async def test_an_endless_answer_is_not_read_to_its_end(self, io: Connections, endpoint: Endpoint) -> None:
        async def flood(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(64):
                await response.write(b"x" * 1_000_000)
            return response

        endpoint.handler = flood
        assert "answered more than 8 MiB" in await failure(io, "metrics-api", metadata(endpoint, timeout="20s"))

    async def test_nobody_at_the_address_is_named(self, io: Connections) -> None:
        given = {"url": "http://127.0.0.1:9/stats", "valueLocation": "a", "targetValue": "1"}
        why = await failure(io, "metrics-api", given)
        assert "http://127.0.0.1:9/stats cannot be read" in why
        assert "0x" not in why, "an address in memory makes a message that differs after each start"

    async def test_a_connection_cut_off_is_a_failure(self, io: Connections, endpoint: Endpoint) -> None:
        async def cut(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        endpoint.handler = cut
        assert "cannot be read" in await failure(io, "metrics-api", metadata(endpoint))

    async def test_one_slow_source_delays_no_other(self, io: Connections, endpoint: Endpoint) -> None:
        async def by_path(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(5 if request.path == "/slow" else 0)
            return web.json_response({"n": 1})

        endpoint.handler = by_path
        given = {"valueLocation": "n", "targetValue": "1"}
        slow = good("metrics-api", {**given, "url": f"{endpoint.url}/slow", "timeout": "1s"})
        quick = good("metrics-api", {**given, "url": f"{endpoint.url}/quick"})
        waiting = asyncio.create_task(slow.read(io, NOW))
        await asyncio.sleep(0.05)
        await quick.read(io, NOW)
        assert not waiting.done()
        await waiting

    async def test_every_request_is_told_with_for_whom_it_was_and_what_came_of_it(
        self, io: Connections, endpoint: Endpoint
    ) -> None:
        told: list[tuple[Asker, str]] = []
        io.http.on_request = lambda asker, status, _seconds: told.append((asker, status))
        endpoint.body = {"jobs": {"waiting": 1}}
        trigger = good("metrics-api", metadata(endpoint, timeout="100ms"))
        await trigger.read(io, NOW)
        endpoint.status = 503
        await trigger.read(io, NOW)
        endpoint.delay = 5.0
        await trigger.read(io, NOW)
        asker = Asker("shop", "cart", "metrics-api", "", "s0-metric-api-jobs-waiting")
        assert told == [(asker, "200"), (asker, "503"), (asker, "error")]


class TestWhoAsks:
    async def send(self, io: Connections, endpoint: Endpoint, auth: dict[str, str], **more: str) -> web.Request:
        endpoint.body = {"jobs": {"waiting": 1}}
        await reading(io, "metrics-api", metadata(endpoint, **more), auth=auth)
        return endpoint.last

    async def test_is_nobody_by_default(self, io: Connections, endpoint: Endpoint) -> None:
        assert "Authorization" not in (await self.send(io, endpoint, {})).headers

    async def test_shows_a_user_and_password(self, io: Connections, endpoint: Endpoint) -> None:
        request = await self.send(io, endpoint, {"username": "u", "password": "p"}, authMode="basic")
        assert request.headers["Authorization"] == "Basic dTpw"

    async def test_shows_a_bearer_token(self, io: Connections, endpoint: Endpoint) -> None:
        request = await self.send(io, endpoint, {"authModes": "bearer", "token": "t"})
        assert request.headers["Authorization"] == "Bearer t"

    async def test_shows_a_header_of_its_own(self, io: Connections, endpoint: Endpoint) -> None:
        auth = {"customAuthHeader": "X-Who", "customAuthValue": "me"}
        assert (await self.send(io, endpoint, auth, authModes="custom")).headers["X-Who"] == "me"

    async def test_shows_an_api_key_in_a_header(self, io: Connections, endpoint: Endpoint) -> None:
        named = await self.send(io, endpoint, {"apiKey": "k", "keyParamName": "X-Key"}, authMode="apiKey")
        plain = await self.send(io, endpoint, {"apiKey": "k"}, authMode="apiKey")
        assert (named.headers["X-Key"], plain.headers["X-API-KEY"]) == ("k", "k")

    async def test_shows_an_api_key_in_the_query_but_never_in_a_message(
        self, io: Connections, endpoint: Endpoint
    ) -> None:
        auth = {"apiKey": "secret", "method": "query"}
        request = await self.send(io, endpoint, auth, authMode="apiKey")
        assert request.query["api_key"] == "secret"
        endpoint.status = 401
        why = await failure(io, "metrics-api", metadata(endpoint, authMode="apiKey"), auth=auth)
        assert "secret" not in why
        assert "see whether the authentication is right" in why

    async def test_gets_an_oauth_token_once_and_uses_it(self, io: Connections, endpoint: Endpoint) -> None:
        async def by_path(request: web.Request) -> web.StreamResponse:
            if request.path == "/token":
                form = await request.post()
                assert form["grant_type"] == "client_credentials"
                assert (form["scope"], form["audience"]) == ("read write", "stats")
                return web.json_response({"access_token": "fresh", "expires_in": 3600})
            return web.json_response({"jobs": {"waiting": 2}})

        endpoint.handler = by_path
        auth = {
            "oauthTokenURI": f"{endpoint.url}/token",
            "clientID": "me",
            "clientSecret": "s",
            "scopes": "read,write",
            "endpointParams": "audience=stats",
        }
        for _ in range(2):
            await reading(io, "metrics-api", metadata(endpoint, authModes="oauth"), auth=auth)
        assert [request.path for request in endpoint.asked] == ["/token", "/stats", "/stats"]
        assert endpoint.last.headers["Authorization"] == "Bearer fresh"

    async def test_gets_another_oauth_token_when_one_is_refused(self, io: Connections, endpoint: Endpoint) -> None:
        given = iter(["stale", "fresh"])

        async def by_path(request: web.Request) -> web.StreamResponse:
            if request.path == "/token":
                return web.json_response({"access_token": next(given), "expires_in": 3600})
            known = request.headers["Authorization"] == "Bearer fresh"
            return web.json_response({"jobs": {"waiting": 2}}, status=200 if known else 401)

        endpoint.handler = by_path
        auth = {"oauthTokenURI": f"{endpoint.url}/token", "clientID": "me", "clientSecret": "s"}
        assert "answered 401" in await failure(io, "metrics-api", metadata(endpoint, authModes="oauth"), auth=auth)
        assert (await reading(io, "metrics-api", metadata(endpoint, authModes="oauth"), auth=auth)).value == 2

    async def test_is_told_when_the_token_server_refuses(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.status, endpoint.body = 400, {"error": "invalid_client"}
        auth = {"oauthTokenURI": f"{endpoint.url}/token", "clientID": "me", "clientSecret": "hush"}
        why = await failure(io, "metrics-api", metadata(endpoint, authModes="oauth"), auth=auth)
        assert "answered 400" in why
        assert "see clientID and clientSecret" in why
        assert "hush" not in why


@dataclass(frozen=True)
class Address:
    address: str
    ports: tuple[int, ...]


class OneService:
    """A cluster in which a Service has these addresses."""

    def __init__(self, *addresses: Address) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, str]] = []

    async def endpoints(self, namespace: str, service: str) -> Sequence[Address]:
        self.asked.append((namespace, service))
        return self.addresses

    async def pods(self, namespace: str, selector: str) -> Sequence[Any]:
        raise AssertionError(f"nobody asks for pods {selector} in {namespace} here")


class TestAService:
    @pytest.mark.parametrize(("how", "number"), [("average", 20.0), ("sum", 60.0), ("max", 30.0), ("min", 10.0)])
    async def test_is_asked_at_each_address_and_the_numbers_put_together(
        self, endpoint: Endpoint, how: str, number: float
    ) -> None:
        given = iter([10, 20, 30])

        async def next_one(request: web.Request) -> web.StreamResponse:
            return web.json_response({"n": next(given)})

        endpoint.handler = next_one
        cluster = OneService(*[Address("127.0.0.1", (endpoint.port,))] * 3)
        async with Connections(cluster=cluster) as io:
            shown = await reading(io, "metrics-api", self.metadata(endpoint, how))
        assert shown.value == number
        assert cluster.asked == [("shop", "stats")]
        assert {request.path_qs for request in endpoint.asked} == {"/v1?of=jobs"}

    async def test_is_read_from_the_addresses_that_answer(self, endpoint: Endpoint) -> None:
        endpoint.body = {"n": 4}
        addresses = Address("127.0.0.1", (endpoint.port,)), Address("127.255.255.255", (endpoint.port,))
        async with Connections(cluster=OneService(*addresses)) as io:
            assert (await reading(io, "metrics-api", self.metadata(endpoint, "average"))).value == 4

    async def test_of_which_no_address_answers_is_a_failure(self, endpoint: Endpoint) -> None:
        endpoint.status = 500
        async with Connections(cluster=OneService(Address("127.0.0.1", (endpoint.port,)))) as io:
            why = await failure(io, "metrics-api", self.metadata(endpoint, "sum"))
        assert "none of the 1 addresses" in why
        assert "answered 500" in why

    async def test_without_addresses_is_a_failure_and_not_zero(self, endpoint: Endpoint) -> None:
        async with Connections(cluster=OneService()) as io:
            why = await failure(io, "metrics-api", self.metadata(endpoint, "sum"))
        assert why == "service stats in shop has no address on a node; see whether its pods are up"

    def metadata(self, endpoint: Endpoint, how: str) -> dict[str, str]:
        return {
            "url": f"http://stats.shop.svc:{endpoint.port}/v1?of=jobs",
            "valueLocation": "n",
            "targetValue": "1",
            "aggregateFromKubeServiceEndpoints": "true",
            "aggregationType": how,
        }


class TestThePlan:
    def test_names_the_metric_after_the_location(self) -> None:
        given = {"url": "http://a", "valueLocation": "jobs.waiting", "targetValue": "2.5"}
        (metric,) = good("metrics-api", given, index=1, metric_type="Value").plan.metrics
        assert (metric.name, metric.target, metric.metric_type) == ("s1-metric-api-jobs-waiting", 2.5, "Value")

    def test_needs_a_target_unless_a_formula_uses_it(self) -> None:
        given = {"url": "http://a", "valueLocation": "n"}
        (problem,) = said(built("metrics-api", given))
        assert problem.startswith("metadata.targetValue: is required, unless a formula")
        assert good("metrics-api", given, as_metric_source=True).plan.metrics[0].target == 0

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"url": "stats"}, "metadata.url: is not an address such as http://host:port/path"),
            ({"url": "ftp://a/b"}, "metadata.url: is not an address"),
            ({"valueLocation": "jobs.#(a"}, "metadata.valueLocation: "),
            ({"format": "prometheus", "valueLocation": "a{b}"}, 'metadata.valueLocation: "a{b}" is not a metric'),
            ({"format": "csv"}, 'metadata.format: "csv" is not one of prometheus, json, xml, yaml'),
            ({"timeout": "-5"}, 'metadata.timeout: "-5" is negative'),
            ({"authMode": "basic,bearer"}, 'metadata.authMode: "basic,bearer" has more than one of'),
            ({"authMode": "basic"}, "authenticationRef: parameter username is required for authModes basic"),
            ({"aggregateFromKubeServiceEndpoints": "true"}, "metadata.url: must have a host SERVICE.NAMESPACE"),
        ],
    )
    def test_refuses_with_the_place_and_the_remedy(self, given: dict[str, str], problem: str) -> None:
        problems = said(built("metrics-api", {"url": "http://a", "valueLocation": "n", "targetValue": "1", **given}))
        assert any(one.startswith(problem) for one in problems), problems
