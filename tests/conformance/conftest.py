"""The two servers, and what a test may ask of either."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from scaler.sim.cluster import EmbeddedCluster
from tests.conformance import things
from tests.conformance.client import Client, path
from tests.conformance.metrics import Metrics
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
    await client.until(path("serviceaccounts", name, "default"), lambda _: True)
    return str(name)


@pytest.fixture
async def group(server: Server, client: Client) -> str:
    """The group of the kind Thing; all tests of a server share it."""
    if not server.group:
        server.group = await new_kind(client)
    return server.group


@pytest.fixture
async def own_group(client: Client) -> AsyncIterator[str]:
    """A group of its own with the kind Thing, for a test that ends it."""
    group = await new_kind(client)
    yield group
    await client.delete(f"{things.DEFINITIONS}/things.{group}")


async def new_kind(client: Client) -> str:
    group = things.new_group()
    (await client.create(things.DEFINITIONS, things.definition(group))).ok()
    await client.until(f"{things.DEFINITIONS}/things.{group}", things.is_established)
    await client.until(f"/apis/{group}/v1", lambda found: bool(found["resources"]))
    await client.until(f"/apis/{group}/v1/things", lambda found: found["kind"] == "ThingList")
    return group


@pytest.fixture
def thing(group: str, namespace: str) -> str:
    """Where Things of the test's namespace are."""
    return f"/apis/{group}/v1/namespaces/{namespace}/things"


@pytest.fixture
def own_thing(own_group: str, namespace: str) -> str:
    return f"/apis/{own_group}/v1/namespaces/{namespace}/things"


@pytest.fixture(scope="session")
def values() -> Iterator[Metrics]:
    """The metrics that tests say, for both servers."""
    with Metrics() as metrics:
        yield metrics


@pytest.fixture
async def metrics(server: Server, client: Client, values: Metrics) -> Metrics:
    """External and custom metrics, behind APIServices of the server."""
    if not server.has_metrics:
        await values.register(client)
        server.has_metrics = True
    return values
