import logging

import pytest
from aiohttp import web

from scaler.api.meta import Raw
from scaler.clock import to_rfc3339_micro
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.resources import LEASES
from scaler.kube.upstream import Rival, find_rivals
from tests.kube.conftest import Peer

NOW = 1_790_000_000.0
OURS = ("kube-scaler", "scaler-metrics")


def lease(holder: str, renewed: float) -> Raw:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": to_rfc3339_micro(renewed)}
    return {"metadata": {"name": "operator.keda.sh"}, "spec": spec}


def api_service(namespace: str, name: str, available: str = "True") -> Raw:
    return {
        "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
        "spec": {"group": "external.metrics.k8s.io", "service": {"namespace": namespace, "name": name, "port": 443}},
        "status": {"conditions": [{"type": "Available", "status": available, "reason": "Said"}]},
    }


def serve(peer: Peer, *, api: Raw | int = 404, leases: dict[str, Raw | int] | None = None) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        found: Raw | int = api
        if request.path.endswith("/leases/operator.keda.sh"):
            found = (leases or {}).get(request.path.split("/")[5], 404)
        if isinstance(found, int):
            return web.json_response(
                {"kind": "Status", "code": found, "reason": "Said", "message": "no"}, status=found
            )
        return web.json_response(found)

    peer.answer = answer


async def test_a_lease_that_is_renewed_is_a_live_keda(connection: Connection, namespace: str) -> None:
    async def rivals() -> list[Rival]:
        found = await find_rivals(connection, now=NOW, our_service=OURS, namespaces=(namespace,))
        return [rival for rival in found if "Lease" in rival.what]

    assert await rivals() == []
    await connection.create(LEASES, namespace, lease("keda-operator-7d_x", NOW - 5), into=Ack)
    (rival,) = await rivals()
    assert rival.what == f"Lease operator.keda.sh in namespace {namespace}"
    assert rival.who == "a running KEDA operator (keda-operator-7d_x)"
    assert f"kubectl -n {namespace} scale deployment/keda-operator --replicas=0" in rival.remedy
    for dead in (lease("keda-operator-7d_x", NOW - 31), lease("", NOW)):
        await connection.patch(LEASES, namespace, "operator.keda.sh", dead, into=Ack)
        assert await rivals() == []


async def test_an_installation_that_is_ours_or_nobodys_has_no_rivals(peer: Peer, to_peer: Connection) -> None:
    serve(peer)
    assert await find_rivals(to_peer, now=NOW, our_service=OURS) == []
    serve(peer, api=api_service(*OURS))
    assert await find_rivals(to_peer, now=NOW, our_service=OURS) == []


async def test_whoever_serves_external_metrics_is_named_with_a_remedy(peer: Peer, to_peer: Connection) -> None:
    serve(peer, api=api_service("monitoring", "prometheus-adapter"))
    (rival,) = await find_rivals(to_peer, now=NOW, our_service=OURS)
    assert rival.what == "APIService v1beta1.external.metrics.k8s.io"
    assert rival.who == "Service prometheus-adapter in namespace monitoring"
    assert "kubectl delete apiservice v1beta1.external.metrics.k8s.io" in rival.remedy


async def test_an_api_service_that_nobody_answers_for_is_no_rival(peer: Peer, to_peer: Connection) -> None:
    serve(peer, api=api_service("keda", "keda-operator-metrics-apiserver", "False"))
    assert await find_rivals(to_peer, now=NOW, our_service=OURS) == []


async def test_a_keda_in_another_namespace_is_found_by_its_api_service(peer: Peer, to_peer: Connection) -> None:
    serve(
        peer,
        api=api_service("autoscaling", "keda-operator-metrics-apiserver"),
        leases={"autoscaling": lease("keda-operator-1", NOW)},
    )
    found = await find_rivals(to_peer, now=NOW, our_service=OURS)
    assert [rival.what for rival in found] == [
        "Lease operator.keda.sh in namespace autoscaling",
        "APIService v1beta1.external.metrics.k8s.io",
    ]


async def test_what_may_not_be_read_is_said_and_what_does_not_answer_is_an_error(
    peer: Peer, to_peer: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    serve(peer, api=403, leases={"keda": 403})
    with caplog.at_level(logging.WARNING, "scaler.kube.upstream"):
        assert await find_rivals(to_peer, now=NOW, our_service=OURS) == []
    assert "nobody can say whether another autoscaler is at work" in caplog.text
    serve(peer, api=500)
    with pytest.raises(ApiError):
        await find_rivals(to_peer, now=NOW, our_service=OURS)
