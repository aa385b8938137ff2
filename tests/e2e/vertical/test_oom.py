"""A container that is killed for memory is recommended more."""

import time

import pytest

from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import Installation
from tests.e2e.vertical.conftest import MIB, QUICK, Place
from tests.processes import wait_until


def test_a_kill_raises_the_recommendation_as_upstream_does(place: Place) -> None:
    """It had 1000Mi and used 100Mi: max(1000Mi * 1.2, 1000Mi + 100Mi) = 1200Mi, whose bucket ends at 1334 MB."""
    place.usage.selected(place.namespace, cpu=0.1, memory=100 * MIB, app="web")
    place.deployment(
        containers={"app": {"memory": "1000Mi"}},
        annotations={"fake-kubelet/oom-kills": "1", "fake-kubelet/oom-after": "6s"},
    )
    place.vpa()
    assert place.until_recommended()["target"]["memory"] == 250 * MIB
    wait_until(lambda: place.recommended()["target"]["memory"] > 1200 * MIB, "the kill to count", 40)
    assert place.recommended()["target"]["memory"] < 1200 * MIB * 1.15 * 1.07


@pytest.fixture
def lone(plane: ControlPlane, usage: MetricsServer, bare: Installation) -> Place:
    usage.forget()
    usage.taken_at = time.time
    return Place(plane, usage, bare)


def test_a_floor_lasts_over_a_restart_where_an_object_asks_for_it(lone: Place) -> None:
    """Upstream forgets the running interval's peak, and with it the kill."""
    with lone as place:
        place.usage.selected(place.namespace, cpu=0.1, memory=100 * MIB, app="web")
        flags = (*QUICK, "--leader-elect=false", "--recommender-name=floors")
        first = place.installation.recommender(*flags, name="floor-1")
        first.wait_ready()
        place.deployment(
            containers={"app": {"memory": "1000Mi"}},
            annotations={"fake-kubelet/oom-kills": "1", "fake-kubelet/oom-after": "10s"},
        )
        place.vpa(annotations={"kube-scaler.dev/oom-floor": "8d"}, recommenders=[{"name": "floors"}])
        place.until_recommended(memory=250 * MIB)
        wait_until(lambda: place.recommended()["target"]["memory"] >= 1200 * MIB, "the kill to count", 40)

        def noted() -> bool:
            found = place.checkpoint()
            return "kube-scaler.dev/oom-floor" in ((found or {})["metadata"].get("annotations") or {})

        wait_until(noted, "the floor to be kept", 20)
        first.process.kill()
        place.installation.recommender(*flags, name="floor-2")
        wait_until(lambda: place.recommended()["target"]["memory"] == 1200 * MIB, "exactly the floor to hold", 40)
        assert place.recommended()["lowerBound"]["memory"] == 1200 * MIB
