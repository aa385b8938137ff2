"""Reads of namespaces that are not ours go to the server that was there before, and say so when it does not answer."""

import base64
import ssl
from collections import Counter

import pytest
from aiohttp import web

from scaler.kube.connection import Connection
from scaler.kube.wire import Server
from scaler.serving.external_metrics import Asked
from scaler.serving.forwarding import Forwarding, trust
from scaler.serving.listener import Caller, Request
from scaler.takeover.record import Backend, Record
from tests.controlplane.loopback import Loopback
from tests.processes import free_port

ASKED = Asked("mail", "s0-queue", "web")
TARGET = "/apis/external.metrics.k8s.io/v1beta1/namespaces/mail/s0-queue?labelSelector=a%3Db"


class Token:
    async def header(self) -> str | None:
        return "Bearer ours"

    async def renew(self) -> bool:
        return False


class Beside:
    """KEDA's server, and the API server as far as its Service goes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/keda/services/adapter", self.service)
        app.router.add_get("/apis/{rest:.*}", self.metric)
        self.loopback = Loopback(app, "adapter.keda.svc")

    async def service(self, _: web.Request) -> web.Response:
        return web.json_response({"spec": {"type": "ExternalName", "externalName": "localhost"}})

    async def metric(self, request: web.Request) -> web.Response:
        headers = request.headers
        self.asked.append((request.raw_path, headers["Authorization"], headers.get("X-Remote-User", "")))
        return web.json_response({"items": []}, status=418)

    def record(self, **backend: object) -> Record:
        given = {"port": self.loopback.port, "ca_bundle": base64.b64encode(self.loopback.authority.pem).decode()}
        return Record(served=("shop",), wanted=("shop",), backend=Backend("keda", "adapter", **given | backend))

    def connection(self) -> Connection:
        context = ssl.create_default_context(cadata=self.loopback.authority.pem.decode())
        return Connection(Server(f"https://localhost:{self.loopback.port}", tls=context, authorization=Token()))


def request() -> Request:
    return Request("GET", TARGET, [("accept", "application/json"), ("x-remote-user", "hpa")], Caller(None))


async def test_an_answer_is_passed_on_as_it_is_and_asked_for_in_our_own_name() -> None:
    beside = Beside()
    reads: Counter[tuple[str, int]] = Counter()
    with beside.loopback:
        async with beside.connection() as connection:
            forwarding = Forwarding(connection, lambda: 0.0, reads)  # type: ignore[arg-type]
            forwarding.take(beside.record())
            told = await forwarding.forward(request(), ASKED)
            await forwarding.aclose()
    assert told.startswith(b"HTTP/1.1 418 ")
    assert told.endswith(b'{"items": []}')
    assert beside.asked == [(TARGET, "Bearer ours", "")]
    assert reads == {("forwarded", 418): 1}


@pytest.mark.parametrize(
    ("backend", "words"),
    [({"port": free_port()}, b"does not answer"), ({"ca_bundle": ""}, b"certificate verify failed")],
)
async def test_a_server_that_does_not_answer_is_named(backend: dict[str, object], words: bytes) -> None:
    beside = Beside()
    with beside.loopback:
        async with beside.connection() as connection:
            forwarding = Forwarding(connection, lambda: 0.0, Counter())
            forwarding.take(beside.record(**backend))
            told = await forwarding.forward(request(), ASKED)
            await forwarding.aclose()
    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"metric s0-queue of scaledobject mail/web is asked of the server that was here before" in told
    assert b"keda/adapter does not answer" in told
    assert words in told


async def test_only_namespaces_that_were_not_taken_over_are_the_others_concern() -> None:
    forwarding = Forwarding(Connection("http://localhost"), lambda: 0.0, Counter())
    assert not forwarding.concerns("mail")
    forwarding.take(Record(served=("shop",), backend=Backend("keda", "adapter")))
    assert (forwarding.concerns("shop"), forwarding.concerns("mail")) == (False, True)
    forwarding.take(None)
    assert not forwarding.concerns("mail")


def test_trust_is_that_of_the_former_apiservice() -> None:
    assert trust(Backend("a", "b", insecure_skip_tls_verify=True)) is False
    assert trust(Backend("a", "b")) is True
    nobody = trust(Backend("a", "b", ca_bundle="bm90IHBlbQ=="))
    assert isinstance(nobody, ssl.SSLContext)
    assert nobody.cert_store_stats()["x509_ca"] == 0
