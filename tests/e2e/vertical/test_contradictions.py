"""Pods that cannot have what is recommended for them: admitted all the same, told so, and not evicted again and again."""

from typing import Any

from tests.controlplane.api import Object
from tests.e2e.vertical.conftest import MIB, Place
from tests.e2e.vertical.test_journey import (
    SMALL,
    TARGET,
    evictions,
    let_rounds_pass,
    living,
    requests,
    uids,
    until_all,
    uses,
    written,
)
from tests.processes import wait_until


def limit_range(place: Place, **limits: Any) -> None:
    place.api.create(
        f"/api/v1/namespaces/{place.namespace}/limitranges",
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "rule"},
            "spec": {"limits": [{"type": "Container", **limits}]},
        },
    )


def deployment(place: Place, replicas: int, **resources: Any) -> None:
    """With any resources, and pods that run."""
    labels = {"app": "web"}
    container = {"name": "app", "image": "none", "resources": resources}
    place.api.create(
        f"/apis/apps/v1/namespaces/{place.namespace}/deployments",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
    )
    wait_until(lambda: len(living(place)) == replicas, f"{replicas} pods", 60)


def quality(pod: Object) -> str:
    return str(pod["status"]["qosClass"])


def test_a_pod_without_requests_gets_them_when_it_is_made_again(sized: Place) -> None:
    """In place it would change its quality of service, which the API server refuses; so it is evicted, once."""
    uses(sized)
    deployment(sized, 2)
    before = living(sized)
    assert {quality(pod) for pod in before} == {"BestEffort"}
    sized.vpa(mode="InPlaceOrRecreate")
    pods = until_all(sized, TARGET, 2, patience=120)
    assert {quality(pod) for pod in pods} == {"Burstable"}
    let_rounds_pass(sized.installation)
    assert evictions(sized).count(201) == 2, "each once"
    assert uids(living(sized)) == uids(pods)


def test_a_quality_that_must_not_change_is_left_where_only_resizing_is_allowed(sized: Place) -> None:
    uses(sized)
    deployment(sized, 2)
    before = uids(living(sized))
    sized.vpa(mode="InPlace")
    sized.until_recommended(cpu=126)
    let_rounds_pass(sized.installation, 10)
    assert uids(living(sized)) == before
    assert [requests(pod) for pod in living(sized)] == [None, None]
    resizes = [
        one
        for one in sized.plane.writes(objectRef__namespace=sized.namespace)
        if one["objectRef"].get("subresource") == "resize"
    ]
    assert len(resizes) <= 2, "what the API server refuses is not asked for each round"
    assert ("create", "pods", "eviction") not in written(sized)


def test_a_guaranteed_pod_stays_one(sized: Place) -> None:
    uses(sized)
    small = SMALL["app"]
    deployment(sized, 2, requests=small, limits=small)
    before = uids(living(sized))
    sized.vpa(mode="InPlaceOrRecreate")
    pods = until_all(sized, TARGET, 2)
    assert uids(pods) == before
    assert all(pod["spec"]["containers"][0]["resources"]["limits"] == TARGET for pod in pods)
    assert {quality(pod) for pod in pods} == {"Guaranteed"}


def test_a_limit_range_bounds_what_pods_get(sized: Place) -> None:
    uses(sized)
    limit_range(sized, max={"cpu": "100m", "memory": "1Gi"})
    small = SMALL["app"]
    deployment(sized, 2, requests=small, limits=small)
    sized.vpa(mode="Recreate")
    bounded = {**TARGET, "cpu": "100m"}
    pods = until_all(sized, bounded, 2)
    assert all("LimitRange" in pod["metadata"]["annotations"]["vpaUpdates"] for pod in pods)
    let_rounds_pass(sized.installation)
    assert uids(living(sized)) == uids(pods)


def test_a_policy_that_a_limit_range_forbids_takes_no_pod_down(sized: Place) -> None:
    """The object wants at least 500m, the namespace allows 100m: nothing that satisfies both can be made."""
    uses(sized)
    small = SMALL["app"]
    deployment(sized, 3, requests=small, limits=small)
    limit_range(sized, max={"cpu": "100m"})
    policy = {"containerPolicies": [{"containerName": "*", "minAllowed": {"cpu": "500m"}}]}
    sized.vpa(mode="InPlaceOrRecreate", resourcePolicy=policy)
    sized.until_recommended(cpu=500)
    let_rounds_pass(sized.installation, 10)
    scale = f"/apis/apps/v1/namespaces/{sized.namespace}/deployments/web/scale"
    sized.api.patch(scale, {"spec": {"replicas": 4}})
    wait_until(lambda: len(living(sized)) == 4, "a new pod to be admitted", 60)
    assert evictions(sized).count(201) <= 1, "no loop"


def test_two_objects_on_one_pod_do_not_quarrel(sized: Place) -> None:
    """The older one counts; the pods are moved once."""
    uses(sized)
    sized.deployment(replicas=2, containers=SMALL)
    sized.vpa("older", target={"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, mode="Recreate")
    wait_until(lambda: sized.recommended("older"), "the first recommendation", 30)
    policy = {"containerPolicies": [{"containerName": "*", "minAllowed": {"memory": f"{800 * MIB}"}}]}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    sized.vpa("younger", target=target, mode="Recreate", resourcePolicy=policy)
    wait_until(lambda: sized.recommended("younger"), "the second recommendation", 30)
    pods = until_all(sized, TARGET, 2)
    let_rounds_pass(sized.installation, 10)
    assert uids(living(sized)) == uids(pods)
