"""Upstream's cases through the whole door: a review's bytes in, the answer's bytes out, its patch compared.

What the parts make of them is played in tests/vertical; here nothing may get lost between them.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.kube.access import connect_quickly
from scaler.kube.connection import Connection
from scaler.kube.controllers import Controllers
from scaler.kube.store import Store
from scaler.serving.listener import Caller, Request
from scaler.vertical.limit_ranges import Ranges
from scaler.vertical.scope import Scope
from tests.controlplane.cluster import Cluster
from tests.vertical import vectors
from tests.vertical.pod_side import amount, expected_operations, is_unsound, ranges_from, vpa_of
from tests.webhook.reviews import Object, answer, patch, review
from tests.webhook.shop import workload
from webhook.door import Door
from webhook.metrics import WebhookMetrics
from webhook.pods import Pods
from webhook.sizes import Sizes


@pytest.fixture(scope="module")
def stateful_set(cluster: Cluster) -> Iterator[str]:
    """Where there is a real StatefulSet web."""
    namespace = cluster.new_namespace()
    cluster.api.create(f"/apis/apps/v1/namespaces/{namespace}/statefulsets", workload())
    yield namespace
    cluster.api.delete(f"/api/v1/namespaces/{namespace}")


@pytest.fixture
async def owners(cluster: Cluster, stateful_set: str) -> AsyncIterator[tuple[Connection, str]]:
    async with connect_quickly(str(cluster.kubeconfig)) as connection:
        yield connection, stateful_set


REFUSED = "a LimitRange of the namespace"
"""Why a pod is left as it is whose patched size the API server would refuse; upstream patches it nevertheless."""


async def answered(owners: tuple[Connection, str], pod: Object, vpa: Object, ranges: Ranges) -> list[Object] | None:
    """The patch for this pod of the StatefulSet, sized by this object, which is the only one.

    None for a pod that is left as it is, because its namespace would refuse it.
    """
    connection, namespace = owners
    store = Store[VerticalPodAutoscaler]()
    pods = Pods(Sizes(store), Controllers(connection), lambda _: ranges, covered=Scope().covers, deadline=10.0)
    metadata = {**(vpa.get("metadata") or {}), "namespace": namespace}
    target = {"targetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}}
    store.put(vpa_of({**vpa, "metadata": metadata, "spec": {**(vpa.get("spec") or {}), **target}}))
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "u", "controller": True}
    created = {**pod, "metadata": {"annotations": {}, **(pod.get("metadata") or {}), "ownerReferences": [owner]}}
    created["metadata"] |= {"namespace": namespace}
    body = review("Pod", {key: value for key, value in created.items() if key != "status"})
    door = Door({("", "pods"): pods.judge}, WebhookMetrics())
    found = door.handle(Request("POST", "/?timeout=3s", [], Caller(None), body=body))
    whole = await found if isinstance(found, Awaitable) else found
    response = answer(whole.partition(b"\r\n\r\n")[2])
    assert response["allowed"]
    if "status" in response:
        assert REFUSED in response["status"]["message"]
        assert response["warnings"]
        assert patch(response) == []
        return None
    return patch(response)


def of_resources(found: list[Object]) -> list[Object]:
    return [operation for operation in found if operation["path"].startswith("/spec")]


def noted(found: list[Object]) -> str:
    return next((one["value"] for one in found if one["path"] == "/metadata/annotations/vpaUpdates"), "")


@pytest.mark.parametrize("case", vectors.cases("capping_and_admission_patch"))
async def test_a_capped_recommendation_comes_out_as_upstreams_patch(
    owners: tuple[Connection, str], case: vectors.Case
) -> None:
    given = case.input
    vpa: Object = {
        "metadata": {"name": given["vpaName"]},
        "spec": {"resourcePolicy": given["resourcePolicy"] or {}},
        "status": {"recommendation": given["recommendation"]},
    }
    ranges = ranges_from(given["containerLimitRange"], given["podLimitRange"])
    found = await answered(owners, {"spec": {"containers": given["pod"]}}, vpa, ranges)
    if is_unsound(case) or found is None:
        return
    wanted = [one for one in case.expected["resourcePatchesSortedByPath"] if one["path"].startswith("/spec")]
    assert expected_operations(of_resources(found)) == expected_operations(wanted)
    for notes in case.expected["cappingAnnotationsSorted"].values():
        assert [note for note in notes if note not in noted(found)] == []
    names = [container["name"] for container in given["pod"]]
    assert found[-1] == {
        "op": "add",
        "path": "/metadata/annotations/vpaObservedContainers",
        "value": ", ".join(names),
    }


WHOLE = [
    param for param in vectors.cases("admission_resources") if param.values[0].table == "TestUpdateResourceRequests"
]


@pytest.mark.parametrize("case", WHOLE)
async def test_a_pod_comes_out_with_upstreams_requests_and_limits(
    owners: tuple[Connection, str], case: vectors.Case
) -> None:
    given, expected = case.input, case.expected
    if given["limitRangeCalcErr"]:  # an API server that answers no LimitRanges keeps the webhook from being ready
        return
    found = await answered(owners, given["pod"], given["vpa"], ranges_from(given["limitRange"], None))
    assert found is not None
    values: dict[str, Any] = {one["path"]: one["value"] for one in of_resources(found)}
    for resource, name in (("cpu", "CPU"), ("memory", "Mem")):
        for lists, key in (("requests", f"expected{name}"), ("limits", f"expected{name}Limit")):
            wanted = None if lists == "requests" and expected[key] == "0" else expected[key]
            value = values.get(f"/spec/containers/0/resources/{lists}/{resource}")
            assert amount(resource, value) == amount(resource, wanted)
    for note in (given["annotations"] or {}).get("container1", ()):
        assert note in noted(found)


BOOSTED = [
    param
    for param in vectors.cases("cpu_startup_boost")
    if param.values[0].table == "TestCalculatePatches_StartupBoost"
]


@pytest.mark.parametrize("case", BOOSTED)
async def test_a_boost_comes_out_remembered_as_upstream_remembers_it(
    owners: tuple[Connection, str], case: vectors.Case
) -> None:
    """Those tables hand in the capped sizes; through the door only what does not depend on them is compared."""
    given = case.input
    if not given["featureGateEnabled"] or case.expected["expectError"]:
        return
    found = await answered(owners, given["pod"], given["vpa"], Ranges())
    assert found is not None
    remembered = [one for one in found if "vpaCpuStartupBoost" in one["path"]]
    wanted = [one for one in case.expected["expectPatches"] or () if "vpaCpuStartupBoost" in one["Path"]]
    assert expected_operations(remembered) == expected_operations(wanted)
