"""Evictions, and the budgets that guard pods against them."""

from typing import Any

import pytest

from tests.conformance.client import Client, Reply, path
from tests.conformance.objects import deployment, pod
from tests.conformance.test_workloads import condition, settled


def budget(name: str, app: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
    }


def eviction(name: str, **options: Any) -> dict[str, Any]:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    return {**body, "deleteOptions": options} if options else body


class Guarded:
    """A Deployment's pods in one namespace, and evicting them."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    async def deploy(self, replicas: int, annotations: dict[str, str] | None = None, app: str = "web") -> list[str]:
        """The names of so many pods, ready unless their annotations say otherwise."""
        (await self.client.create(path("deployments", self.namespace), deployment(app, replicas, annotations))).ok()
        if not annotations:
            await self.client.until(path("deployments", self.namespace, app), settled(replicas))
        selected = f"{path('pods', self.namespace)}?labelSelector=app%3D{app}"
        found = await self.client.until(selected, lambda one: len(one["items"]) == replicas)
        return [one["metadata"]["name"] for one in found["items"]]

    async def guard(self, name: str = "web", app: str = "web", **spec: Any) -> None:
        """A budget that the disruption controller has looked at."""
        (await self.client.create(path("poddisruptionbudgets", self.namespace), budget(name, app, **spec))).ok()
        await self.status(name, lambda status: status.get("observedGeneration") == 1)

    async def status(self, name: str = "web", holds: Any = lambda _: True) -> Any:
        where = path("poddisruptionbudgets", self.namespace, name)
        found = await self.client.until(where, lambda one: holds(one["status"]))
        return found["status"]

    async def evict(self, name: str, body: Any = None, **query: str) -> Reply:
        where = path("pods", self.namespace, name, "eviction")
        return await self.client.create(where, eviction(name) if body is None else body, **query)


@pytest.fixture
def guarded(client: Client, namespace: str) -> Guarded:
    return Guarded(client, namespace)


def counts(status: Any) -> tuple[int, int, int, int]:
    return tuple(status[name] for name in ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"))  # type: ignore[return-value]


async def test_eviction_is_discovered(client: Client) -> None:
    listed = (await client.get("/api/v1")).ok()["resources"]
    entry = next(one for one in listed if one["name"] == "pods/eviction")
    assert (entry["group"], entry["version"], entry["kind"]) == ("policy", "v1", "Eviction")
    assert entry["verbs"] == ["create"]


async def test_a_pod_that_nothing_guards_is_evicted(client: Client, guarded: Guarded, namespace: str) -> None:
    (await client.create(path("pods", namespace), pod("p", {"fake-kubelet/terminates-after": "3s"}))).ok()
    where = path("pods", namespace, "p")
    await client.until(where, lambda found: found["status"]["phase"] == "Running")
    reply = await guarded.evict("p", eviction("p", gracePeriodSeconds=5))
    assert reply.status == 201
    assert (reply.body["kind"], reply.body["status"]) == ("Status", "Success")
    found = (await client.get(where)).ok()
    assert found["metadata"]["deletionGracePeriodSeconds"] == 5
    assert condition(found, "DisruptionTarget") == ("True", "EvictionByEvictionAPI")
    await client.gone(where)


async def test_a_budget_counts_its_pods(guarded: Guarded) -> None:
    await guarded.deploy(3)
    await guarded.guard(minAvailable=2)
    status = await guarded.status(holds=lambda one: one["currentHealthy"] == 3)
    assert counts(status) == (3, 2, 3, 1)
    assert condition({"status": status}, "DisruptionAllowed") == ("True", "SufficientPods")


SHARES: dict[str, tuple[dict[str, Any], tuple[int, int, int, int]]] = {
    "at least some": ({"minAvailable": 4}, (5, 4, 5, 1)),
    "at least a share, rounded up": ({"minAvailable": "30%"}, (5, 2, 5, 3)),
    "at most some": ({"maxUnavailable": 1}, (5, 4, 5, 1)),
    "at most a share, rounded up": ({"maxUnavailable": "30%"}, (5, 3, 5, 2)),
    "none at all": ({"maxUnavailable": 0}, (5, 5, 5, 0)),
    "more than there are": ({"minAvailable": 7}, (5, 7, 5, 0)),
}


async def test_budgets_are_counted_in_every_way(guarded: Guarded) -> None:
    await guarded.deploy(5)
    for number, (spec, _) in enumerate(SHARES.values()):
        await guarded.guard(f"b{number}", **spec)
    for number, (_, wanted) in enumerate(SHARES.values()):
        assert counts(await guarded.status(f"b{number}")) == wanted


async def test_a_budget_without_pods_allows_nothing(guarded: Guarded) -> None:
    await guarded.guard("none", "nobody", maxUnavailable=1)
    status = await guarded.status("none")
    assert counts(status) == (0, 0, 0, 0)
    assert condition({"status": status}, "DisruptionAllowed") == ("False", "InsufficientPods")


async def test_an_eviction_is_refused_once_the_budget_is_spent(guarded: Guarded, client: Client) -> None:
    first, second, _ = await guarded.deploy(3, {"fake-kubelet/ready-after": "2s"})
    await client.until(path("deployments", guarded.namespace, "web"), settled(3))
    await guarded.guard(minAvailable=2)
    await guarded.status(holds=lambda one: one["disruptionsAllowed"] == 1)
    assert (await guarded.evict(first)).status == 201
    refused = (await guarded.evict(second)).refused(429, "TooManyRequests")
    assert refused["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    cause = refused["details"]["causes"][0]
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"].startswith("The disruption budget web needs 2 healthy pods and has ")
    await client.gone(path("pods", guarded.namespace, first))
    status = await guarded.status(holds=lambda one: one["disruptionsAllowed"] == 1)
    assert "disruptedPods" not in status
    assert (await guarded.evict(second)).status == 201


async def test_a_spent_budget_says_so_at_once(guarded: Guarded) -> None:
    pods = await guarded.deploy(2)
    await guarded.guard(maxUnavailable=0)
    (await guarded.evict(pods[0])).refused(429, "TooManyRequests")
    (await guarded.evict(pods[0], dryRun="All")).refused(429, "TooManyRequests")


async def test_a_dry_eviction_takes_nothing(guarded: Guarded, client: Client) -> None:
    name = (await guarded.deploy(2))[0]
    await guarded.guard(minAvailable=1)
    await guarded.status(holds=lambda one: one["disruptionsAllowed"] == 1)
    assert (await guarded.evict(name, dryRun="All")).status == 201
    assert (await guarded.evict(name, eviction(name, dryRun=["All"]))).status == 201
    assert (await guarded.status())["disruptionsAllowed"] == 1
    found = (await client.get(path("pods", guarded.namespace, name))).ok()
    assert "deletionTimestamp" not in found["metadata"]
    assert condition(found, "DisruptionTarget") is None


async def test_two_budgets_on_a_pod_are_one_too_many(guarded: Guarded) -> None:
    name = (await guarded.deploy(2))[0]
    await guarded.guard("one", minAvailable=1)
    await guarded.guard("two", minAvailable=1)
    reply = await guarded.evict(name)
    assert reply.status == 500
    assert "more than one PodDisruptionBudget" in reply.body["message"]


async def test_pods_that_are_not_ready_are_guarded_unless_the_budget_says_otherwise(guarded: Guarded) -> None:
    never = {"fake-kubelet/never-ready": "true"}
    strict, liberal = await guarded.deploy(2, never, "strict"), await guarded.deploy(2, never, "liberal")
    await guarded.guard("strict", "strict", minAvailable=1)
    await guarded.guard("liberal", "liberal", minAvailable=1, unhealthyPodEvictionPolicy="AlwaysAllow")
    for name in (*strict, *liberal):
        where = path("pods", guarded.namespace, name)
        await guarded.client.until(where, lambda one: one["status"]["phase"] == "Running")
    (await guarded.evict(strict[0])).refused(429, "TooManyRequests")
    assert (await guarded.evict(liberal[0])).status == 201


async def test_a_pod_that_never_started_goes_whatever_the_budget_says(guarded: Guarded) -> None:
    name = (await guarded.deploy(2, {"fake-kubelet/stays-pending": "true"}))[0]
    await guarded.guard(maxUnavailable=0)
    assert (await guarded.evict(name)).status == 201


async def test_bad_evictions_are_refused(guarded: Guarded, client: Client) -> None:
    name = (await guarded.deploy(1))[0]
    (await guarded.evict(name, eviction("other"))).refused(400, "BadRequest")
    (await guarded.evict(name, {})).refused(400, "BadRequest")
    (await guarded.evict(name, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})).refused(
        400, "BadRequest"
    )
    (await guarded.evict("none")).refused(404, "NotFound")
    wrong = eviction(name, preconditions={"uid": "nobody"})
    (await guarded.evict(name, wrong)).refused(409, "Conflict")
    (await client.get(path("pods", guarded.namespace, name, "eviction"))).refused(405, "MethodNotAllowed")
    (await client.create(path("configmaps", guarded.namespace, "kube-root-ca.crt", "eviction"), {})).refused(
        404, "NotFound"
    )
    assert (await guarded.evict(name, {**eviction(name), "apiVersion": "policy/v1beta1"})).status == 201


BAD_BUDGETS: dict[str, tuple[dict[str, Any], str, str]] = {
    "both ways at once": ({"minAvailable": 1, "maxUnavailable": 1}, "spec", "FieldValueInvalid"),
    "less than nothing": ({"minAvailable": -1}, "spec.minAvailable", "FieldValueInvalid"),
    "more than all": ({"maxUnavailable": "120%"}, "spec.maxUnavailable", "FieldValueInvalid"),
    "no share": ({"minAvailable": "some"}, "spec.minAvailable", "FieldValueInvalid"),
    "an unknown policy": (
        {"minAvailable": 1, "unhealthyPodEvictionPolicy": "Never"},
        "spec.unhealthyPodEvictionPolicy",
        "FieldValueNotSupported",
    ),
}


@pytest.mark.parametrize("case", BAD_BUDGETS)
async def test_bad_budgets_are_refused(client: Client, namespace: str, case: str) -> None:
    spec, field, reason = BAD_BUDGETS[case]
    reply = await client.create(path("poddisruptionbudgets", namespace), budget("b", "web", **spec))
    reply.refused(422, "Invalid")
    assert reply.fields() == [(field, reason)]
