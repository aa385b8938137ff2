"""From the first manifest to the last: other kinds of targets, names, changes, and what deletion leaves behind."""

import pytest

from tests.controlplane.api import Object
from tests.e2e.side_by_side import scenario
from tests.e2e.stage import HPAS, SCALED_OBJECTS, Stage, trigger

QUICK = {"pollingInterval": 2, "cooldownPeriod": 2, "maxReplicaCount": 5}


@pytest.mark.parametrize(("restore", "left"), [(True, 2), (False, 4)])
@scenario
def test_deletion_restores_the_original_replicas_where_that_is_asked_for(
    stage: Stage, restore: bool, left: int
) -> None:
    stage.deployment(replicas=2)
    stage.scaled_object(
        trigger(stage.source(value=20), 5), advanced={"restoreToOriginalReplicaCount": restore}, **QUICK
    )
    stage.until_replicas(4)
    stage.until(lambda: stage.status().get("originalReplicaCount") == 2, "status.originalReplicaCount")
    stage.delete()
    stage.until(lambda: stage.hpa() is None, "the HPA to go")
    stage.until_replicas(left)
    stage.stays(left, 3)
    stage.until_event("ScaledObjectDeleted")


@scenario
def test_a_replica_set_is_scaled_as_it_is(stage: Stage) -> None:
    labels = {"app": "web"}
    path = stage.within("/apis/apps/v1/replicasets")
    stage.api.create(
        path,
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "none"}]},
                },
            },
        },
    )
    zero_to_some_and_back(stage, f"{path}/web/scale", {"kind": "ReplicaSet", "name": "web"})


@scenario
def test_a_kind_of_somebody_else_is_scaled_by_its_scale_subresource(stage: Stage) -> None:
    path = stage.within("/apis/example.com/v1/fleets")
    fleet = {
        "apiVersion": "example.com/v1",
        "kind": "Fleet",
        "metadata": {"name": "web"},
        "spec": {"size": {"ships": 0}},
    }
    stage.api.create(path, fleet)
    stage.api.patch(f"{path}/web/status", {"status": {"afloat": 1, "selector": "app=web"}})
    target = {"apiVersion": "example.com/v1", "kind": "Fleet", "name": "web"}
    zero_to_some_and_back(stage, f"{path}/web/scale", target)
    assert stage.status()["scaleTargetGVKR"] == {
        "group": "example.com",
        "version": "v1",
        "kind": "Fleet",
        "resource": "fleets",
    }


def zero_to_some_and_back(stage: Stage, scale: str, target: Object) -> None:
    def replicas() -> int:
        return int(stage.api.get(scale)["spec"].get("replicas", 0))

    load = stage.source(value=0)
    stage.scaled_object(trigger(load, 5), target=target, **QUICK)
    stage.until_ready()
    assert replicas() == 0
    load.says(15)
    stage.until(lambda: replicas() == 3, "3 replicas", 60)
    load.says(0)
    stage.until(lambda: replicas() == 0, "no replicas")


@scenario
def test_an_hpa_has_the_name_that_it_is_given_and_moves_with_it(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(
        trigger(stage.source(value=10), 5),
        advanced={"horizontalPodAutoscalerConfig": {"name": "first"}},
        **QUICK,
    )
    stage.until_replicas(2)
    assert stage.hpa("first") is not None
    stage.until(lambda: stage.status().get("hpaName") == "first", "status.hpaName")
    stage.change(advanced={"horizontalPodAutoscalerConfig": {"name": "second"}})
    stage.until(lambda: stage.hpa("second") and stage.hpa("first") is None, "the HPA under its new name alone")
    stage.stays(2, 5)
    stage.change(advanced=None)
    stage.until(lambda: stage.hpa() and stage.hpa("second") is None, "the HPA under its usual name")


@scenario
def test_an_hpa_is_what_the_object_says_and_is_kept_so(stage: Stage) -> None:
    """Bounds, behaviour, labels and annotations; a change by hand is undone."""
    stage.deployment()
    behavior = {
        "scaleDown": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 10}],
        }
    }
    stage.scaled_object(
        trigger(stage.source(value=0), "2.5"),
        labels={"team": "shop", "private": "yes"},
        annotations={"note": "kept", "scaledobject.keda.sh/hpa-excluded-labels": "private"},
        minReplicaCount=0,
        advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        pollingInterval=30,
        maxReplicaCount=7,
    )
    stage.until(stage.hpa, "the HPA")
    hpa = stage.hpa()
    assert hpa is not None
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 7)
    assert hpa["spec"]["metrics"][0]["external"]["target"]["averageValue"] == "2500m"
    assert hpa["spec"]["behavior"]["scaleDown"]["policies"] == behavior["scaleDown"]["policies"]
    labels = hpa["metadata"]["labels"]
    assert labels["team"] == "shop"
    assert "private" not in labels
    assert labels["app.kubernetes.io/managed-by"] == "keda-operator"
    assert labels["app.kubernetes.io/part-of"] == "web"
    assert hpa["metadata"]["annotations"]["note"] == "kept"
    (owner,) = hpa["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ScaledObject", "web", True)

    stage.api.patch(f"{stage.within(HPAS)}/keda-hpa-web", {"spec": {"maxReplicas": 99}})
    stage.until(lambda: (stage.hpa() or {})["spec"]["maxReplicas"] == 7, "the HPA's own maximum")
    stage.change(maxReplicaCount=9)
    stage.until(lambda: (stage.hpa() or {})["spec"]["maxReplicas"] == 9, "the new maximum")
    stage.api.delete(f"{stage.within(HPAS)}/keda-hpa-web")
    stage.until(
        lambda: (stage.hpa() or {}).get("metadata", hpa["metadata"])["uid"] != hpa["metadata"]["uid"], "a new HPA"
    )


@scenario
def test_an_object_carries_its_finalizer_and_its_label(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=0), 5), **QUICK)
    stage.until_ready()
    about = stage.api.get(f"{stage.within(SCALED_OBJECTS)}/web")["metadata"]
    assert about["finalizers"] == ["finalizer.keda.sh"]
    assert about["labels"]["scaledobject.keda.sh/name"] == "web"


@scenario
def test_a_namespace_with_objects_in_it_can_be_deleted(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=5), 5), **QUICK)
    stage.until_replicas(1)
    path = f"/api/v1/namespaces/{stage.namespace}"
    stage.api.delete(path)
    stage.until(lambda: stage.scaled() is None, "the object to go", 60)
    stage.until(lambda: stage.api.found(path) is None, "the namespace to go", 120)


@scenario
def test_a_new_trigger_counts_at_once_and_the_old_one_no_longer(stage: Stage) -> None:
    stage.deployment()
    old, new = stage.source("old", 10), stage.source("new", 20)
    stage.scaled_object(trigger(old, 5), pollingInterval=30, cooldownPeriod=2, maxReplicaCount=5)
    stage.until_replicas(2)
    stage.change(triggers=[trigger(new, 5)])
    stage.until_replicas(4)
    stage.wait(1.5)
    asked = len(old.asked)
    stage.wait(3)
    assert len(old.asked) == asked


@scenario
def test_cpu_is_left_to_the_hpa_and_never_polled(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.scaled_object(
        {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}, minReplicaCount=1, **QUICK
    )
    stage.until_ready()
    stage.until(stage.hpa, "the HPA")
    (metric,) = (stage.hpa() or {})["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    stage.until_condition("Active", "True", "ScalerActive")


@scenario
def test_events_say_who_speaks_and_are_counted_not_repeated(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=0)
    load.fails()
    stage.scaled_object(trigger(load, 5), pollingInterval=1)
    stage.until_event("KEDAScalerFailed")
    stage.wait(10)
    failed = [event for event in stage.events() if event["reason"] == "KEDAScalerFailed"]
    assert len(failed) == 1
    assert failed[0]["type"] == "Warning"
    assert failed[0]["source"]["component"] == "keda-operator"
