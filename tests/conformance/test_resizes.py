"""Running pods get other resources in place, and what both kubelets say of it."""

from typing import Any

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import pod
from tests.conformance.test_workloads import condition

REQUESTS = {"cpu": "100m", "memory": "64Mi"}


def container(name: str = "main", limits: dict[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    resources = {"requests": REQUESTS, **({"limits": limits} if limits else {})}
    return {"name": name, "image": "none", "resources": resources, **rest}


def resources(name: str = "main", **parts: dict[str, str]) -> Any:
    """A strategic patch of one container's resources."""
    return {"spec": {"containers": [{"name": name, "resources": parts}]}}


def given(found: Any, index: int = 0) -> Any:
    """The resources that the kubelet says a container has."""
    return found["status"]["containerStatuses"][index]["resources"]


async def running(
    client: Client, namespace: str, name: str = "p", says: dict[str, str] | None = None, **spec: Any
) -> str:
    """A running pod; the path of it."""
    where = path("pods", namespace, name)
    annotations = {f"fake-kubelet/{key}": value for key, value in (says or {}).items()}
    (await client.create(path("pods", namespace), pod(name, annotations, **spec))).ok()
    await client.until(where, lambda found: found["status"]["phase"] == "Running")
    return where


@pytest.fixture
async def target(client: Client, namespace: str) -> str:
    """A running pod of two containers, one with requests and a limit of cpu, one with nothing."""
    bare = {"name": "bare", "image": "none"}
    return await running(client, namespace, containers=[container(limits={"cpu": "200m"}), bare])


async def test_resizing_is_discovered(client: Client) -> None:
    listed = (await client.get("/api/v1")).ok()["resources"]
    entry = next(one for one in listed if one["name"] == "pods/resize")
    assert entry["kind"] == "Pod"
    assert sorted(entry["verbs"]) == ["get", "patch", "update"]


async def test_a_kubelet_says_what_each_container_has(client: Client, target: str) -> None:
    found = (await client.get(target)).ok()
    assert given(found) == {"requests": REQUESTS, "limits": {"cpu": "200m"}}
    assert found["status"]["containerStatuses"][0]["allocatedResources"] == REQUESTS
    assert given(found, 1) == {}
    assert "allocatedResources" not in found["status"]["containerStatuses"][1]
    assert found["status"]["observedGeneration"] == 1


async def test_a_running_pod_is_resized(client: Client, target: str) -> None:
    done = (await client.patch(f"{target}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    assert done["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "150m", "memory": "64Mi"}
    assert done["metadata"]["generation"] == 2
    found = await client.until(target, lambda one: given(one)["requests"]["cpu"] == "150m")
    assert found["status"]["observedGeneration"] == 2
    status = found["status"]["containerStatuses"][0]
    assert status["allocatedResources"] == {"cpu": "150m", "memory": "64Mi"}
    assert status["restartCount"] == 0
    assert condition(found, "PodResizeInProgress") is None


async def test_a_pod_is_resized_by_every_kind_of_write(client: Client, target: str) -> None:
    step = {"op": "add", "path": "/spec/containers/0/resources/requests/memory", "value": "100Mi"}
    (await client.patch(f"{target}/resize", [step], "json")).ok()
    whole = (await client.get(f"{target}/resize")).ok()
    assert whole["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "100Mi"}
    whole["metadata"].pop("resourceVersion")
    whole["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "0.3", "memory": "102400Ki"}
    done = (await client.replace(f"{target}/resize", whole)).ok()
    assert done["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "300m", "memory": "100Mi"}


async def test_a_resize_touches_nothing_else(client: Client, target: str) -> None:
    steps = [
        {"op": "replace", "path": "/spec/containers/0/image", "value": "other"},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
        {"op": "add", "path": "/metadata/annotations/x", "value": "y"},
    ]
    change = {"op": "replace", "path": "/spec/containers/0/resources/requests/cpu", "value": "120m"}
    await client.patch(target, {"metadata": {"annotations": {"known": "yes"}}})
    found = (await client.patch(f"{target}/resize", [*steps, change], "json")).ok()
    assert found["spec"]["containers"][0]["image"] == "none"
    assert "labels" not in found["metadata"]
    assert found["metadata"]["annotations"] == {"known": "yes"}
    assert found["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "120m"


async def test_resources_change_by_resizing_only(client: Client, target: str) -> None:
    reply = await client.patch(target, resources(requests={"cpu": "120m"}), "strategic")
    reply.refused(422, "Invalid")
    assert reply.fields() == [("spec", "FieldValueForbidden")]
    image = {"spec": {"containers": [{"name": "main", "image": "other"}]}}
    assert (await client.patch(target, image, "strategic")).ok()["metadata"]["generation"] == 2


REFUSED: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "more than the limit": (
        resources(requests={"cpu": "300m"}),
        [("spec.containers[0].resources.requests", "FieldValueInvalid")],
    ),
    "less than nothing": (
        resources(requests={"cpu": "-1"}),
        [("spec.containers[0].resources.requests[cpu]", "FieldValueInvalid")],
    ),
    "no request any more": (
        resources(requests={"memory": None}),  # type: ignore[dict-item]
        [("spec.containers[0].resources.requests", "FieldValueForbidden")],
    ),
    "no limit any more": (
        resources(limits={"cpu": None}),  # type: ignore[dict-item]
        [("spec.containers[0].resources.limits", "FieldValueForbidden")],
    ),
    "another resource": (resources(requests={"ephemeral-storage": "1Gi"}), [("spec", "FieldValueForbidden")]),
    "another policy": (
        {
            "spec": {
                "containers": [
                    {"name": "main", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}
                ]
            }
        },
        [("spec", "FieldValueForbidden")],
    ),
    "another container": (
        {"spec": {"containers": [{"name": "new", "image": "none"}]}},
        [("spec.containers", "FieldValueForbidden")],
    ),
    "no quantity": (resources(requests={"cpu": "lots"}), [("patch", "FieldValueInvalid")]),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_resize_is_refused(client: Client, target: str, case: str) -> None:
    change, fields = REFUSED[case]
    reply = await client.patch(f"{target}/resize", change, "strategic")
    reply.refused(422, "Invalid")
    assert reply.fields() == fields
    assert (await client.get(target)).ok()["metadata"]["generation"] == 1


async def test_containers_keep_their_order(client: Client, target: str) -> None:
    steps = [{"op": "move", "from": "/spec/containers/1", "path": "/spec/containers/0"}]
    reply = await client.patch(f"{target}/resize", steps, "json")
    reply.refused(422, "Invalid")
    assert reply.fields() == [(f"spec.containers[{index}].name", "FieldValueForbidden") for index in (0, 1)]


QUALITIES: dict[str, tuple[Any, Any]] = {
    "BestEffort": ({}, {"requests": {"cpu": "1m"}}),
    "Guaranteed": ({"requests": REQUESTS, "limits": REQUESTS}, {"requests": {"cpu": "50m"}}),
    "Burstable": ({"requests": REQUESTS}, {"limits": REQUESTS}),
}


@pytest.mark.parametrize("quality", QUALITIES)
async def test_the_quality_of_service_never_changes(client: Client, namespace: str, quality: str) -> None:
    before, after = QUALITIES[quality]
    where = await running(client, namespace, containers=[{"name": "main", "image": "none", "resources": before}])
    assert (await client.get(where)).ok()["status"]["qosClass"] == quality
    reply = await client.patch(f"{where}/resize", resources(**after), "strategic")
    reply.refused(422, "Invalid")
    assert reply.fields() == [("spec", "FieldValueInvalid")]
    assert "Pod QOS Class may not change as a result of resizing" in reply.body["message"]


async def test_a_pod_outgrows_no_node(client: Client, target: str) -> None:
    more = {"cpu": "200m", "memory": "900Ti"}
    reply = await client.patch(f"{target}/resize", resources(requests=more, limits=more), "strategic")
    refused = reply.refused(403, "Forbidden")
    assert refused["details"]["causes"] == [{"reason": "NodeCapacity"}]
    assert "node didn't have enough allocatable resources: memory, requested: 989560464998400" in refused["message"]


async def test_a_resize_may_insist_on_a_version_and_be_tried_dry(client: Client, target: str) -> None:
    change = resources(requests={"cpu": "120m"})
    stale = {"metadata": {"resourceVersion": "1"}, **change}
    (await client.patch(f"{target}/resize", stale, "strategic")).refused(409, "Conflict")
    dry = (await client.patch(f"{target}/resize", change, "strategic", dryRun="All")).ok()
    assert dry["metadata"]["generation"] == 2
    assert (await client.get(target)).ok()["metadata"]["generation"] == 1


async def test_only_pods_are_resized(client: Client, namespace: str, target: str) -> None:
    (await client.patch(path("pods", namespace, "none", "resize"), {}, "strategic")).refused(404, "NotFound")
    (await client.get(path("configmaps", namespace, "kube-root-ca.crt", "resize"))).refused(404, "NotFound")
    (await client.create(f"{target}/resize", pod("p"))).refused(405, "MethodNotAllowed")


async def test_a_pod_that_does_not_run_yet_is_resized_too(client: Client, namespace: str) -> None:
    body = pod("p", {"fake-kubelet/stays-pending": "true"}, containers=[container()])
    (await client.create(path("pods", namespace), body)).ok()
    where = path("pods", namespace, "p", "resize")
    done = (await client.patch(where, resources(requests={"cpu": "20m"}), "strategic")).ok()
    assert done["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "20m"


async def test_a_sidecar_is_resized_and_an_init_container_is_not(client: Client, namespace: str) -> None:
    first = [container("first"), container("sidecar", restartPolicy="Always")]
    where = await running(client, namespace, initContainers=first, containers=[container()])
    change = {"spec": {"initContainers": [{"name": "sidecar", "resources": {"requests": {"cpu": "20m"}}}]}}
    (await client.patch(f"{where}/resize", change, "strategic")).ok()
    found = await client.until(
        where, lambda one: one["status"]["initContainerStatuses"][1]["resources"]["requests"]["cpu"] == "20m"
    )
    assert given(found)["requests"] == REQUESTS
    change["spec"]["initContainers"][0]["name"] = "first"
    (await client.patch(f"{where}/resize", change, "strategic")).refused(403, "Forbidden")


# -- what kubelets say while they resize -----------------------------------------------------------------------


@pytest.mark.parametrize(("says", "reason"), [("deferred", "Deferred"), ("infeasible", "Infeasible")])
async def test_a_resize_waits_and_says_why(client: Client, namespace: str, says: str, reason: str) -> None:
    where = await running(client, namespace, says={"resize": says}, containers=[container()])
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    found = await client.until(where, lambda one: condition(one, "PodResizePending") == ("True", reason))
    assert given(found)["requests"] == REQUESTS
    (await client.patch(where, {"metadata": {"annotations": {"fake-kubelet/resize": None}}})).ok()
    found = await client.until(where, lambda one: given(one)["requests"]["cpu"] == "150m")
    assert condition(found, "PodResizePending") is None


async def test_a_resize_that_is_taken_back_is_forgotten(client: Client, namespace: str) -> None:
    where = await running(client, namespace, says={"resize": "infeasible"}, containers=[container()])
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    await client.until(where, lambda one: condition(one, "PodResizePending") is not None)
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "100m"}), "strategic")).ok()
    await client.until(where, lambda one: condition(one, "PodResizePending") is None)


@pytest.mark.parametrize(("says", "reason"), [("in-progress", ""), ("error", "Error")])
async def test_a_resize_gets_stuck_in_progress(client: Client, namespace: str, says: str, reason: str) -> None:
    where = await running(client, namespace, says={"resize": says}, containers=[container()])
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    found = await client.until(where, lambda one: condition(one, "PodResizeInProgress") == ("True", reason))
    assert given(found)["requests"] == REQUESTS
    assert found["status"]["containerStatuses"][0]["allocatedResources"]["cpu"] == "150m"


async def test_a_resize_takes_its_time(client: Client, namespace: str) -> None:
    where = await running(client, namespace, says={"resize-after": "2s"}, containers=[container()])
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    found = await client.until(where, lambda one: condition(one, "PodResizeInProgress") == ("True", ""))
    assert given(found)["requests"] == REQUESTS
    found = await client.until(where, lambda one: given(one)["requests"]["cpu"] == "150m")
    assert condition(found, "PodResizeInProgress") is None


async def test_a_container_is_restarted_where_its_policy_says(client: Client, namespace: str) -> None:
    policy = [
        {"resourceName": "cpu", "restartPolicy": "NotRequired"},
        {"resourceName": "memory", "restartPolicy": "RestartContainer"},
    ]
    where = await running(client, namespace, containers=[container(resizePolicy=policy)])
    (await client.patch(f"{where}/resize", resources(requests={"cpu": "150m"}), "strategic")).ok()
    found = await client.until(where, lambda one: given(one)["requests"]["cpu"] == "150m")
    assert found["status"]["containerStatuses"][0]["restartCount"] == 0
    (await client.patch(f"{where}/resize", resources(requests={"memory": "80Mi"}), "strategic")).ok()
    found = await client.until(where, lambda one: given(one)["requests"]["memory"] == "80Mi")
    status = found["status"]["containerStatuses"][0]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 0
    assert "running" in status["state"]


# -- memory ----------------------------------------------------------------------------------------------------


async def test_a_container_is_killed_for_its_memory_and_restarted(client: Client, namespace: str) -> None:
    both = [container(), container("side")]
    says = {"oom-kills": "2", "oom-container": "side", "restart-after": "1s"}
    body = pod("p", {f"fake-kubelet/{key}": value for key, value in says.items()}, containers=both)
    (await client.create(path("pods", namespace), body)).ok()
    where = path("pods", namespace, "p")
    dead = await client.until(where, lambda one: "terminated" in state(one, 1))
    end = state(dead, 1)["terminated"]
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)
    assert end["startedAt"] <= end["finishedAt"]
    assert condition(dead, "Ready") == ("False", "ContainersNotReady")
    assert dead["status"]["phase"] == "Running"
    found = await client.until(
        where, lambda one: one["status"]["containerStatuses"][1]["restartCount"] == 2 and "running" in state(one, 1)
    )
    assert found["status"]["containerStatuses"][1]["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert condition(found, "Ready") == ("True", "")
    assert found["status"]["containerStatuses"][0]["restartCount"] == 0
    assert given(found, 1) == {"requests": REQUESTS}


def state(found: Any, index: int) -> Any:
    statuses = found["status"].get("containerStatuses")
    return statuses[index]["state"] if statuses else {}
