"""Groups that another server answers."""

import pytest
from aiohttp import web

from tests.conformance.client import Client, path
from tests.conformance.metrics import Metrics, conditions, register, withdraw
from tests.conformance.things import new_group
from tests.controlplane.cluster import service_host
from tests.controlplane.loopback import Loopback


async def test_requests_are_forwarded_with_the_callers_name(client: Client, namespace: str, metrics: Metrics) -> None:
    metrics.external[namespace, "depth"] = ["1500m"]
    where = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/depth"
    found = (await client.get(where, labelSelector="a=b,c=d")).ok()
    assert found["items"][0]["value"] == "1500m"
    seen = next(one for one in reversed(metrics.seen) if one["path"] == where)
    assert seen["query"]["labelSelector"] == "a=b,c=d"
    assert seen["user"]
    assert "system:authenticated" in seen["groups"]


async def test_what_the_other_server_refuses_is_passed_on(client: Client, namespace: str, metrics: Metrics) -> None:
    where = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/none"
    said = (await client.get(where)).refused(404, "NotFound")
    assert said["message"] == "no metric none"


async def test_its_group_is_discovered(client: Client, metrics: Metrics) -> None:
    groups = (await client.get("/apis")).ok()["groups"]
    assert "external.metrics.k8s.io" in {one["name"] for one in groups}
    found = (await client.get("/apis/external.metrics.k8s.io/v1beta1")).ok()
    assert found["resources"][0]["name"] == "anything"


async def test_a_service_that_is_not_there_makes_it_unavailable(client: Client) -> None:
    group = new_group()
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "none", "namespace": "default"},
        },
    }
    made = (await client.create(path("apiservices"), body)).ok()
    assert made["spec"]["service"]["port"] == 443
    where = path("apiservices", name=f"v1.{group}")
    found = await client.until(where, lambda one: bool(conditions(one)))
    condition = conditions(found)[0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "False", "ServiceNotFound")
    assert condition["message"] == 'service/none in "default" is not present'
    reply = await client.get(f"/apis/{group}/v1/things")
    assert (reply.status, reply.content) == (503, b"service unavailable\n")
    (await client.delete(where)).ok()


async def test_a_server_that_ends_becomes_unavailable(client: Client) -> None:
    group = new_group()

    async def answer(request: web.Request) -> web.Response:
        body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/v1", "resources": []}
        return web.json_response(body)

    app = web.Application()
    app.router.add_get(f"/apis/{group}/v1", answer)
    with Loopback(app, service_host(group)) as loopback:
        await register(client, group, "v1", loopback)
    where = path("apiservices", name=f"v1.{group}")
    found = await client.until(where, lambda one: conditions(one)[0]["status"] == "False", 60)
    assert conditions(found)[0]["reason"] == "FailedDiscoveryCheck"
    assert (await client.get(f"/apis/{group}/v1/things")).status == 503
    await withdraw(client, group, "v1")


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"version": "v2"}, ["metadata.name"]),
        ({"groupPriorityMinimum": 0}, ["spec.groupPriorityMinimum"]),
    ],
)
async def test_a_bad_apiservice_is_refused(client: Client, spec: dict[str, object], fields: list[str]) -> None:
    group = new_group()
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100, **spec},
    }
    reply = await client.create(path("apiservices"), body)
    reply.refused(422, "Invalid")
    assert [field for field, _ in reply.fields()] == fields
