"""Beside a recommender that is alive we do not act: it is said who, and what to do."""

import datetime as dt
import time

import pytest

from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import RECOMMENDER, Installation
from tests.e2e.stage import WRITING
from tests.e2e.vertical.conftest import MIB, QUICK, Place

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


def written(plane: ControlPlane) -> int:
    return sum(one["verb"] in WRITING for one in plane.writes(user__username=RECOMMENDER))


def refuses(installation: Installation, *words: str) -> None:
    before = written(installation.plane)
    program = installation.recommender(name=f"refused-{len(installation.programs)}")
    assert program.process.wait(30) == 3
    assert program.said("another recommender is at work", *words), program.process.tail()
    assert written(installation.plane) == before


@pytest.mark.parametrize("name", ["vpa-recommender-lease", "vpa-recommender"])
def test_upstreams_lease_keeps_us_away(bare: Installation, name: str) -> None:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {
        "holderIdentity": "vpa-recommender-7f_x",
        "leaseDurationSeconds": 60,
        "renewTime": now,
        "acquireTime": now,
    }
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
    bare.plane.api.create(LEASES, lease)
    try:
        refuses(bare, name, "vpa-recommender-7f_x", "scale deployment/vpa-recommender --replicas=0")
    finally:
        bare.plane.api.delete(f"{LEASES}/{name}")


def test_a_deployment_of_upstreams_keeps_us_away(
    bare: Installation, plane: ControlPlane, usage: MetricsServer
) -> None:
    """Upstream elects no leader by default, so there may be no Lease to see."""
    with Place(plane, usage, bare) as place:
        place.deployment("vpa-recommender")
        refuses(bare, place.namespace, "running VPA recommender (1 ready)")
        place.api.delete(f"/apis/apps/v1/namespaces/{place.namespace}/deployments/vpa-recommender")


def test_a_checkpoint_that_somebody_else_wrote_just_now_keeps_us_away(
    bare: Installation, plane: ControlPlane, usage: MetricsServer
) -> None:
    with Place(plane, usage, bare) as place:
        place.vpa()
        place.make_checkpoint("web", "app", {"version": "v3"}, by="recommender-amd64")
        refuses(bare, "checkpoint web-app", "recommender-amd64", "--recommender-name")


def test_another_name_has_other_objects_and_may_work_beside(
    bare: Installation, plane: ControlPlane, usage: MetricsServer
) -> None:
    usage.forget()
    usage.taken_at = time.time
    with Place(plane, usage, bare) as place:
        place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="vpa-recommender")
        place.deployment("vpa-recommender")
        program = bare.recommender(*QUICK, "--recommender-name=ours", "--leader-elect=false", name="beside")
        place.vpa("vpa-recommender", recommenders=[{"name": "ours"}])
        place.until_recommended("vpa-recommender", cpu=126)
        assert program.process.running
        place.api.delete(f"/apis/apps/v1/namespaces/{place.namespace}/deployments/vpa-recommender")
