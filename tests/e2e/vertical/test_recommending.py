"""Usage is set, and a recommendation appears with upstream's numbers; nothing else is written."""

import time

from tests.e2e.installation import NAMESPACE, RECOMMENDER
from tests.e2e.stage import WRITING
from tests.e2e.vertical.conftest import MIB, VPAS, History, Place
from tests.e2e.vertical.reference import recommended
from tests.processes import wait_until

OWNERS_EXAMPLE = """
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


def test_an_hour_of_flat_usage_has_upstreams_numbers(place: Place) -> None:
    """They are those that upstream's code gave for 61 samples of 100m and 300Mi, a minute apart."""
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    history = History(place.usage)
    place.vpa()
    place.until_recommended(cpu=126, memory=380258472)
    history.goes_on(60)
    place.until_checkpoint(61)
    found = place.until_recommended()
    assert found["target"] == found["uncappedTarget"] == {"cpu": 126, "memory": 380258472}
    assert found["lowerBound"]["cpu"] == 120
    assert found["upperBound"]["cpu"] == 3150
    assert place.condition("RecommendationProvided")["status"] == "True"
    assert not place.condition("NoPodsMatched")
    shown = place.plane.kubectl("get", "vpa", "web", "-n", place.namespace)
    assert shown.splitlines()[1].split()[:5] == ["web", "Off", "126m", "380258472", "True"]


def test_the_owners_example_gets_a_recommendation_and_nothing_else_changes(place: Place) -> None:
    place.deployment("awesome-deployment")
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="awesome-deployment")
    before = place.running("awesome-deployment")
    place.plane.kubectl("apply", "-n", place.namespace, "-f", "-", stdin=OWNERS_EXAMPLE)
    place.until_recommended("awesome-deployment", cpu=126, memory=380258472)
    assert place.running("awesome-deployment") == before
    written = {
        (one["objectRef"]["resource"], one["objectRef"].get("subresource", ""))
        for one in place.plane.writes(user__username=RECOMMENDER)
        if one["verb"] in WRITING and one["objectRef"].get("namespace") in {place.namespace, NAMESPACE}
    }
    assert written <= {
        ("verticalpodautoscalers", "status"),
        ("verticalpodautoscalercheckpoints", ""),
        ("leases", ""),
    }


def test_everything_it_asks_for_is_among_its_rights(place: Place) -> None:
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa(annotations={"kube-scaler.dev/fit-largest-node": "true"})
    place.until_recommended()
    refused = [
        one["requestURI"]
        for one in place.plane.writes(user__username=RECOMMENDER)
        if one.get("responseStatus", {}).get("code") == 403
    ]
    assert refused == []


def test_containers_share_the_minimum_and_follow_their_policies(place: Place) -> None:
    small = {"cpu": "5m", "memory": "10Mi"}
    place.deployment(containers={"app": small, "log": small, "quiet": small})
    place.usage.selected(place.namespace, cpu=0.001, memory=MIB, app="web")
    place.vpa(
        resourcePolicy={
            "containerPolicies": [
                {"containerName": "quiet", "mode": "Off"},
                {"containerName": "log", "controlledResources": ["cpu"], "maxAllowed": {"cpu": "11m"}},
            ]
        },
    )
    found = place.until_recommended()
    assert found["target"] == {"cpu": 12, "memory": 125 * MIB}
    log = place.until_recommended(container="log")
    assert log["target"] == {"cpu": 11}
    assert log["uncappedTarget"] == {"cpu": 12}
    assert place.recommended(container="quiet") == {}


def test_an_object_may_go_below_the_minimum_by_its_annotations(place: Place) -> None:
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.001, memory=MIB, app="web")
    place.vpa(annotations={"kube-scaler.dev/pod-minimum-cpu": "1m", "kube-scaler.dev/pod-minimum-memory": "1Mi"})
    assert place.until_recommended()["target"] == {"cpu": 11, "memory": 11500000}


def test_others_keep_to_their_own_objects(place: Place) -> None:
    """spec.recommenders names somebody else; later it is ours."""
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa(recommenders=[{"name": "somebody-else"}])
    place.vpa("own", target={"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"})
    place.until_recommended("own")
    assert place.status() == {}
    place.api.patch(f"{VPAS.format(place.namespace)}/web", {"spec": {"recommenders": None}})
    place.until_recommended(cpu=126)


def test_an_object_that_is_gone_takes_its_checkpoints_along(place: Place) -> None:
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa()
    place.until_checkpoint(1)
    place.installation.recommender(
        "--recommender-interval=200ms",
        "--checkpoints-gc-interval=500ms",
        "--recommender-name=cleaner",
        "--leader-elect=false",
        name="cleaner",
    )
    time.sleep(1.5)
    assert place.checkpoint() is not None, "somebody else's object is alive"
    place.api.delete(f"{VPAS.format(place.namespace)}/web")
    wait_until(lambda: place.checkpoint() is None, "the checkpoint of a VPA that is gone to go", 40)


def test_what_a_checkpoint_holds_gives_upstreams_numbers(place: Place) -> None:
    """Written by an upstream: loaded, and never written back smaller than it was."""
    status = {
        "version": "v3",
        "cpuHistogram": {
            "referenceTimestamp": "2026-11-20T00:00:00Z",
            "bucketWeights": {"5": 10000, "12": 3000, "30": 900},
            "totalWeight": 250.5,
        },
        "memoryHistogram": {
            "referenceTimestamp": "2026-11-21T00:00:00Z",
            "bucketWeights": {"20": 10000, "31": 10000, "40": 500},
            "totalWeight": 12.25,
        },
        "firstSampleStart": "2026-11-18T10:00:00Z",
        "lastSampleStart": "2026-11-20T10:00:00Z",
        "totalSamplesCount": 2881,
    }
    place.deployment()
    place.make_checkpoint("web", "app", status)
    place.installation.recommender(
        "--recommender-interval=200ms", "--recommender-name=reader", "--leader-elect=false", name="reader"
    )
    place.vpa(recommenders=[{"name": "reader"}])
    found = place.until_recommended()
    wanted = recommended({"status": status})
    assert {bound: found[bound] for bound in wanted} == wanted


def test_no_pod_is_sized_beyond_the_largest_node_where_an_object_asks_for_it(place: Place) -> None:
    """The nodes here have 1000 cores; the margin would go beyond."""
    place.deployment()
    place.usage.selected(place.namespace, cpu=990, memory=300 * MIB, app="web")
    place.vpa()
    place.vpa(
        "fitting",
        target={"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        annotations={"kube-scaler.dev/fit-largest-node": "true"},
    )
    assert place.until_recommended()["target"]["cpu"] > 1_000_000
    found = place.until_recommended("fitting", cpu=1_000_000)
    assert found["uncappedTarget"]["cpu"] > 1_000_000
