"""The fixtures that lend tests a control plane; tests/conftest.py registers them for all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.absence import Absent, unavailable
from tests.controlplane.build import Binaries, binaries
from tests.controlplane.cluster import Cluster
from tests.controlplane.flags import Options
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster that all tests share: KUBECONFIG_FOR_TESTS, else a plane of our own with HPA syncs of 1 s."""
    existing = os.environ.get("KUBECONFIG_FOR_TESTS")
    if existing:
        yield Cluster(Path(existing))
        return
    with start_plane(Options(audit=True)) as plane:
        yield plane


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> ControlPlane:
    """The shared cluster for tests that need to know it from inside (audit log, processes)."""
    if not isinstance(cluster, ControlPlane):
        unavailable("this test needs a control plane of its own, and KUBECONFIG_FOR_TESTS names another")
    return cluster


@pytest.fixture(scope="session")
def plane_binaries() -> Binaries:
    """For tests that start planes by hand: what they are started from."""
    try:
        return binaries()
    except Absent as why:
        unavailable(why)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace for one test; its deletion is begun at the end, not awaited."""
    name = cluster.new_namespace()
    yield name
    cluster.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def metrics_server(cluster: Cluster) -> Iterator[MetricsServer]:
    """metrics.k8s.io of the shared cluster; say usage for pods of your own namespace only."""
    with MetricsServer(cluster) as server:
        yield server


def start_plane(options: Options | None = None) -> ControlPlane:
    """A plane for one test or module, ended by its `with`; skips or fails where none can be had."""
    try:
        return ControlPlane(options)
    except Absent as why:
        unavailable(why)
