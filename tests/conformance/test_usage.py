"""What pods use by metrics.k8s.io: load shared by those that are ready, held back by the limits in force."""

from typing import Any

from scaler.quantity import parse_quantity
from scaler.sim.demand import MIB, Demand
from tests.conformance.client import Client, path
from tests.conformance.objects import deployment
from tests.conformance.servers import Server
from tests.conformance.test_workloads import settled


def usages(found: Any, resource: str) -> list[float]:
    """Of each pod's first container, in cores or bytes."""
    return sorted(parse_quantity(item["containers"][0]["usage"][resource]) for item in found["items"])


def with_limits(body: Any, **limits: str) -> Any:
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["limits"] = limits
    return body


async def test_usage_follows_load_replicas_and_limits(server: Server, client: Client, namespace: str) -> None:
    load = [2.0]
    demand = Demand(lambda _: load[0], idle=(0.0, 64 * MIB), memory_per_core=32 * MIB)
    server.share(namespace, "web", demand)
    body = with_limits(deployment("web", 4), cpu="1", memory="256Mi")
    (await client.create(path("deployments", namespace), body)).ok()
    where = path("deployments", namespace, "web")
    await client.until(where, settled(4))
    metrics = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    found = await client.until(metrics, lambda one: len(one["items"]) == 4)
    assert usages(found, "cpu") == [0.5] * 4
    assert usages(found, "memory") == [80 * MIB] * 4
    (await client.patch(f"{where}/scale", {"spec": {"replicas": 1}})).ok()
    await client.until(where, settled(1))
    found = await client.until(metrics, lambda one: len(one["items"]) == 1)
    assert usages(found, "cpu") == [1.0], "throttled"
    load[0] = 0.5
    found = (await client.get(metrics)).ok()
    assert usages(found, "cpu") == [0.5]
    name = found["items"][0]["metadata"]["name"]
    change = {"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "250m"}}}]}}
    (await client.patch(path("pods", namespace, name, "resize"), change, "strategic")).ok()
    await client.until(metrics, lambda one: usages(one, "cpu") == [0.25])
