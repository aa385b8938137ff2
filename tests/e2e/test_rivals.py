"""Started beside a live KEDA, the operator does not act: it says what to do, and ends."""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.controlplane.api import Object
from tests.controlplane.certificates import Authority
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import APISERVICE, OPERATOR, Installation
from tests.e2e.stage import WRITING
from tests.processes import wait_until

KEDA = "/apis/coordination.k8s.io/v1/namespaces/keda/leases"


@pytest.fixture
def keda(plane: ControlPlane) -> Iterator[str]:
    plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keda"}})
    yield "keda"
    plane.api.delete(f"{KEDA}/operator.keda.sh")


@contextmanager
def live_operator(plane: ControlPlane) -> Iterator[None]:
    """Its Lease, renewed every two seconds as its owner does."""
    over = threading.Event()

    def lease() -> Object:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": "keda-operator-7d9_abc", "leaseDurationSeconds": 15, "renewTime": now}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "operator.keda.sh"},
            "spec": spec,
        }

    def renew() -> None:
        while not over.wait(2):
            plane.api.patch(f"{KEDA}/operator.keda.sh", {"spec": lease()["spec"]})

    plane.apply(lease(), "keda")
    renewing = threading.Thread(target=renew, name="keda", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


@contextmanager
def other_service(plane: ControlPlane, keda: str) -> Iterator[None]:
    """The APIService leads to KEDA's metrics server, and the API server finds it at work."""
    ours = plane.api.get(APISERVICE)["spec"]
    own = Authority.new("keda")
    with keda_metrics(own) as port:
        plane.register_apiservice(
            "external.metrics.k8s.io",
            "v1beta1",
            port,
            own.pem,
            service="keda-operator-metrics-apiserver",
            namespace=keda,
        )
        try:
            yield
        finally:
            plane.api.patch(APISERVICE, {"spec": {**ours, "caBundle": ours.get("caBundle")}})


@contextmanager
def keda_metrics(authority: Authority) -> Iterator[int]:
    from aiohttp import web

    from tests.controlplane.loopback import Loopback

    async def discovery(_: web.Request) -> web.Response:
        return web.json_response(
            {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": "external.metrics.k8s.io/v1beta1",
                "resources": [],
            }
        )

    app = web.Application()
    app.router.add_get("/apis/external.metrics.k8s.io/v1beta1", discovery)
    with Loopback(app, "keda-operator-metrics-apiserver.keda.svc") as server:
        authority.pair = server.authority.pair
        yield server.port


def writes(plane: ControlPlane) -> list[str]:
    """Everything that our operator has changed so far."""
    asked = plane.writes(user__username=OPERATOR)
    return [f"{one['verb']} {one['requestURI']}" for one in asked if one["verb"] in WRITING]


def refuses(installation: Installation, *words: str) -> None:
    """An operator started now ends with code 3, has said all of the words, and changed nothing."""
    before = writes(installation.plane)
    program = installation.operator(name=f"refused-{len(installation.programs)}")
    assert program.process.wait(30) == 3
    assert program.said(*words), program.process.tail()
    assert writes(installation.plane) == before


def test_a_lease_of_keda_that_is_renewed_keeps_us_away(bare_installation: Installation, keda: str) -> None:
    with live_operator(bare_installation.plane):
        refuses(
            bare_installation,
            "operator.keda.sh",
            "keda-operator-7d9_abc",
            "kubectl -n keda scale deployment/keda-operator --replicas=0",
        )


def test_an_api_service_that_leads_to_keda_keeps_us_away(bare_installation: Installation, keda: str) -> None:
    with other_service(bare_installation.plane, keda):
        refuses(
            bare_installation,
            "v1beta1.external.metrics.k8s.io",
            "keda-operator-metrics-apiserver",
            "kubectl delete apiservice v1beta1.external.metrics.k8s.io",
        )


@pytest.mark.slow
def test_once_keda_is_gone_the_same_start_succeeds(bare_installation: Installation, keda: str) -> None:
    """A Lease that nobody renews any more stops nobody, once it has run out."""
    plane = bare_installation.plane
    with live_operator(plane):
        pass
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    plane.api.patch(f"{KEDA}/operator.keda.sh", {"spec": {"renewTime": old}})
    bare_installation.operator(name="successor")
    bare_installation.wait_leader("successor")
    wait_until(lambda: bare_installation.programs[-1].ready, "the successor to be ready")
