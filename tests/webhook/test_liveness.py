"""The Lease that the updater looks at is renewed while all is well, and only then."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from scaler.clock import SystemClock, from_rfc3339
from scaler.kube.access import connect_quickly
from scaler.kube.connection import Connection
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import eventually
from tests.webhook.conftest import Object
from webhook import liveness
from webhook.liveness import StatusLease

NAME = "vpa-admission-controller"


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[Connection]:
    async with connect_quickly(str(cluster.kubeconfig)) as connected:
        yield connected


def lease_of(connection: Connection, namespace: str, identity: str = "one") -> StatusLease:
    return StatusLease(connection, SystemClock(), namespace=namespace, name=NAME, identity=identity)


def stored(cluster: Cluster, namespace: str) -> Object | None:
    return cluster.api.found(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}")


def renewed(cluster: Cluster, namespace: str) -> float:
    found = stored(cluster, namespace)
    return from_rfc3339(found["spec"]["renewTime"]) if found else 0.0


async def test_the_first_sign_of_life_makes_it_and_the_next_renews_it(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    one, two = lease_of(connection, namespace), lease_of(connection, namespace, "two")
    await one.renew()
    first = renewed(cluster, namespace)
    await two.renew()
    found = stored(cluster, namespace)
    assert found is not None
    assert found["spec"]["holderIdentity"] == "two"
    assert renewed(cluster, namespace) > first


async def test_replicas_that_make_it_at_the_same_moment_both_live(connection: Connection, namespace: str) -> None:
    await asyncio.gather(*(lease_of(connection, namespace, str(number)).renew() for number in range(5)))


async def test_nothing_is_renewed_while_something_is_wrong(
    cluster: Cluster, connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "EVERY", 0.05)
    well = [False]
    keeping = asyncio.create_task(lease_of(connection, namespace).keep(lambda: well[0]))
    try:
        await asyncio.sleep(0.3)
        assert stored(cluster, namespace) is None
        well[0] = True
        await eventually(lambda: stored(cluster, namespace) is not None)
        before = renewed(cluster, namespace)
        await eventually(lambda: renewed(cluster, namespace) > before)
        well[0] = False
        await asyncio.sleep(0.3)
        before = renewed(cluster, namespace)
        await asyncio.sleep(0.3)
        assert renewed(cluster, namespace) == before
    finally:
        keeping.cancel()


async def test_a_server_that_refuses_is_told_of_once_and_tried_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(liveness, "EVERY", 0.02)
    keeping = asyncio.create_task(lease_of(connection, "no-such-namespace").keep(lambda: True))
    await asyncio.sleep(0.5)
    keeping.cancel()
    assert len([record for record in caplog.records if "cannot be renewed" in record.message]) == 1
