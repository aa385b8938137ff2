"""Workloads and their pods: made, counted, scaled, rolled, ended."""

from typing import Any

from tests.conformance.client import Client, path
from tests.conformance.objects import deployment, job, pod


def condition(found: Any, kind: str) -> tuple[str, str] | None:
    """Status and reason of a condition."""
    for part in found.get("status", {}).get("conditions") or ():
        if part["type"] == kind:
            return part["status"], part.get("reason", "")
    return None


def settled(replicas: int) -> Any:
    """Whether a Deployment has so many pods, all ready, and has seen what is wanted."""

    def holds(found: Any) -> bool:
        status = found["status"]
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = [
            status.get(name, 0) for name in ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
        ]
        return seen and counts == [replicas] * 4 and not status.get("unavailableReplicas")

    return holds


async def test_a_deployment_gets_its_pods(client: Client, namespace: str) -> None:
    (await client.create(path("deployments", namespace), deployment("web", 3))).ok()
    found = await client.until(path("deployments", namespace, "web"), settled(3))
    assert condition(found, "Available") == ("True", "MinimumReplicasAvailable")
    assert condition(found, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    sets = (await client.get(path("replicasets", namespace))).ok()["items"]
    assert len(sets) == 1
    owner = sets[0]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Deployment", "web", found["metadata"]["uid"])
    assert owner["controller"] is True
    pods = (await client.get(path("pods", namespace), labelSelector="app=web")).ok()["items"]
    assert len(pods) == 3
    for one in pods:
        assert one["metadata"]["ownerReferences"][0]["uid"] == sets[0]["metadata"]["uid"]
        assert one["metadata"]["labels"]["pod-template-hash"] == sets[0]["metadata"]["labels"]["pod-template-hash"]
        assert one["status"]["phase"] == "Running"
        assert condition(one, "Ready") == ("True", "")
        assert one["status"]["podIP"]
        assert one["spec"]["nodeName"]


async def test_a_deployment_is_scaled_up_and_down(client: Client, namespace: str) -> None:
    where = path("deployments", namespace, "web")
    (await client.create(path("deployments", namespace), deployment("web", 1))).ok()
    for replicas in (4, 2, 0):
        (await client.patch(f"{where}/scale", {"spec": {"replicas": replicas}})).ok()
        await client.until(where, settled(replicas))
        scale = (await client.get(f"{where}/scale")).ok()
        assert scale["status"]["replicas"] == replicas
    await client.until(path("pods", namespace), lambda found: not found["items"])


async def test_a_new_template_is_rolled_out(client: Client, namespace: str) -> None:
    where = path("deployments", namespace, "web")
    (await client.create(path("deployments", namespace), deployment("web", 2))).ok()
    await client.until(where, settled(2))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "new"}]}}}}
    (await client.patch(where, change, "strategic")).ok()
    await client.until(where, settled(2))
    pods = (await client.get(path("pods", namespace), labelSelector="app=web")).ok()["items"]
    running = [one for one in pods if "deletionTimestamp" not in one["metadata"]]
    assert {one["spec"]["containers"][0]["image"] for one in running} == {"new"}
    sets = (await client.get(path("replicasets", namespace))).ok()["items"]
    assert sorted(one["spec"]["replicas"] for one in sets) == [0, 2]


async def test_pods_that_are_not_ready_are_not_available(client: Client, namespace: str) -> None:
    body = deployment("web", 2, {"fake-kubelet/never-ready": "true"})
    (await client.create(path("deployments", namespace), body)).ok()
    where = path("deployments", namespace, "web")
    found = await client.until(where, lambda one: one["status"].get("replicas") == 2)
    assert "readyReplicas" not in found["status"]
    found = await client.until(where, lambda one: one["status"].get("unavailableReplicas") == 2)
    assert condition(found, "Available") == ("False", "MinimumReplicasUnavailable")


async def test_a_deployment_goes_with_its_pods(client: Client, namespace: str) -> None:
    (await client.create(path("deployments", namespace), deployment("web", 2))).ok()
    await client.until(path("deployments", namespace, "web"), settled(2))
    (await client.delete(path("deployments", namespace, "web"))).ok()
    await client.until(path("pods", namespace), lambda found: not found["items"])
    assert (await client.get(path("replicasets", namespace))).ok()["items"] == []


async def test_a_lost_pod_is_replaced(client: Client, namespace: str) -> None:
    (await client.create(path("deployments", namespace), deployment("web", 2))).ok()
    where = path("deployments", namespace, "web")
    await client.until(where, settled(2))
    before = {one["metadata"]["name"] for one in (await client.get(path("pods", namespace))).ok()["items"]}
    (await client.delete(path("pods", namespace, min(before)))).ok()
    await client.gone(path("pods", namespace, min(before)))
    await client.until(where, settled(2))
    after = {one["metadata"]["name"] for one in (await client.get(path("pods", namespace))).ok()["items"]}
    assert len(after & before) == 1
    assert len(after) == 2


async def test_a_running_pod_ends_gracefully(client: Client, namespace: str) -> None:
    where = path("pods", namespace, "p")
    (await client.create(path("pods", namespace), pod("p", {"fake-kubelet/terminates-after": "2s"}))).ok()
    await client.until(where, lambda found: found["status"]["phase"] == "Running")
    marked = (await client.delete(where, gracePeriodSeconds="7")).ok()
    assert marked["kind"] == "Pod"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert (await client.get(where)).ok()["metadata"]["deletionTimestamp"]
    await client.gone(where)


async def test_a_pod_that_runs_nothing_ends_at_once(client: Client, namespace: str) -> None:
    where = path("pods", namespace, "p")
    body = pod("p", {"fake-kubelet/terminates-after": "60s"})
    (await client.create(path("pods", namespace), body)).ok()
    await client.until(where, lambda found: found["status"]["phase"] == "Running")
    (await client.delete(where, gracePeriodSeconds="0")).ok()
    assert (await client.get(where)).status == 404


async def test_a_pod_becomes_ready_in_its_time(client: Client, namespace: str) -> None:
    where = path("pods", namespace, "p")
    (await client.create(path("pods", namespace), pod("p", {"fake-kubelet/ready-after": "2s"}))).ok()
    found = await client.until(where, lambda found: found["status"]["phase"] == "Running")
    assert condition(found, "Ready") == ("False", "")
    found = await client.until(where, lambda one: condition(one, "Ready") == ("True", ""))
    assert found["status"]["containerStatuses"][0]["ready"] is True


async def test_a_job_completes(client: Client, namespace: str) -> None:
    (await client.create(path("jobs", namespace), job("j", completions=3, parallelism=2))).ok()
    found = await client.until(path("jobs", namespace, "j"), lambda one: condition(one, "Complete") is not None)
    assert found["status"]["succeeded"] == 3
    assert found["status"]["completionTime"]
    assert not found["status"].get("active")
    pods = (await client.get(path("pods", namespace), labelSelector="batch.kubernetes.io/job-name=j")).ok()["items"]
    assert [one["status"]["phase"] for one in pods] == ["Succeeded"] * 3


async def test_a_job_fails_when_its_pods_do(client: Client, namespace: str) -> None:
    body = job("j", {"fake-kubelet/fails-after": "0s"}, backoffLimit=0)
    (await client.create(path("jobs", namespace), body)).ok()
    found = await client.until(path("jobs", namespace, "j"), lambda one: condition(one, "Failed") is not None)
    assert condition(found, "Failed") == ("True", "BackoffLimitExceeded")
    assert found["status"]["failed"] == 1


async def test_a_job_that_works_is_active(client: Client, namespace: str) -> None:
    body = job("j", {"fake-kubelet/never-completes": "true"}, parallelism=2, completions=5)
    (await client.create(path("jobs", namespace), body)).ok()
    found = await client.until(path("jobs", namespace, "j"), lambda one: one["status"].get("ready") == 2)
    assert found["status"]["active"] == 2
    (await client.patch(path("jobs", namespace, "j"), {"spec": {"parallelism": 1}})).ok()
    await client.until(path("jobs", namespace, "j"), lambda one: one["status"].get("active") == 1)


async def test_deleting_a_job_leaves_its_pods_unless_told_otherwise(client: Client, namespace: str) -> None:
    selector = {"labelSelector": "batch.kubernetes.io/job-name=j"}
    (await client.create(path("jobs", namespace), job("j"))).ok()
    await client.until(path("jobs", namespace, "j"), lambda one: condition(one, "Complete") is not None)
    (await client.delete(path("jobs", namespace, "j"))).ok()
    await client.gone(path("jobs", namespace, "j"))
    assert len((await client.get(path("pods", namespace), **selector)).ok()["items"]) == 1
    (await client.create(path("jobs", namespace), job("k"))).ok()
    await client.until(path("jobs", namespace, "k"), lambda one: condition(one, "Complete") is not None)
    (await client.delete(path("jobs", namespace, "k"), propagationPolicy="Background")).ok()
    selected = path("pods", namespace) + "?labelSelector=batch.kubernetes.io%2Fjob-name%3Dk"
    await client.until(selected, lambda found: not found["items"])


async def test_a_stateful_set_numbers_its_pods(client: Client, namespace: str) -> None:
    body = {**deployment("db", 3), "kind": "StatefulSet"}
    (await client.create(path("statefulsets", namespace), body)).ok()
    where = path("statefulsets", namespace, "db")
    await client.until(where, lambda found: found["status"].get("readyReplicas") == 3)
    pods = (await client.get(path("pods", namespace))).ok()["items"]
    assert [one["metadata"]["name"] for one in pods] == ["db-0", "db-1", "db-2"]
    (await client.patch(f"{where}/scale", {"spec": {"replicas": 1}})).ok()
    await client.gone(path("pods", namespace, "db-1"))
    left = (await client.get(path("pods", namespace))).ok()["items"]
    assert [one["metadata"]["name"] for one in left] == ["db-0"]
    assert (await client.get(f"{where}/scale")).ok()["status"]["selector"] == "app=db"
