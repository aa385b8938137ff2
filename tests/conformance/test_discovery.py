"""What a server says of itself, and the tables it prints for people."""

from typing import Any

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import autoscaler, deployment, external

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"

KINDS = {
    ("/api/v1", "pods"): (True, "Pod", ["po"]),
    ("/api/v1", "namespaces"): (False, "Namespace", ["ns"]),
    ("/api/v1", "configmaps"): (True, "ConfigMap", ["cm"]),
    ("/apis/apps/v1", "deployments"): (True, "Deployment", ["deploy"]),
    ("/apis/autoscaling/v2", "horizontalpodautoscalers"): (True, "HorizontalPodAutoscaler", ["hpa"]),
    ("/apis/coordination.k8s.io/v1", "leases"): (True, "Lease", None),
    ("/apis/batch/v1", "jobs"): (True, "Job", None),
    ("/apis/apiregistration.k8s.io/v1", "apiservices"): (False, "APIService", None),
    ("/apis/policy/v1", "poddisruptionbudgets"): (True, "PodDisruptionBudget", ["pdb"]),
}


@pytest.mark.parametrize(("root", "plural"), KINDS)
async def test_resources_are_described(client: Client, root: str, plural: str) -> None:
    found = (await client.get(root)).ok()
    assert found["kind"] == "APIResourceList"
    entry = next(one for one in found["resources"] if one["name"] == plural)
    assert (entry["namespaced"], entry["kind"], entry.get("shortNames")) == KINDS[root, plural]
    assert {"get", "list", "watch", "create", "update", "patch", "delete"} <= set(entry["verbs"])


async def test_subresources_are_described(client: Client) -> None:
    found = (await client.get("/apis/apps/v1")).ok()
    scale = next(one for one in found["resources"] if one["name"] == "deployments/scale")
    assert (scale["kind"], scale["group"], scale["version"]) == ("Scale", "autoscaling", "v1")
    assert set(scale["verbs"]) == {"get", "patch", "update"}
    assert any(one["name"] == "deployments/status" for one in found["resources"])


async def test_groups_are_listed(client: Client) -> None:
    found = (await client.get("/apis")).ok()
    assert found["kind"] == "APIGroupList"
    apps = next(one for one in found["groups"] if one["name"] == "apps")
    assert apps["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert (await client.get("/api")).ok()["versions"] == ["v1"]
    assert (await client.get("/apis/apps")).ok()["name"] == "apps"


async def test_everything_is_described_in_one_document(client: Client, group: str) -> None:
    reply = await client.get("/apis", AGGREGATED)
    assert "as=APIGroupDiscoveryList" in reply.headers["Content-Type"]
    items = {one["metadata"]["name"]: one for one in reply.ok()["items"]}
    apps = {one["resource"]: one for one in items["apps"]["versions"][0]["resources"]}
    assert apps["deployments"]["scope"] == "Namespaced"
    assert {one["subresource"] for one in apps["deployments"]["subresources"]} == {"status", "scale"}
    custom = items[group]["versions"]
    assert [one["version"] for one in custom] == ["v1", "v1beta1"]
    assert custom[0]["resources"][0]["responseKind"] == {"group": group, "version": "v1", "kind": "Thing"}


async def test_a_custom_kind_is_discovered(client: Client, group: str) -> None:
    found = (await client.get(f"/apis/{group}/v1")).ok()
    assert {one["name"] for one in found["resources"]} == {"things", "things/status", "things/scale"}
    entry = next(one for one in found["resources"] if one["name"] == "things")
    assert (entry["singularName"], entry["shortNames"], entry["categories"]) == ("thing", ["th"], ["all"])
    versions = (await client.get(f"/apis/{group}")).ok()
    assert [one["version"] for one in versions["versions"]] == ["v1", "v1beta1"]


async def test_the_server_is_well(client: Client) -> None:
    for where in ("/healthz", "/livez", "/readyz"):
        assert (await client.get(where)).content == b"ok"
    assert (await client.get("/version")).ok()["major"] == "1"


async def table(client: Client, where: str, **query: str) -> tuple[list[str], list[Any]]:
    """The names of the columns that show by default, and the cells of the first row below them."""
    found = (await client.get(where, TABLE, **query)).ok()
    assert found["kind"] == "Table"
    shown = [index for index, one in enumerate(found["columnDefinitions"]) if not one["priority"]]
    names = [found["columnDefinitions"][index]["name"] for index in shown]
    return names, [found["rows"][0]["cells"][index] for index in shown]


async def test_deployments_and_pods_are_printed(client: Client, namespace: str) -> None:
    (await client.create(path("deployments", namespace), deployment("web", 2))).ok()
    where = path("deployments", namespace, "web")
    await client.until(where, lambda found: found["status"].get("availableReplicas") == 2)
    names, cells = await table(client, where)
    assert names == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert cells[:4] == ["web", "2/2", 2, 2]
    names, cells = await table(client, path("pods", namespace))
    assert names == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert cells[1:4] == ["1/1", "Running", "0"] or cells[1:4] == ["1/1", "Running", 0]
    names, cells = await table(client, path("replicasets", namespace))
    assert names == ["Name", "Desired", "Current", "Ready", "Age"]
    assert cells[1:4] == [2, 2, 2]


async def test_autoscalers_are_printed(client: Client, namespace: str) -> None:
    body = autoscaler("h", "web", [external("depth", averageValue="5")])
    (await client.create(path("horizontalpodautoscalers", namespace), body)).ok()
    names, cells = await table(client, path("horizontalpodautoscalers", namespace, "h"))
    assert names == ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"]
    assert cells[:6] == ["h", "Deployment/web", "<unknown>/5 (avg)", "1", 20, 0]


async def test_a_watch_prints_tables_too(client: Client, namespace: str) -> None:
    where = path("namespaces", name="")
    async with client.watch(where, TABLE, fieldSelector=f"metadata.name={namespace}") as stream:
        kind, found = await stream.next()
    assert kind == "ADDED"
    assert [one["name"] for one in found["columnDefinitions"]] == ["Name", "Status", "Age"]
    assert found["rows"][0]["cells"][:2] == [namespace, "Active"]
