"""A ScaledObject on cpu and a VPA on one workload: operator and recommender agree through their objects alone.

The HPA controller is Kubernetes' own; usage follows from load and replicas.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from scaler.api.scaledobject import ADOPT
from scaler.clock import to_rfc3339
from scaler.sim.demand import Demand
from scaler.together import setpoints, standing
from tests.e2e.installation import Installation
from tests.e2e.vertical.conftest import MIB, MOVING, QUICK, VPAS, Door, Place
from tests.processes import wait_until

DAY = 86400.0
HPA = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/keda-hpa-web"
SCALED = "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects"


@pytest.fixture(scope="module")
def operating(quick: Installation) -> Installation:
    """Beside the recommender an operator."""
    quick.operator().wait_ready()
    quick.wait_leader()
    return quick


class Load:
    """Cores that the workload wants."""

    def __init__(self, cores: float) -> None:
        self.cores = cores

    def __call__(self, _: float) -> float:
        return self.cores


@pytest.fixture
def load(place: Place, operating: Installation) -> Iterator[Load]:
    """Four pods of one core each that want half a core each, and an HPA at 50 %."""
    made = Load(2.0)
    place.usage.shared(place.namespace, Demand(made, idle=(0.0, 300.0 * MIB)), app="web")
    place.deployment(replicas=4, containers={"app": {"cpu": "1", "memory": "1Gi"}})
    trigger = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}
    spec = {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 2, "maxReplicaCount": 20, "triggers": [trigger]}
    body = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "web"}, "spec": spec}
    place.api.create(SCALED.format(place.namespace), body)
    yield made
    place.api.delete(f"{SCALED.format(place.namespace)}/web")


def hpa(place: Place) -> dict[str, Any]:
    return place.api.found(HPA.format(place.namespace)) or {}


def cpu_target(place: Place) -> dict[str, Any]:
    metrics = hpa(place).get("spec", {}).get("metrics") or [{}]
    found: dict[str, Any] = metrics[0].get("resource", {}).get("target", {})
    return found


def coupled(place: Place) -> dict[str, Any]:
    """The ScaledObject's word of the VPA."""
    scaled = place.api.get(f"{SCALED.format(place.namespace)}/web")
    said = scaled.get("status", {}).get("conditions", [])
    return next((one for one in said if one["type"] == "Coupled"), {})


def agreed_before(place: Place, mode: str = "Recreate") -> None:
    """A VPA that has recommended, and agreed with the HPA, for two days."""
    now = time.time()
    long_ago = {"cpu": now - 2 * DAY, "memory": now - 2 * DAY}
    stands = standing.written(standing.Standing({"cpu": 500}, long_ago, set_points={"cpu": 500}))
    place.vpa(mode=mode, annotations={standing.ANNOTATION: stands})
    amounts = {"cpu": "1", "memory": "1Gi"}
    one = {"containerName": "app", "target": amounts, "lowerBound": amounts, "upperBound": amounts}
    status = {"recommendation": {"containerRecommendations": [one]}}
    place.api.patch(f"{VPAS.format(place.namespace)}/web/status", {"status": status})


def test_the_two_meet_through_their_objects_and_both_say_so(place: Place, load: Load) -> None:
    wait_until(lambda: cpu_target(place).get("averageUtilization") == 50, "the HPA as KEDA makes it", 40)
    agreed_before(place)

    wait_until(lambda: cpu_target(place).get("averageValue") == "500m", f"an absolute target; it is {hpa(place)}", 40)
    annotation = hpa(place)["metadata"]["annotations"][setpoints.ANNOTATION]
    assert setpoints.read(annotation) == {"cpu": setpoints.SetPoint(50, 1000)}
    said = place.until_condition("Coupled", "True")
    assert "HPA keda-hpa-web and VPA web act as one: replicas hold cpu at 500m a pod" in said["message"]
    wait_until(lambda: coupled(place).get("status") == "True", "the ScaledObject to say so, too", 40)
    assert "VPA web sizes the pods" in coupled(place)["message"]


def learned(place: Place) -> None:
    """Two days of half a core and 300 MiB a pod, as a recommender leaves them."""
    now = time.time()
    midnight = to_rfc3339(now // DAY * DAY)
    status = {
        "version": "v3",
        "firstSampleStart": to_rfc3339(now - 2 * DAY),
        "lastSampleStart": to_rfc3339(now - 60),
        "totalSamplesCount": 4 * 2880,
        "cpuHistogram": {"referenceTimestamp": midnight, "bucketWeights": {"25": 10000}, "totalWeight": 400.0},
        "memoryHistogram": {"referenceTimestamp": midnight, "bucketWeights": {"19": 10000}, "totalWeight": 8.0},
    }
    place.make_checkpoint("web", "app", status)


def wanted(place: Place) -> int:
    deployment = place.api.get(f"/apis/apps/v1/namespaces/{place.namespace}/deployments/web")
    return int(deployment["spec"]["replicas"])


def requests(place: Place) -> set[str]:
    """What the running pods request of cpu."""
    return {pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in place.running("web")}


@pytest.mark.slow
def test_a_request_twice_too_large_is_made_smaller_replicas_stay_and_then_follow_the_load(
    place: Place, load: Load, door: Door
) -> None:
    """Four pods at half of one core: both axes naively would make seven of them, for the smaller request alone."""
    wait_until(lambda: cpu_target(place).get("averageUtilization") == 50, "the HPA as KEDA makes it", 40)
    agreed_before(place, mode="InPlaceOrRecreate")
    learned(place)
    for program in place.installation.programs:
        if program.name.startswith("recommender"):
            program.process.terminate(5)  # the next one learns from the checkpoint
    place.installation.recommender(*QUICK, "--leader-elect=false", name="recommender-2").wait_ready()
    place.installation.updater(*MOVING, name="updater-of-both").wait_ready()

    seen = {wanted(place)}

    def smaller() -> bool:
        seen.add(wanted(place))
        return requests(place) == {"625m"}

    wait_until(smaller, f"requests at the edge of the band; they are {requests(place)}, {place.status()}", 120)
    assert cpu_target(place)["averageValue"] == "500m"
    until = time.time() + 20  # more than the HPA controller's window for samples of resized pods
    wait_until(lambda: seen.add(wanted(place)) or time.time() > until, "a while", 40)
    assert seen == {4}

    load.cores = 4.0
    wait_until(lambda: wanted(place) == 8, f"eight pods for twice the load; the HPA is {hpa(place)}", 120)
    wait_until(lambda: len(place.running("web")) == 8, "eight pods to run", 60)
    assert requests(place) == {"625m"}
    assert place.recommended()["target"]["cpu"] == 625


def test_the_vpa_gone_the_hpa_is_as_its_user_wrote_it(place: Place, load: Load) -> None:
    place.vpa(mode="Recreate")
    wait_until(lambda: cpu_target(place).get("averageValue") == "500m", "an absolute target", 40)
    place.api.delete(f"{VPAS.format(place.namespace)}/web")
    wait_until(lambda: cpu_target(place).get("averageUtilization") == 50, "the user's own target", 40)
    wait_until(lambda: not coupled(place), "no word of a VPA that is gone", 40)


def made_by_hand(place: Place, annotations: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A Deployment, and a user's own HPA on it: its path, and how the API server has it."""
    place.deployment("own", containers={"app": {"cpu": "1", "memory": "1Gi"}})
    place.usage.selected(place.namespace, cpu=0.5, memory=300 * MIB, app="own")
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "own"},
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    path = f"/apis/autoscaling/v2/namespaces/{place.namespace}/horizontalpodautoscalers"
    made = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "own", "annotations": annotations},
        "spec": spec,
    }
    return f"{path}/own", place.api.create(path, made)


def test_a_users_own_hpa_is_never_touched_and_memory_is_sized(place: Place) -> None:
    path, before = made_by_hand(place, {})
    place.vpa("own", mode="Recreate")
    said = place.until_condition("Coupled", "False", "own")
    assert said["reason"] == "LeftToHPA"
    assert set(place.until_recommended("own")["target"]) == {"memory"}
    after = place.api.get(path)
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("annotations", {}) == before["metadata"].get("annotations", {})
    assert msgspec.json.encode(after["metadata"].get("labels", {})) == b"{}"


def own_target(place: Place, path: str) -> dict[str, Any]:
    found: dict[str, Any] = place.api.get(path)["spec"]["metrics"][0]["resource"]["target"]
    return found


def test_a_users_own_hpa_is_adopted_when_he_asks_and_given_back_as_he_wrote_it(
    place: Place, operating: Installation
) -> None:
    path, before = made_by_hand(place, {})
    place.vpa("own", mode="Recreate")
    place.until_condition("Coupled", "False", "own")
    place.api.patch(path, {"metadata": {"annotations": {ADOPT: "true"}}})
    wait_until(lambda: own_target(place, path).get("averageValue") == "500m", "the set-point", 40)
    said = place.until_condition("Coupled", "True", "own")
    assert "HPA own and VPA own act as one: replicas hold cpu at 500m a pod" in said["message"]

    place.api.patch(path, {"spec": {"maxReplicas": 7}})  # his, whoever holds the rest
    place.api.patch(path, {"metadata": {"annotations": {ADOPT: None}}})
    wait_until(lambda: own_target(place, path).get("averageUtilization") == 50, "his own target", 40)
    after = place.api.get(path)
    assert after["spec"] == {**before["spec"], "maxReplicas": 7}
    assert after["metadata"].get("annotations", {}) == before["metadata"].get("annotations", {})


def test_a_users_own_hpa_scales_in_no_more_while_a_resize_rolls_and_is_given_back_when_the_vpa_goes(
    place: Place, operating: Installation
) -> None:
    """The API server fills in a whole behaviour for one word of it: that goes again, too."""
    path, before = made_by_hand(place, {ADOPT: "true"})
    rolling = standing.Standing({"cpu": 450}, {"cpu": time.time()}, rolling=True, set_points={"cpu": 500})
    said = {standing.ANNOTATION: standing.written(rolling)}
    place.vpa("own", mode="Recreate", annotations=said, recommenders=[{"name": "none-that-runs"}])
    wait_until(lambda: own_target(place, path).get("averageValue") == "450m", "the scale point", 40)
    held = place.api.get(path)["spec"]
    assert held["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    assert held["behavior"]["scaleUp"]["policies"]

    place.api.delete(f"{VPAS.format(place.namespace)}/own")
    wait_until(lambda: own_target(place, path).get("averageUtilization") == 50, "his own target", 40)
    after = place.api.get(path)
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])
