"""Recommender, webhook and updater together: what is recommended reaches new pods, running pods, and nobody else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.e2e.installation import NAMESPACE, Installation
from tests.e2e.vertical.conftest import MIB, Door, Place
from tests.processes import wait_until

TARGET = {"cpu": "126m", "memory": "380258472"}
"""Upstream's recommendation for a steady 100m and 300Mi, from the first sample on."""
MEMORY = int(TARGET["memory"])
SMALL = {"app": {"cpu": "10m", "memory": "100Mi"}}
"""Below every lower bound: a pod with less is moved at any age, others after twelve hours at the earliest."""
OURS = f"system:serviceaccount:{NAMESPACE}:"

# The owner's own manifest, in the version that upstream serves no more; only the workload beside it is ours.
EXAMPLE = """
apiVersion: autoscaling.k8s.io/v1beta2
kind: VerticalPodAutoscaler
metadata:
  name: awesome-deployment
spec:
  targetRef:
    apiVersion: "apps/v1"
    kind:       Deployment
    name:       awesome-deployment
  updatePolicy:
    updateMode: "Off"
"""


def requests(pod: Object, container: int = 0) -> Any:
    return pod["spec"]["containers"][container]["resources"].get("requests")


def uids(pods: list[Object]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}


def uses(place: Place, app: str = "web") -> None:
    """A steady 100m and 300Mi in every container."""
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app=app)


def living(place: Place, app: str = "web") -> list[Object]:
    return [pod for pod in place.running(app) if "deletionTimestamp" not in pod["metadata"]]


def until_all(place: Place, wanted: Any, replicas: int, app: str = "web", patience: float = 60) -> list[Object]:
    """Until so many pods live, each with these requests."""

    def holds() -> bool:
        pods = living(place, app)
        return len(pods) == replicas and all(requests(pod) == wanted for pod in pods)

    try:
        wait_until(holds, f"{replicas} pods with {wanted}", patience)
    except TimeoutError as late:
        late.add_note(f"they have {[requests(pod) for pod in living(place, app)]}; {place.status(app)}")
        raise
    return living(place, app)


def rounds(installation: Installation) -> float:
    """How often the updater has judged."""
    name = 'vpa_updater_execution_latency_seconds_count{step="total"}'
    page = program(installation, "updater").metrics()
    return next((float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name)), 0.0)


def program(installation: Installation, name: str) -> Any:
    return next(one for one in installation.programs if one.name == name)


def let_rounds_pass(installation: Installation, count: int = 6) -> None:
    begun = rounds(installation)
    wait_until(lambda: rounds(installation) >= begun + count, f"{count} rounds of the updater", 60)


def events(place: Place, reason: str) -> list[Object]:
    found = place.api.get(f"/api/v1/namespaces/{place.namespace}/events")["items"]
    return [one for one in found if one["reason"] == reason]


def written(place: Place) -> set[tuple[str, str, str]]:
    """Verb, resource and subresource of all that our programs wrote into the namespace."""
    return {
        (one["verb"], one["objectRef"]["resource"], one["objectRef"].get("subresource", ""))
        for one in place.plane.writes(objectRef__namespace=place.namespace)
        if one["user"]["username"].startswith(OURS) and one["verb"] in {"create", "update", "patch", "delete"}
    }


# -- reaching pods ---------------------------------------------------------------------------------------------


def test_the_owners_example_gets_a_recommendation_and_nothing_else_changes(sized: Place) -> None:
    uses(sized, "awesome-deployment")
    sized.deployment("awesome-deployment", 2, containers=SMALL)
    deployment = f"/apis/apps/v1/namespaces/{sized.namespace}/deployments/awesome-deployment"
    before, pods = sized.api.get(deployment), living(sized, "awesome-deployment")
    sized.plane.kubectl("apply", "--namespace", sized.namespace, "-f", "-", stdin=EXAMPLE)
    sized.until_recommended("awesome-deployment", cpu=126, memory=MEMORY)
    let_rounds_pass(sized.installation)
    assert sized.api.get(deployment)["spec"] == before["spec"]
    after = living(sized, "awesome-deployment")
    assert [(pod["metadata"]["uid"], pod["spec"]) for pod in after] == [
        (pod["metadata"]["uid"], pod["spec"]) for pod in pods
    ]
    sized.api.patch(f"{deployment}/scale", {"spec": {"replicas": 3}})
    until_all(sized, SMALL["app"], 3, "awesome-deployment")
    assert written(sized) <= {
        ("patch", "verticalpodautoscalers", "status"),
        ("create", "verticalpodautoscalercheckpoints", ""),
        ("patch", "verticalpodautoscalercheckpoints", ""),
    }
    shown = sized.plane.kubectl("get", "vpa", "--namespace", sized.namespace)
    assert shown.splitlines()[0].split() == ["NAME", "MODE", "CPU", "MEM", "PROVIDED", "AGE"]
    assert shown.splitlines()[1].split()[:5] == ["awesome-deployment", "Off", *TARGET.values(), "True"]


def test_a_new_pod_is_created_with_what_is_recommended(sized: Place) -> None:
    uses(sized)
    sized.deployment(replicas=2, containers=SMALL)
    sized.vpa(mode="Initial")
    sized.until_recommended(cpu=126, memory=MEMORY)
    let_rounds_pass(sized.installation)
    old, *rest = living(sized)
    assert [requests(pod) for pod in (old, *rest)] == [SMALL["app"]] * 2, "running ones stay"
    sized.api.delete(f"/api/v1/namespaces/{sized.namespace}/pods/{old['metadata']['name']}")
    wait_until(lambda: len(uids(living(sized)) - uids([old, *rest])) == 1, "a new pod", 30)
    new = next(pod for pod in living(sized) if pod["metadata"]["uid"] not in uids([old, *rest]))
    assert requests(new) == TARGET
    assert "web" in new["metadata"]["annotations"]["vpaUpdates"]
    assert new["metadata"]["annotations"]["vpaObservedContainers"] == "app"


def test_running_pods_are_resized_in_place(sized: Place) -> None:
    uses(sized)
    sized.deployment(replicas=3, containers=SMALL)
    before = uids(living(sized))
    sized.vpa(mode="InPlaceOrRecreate")
    pods = until_all(sized, TARGET, 3)
    assert uids(pods) == before
    wait_until(lambda: all(told(pod) == TARGET for pod in living(sized)), "the kubelet to carry it out", 30)
    for pod in living(sized):
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    wait_until(
        lambda: all(pod["metadata"]["annotations"].get("vpaInPlaceUpdated") == "true" for pod in living(sized)),
        "upstream's annotation",
        20,
    )
    wait_until(lambda: len(events(sized, "InPlaceResizedByVPA")) >= 3, "the events", 30)
    assert ("create", "pods", "eviction") not in written(sized)


def told(pod: Object) -> Any:
    """The requests in force, as the kubelet says."""
    return pod["status"]["containerStatuses"][0]["resources"].get("requests")


# -- evictions -------------------------------------------------------------------------------------------------


class Readiness:
    """How many pods of an application are ready, looked at all the time."""

    def __init__(self, place: Place, app: str = "web") -> None:
        self._place, self._app = place, app
        self.fewest = 10**9
        self._over = threading.Event()

    def look(self) -> None:
        while not self._over.is_set():
            self.fewest = min(self.fewest, sum(map(is_ready, living(self._place, self._app))))
            time.sleep(0.02)

    @contextmanager
    def watched(self) -> Iterator[None]:
        voice = threading.Thread(target=self.look, name="readiness")
        voice.start()
        try:
            yield
        finally:
            self._over.set()
            voice.join()


def is_ready(pod: Object) -> bool:
    return any(part["type"] == "Ready" and part["status"] == "True" for part in pod["status"]["conditions"])


def budget(place: Place, **spec: Any) -> None:
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }
    path = f"/apis/policy/v1/namespaces/{place.namespace}/poddisruptionbudgets"
    place.api.create(path, body)
    wait_until(lambda: place.api.get(f"{path}/web")["status"].get("observedGeneration"), "the budget to be seen", 20)


@pytest.mark.slow
def test_pods_that_cannot_be_resized_are_evicted_within_the_budget(sized: Place) -> None:
    """By its own budget the updater would take two of four at once; the PodDisruptionBudget allows one.

    Who was refused is tried again a minute later.
    """
    uses(sized)
    says = {"fake-kubelet/resize": "infeasible", "fake-kubelet/ready-after": "1s"}
    sized.deployment(replicas=4, containers=SMALL, annotations=says)
    wait_until(lambda: sum(map(is_ready, living(sized))) == 4, "all to be ready", 30)
    before = uids(living(sized))
    budget(sized, minAvailable=3)
    readiness = Readiness(sized)
    with readiness.watched():
        sized.vpa(mode="InPlaceOrRecreate")
        wait_until(lambda: len(before - uids(living(sized))) == 1, "one to be replaced", 60)
        wait_until(lambda: 429 in evictions(sized), "the budget to refuse another", 30)
        wait_until(lambda: len(before - uids(living(sized))) >= 2, "a second one to go in its turn", 120)
        wait_until(lambda: sum(map(is_ready, living(sized))) == 4, "the new one to be ready", 30)
    assert readiness.fewest >= 3
    assert all(requests(pod) == TARGET for pod in living(sized) if pod["metadata"]["uid"] not in before)
    assert evictions(sized).count(201) == len(before - uids(living(sized))), "each once"
    wait_until(lambda: events(sized, "EvictedByVPA") and events(sized, "EvictedPod"), "upstream's events", 40)


def evictions(place: Place) -> list[int]:
    """What the API server answered to each."""
    found = [one for one in place.plane.writes(objectRef__namespace=place.namespace) if is_eviction(one)]
    return [one["responseStatus"]["code"] for one in found]


def is_eviction(written: Object) -> bool:
    about = written["objectRef"]
    return (about["resource"], about.get("subresource")) == ("pods", "eviction")


def test_a_spent_budget_holds_whatever_is_recommended(sized: Place) -> None:
    uses(sized)
    sized.deployment(replicas=3, containers=SMALL)
    before = uids(living(sized))
    budget(sized, maxUnavailable=0)
    sized.vpa(mode="Recreate")
    sized.until_recommended(cpu=126, memory=MEMORY)
    let_rounds_pass(sized.installation)
    assert uids(living(sized)) == before


def test_a_kill_for_memory_raises_the_next_pod(sized: Place) -> None:
    """Killed at 380258472 bytes: upstream asks for 100Mi more than that, which the next pod has."""
    uses(sized)
    sized.deployment(replicas=2, containers=SMALL)
    sized.vpa(mode="Recreate")
    pods = until_all(sized, TARGET, 2)
    path = f"/api/v1/namespaces/{sized.namespace}/pods"
    for pod in pods:
        kill = {"metadata": {"annotations": {"fake-kubelet/oom-kills": "1"}}}
        sized.api.patch(f"{path}/{pod['metadata']['name']}", kill)
    needed = MEMORY + 100 * MIB
    wait_until(lambda: sized.recommended()["target"]["memory"] > needed, "the kills to count", 40)

    def raised() -> bool:
        new = living(sized)
        return len(new) == 2 and all(int(requests(pod)["memory"]) > needed for pod in new)

    wait_until(raised, f"new pods with more than {needed}", 60)
    assert not uids(living(sized)) & uids(pods)


# -- safety ----------------------------------------------------------------------------------------------------


def test_nothing_moves_while_the_webhook_is_down(sized: Place, door: Door) -> None:
    uses(sized)
    sized.deployment(replicas=2, containers=SMALL)
    before = living(sized)
    door.close()
    updater = program(sized.installation, "updater")
    wait_until(lambda: updater.said("has not renewed", "vpa-admission-controller"), "the updater to notice", 30)
    try:
        sized.vpa(mode="InPlaceOrRecreate")
        sized.until_recommended(cpu=126, memory=MEMORY)
        let_rounds_pass(sized.installation)
        assert [(pod["metadata"]["uid"], requests(pod)) for pod in living(sized)] == [
            (pod["metadata"]["uid"], requests(pod)) for pod in before
        ]
        assert not {one for one in written(sized) if one[1] == "pods"}
    finally:
        door.open()
    until_all(sized, TARGET, 2)
