"""prometheus against a real Prometheus, and against endpoints that answer as Prometheus never should."""

import uuid
from typing import Any

import pytest

from scaler.api.authentication import PodIdentity
from scaler.triggers.connections import Connections
from tests.servers.prometheus import Prometheus
from tests.triggers.building import built, failure, good, reading, said
from tests.triggers.endpoint import Endpoint


@pytest.fixture
async def live() -> Any:
    """Connections of the present, as the real server keeps its own time."""
    async with Connections() as io:
        yield io


@pytest.fixture
def metric() -> str:
    return f"jobs_{uuid.uuid4().hex[:8]}"


def metadata(address: str, query: str, **more: str) -> dict[str, str]:
    return {"serverAddress": address, "query": query, "threshold": "10", **more}


def vector(*values: str) -> dict[str, Any]:
    series = [{"metric": {}, "value": [1767600000.1, value]} for value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


class TestTheNumber:
    async def test_is_the_querys_result(self, live: Connections, prometheus_server: Prometheus, metric: str) -> None:
        prometheus_server.set(metric, 17.5, queue="a")
        prometheus_server.set(metric, 2.0, queue="b")
        shown = await reading(live, "prometheus", metadata(prometheus_server.url + "/", f"sum({metric})"))
        assert (shown.value, shown.active, shown.assumed) == (19.5, True, False)

    async def test_of_a_scalar_is_the_scalar(self, live: Connections, prometheus_server: Prometheus) -> None:
        assert (await reading(live, "prometheus", metadata(prometheus_server.url, "scalar(vector(6))"))).value == 6

    async def test_activates_strictly_above_the_threshold(
        self, live: Connections, prometheus_server: Prometheus
    ) -> None:
        at = metadata(prometheus_server.url, "vector(4)", activationThreshold="4")
        above = metadata(prometheus_server.url, "vector(4)", activationThreshold="3.9")
        assert not (await reading(live, "prometheus", at)).active
        assert (await reading(live, "prometheus", above)).active


class TestNoData:
    async def test_is_an_assumed_zero_by_default(
        self, live: Connections, prometheus_server: Prometheus, metric: str
    ) -> None:
        shown = await reading(live, "prometheus", metadata(prometheus_server.url, metric))
        assert (shown.value, shown.active, shown.assumed) == (0, False, True)

    async def test_is_a_failure_when_nulls_are_not_ignored(
        self, live: Connections, prometheus_server: Prometheus, metric: str
    ) -> None:
        given = metadata(prometheus_server.url, metric, ignoreNullValues="false")
        assert f"gave no result for the query {metric}" in await failure(live, "prometheus", given)

    @pytest.mark.parametrize("query", ["vector(0)/0", "vector(1)/0"])
    async def test_is_also_what_is_no_finite_number(
        self, live: Connections, prometheus_server: Prometheus, query: str
    ) -> None:
        assert (await reading(live, "prometheus", metadata(prometheus_server.url, query))).assumed
        strict = metadata(prometheus_server.url, query, ignoreNullValues="false")
        assert "gave " in await failure(live, "prometheus", strict)


class TestTrouble:
    async def test_a_query_that_cannot_be_read_is_told_in_the_servers_words(
        self, live: Connections, prometheus_server: Prometheus
    ) -> None:
        why = await failure(live, "prometheus", metadata(prometheus_server.url, "sum("))
        assert "answered 400" in why
        assert "parse error" in why

    async def test_several_series_are_refused_with_the_remedy(
        self, live: Connections, prometheus_server: Prometheus, metric: str
    ) -> None:
        prometheus_server.set(metric, 1, queue="a")
        prometheus_server.set(metric, 1, queue="b")
        why = await failure(live, "prometheus", metadata(prometheus_server.url, metric))
        assert "gives 2 series; write one that gives one, as by sum()" in why

    async def test_a_range_is_refused_and_not_taken_for_no_data(
        self, live: Connections, prometheus_server: Prometheus, metric: str
    ) -> None:
        prometheus_server.set(metric, 1)
        why = await failure(live, "prometheus", metadata(prometheus_server.url, f"{metric}[5m]"))
        assert "gives a matrix" in why

    @pytest.mark.parametrize("body", ["", "<html>", "[]", '{"status":"success"}', '{"data":{"resultType":"vector"}}'])
    async def test_what_is_no_prometheus_is_a_failure_and_never_a_zero(
        self, io: Connections, endpoint: Endpoint, body: str
    ) -> None:
        endpoint.body = body
        assert "makes no sense" in await failure(io, "prometheus", metadata(endpoint.url, "up"))

    async def test_a_slow_server_is_given_up(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.delay = 30
        why = await failure(io, "prometheus", metadata(endpoint.url, "up", timeout="150"))
        assert why.startswith(f"Prometheus {endpoint.url} did not answer within 0.15 s")


class TestTheRequest:
    async def test_asks_for_now_with_everything_that_was_given(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = vector("1")
        more = {"namespace": "team", "queryParameters": "dedup=true,x=a b", "customHeaders": "X-Scope-OrgID=tenant"}
        await reading(io, "prometheus", metadata(f"{endpoint.url}/prom", 'sum(rate(a{b="c+d"}[1m]))', **more))
        asked = endpoint.last
        assert asked.path == "/prom/api/v1/query"
        assert dict(asked.query) == {
            "query": 'sum(rate(a{b="c+d"}[1m]))',
            "time": "2026-01-05T08:00:00.000000Z",
            "namespace": "team",
            "dedup": "true",
            "x": "a b",
        }
        assert asked.headers["X-Scope-OrgID"] == "tenant"

    async def test_is_signed_for_amazon(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = vector("1")
        auth = {"awsAccessKeyID": "AKID", "awsSecretAccessKey": "s", "awsSessionToken": "token"}
        given = metadata(f"{endpoint.url}/workspaces/ws-1", "up", awsRegion="eu-central-1")
        await reading(io, "prometheus", given, auth=auth)
        signature = endpoint.last.headers["Authorization"]
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
        assert "/eu-central-1/aps/aws4_request" in signature
        assert endpoint.last.headers["X-Amz-Security-Token"] == "token"

    async def test_is_not_signed_for_others(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = vector("1")
        auth = {"awsAccessKeyID": "AKID", "awsSecretAccessKey": "s"}
        await reading(io, "prometheus", metadata(endpoint.url, "up"), auth=auth)
        assert "Authorization" not in endpoint.last.headers

    async def test_shows_who_asks_to_a_server_that_wants_to_know(self, live: Connections) -> None:
        from tests.servers.fixtures import lend

        # bcrypt of "right"; Prometheus takes no other form
        users = {"basic_auth_users": {"me": "$2b$04$Xd0bXaWGD/KgUMsDH5Fp3ee2/KtEMGSKwGueUHZpGqAYqUQENgwZi"}}
        with lend(lambda: Prometheus(web=users)) as server:
            given = metadata(server.url, "vector(3)", authModes="basic")
            why = await failure(live, "prometheus", given, auth={"username": "me", "password": "wrong"})
        assert "answered 401" in why
        assert "see whether the authentication is right" in why


class TestThePlan:
    def test_names_the_metric_prometheus(self) -> None:
        (metric,) = good("prometheus", metadata("http://p", "up"), index=4).plan.metrics
        assert (metric.name, metric.target) == ("s4-prometheus", 10)

    def test_does_not_mix_identities_with_auth_modes(self) -> None:
        given = metadata("http://p", "up", authModes="bearer")
        (problem,) = said(built("prometheus", given, auth={"bearerToken": "t"}, identity=PodIdentity(provider="aws")))
        assert problem == "metadata.authModes: and podIdentity aws exclude each other"

    def test_names_an_identity_that_it_does_not_know(self) -> None:
        (problem,) = said(built("prometheus", metadata("http://p", "up"), identity=PodIdentity(provider="gcp")))
        assert "provider gcp is not known to this build" in problem

    def test_the_time_is_no_part_of_the_question(self) -> None:
        one, other = (good("prometheus", metadata("http://p", "up"), index=index) for index in (0, 1))
        assert one.source == other.source
