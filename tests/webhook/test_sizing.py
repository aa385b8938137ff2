"""Pods that are created through a real API server come out with the numbers that VPA gives them."""

from typing import Any

import pytest

from scaler.api.verticalpodautoscaler import OBSERVED_CONTAINERS, POD_UPDATES
from tests.controlplane.api import Refused
from tests.controlplane.cluster import Cluster
from tests.processes import wait_until
from tests.webhook.conftest import Webhook
from tests.webhook.shop import TARGET, Object, Shop, container, job, resources, workload


@pytest.fixture
def shop(cluster: Cluster, webhook: Webhook, namespace: str) -> Shop:
    cluster.require("kube-controller-manager")
    return Shop(cluster, namespace)


def untouched(pod: Object) -> bool:
    return OBSERVED_CONTAINERS not in (pod["metadata"].get("annotations") or {})


def test_a_pod_of_a_deployment_comes_out_with_upstreams_numbers_and_annotations(shop: Shop) -> None:
    main = container(requests={"cpu": "100m", "memory": "300Mi"}, limits={"cpu": "200m", "memory": "600Mi"})
    shop.make(workload(main, container("other", {"cpu": "1"}), kind="Deployment"))
    shop.vpa(of=("Deployment", "web"))
    shop.settle()
    pod = shop.pod("Deployment")
    assert resources(pod) == {"requests": TARGET, "limits": {"cpu": "252m", "memory": "760516944"}}
    assert resources(pod, 1) == {"requests": {"cpu": "1"}}
    assert pod["metadata"]["annotations"] == {
        OBSERVED_CONTAINERS: "main, other",
        POD_UPDATES: "Pod resources updated by web: container 0: cpu request, memory request, cpu limit, memory limit",
    }


@pytest.mark.parametrize("kind", ["StatefulSet", "ReplicaSet"])
def test_a_pod_of_what_has_no_owner_itself_is_sized(shop: Shop, kind: str) -> None:
    shop.make(workload(kind=kind))
    shop.vpa(of=(kind, "web"))
    shop.settle()
    assert resources(shop.pod(kind)) == {"requests": TARGET}


def test_a_pod_of_a_job_of_a_cron_job_is_sized_by_the_cron_job(shop: Shop) -> None:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job()["spec"]}}
    cron = shop.make({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "web"}, "spec": spec})
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": "web",
        "uid": cron["metadata"]["uid"],
        "controller": True,
    }
    made = job("web-1")
    made["metadata"]["ownerReferences"] = [owner]
    made = shop.make(made)
    shop.vpa(of=("CronJob", "web"))
    shop.settle()
    assert resources(shop.tried(made)) == {"requests": TARGET}


def test_a_vpa_on_what_is_not_the_topmost_controller_sizes_nothing(shop: Shop) -> None:
    shop.make(workload(kind="Deployment", replicas=1))
    first = shop.first_pod()
    replica_set = first["metadata"]["ownerReferences"][0]
    shop.vpa(of=("ReplicaSet", replica_set["name"]))
    shop.settle()
    owner = {"metadata": replica_set, "kind": "ReplicaSet", "apiVersion": "apps/v1"}
    assert untouched(shop.tried(owner))


def test_a_pod_without_a_controller_is_nobodys_to_size(shop: Shop) -> None:
    shop.vpa()
    shop.settle()
    body = {"metadata": {"name": "alone", "labels": {"app": "web"}}, "spec": {"containers": [container()]}}
    assert untouched(shop.api.call("POST", shop.place("Pod"), body, query={"dryRun": "All"}))


@pytest.mark.parametrize(
    ("mode", "sized"),
    [
        ("Off", False),
        ("Initial", True),
        ("Recreate", True),
        ("Auto", True),
        ("InPlaceOrRecreate", True),
        ("InPlace", True),
    ],
)
def test_every_mode_but_off_sizes_new_pods(shop: Shop, mode: str, sized: bool) -> None:
    owner = shop.make(workload())
    shop.vpa(updatePolicy={"updateMode": mode})
    shop.settle()
    assert untouched(shop.tried(owner)) is not sized


def test_of_two_on_one_workload_the_oldest_counts(shop: Shop) -> None:
    owner = shop.make(workload())
    shop.vpa("z-first", target={"cpu": "50m"})
    shop.vpa("a-second", target={"cpu": "60m"})
    shop.settle()
    made = {
        shop.api.get(f"{shop.place('VerticalPodAutoscaler')}/{name}")["metadata"]["creationTimestamp"]
        for name in ("z-first", "a-second")
    }
    expected = {"cpu": "60m"} if len(made) == 1 else {"cpu": "50m"}  # in the same second the name decides
    assert resources(shop.tried(owner)) == {"requests": expected}


def test_a_policy_caps_and_the_annotation_says_so(shop: Shop) -> None:
    owner = shop.make(workload())
    policy = {"containerName": "*", "minAllowed": {"cpu": "200m"}, "maxAllowed": {"memory": "100Mi"}}
    shop.vpa(resourcePolicy={"containerPolicies": [policy]})
    shop.settle()
    pod = shop.tried(owner)
    assert resources(pod) == {"requests": {"cpu": "200m", "memory": "100Mi"}}
    notes = pod["metadata"]["annotations"][POD_UPDATES]
    assert "cpu capped to minAllowed" in notes
    assert "memory capped to maxAllowed" in notes


def test_a_limit_range_is_kept_to(shop: Shop) -> None:
    owner = shop.make(workload())
    limit = {"type": "Container", "max": {"cpu": "100m"}}
    shop.make({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [limit]}})
    shop.vpa()
    main = container(requests={"cpu": "50m"}, limits={"cpu": "50m"})
    seen: list[Object] = []

    def capped() -> bool:
        seen[:] = [shop.tried(owner, main)]
        return resources(seen[0])["limits"].get("cpu") == "100m"

    wait_until(capped, "the webhook to have seen both")
    assert resources(seen[0])["requests"]["cpu"] == "100m"
    assert "cpu capped to fit Max in container LimitRange" in seen[0]["metadata"]["annotations"][POD_UPDATES]


BOOST = {"cpu": {"type": "Factor", "factor": 3, "durationSeconds": 10}}


def test_a_boost_is_given_in_mode_off_and_what_it_was_is_remembered(shop: Shop) -> None:
    owner = shop.make(workload())
    shop.vpa(updatePolicy={"updateMode": "Off"}, startupBoost=BOOST)
    shop.settle()
    pod = shop.tried(owner, container(requests={"cpu": "100m"}, limits={"cpu": "200m"}))
    assert resources(pod) == {"requests": {"cpu": "300m"}, "limits": {"cpu": "600m"}}
    remembered = pod["metadata"]["annotations"]["vpaCpuStartupBoost/main"]
    assert remembered == '{"requests":{"cpu":"100m"},"limits":{"cpu":"200m"}}'


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("ratio", {"requests": TARGET, "limits": {"cpu": "252m", "memory": "760516944"}}),
        ("equal", {"requests": TARGET, "limits": TARGET}),
        ("no-cpu", {"requests": TARGET, "limits": {"memory": "760516944"}}),
    ],
)
def test_limits_are_what_the_annotation_asks_for(shop: Shop, policy: str, expected: Object) -> None:
    owner = shop.make(workload())
    shop.vpa(annotations={"kube-scaler.dev/limits": policy})
    shop.settle()
    main = container(requests={"cpu": "100m", "memory": "300Mi"}, limits={"cpu": "200m", "memory": "600Mi"})
    assert resources(shop.tried(owner, main)) == expected


@pytest.mark.parametrize(
    ("which", "sized"), [("none", (False, False)), ("sidecars", (True, False)), ("all", (True, True))]
)
def test_init_containers_are_sized_when_the_annotation_asks(shop: Shop, which: str, sized: tuple[bool, bool]) -> None:
    owner = shop.make(workload())
    shop.vpa(annotations={"kube-scaler.dev/init-containers": which})
    shop.settle()
    init = [container("proxy", restartPolicy="Always"), container("first")]
    pod = shop.tried(owner, container(), initContainers=init)
    found = tuple(resources(pod, index, "initContainers") == {"requests": TARGET} for index in (0, 1))
    assert found == sized


def test_a_recommendation_that_changes_counts_for_the_next_pod(shop: Shop) -> None:
    owner = shop.make(workload())
    shop.vpa()
    shop.settle()
    shop.recommend("web", {"cpu": "1", "memory": "1Gi"})
    shop.settle()
    assert resources(shop.tried(owner)) == {"requests": {"cpu": "1", "memory": "1Gi"}}


def test_a_vpa_that_is_deleted_leaves_new_pods_alone(shop: Shop) -> None:
    owner = shop.make(workload())
    shop.vpa()
    shop.settle()
    assert not untouched(shop.tried(owner))
    shop.api.delete(f"{shop.place('VerticalPodAutoscaler')}/web")
    shop.settle()
    assert untouched(shop.tried(owner))


def test_limit_ranges_that_contradict_leave_the_pod_as_it_is_and_say_why(shop: Shop, webhook: Webhook) -> None:
    owner = shop.make(workload())
    for name, limit in (("low", {"min": {"memory": "1Gi"}}), ("high", {"max": {"memory": "64Mi"}})):
        spec = {"limits": [{"type": "Pod", **limit}]}
        shop.make({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": spec})
    shop.vpa()

    def said() -> bool:
        with pytest.raises(Refused):  # no pod at all can be made here
            shop.tried(owner)
        return any("contradict each other" in line["msg"] for line in webhook.lines())

    wait_until(said, "the webhook to say why")


def test_a_namespace_of_the_webhooks_own_is_left_alone(shop: Shop, webhook: Webhook) -> None:
    home = Shop(shop.cluster, webhook.namespace)
    owner = home.make(workload())
    home.vpa()
    shop.vpa()
    shop.settle()
    assert untouched(home.tried(owner))


def test_every_review_was_answered(webhook: Webhook) -> None:
    """The last: after all of the above nothing of ours went wrong."""
    bad: list[Any] = [
        line for line in webhook.lines() if line["level"] in {"error", "critical"} or "exception" in line
    ]
    assert bad == []
