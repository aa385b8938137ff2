"""The two servers, and what a test may ask of either."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from scaler.sim.cluster import EmbeddedCluster
from tests.conformance import things
from tests.conformance.client import Client, path
from tests.conformance.servers import RealServer, Server, SimServer
from tests.controlplane.cluster import Cluster
from tests.controlplane.metrics import MetricsServer
from tests.sim.threads import ClusterThread


@pytest.fixture(scope="session")
def sim_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded cluster, shared by all tests."""
    with ClusterThread(lambda: EmbeddedCluster(hpa_sync=1.0)) as thread:
        yield SimServer(thread, tmp_path_factory.mktemp("sim"))


@pytest.fixture(scope="session")
def real_server(cluster: Cluster, metrics_server: MetricsServer) -> Server:
    """The real control plane, shared by all tests."""
    cluster.require("kube-controller-manager", "kube-scheduler", "kwok")
    return RealServer(cluster, metrics_server)


@pytest.fixture(params=["sim", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the two in turn."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """An administrator's way in."""
    async with server.client() as client:
        yield client


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace for one test, with its service account; its deletion is begun at the end."""
    name = await new_namespace(client)
    yield name
    await client.delete(path("namespaces", name=name))


@pytest.fixture
def kubeconfig(server: Server) -> Path:
    return server.kubeconfig


async def new_namespace(client: Client) -> str:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "conformance-"}}
    name = (await client.create(path("namespaces"), body)).ok()["metadata"]["name"]
    async with asyncio.timeout(20):
        while (await client.get(path("serviceaccounts", name, "default"))).status != 200:
            await asyncio.sleep(0.05)
    return str(name)


@pytest.fixture
async def group(client: Client) -> AsyncIterator[str]:
    """A group of its own with the kind Thing."""
    group = things.new_group()
    (await client.create(things.DEFINITIONS, things.definition(group))).ok()
    where = f"{things.DEFINITIONS}/things.{group}"
    await client.until(where, things.is_established)
    await client.until(f"/apis/{group}/v1", lambda found: bool(found["resources"]))
    yield group
    await client.delete(where)


@pytest.fixture
def thing(group: str, namespace: str) -> str:
    """Where Things of the test's namespace are."""
    return f"/apis/{group}/v1/namespaces/{namespace}/things"
