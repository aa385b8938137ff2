"""Running pods get the sizes recommended for them, by the updater with its own rights on a real API server."""

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import NAMESPACE, UPDATER, Installation
from tests.e2e.stage import WRITING
from tests.e2e.vertical.conftest import VPAS, Place
from tests.processes import wait_until

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
WEBHOOK = "vpa-admission-controller"
QUICK = ("--updater-interval=500ms",)
TARGET = {"cpu": "500m", "memory": "300Mi"}


def webhook_lives(plane: ControlPlane, seconds: float) -> None:
    """As if the webhook had renewed its Lease so many seconds from now (its clock is ahead)."""
    stamp = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    spec = {"holderIdentity": "webhook", "renewTime": stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    if plane.api.found(f"{LEASE}/{WEBHOOK}") is None:
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": WEBHOOK}, "spec": spec}
        plane.api.create(LEASE, body)
    else:
        plane.api.patch(f"{LEASE}/{WEBHOOK}", {"spec": spec})


SILENT = "has not renewed Lease kube-scaler/vpa-admission-controller"


@contextlib.contextmanager
def silence(plane: ControlPlane, moving: Installation) -> Iterator[None]:
    """The webhook is silent, and the updater that moves has noticed."""
    updater = moving.programs[0]
    before = len(updater.said(SILENT))
    webhook_lives(plane, -120)
    try:
        wait_until(lambda: len(updater.said(SILENT)) > before, "the updater to notice", 30)
        yield
    finally:
        webhook_lives(plane, 3600)


@pytest.fixture(scope="module")
def moving(plane: ControlPlane, secure_port: int) -> Iterator[Installation]:
    """An updater with two rounds a second, and a webhook that seems to live."""
    webhook_lives(plane, 3600)
    with Installation(plane, secure_port) as installed:
        installed.updater(*QUICK).wait_ready()
        yield installed


@pytest.fixture
def place(plane: ControlPlane, usage: MetricsServer, moving: Installation) -> Iterator[Place]:
    with Place(plane, usage, moving) as own:
        yield own


def recommend(place: Place, name: str = "web", container: str = "app", **target: str) -> None:
    """What a recommender would write; far from it is outside of the range."""
    bound = TARGET | target
    one = {"containerName": container, "target": bound, "lowerBound": bound, "upperBound": bound}
    status = {"recommendation": {"containerRecommendations": [one]}}
    place.api.patch(f"{VPAS.format(place.namespace)}/{name}/status", {"status": status})


def sizes(place: Place, name: str = "web") -> list[str]:
    return [pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in place.running(name)]


def uids(place: Place, name: str = "web") -> set[str]:
    return {pod["metadata"]["uid"] for pod in place.running(name)}


def events(place: Place, reason: str) -> list[Object]:
    found = place.api.get(f"/api/v1/namespaces/{place.namespace}/events", fieldSelector=f"reason={reason}")["items"]
    return list(found)


def writes(place: Place, **about: str) -> list[Object]:
    found = place.plane.writes(user__username=UPDATER, **about)
    here = [one for one in found if one.get("objectRef", {}).get("namespace") == place.namespace]
    return [one for one in here if one["verb"] in WRITING]


def test_a_running_pod_is_resized_in_place(place: Place) -> None:
    place.deployment(replicas=2)
    before = uids(place)
    place.vpa(mode="InPlaceOrRecreate")
    recommend(place)
    wait_until(lambda: sizes(place) == ["500m", "500m"], "both pods to be resized", 60)
    assert uids(place) == before
    pods = place.running("web")
    wait_until(
        lambda: all(p["metadata"]["annotations"].get("vpaInPlaceUpdated") == "true" for p in place.running("web")),
        "the mark",
    )
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in pods)
    wait_until(lambda: len(events(place, "InPlaceResizedByVPA")) == 2, "an event on each pod")


def test_a_pod_that_cannot_be_resized_is_evicted_within_the_budget(place: Place) -> None:
    place.deployment(replicas=2, annotations={"fake-kubelet/resize": "infeasible"})
    before = uids(place)
    place.vpa(mode="InPlaceOrRecreate")
    recommend(place)
    wait_until(lambda: len(uids(place) & before) < 2, "one pod to be replaced", 60)
    wait_until(lambda: events(place, "EvictedByVPA"), "the pod's event")
    wait_until(lambda: events(place, "EvictedPod"), "the object's event", 30)
    assert events(place, "EvictedPod")[0]["involvedObject"]["kind"] == "VerticalPodAutoscaler"


def test_in_mode_in_place_no_pod_is_ever_evicted(place: Place) -> None:
    place.deployment(replicas=2, annotations={"fake-kubelet/resize": "infeasible"})
    before = uids(place)
    place.vpa(mode="InPlace")
    recommend(place)
    wait_until(lambda: writes(place, objectRef__subresource="resize"), "resizes to be tried", 60)
    time.sleep(2)
    assert uids(place) == before
    assert not writes(place, objectRef__subresource="eviction")


def test_a_pod_disruption_budget_holds(place: Place) -> None:
    place.deployment(replicas=2)
    before = uids(place)
    place.api.create(
        f"/apis/policy/v1/namespaces/{place.namespace}/poddisruptionbudgets",
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "all"},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
        },
    )
    pdb = f"/apis/policy/v1/namespaces/{place.namespace}/poddisruptionbudgets/all"
    wait_until(lambda: (place.api.get(pdb).get("status") or {}).get("currentHealthy") == 2, "the budget to count", 60)
    place.vpa(mode="Recreate")
    recommend(place)
    program = place.installation.programs[0]
    wait_until(lambda: program.said("refused: evict pod", place.namespace), "an eviction to be refused", 60)
    assert uids(place) == before
    refused = len(program.said("refused: evict pod", place.namespace))
    assert refused <= 4  # both pods, each asked again only after a minute


def test_pods_that_come_back_unchanged_are_not_evicted_again_and_again(place: Place) -> None:
    """No webhook sizes them here."""
    place.deployment(replicas=2)
    place.vpa(mode="Recreate")
    recommend(place)
    wait_until(lambda: events(place, "EvictionsIneffective"), "that it is said", 60)
    evicted = len(writes(place, objectRef__subresource="eviction"))
    time.sleep(3)
    assert len(writes(place, objectRef__subresource="eviction")) == evicted <= 3
    [said] = events(place, "EvictionsIneffective")
    assert "the webhook did not size them" in said["message"]


@pytest.mark.parametrize("mode", ["Off", "Initial"])
def test_other_modes_leave_running_pods_alone(place: Place, mode: str) -> None:
    place.deployment(replicas=2)
    place.vpa(mode=mode)
    recommend(place)
    rounds(place.installation, 3)
    assert not writes(place)


def test_a_disruption_budget_of_ours_forbids_for_a_while(place: Place) -> None:
    place.deployment(replicas=2)
    place.vpa(mode="Recreate", annotations={"kube-scaler.dev/disruption-budgets": '[{"pods": "0"}]'})
    recommend(place)
    rounds(place.installation, 3)
    assert not writes(place)
    path = f"{VPAS.format(place.namespace)}/web"
    place.api.patch(path, {"metadata": {"annotations": {"kube-scaler.dev/disruption-budgets": None}}})
    wait_until(lambda: writes(place, objectRef__subresource="eviction"), "an eviction", 60)


def test_nothing_is_moved_while_the_webhook_is_silent(place: Place) -> None:
    with silence(place.plane, place.installation):
        place.deployment(replicas=2)
        place.vpa(mode="Recreate")
        recommend(place)
        rounds(place.installation, 4)
        assert not writes(place)
    wait_until(lambda: writes(place, objectRef__subresource="eviction"), "an eviction", 60)


def rounds(installation: Installation, count: int, at: int = 0) -> None:
    """So many more rounds."""
    program = installation.programs[at]

    def done() -> int:
        line = next(line for line in program.metrics().splitlines() if 'latency_seconds_count{step="total"}' in line)
        return int(line.split()[-1])

    before = done()
    wait_until(lambda: done() >= before + count, f"{count} rounds", 30)


def test_what_is_done_is_counted_under_upstreams_names(place: Place) -> None:
    place.deployment(replicas=2, annotations={"fake-kubelet/resize": "infeasible"})
    place.vpa(mode="InPlaceOrRecreate")
    recommend(place)
    updater = place.installation.programs[0]
    for name in ("controlled_pods_total", "in_place_updated_pods_total", "evicted_pods_total"):
        wait_until(lambda name=name: f"vpa_updater_{name}{{" in updater.metrics(), name, 60)  # type: ignore[misc]
    wait_until(lambda: "kube_scaler_updater_pods{reason=" in updater.metrics(), "the pods by reason")


def test_recommending_only_it_says_what_it_would_do_and_writes_nothing(
    plane: ControlPlane, usage: MetricsServer, secure_port: int, moving: Installation
) -> None:
    """The one that moves waits for the webhook meanwhile."""
    with silence(plane, moving), Installation(plane, secure_port) as only, Place(plane, usage, only) as place:
        scope = (f"--vpa-object-namespace={place.namespace}", "--use-admission-controller-status=false")
        program = only.updater(*QUICK, "--recommendation-only", "--leader-elect=false", *scope, name="only")
        program.wait_ready()
        place.deployment(replicas=2)
        place.vpa(mode="Recreate")
        recommend(place)
        wait_until(lambda: program.said("would evict pod", place.namespace), "it to be said", 30)
        rounds(only, 2)
        assert not writes(place)


@pytest.mark.parametrize("name", ["vpa-updater", "vpa-updater-lease"])
def test_beside_a_live_updater_of_upstreams_it_does_not_act(plane: ControlPlane, secure_port: int, name: str) -> None:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec: Any = {"holderIdentity": "vpa-updater-7f", "leaseDurationSeconds": 60, "renewTime": now, "acquireTime": now}
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    plane.api.create(
        leases, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
    )
    try:
        with Installation(plane, secure_port) as beside:
            program = beside.updater(name="beside")
            assert program.process.wait(30) == 3
            assert program.said("another updater is at work", "scale deployment/vpa-updater --replicas=0")
    finally:
        plane.api.delete(f"{leases}/{name}")
