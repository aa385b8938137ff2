"""What the API server is told of the webhook, and what happens to what stands there already."""

import base64
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from scaler.clock import to_rfc3339_micro
from scaler.kube.access import connect_quickly
from scaler.kube.connection import Connection
from scaler.kube.resources import MUTATING_WEBHOOKS
from scaler.vertical.scope import Scope, scope_of
from tests.controlplane.cluster import Cluster
from tests.webhook.conftest import CONFIGURATIONS, Object
from webhook.registration import Address, Occupied, Wish, configurations, register, unregistered

PEM = b"-----BEGIN CERTIFICATE-----\n"
SERVICE = Address(namespace="scaler", service="vpa-webhook")
SCOPE = scope_of("scaler", "", ("bank",), ignore_kube_system=False)
NOW = time.time()


def wish(**more: Any) -> Wish:
    return Wish(**{"address": SERVICE, "ca": b"", "scope": SCOPE, **more})


def only_mutating(**more: Any) -> Object:
    ((_, found),) = configurations(wish(scaled_objects=False, **more))
    return found


def test_pods_and_vpas_are_registered_as_upstream_registers_them() -> None:
    found = only_mutating(ca=PEM)
    assert found["metadata"]["name"] == "vpa-webhook-config"
    (webhook,) = found["webhooks"]
    assert webhook["name"] == "vpa.k8s.io"
    assert [
        (rule["apiGroups"], rule["apiVersions"], rule["resources"], rule["operations"]) for rule in webhook["rules"]
    ] == [
        ([""], ["v1"], ["pods"], ["CREATE"]),
        (["autoscaling.k8s.io"], ["*"], ["verticalpodautoscalers"], ["CREATE", "UPDATE"]),
    ]
    assert (webhook["failurePolicy"], webhook["sideEffects"], webhook["timeoutSeconds"]) == ("Ignore", "None", 3)
    assert webhook["admissionReviewVersions"] == ["v1"]
    assert webhook["clientConfig"] == {
        "service": {"namespace": "scaler", "name": "vpa-webhook", "path": "/", "port": 443},
        "caBundle": base64.b64encode(PEM).decode(),
    }


@pytest.mark.parametrize(
    ("scope", "expressions"),
    [
        (SCOPE, [("NotIn", ["bank", "scaler"])]),
        (scope_of("scaler", "", (), ignore_kube_system=True), [("NotIn", ["kube-system", "scaler"])]),
        (scope_of("scaler", "shop", (), ignore_kube_system=False), [("NotIn", ["scaler"]), ("In", ["shop"])]),
        (Scope(), None),
    ],
)
def test_namespaces_that_are_left_alone_are_not_even_asked_about(scope: Scope, expressions: Any) -> None:
    selector = only_mutating(scope=scope)["webhooks"][0]["namespaceSelector"]
    asked = selector.get("matchExpressions")
    assert asked == (
        expressions
        and [{"key": "kubernetes.io/metadata.name", "operator": how, "values": names} for how, names in expressions]
    )


def test_failing_closed_is_a_choice() -> None:
    assert only_mutating(fail=True)["webhooks"][0]["failurePolicy"] == "Fail"


def test_kedas_kinds_have_a_configuration_of_their_own() -> None:
    _, (_, found) = configurations(wish())
    names = [(webhook["name"], webhook["rules"][0]["resources"]) for webhook in found["webhooks"]]
    assert names == [
        ("scaledobjects.kube-scaler.dev", ["scaledobjects"]),
        ("triggerauthentications.kube-scaler.dev", ["triggerauthentications"]),
        ("clustertriggerauthentications.kube-scaler.dev", ["clustertriggerauthentications"]),
    ]
    assert {webhook["failurePolicy"] for webhook in found["webhooks"]} == {"Ignore"}


def taken(*namespaces: str) -> Wish:
    return wish(scope=scope_of("scaler", "", (), ignore_kube_system=False, taken=frozenset(namespaces)))


def test_beside_a_live_vpa_only_what_was_taken_over_is_asked_about_under_a_name_of_its_own() -> None:
    sizing, judging = (found for _, found in configurations(taken("shop", "mail")))
    assert sizing["metadata"]["name"] == "kube-scaler-sizing"
    (webhook,) = sizing["webhooks"]
    assert webhook["name"] == "pods.kube-scaler.dev"
    label = "kubernetes.io/metadata.name"
    only = {"key": label, "operator": "In", "values": ["mail", "shop"]}
    assert webhook["namespaceSelector"]["matchExpressions"] == [
        {"key": label, "operator": "NotIn", "values": ["scaler"]},
        only,
    ]
    assert [each["namespaceSelector"] for each in judging["webhooks"]] == [{"matchExpressions": [only]}] * 3
    assert configurations(taken()) == []


# -- at a real API server --------------------------------------------------------------------------------------


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[Connection]:
    async with connect_quickly(str(cluster.kubeconfig)) as connected:
        yield connected


@pytest.fixture(autouse=True)
def gone(cluster: Cluster) -> Iterator[None]:
    yield
    for path in CONFIGURATIONS:
        if cluster.api.found(path) is not None:
            cluster.api.delete(path)


def stored(cluster: Cluster) -> Object:
    found: Object = cluster.api.get(CONFIGURATIONS[0])
    return found


async def test_what_is_not_there_is_made_and_what_is_right_is_left_alone(
    cluster: Cluster, connection: Connection
) -> None:
    assert await unregistered(connection, wish()) == "MutatingWebhookConfiguration vpa-webhook-config does not exist"
    await register(connection, wish(), NOW)
    assert await unregistered(connection, wish()) == ""
    first = stored(cluster)
    await register(connection, wish(), NOW)
    assert stored(cluster)["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_new_authority_is_put_in_and_what_others_added_stays(
    cluster: Cluster, connection: Connection
) -> None:
    await register(connection, wish(), NOW)
    cluster.api.patch(CONFIGURATIONS[0], {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}})
    authority = cluster.api.authority
    assert "trusts another authority" in await unregistered(connection, wish(ca=authority))
    await register(connection, wish(ca=authority), NOW)
    found = stored(cluster)
    assert base64.b64decode(found["webhooks"][0]["clientConfig"]["caBundle"]) == authority
    assert found["metadata"]["labels"] == {"team": "a", "app.kubernetes.io/part-of": "kube-scaler"}
    assert found["metadata"]["annotations"] == {"note": "b"}
    assert await unregistered(connection, wish(ca=authority)) == ""


UPSTREAM = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "vpa-webhook-config"},
    "webhooks": [
        {
            "name": "vpa.k8s.io",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "clientConfig": {"service": {"namespace": "NAMESPACE", "name": "vpa-webhook"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        }
    ],
}


async def upstreams(cluster: Cluster, connection: Connection, namespace: str, renewed: float) -> None:
    """Its configuration, and its Lease of that time."""
    body = msgspec.json.decode(msgspec.json.encode(UPSTREAM).replace(b"NAMESPACE", namespace.encode()))
    await connection.create(MUTATING_WEBHOOKS, "", body, into=dict)
    lease = {"metadata": {"name": "vpa-admission-controller"}, "spec": {"renewTime": to_rfc3339_micro(renewed)}}
    cluster.api.create(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", lease)


async def test_upstreams_place_is_taken_once_upstream_is_dead(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    await upstreams(cluster, connection, namespace, NOW - 61)
    await register(connection, wish(), NOW)
    assert stored(cluster)["webhooks"][0]["clientConfig"]["service"]["namespace"] == "scaler"


async def test_upstreams_place_is_left_to_it_while_it_lives(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    await upstreams(cluster, connection, namespace, NOW - 10)
    before = stored(cluster)
    with pytest.raises(Occupied) as occupied:
        await register(connection, wish(), NOW)
    assert f"kubectl -n {namespace} scale deployment/vpa-admission-controller --replicas=0" in str(occupied.value)
    assert stored(cluster) == before


async def test_what_is_taken_over_and_given_back_is_registered_and_taken_back(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    await upstreams(cluster, connection, namespace, NOW)
    before = stored(cluster)
    await register(connection, taken("shop"), NOW)
    assert await unregistered(connection, taken("shop")) == ""
    assert stored(cluster) == before  # upstream's own
    await register(connection, taken(), NOW)
    left = [path for path in CONFIGURATIONS if cluster.api.found(path) is not None]
    assert left == [CONFIGURATIONS[0]]
    assert stored(cluster) == before


async def test_what_was_ours_alone_goes_when_a_vpa_stands_beside_us(cluster: Cluster, connection: Connection) -> None:
    await register(connection, wish(), NOW)
    await register(connection, taken("shop"), NOW)
    assert [cluster.api.found(path) is not None for path in CONFIGURATIONS] == [False, True, True]


async def test_a_predecessor_of_ours_makes_way_though_its_lease_is_fresh(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    """The Lease is then our own."""
    home = wish(address=Address(namespace=namespace, service="vpa-webhook"))
    await upstreams(cluster, connection, namespace, NOW)
    await register(connection, home, NOW)
    assert await unregistered(connection, home) == ""
