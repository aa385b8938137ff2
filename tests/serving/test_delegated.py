"""The aggregated API behind real TLS, asked as a front proxy, a client certificate and a token would ask."""

import asyncio
import json
import ssl

import aiohttp
import pytest

from scaler.errors import Invalid
from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry
from scaler.serving.aggregated import AggregatedApi
from scaler.serving.delegated import Delegated, read_trust
from scaler.serving.explanations import Explanations
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.reviews import Reviews, User
from scaler.serving.tls import ServerTls
from scaler.serving.truth import LocalTruth, LookFailed
from tests.serving.peers import HPA, Authorities, ReviewServer, client_context

METRIC = (
    "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/s0-queue?labelSelector=scaledobject.keda.sh%2Fname%3Dweb"
)
LIST_ALL = (HPA, "list", "*", "")
LIST_ONE = (HPA, "list", "s0-queue", "shop")
EXPLAINED = "/apis/explain.kube-scaler.dev/v1alpha1/namespaces/shop/explanations/web"
AS_HPA = {"X-Remote-User": HPA, "X-Remote-Group": "system:serviceaccounts"}


class OneRound:
    """A clock that tells when the first round is over, and never lets a second begin."""

    def __init__(self):
        self.over = asyncio.Event()

    async def sleep(self, _):
        self.over.set()
        await asyncio.Event().wait()


class Served:
    """The API on a real port, its authorities and its API server."""

    def __init__(self, folder, authorities):
        self.folder = folder
        self.authorities = authorities
        self.api_server = ReviewServer()
        self.api_server.config = authorities.config()
        self.time = 1000.0
        self.not_ready = ""
        self.leaderless = False

    async def __aenter__(self):
        await self.api_server.__aenter__()
        self.tls = ServerTls()
        pair = self.authorities.serving.server("localhost")
        self.tls.present(pair.certificate, pair.key)
        self.delegated = Delegated(self.api_server.connection, self.tls, lambda: self.time)
        await self.delegated.refresh()
        board = Board()
        answer = MetricAnswer("s0-queue", 1_790_000_000.0, 3.0)
        board.publish(BoardEntry("shop", "web", {"s0-queue": answer}, frozenset({"s0-queue"}), evaluated_at=1.0))
        metrics = ExternalMetrics(LocalTruth(board, None, lambda: 1_790_000_000.0))
        explanations = Explanations(self.explain)
        self.api = AggregatedApi(metrics, explanations, self.delegated, self.tls, lambda: self.not_ready)
        self.port = await self.api.start("127.0.0.1", 0)
        return self

    async def explain(self, namespace, name, _within):
        if name != "web":
            raise LookFailed(f"ScaledObject {namespace}/{name} is not known to this operator", unknown=True)
        if self.leaderless:
            raise LookFailed("there is no connection to a leader")
        return b'{"kind":"Explanation"}'

    async def __aexit__(self, *_):
        await self.api.close()
        await self.api_server.__aexit__()

    def session(self, pair=None):
        context = client_context(self.authorities.serving.pem, self.folder, pair)
        return aiohttp.ClientSession(f"https://localhost:{self.port}", connector=aiohttp.TCPConnector(ssl=context))

    async def get(self, path=METRIC, pair=None, **headers):
        async with self.session(pair) as session, session.get(path, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    def proxy(self, name="front-proxy-client"):
        return self.authorities.proxy.client(name)


@pytest.fixture(scope="module")
def authorities():
    return Authorities()


@pytest.fixture
async def served(tmp_path, authorities):
    async with Served(tmp_path, authorities) as served:
        served.api_server.allowed = {LIST_ALL}
        yield served


async def test_the_front_proxys_word_is_believed_and_the_user_may_read(served):
    status, body = await served.get(pair=served.proxy(), **AS_HPA)
    assert (status, body["items"][0]["value"]) == (200, "3")
    ((asked, spec),) = served.api_server.reviews
    assert asked == LIST_ALL
    assert spec["groups"] == ["system:serviceaccounts", "system:authenticated"]
    assert spec["resourceAttributes"]["group"] == "external.metrics.k8s.io"


async def test_extras_and_uids_of_the_user_reach_the_review(served):
    headers = {**AS_HPA, "X-Remote-Uid": "u-1", "X-Remote-Extra-Acme.com%2FPod": "a"}
    await served.get(pair=served.proxy(), **headers)
    (_, spec) = served.api_server.reviews[0]
    assert spec["uid"] == "u-1"
    assert spec["extra"] == {"acme.com/pod": ["a"]}


@pytest.mark.parametrize("pair", ["none", "client", "wrong-name"])
async def test_headers_of_anybody_else_are_not_believed(served, pair):
    certificate = {
        "none": None,
        "client": served.authorities.clients.client("front-proxy-client"),
        "wrong-name": served.proxy("somebody"),
    }[pair]
    status, body = await served.get(pair=certificate, **AS_HPA)
    assert status == (403 if pair == "client" else 401)
    assert body["kind"] == "Status"
    assert not any(asked[0] == HPA for asked, _ in served.api_server.reviews)


async def test_a_strangers_certificate_does_not_get_through_the_handshake(served):
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await served.get(pair=served.authorities.strangers.client("front-proxy-client"), **AS_HPA)


async def test_any_name_will_do_when_the_cluster_names_none(served):
    served.delegated.take(read_trust(served.authorities.config(**{"requestheader-allowed-names": "[]"})))
    assert (await served.get(pair=served.proxy("somebody"), **AS_HPA))[0] == 200


async def test_a_front_proxy_that_names_nobody_is_nobody(served):
    assert (await served.get(pair=served.proxy()))[0] == 401


async def test_a_client_certificate_of_the_cluster_is_a_user_with_groups(served):
    served.api_server.allowed = {("alice", "list", "s0-queue", "shop")}
    status, _ = await served.get(pair=served.authorities.clients.client("alice", ["dev", "ops"]))
    assert status == 200
    wide, exact = served.api_server.reviews
    assert (wide[0], exact[0]) == (("alice", "list", "*", ""), ("alice", "list", "s0-queue", "shop"))
    assert wide[1]["groups"] == ["dev", "ops", "system:authenticated"]


async def test_who_may_not_is_told_so_in_kubernetes_words(served):
    status, body = await served.get(pair=served.authorities.clients.client("bob"))
    assert (status, body["reason"], body["code"]) == (403, "Forbidden", 403)
    assert body["message"] == (
        'User "bob" cannot list resource "s0-queue" in API group "external.metrics.k8s.io" in the namespace "shop"'
    )


async def test_a_token_is_reviewed_once_in_ten_seconds(served):
    served.api_server.tokens["good"] = {"username": HPA, "groups": ["system:serviceaccounts"], "uid": "7"}
    for _ in range(3):
        assert (await served.get(Authorization="Bearer good"))[0] == 200
    assert len(served.api_server.reviews) == 2  # whose it is, and whether he may
    served.time += 10.1
    del served.api_server.tokens["good"]
    assert (await served.get(Authorization="Bearer good"))[0] == 401


@pytest.mark.parametrize("header", ["Bearer bad", "Basic Z29vZA==", "good", "Bearer"])
async def test_what_is_no_good_token_is_unauthorized(served, header):
    served.api_server.tokens["good"] = {"username": HPA}
    status, body = await served.get(Authorization=header)
    assert (status, body["message"]) == (401, "Unauthorized")


async def test_reads_at_once_are_reviewed_once_and_a_revocation_counts_after_ten_seconds(served):
    async with served.session(served.proxy()) as session:

        async def read():
            async with session.get(METRIC, headers=AS_HPA) as response:
                return response.status

        assert set(await asyncio.gather(*(read() for _ in range(20)))) == {200}
        assert len(served.api_server.reviews) == 1
        served.api_server.allowed = set()
        assert await read() == 200
        served.time += 10.1
        assert await read() == 403
        served.api_server.allowed = {LIST_ONE}
        served.time += 10.1
        assert await read() == 200


async def test_an_api_server_that_cannot_say_lets_nobody_in(served):
    served.api_server.broken = True
    assert (await served.get(pair=served.proxy(), **AS_HPA))[0] == 500
    assert (await served.get(Authorization="Bearer good"))[0] == 401


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health_takes_no_permission(served, path):
    assert await served.get(path) == (200, "ok")


async def test_a_replica_that_is_not_ready_says_why(served):
    served.not_ready = "no board yet"
    assert await served.get("/readyz") == (503, "not ready: no board yet")
    assert (await served.get("/healthz"))[0] == 200


async def test_discovery_takes_a_permission_of_its_path(served):
    assert (await served.get("/apis", pair=served.proxy(), **AS_HPA))[0] == 403
    served.api_server.allowed = {(HPA, "get", "/apis", "")}
    served.time += 11
    assert (await served.get("/apis", pair=served.proxy(), **AS_HPA))[1]["kind"] == "APIGroupList"
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    found = await served.get("/apis", pair=served.proxy(), **AS_HPA, Accept=accept)
    assert found[1]["kind"] == "APIGroupDiscoveryList"


async def test_only_reading_is_served(served):
    async with (
        served.session(served.proxy()) as session,
        session.delete(METRIC, headers=AS_HPA) as response,
    ):
        assert response.status == 405


async def test_a_changed_configmap_takes_effect_on_open_connections(served):
    async with served.session(served.proxy()) as session:
        async with session.get(METRIC, headers=AS_HPA) as response:
            assert response.status == 200
        served.api_server.config = Authorities(clients=served.authorities.clients).config()
        clock = OneRound()
        following = asyncio.create_task(served.delegated.run(clock))
        await asyncio.wait_for(clock.over.wait(), 5)
        following.cancel()
        async with session.get(METRIC, headers=AS_HPA) as response:
            assert response.status == 401


async def test_nobody_is_believed_before_the_configmap_was_read(served):
    served.delegated.trust = None
    assert (await served.get(pair=served.proxy(), **AS_HPA))[0] == 401


async def test_a_new_serving_certificate_is_shown_without_a_restart(served):
    other = Authorities()
    pair = other.serving.server("localhost")
    served.tls.present(pair.certificate, pair.key)
    with pytest.raises(aiohttp.ClientError):
        await served.get("/healthz")
    served.authorities = other
    assert (await served.get("/healthz"))[0] == 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"client-ca-file": "rubbish"}, "client-ca-file: is not a list of PEM certificates"),
        ({"requestheader-allowed-names": "x"}, "requestheader-allowed-names: is not a JSON list of names"),
    ],
)
def test_a_configmap_that_cannot_be_understood_is_refused_by_key(authorities, change, says):
    with pytest.raises(Invalid, match=says):
        read_trust(authorities.config(**change))


def test_a_cluster_without_a_front_proxy_trusts_none(authorities):
    trust = read_trust({"client-ca-file": authorities.clients.pem.decode()})
    assert trust.proxy.authorities == ()
    assert len(trust.client_authorities) == 1


async def test_a_flood_of_unknown_tokens_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("scaler.serving.reviews.MOST", 10)
    async with ReviewServer() as api_server:
        api_server.tokens["good"] = {"username": "u", "extra": {"b": ["1"], "a": None}}
        reviews = Reviews(api_server.connection, lambda: 0.0)
        for number in range(30):
            assert await reviews.user_of(f"bad-{number}") is None
        assert len(reviews._tokens._answers) <= 10
        found = await reviews.user_of("good")
        assert found == User("u", "", ("system:authenticated",), (("a", ()), ("b", ("1",))))


async def test_an_explanation_takes_the_right_to_read_the_object_and_no_other(served):
    ann = {"X-Remote-User": "ann"}
    status, body = await served.get(EXPLAINED, pair=served.proxy(), **ann)
    assert (status, body["reason"]) == (403, "Forbidden")
    assert (
        'User "ann" cannot get resource "scaledobjects" "web" in API group "keda.sh" in the namespace "shop"'
        in (body["message"])
    )
    assert (await served.get(EXPLAINED, pair=served.proxy(), **AS_HPA))[0] == 403  # who reads all metrics
    served.api_server.allowed.add(("bea", "get", "scaledobjects", "shop"))
    status, body = await served.get(EXPLAINED, pair=served.proxy(), **{"X-Remote-User": "bea"})
    assert (status, body) == (200, {"kind": "Explanation"})
    (*_, (_, spec)) = served.api_server.reviews
    wanted = {"verb": "get", "group": "keda.sh", "version": "v1alpha1", "resource": "scaledobjects"}
    assert spec["resourceAttributes"] == {**wanted, "namespace": "shop", "name": "web"}


async def test_what_the_leader_does_not_know_is_not_found_and_without_one_nothing_is_explained(served):
    served.api_server.allowed.add(("bea", "get", "scaledobjects", "shop"))
    bea = {"X-Remote-User": "bea"}
    status, body = await served.get(EXPLAINED.replace("/web", "/other"), pair=served.proxy(), **bea)
    assert (status, body["message"]) == (404, "ScaledObject shop/other is not known to this operator")
    served.leaderless = True
    status, body = await served.get(EXPLAINED, pair=served.proxy(), **bea)
    assert (status, body["message"]) == (503, "there is no connection to a leader")
