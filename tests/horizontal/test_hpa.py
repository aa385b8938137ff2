"""The HPA we ask for, field for field, and when it must be written again."""

import copy

import pytest

from scaler.api.scaledobject import GroupVersionKindResource
from scaler.horizontal.hpa import hpa_differs, metric_problems, wanted_hpa
from scaler.horizontal.metric_names import metric_name, normalise
from scaler.horizontal.readings import MetricSpec, Policy, Subject, TriggerPlan
from tests.horizontal.objects import cpu, metric, scaled_object, subject, trigger

BEHAVIOR = {
    "scaleDown": {
        "stabilizationWindowSeconds": 60,
        "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}],
    },
    "scaleUp": {"selectPolicy": "Min", "tolerance": "50m"},
}
UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def wanted(*plans, **spec):
    return wanted_hpa(subject(*plans, **spec), Policy(version="1.2.3"))


def behaving(behavior, **more):
    return wanted(advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}}, **more)


def test_the_whole_manifest_of_a_plain_object():
    assert wanted(annotations={"team": "checkout"}, labels={"tier": "back"}) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "keda-hpa-web",
            "namespace": "shop",
            "labels": {
                "app.kubernetes.io/name": "keda-hpa-web",
                "app.kubernetes.io/version": "1.2.3",
                "app.kubernetes.io/part-of": "web",
                "app.kubernetes.io/managed-by": "keda-operator",
                "scaledobject.keda.sh/name": "web",
                "tier": "back",
            },
            "annotations": {"team": "checkout"},
            "ownerReferences": [
                {
                    "apiVersion": "keda.sh/v1alpha1",
                    "kind": "ScaledObject",
                    "name": "web",
                    "uid": "uid-of-web",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 100,
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {
                            "name": "s0-queue",
                            "selector": {"matchLabels": {"scaledobject.keda.sh/name": "web"}},
                        },
                        "target": {"type": "AverageValue", "averageValue": "5"},
                    },
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ({}, 1, 100),
        ({"minReplicaCount": 0, "maxReplicaCount": 7}, 1, 7),
        ({"minReplicaCount": 3}, 3, 100),
        ({"minReplicaCount": 3, "idleReplicaCount": 0}, 3, 100),
    ],
)
def test_the_minimum_is_never_0_and_idle_is_invisible(spec, low, high):
    body = wanted(**spec)["spec"]
    assert (body["minReplicas"], body["maxReplicas"]) == (low, high)
    assert "idle" not in str(body)


def test_labels_can_be_excluded_and_beat_ours():
    labels = {"a": "1", "b": "2", "c": "3", "app.kubernetes.io/version": "mine"}
    annotations = {"scaledobject.keda.sh/hpa-excluded-labels": "a, c"}
    given = wanted(labels=labels, annotations=annotations)["metadata"]["labels"]
    assert {key for key in given if key in {"a", "b", "c"}} == {"b"}
    assert given["app.kubernetes.io/version"] == "mine"


def test_every_annotation_is_copied():
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kube-scaler.dev/no-data": "strict"}
    assert wanted(annotations=annotations)["metadata"]["annotations"] == annotations


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a" * 54, f"keda-hpa-{'a' * 54}"),
        ("a" * 53 + "-b", f"keda-hpa-{'a' * 53}"),
        ("a" * 60, f"keda-hpa-{'a' * 54}"),
    ],
)
def test_the_name_label_is_cut_and_ends_alphanumeric(name, label):
    assert wanted(name=name)["metadata"]["labels"]["app.kubernetes.io/name"] == label


def test_a_name_of_ones_own():
    assert wanted(advanced={"horizontalPodAutoscalerConfig": {"name": "my-hpa"}})["metadata"]["name"] == "my-hpa"


@pytest.mark.parametrize(
    ("target", "quantity"), [(5.0, "5"), (2.5, "2500m"), (0.3333, "333m"), (2000.0, "2k"), (1500.0, "1500")]
)
@pytest.mark.parametrize(("kind", "field"), [("AverageValue", "averageValue"), ("Value", "value")])
def test_targets_are_quantities_of_three_decimals(target, quantity, kind, field):
    body = wanted(trigger(0, metric(0, target, kind)))
    assert body["spec"]["metrics"][0]["external"]["target"] == {"type": kind, field: quantity}


def test_metrics_are_sorted_by_the_type_of_their_source():
    metrics = wanted(cpu(0), trigger(1), cpu(2, kind="memory", container="app"), trigger(3))["spec"]["metrics"]
    assert [one["type"] for one in metrics] == ["ContainerResource", "External", "External", "Resource"]
    assert [one["external"]["metric"]["name"] for one in metrics[1:3]] == ["s1-queue", "s3-queue"]
    assert metrics[0]["containerResource"] == {
        "name": "memory",
        "container": "app",
        "target": {"type": "Utilization", "averageUtilization": 60},
    }
    assert metrics[3]["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}


def test_a_formula_replaces_all_external_metrics_and_stands_last():
    modifiers = {"formula": "a + b", "target": "2.5", "metricType": "Value"}
    plans = (trigger(0, name="a"), cpu(1), trigger(2, name="b"), cpu(3, container="app"))
    metrics = wanted(*plans, advanced={"scalingModifiers": modifiers})["spec"]["metrics"]
    assert [one["type"] for one in metrics] == ["ContainerResource", "Resource", "External"]
    assert metrics[2]["external"] == {
        "metric": {"name": "composite-metric", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "web"}}},
        "target": {"type": "Value", "value": "2500m"},
    }


def test_the_target_is_what_was_resolved():
    judged = subject()
    rollout = GroupVersionKindResource("argoproj.io", "v1alpha1", "Rollout", "rollouts")
    ref = wanted_hpa(Subject(judged.scaled, judged.triggers, rollout), Policy())["spec"]["scaleTargetRef"]
    assert ref == {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}
    core = GroupVersionKindResource("", "v1", "ReplicationController", "replicationcontrollers")
    ref = wanted_hpa(Subject(judged.scaled, judged.triggers, core), Policy())["spec"]["scaleTargetRef"]
    assert ref["apiVersion"] == "v1"


def test_behaviour_is_passed_on_as_it_stands():
    assert behaving(BEHAVIOR)["spec"]["behavior"] == BEHAVIOR
    assert "behavior" not in wanted()["spec"]


def test_a_paused_direction_is_disabled_and_keeps_the_rest():
    paused_in = {"autoscaling.keda.sh/paused-scale-in": "yes"}
    assert wanted(annotations=paused_in)["spec"]["behavior"] == {"scaleDown": {"selectPolicy": "Disabled"}}
    kept = behaving(BEHAVIOR, annotations=paused_in)["spec"]["behavior"]
    assert kept["scaleDown"] == {**BEHAVIOR["scaleDown"], "selectPolicy": "Disabled"}
    assert kept["scaleUp"] == BEHAVIOR["scaleUp"]
    paused_out = {"autoscaling.keda.sh/paused-scale-out": "true"}
    assert behaving(BEHAVIOR, annotations=paused_out)["spec"]["behavior"]["scaleUp"]["selectPolicy"] == "Disabled"
    neither = {"autoscaling.keda.sh/paused-scale-in": "false", "autoscaling.keda.sh/paused-scale-out": "0"}
    assert "behavior" not in wanted(annotations=neither)["spec"]


# -- names and problems ----------------------------------------------------------------------------------------


def test_names_are_normalised_and_numbered():
    assert normalise("a/b.c:d%e(f)g-h_i") == "a-b-c-d-e-f-g-h_i"
    assert metric_name(2, "aws-sqs-orders.fifo") == "s2-aws-sqs-orders-fifo"


def test_two_metrics_of_one_name_are_a_problem():
    judged = subject(trigger(0, MetricSpec("s0-x", 1)), trigger(1, MetricSpec("s0-x", 1)))
    assert "s0-x 2 times" in str(metric_problems(judged)[0])


def test_no_metric_at_all_is_a_problem_but_not_while_a_trigger_cannot_be_built():
    bare = subject(TriggerPlan(0, "external"), of=scaled_object())
    assert "at least one" in str(metric_problems(bare)[0])
    assert metric_problems(subject(trigger(0, problem="no queueURL"))) == []
    assert metric_problems(subject(cpu(0))) == []


# -- comparing -------------------------------------------------------------------------------------------------


def standing(body, **changes):
    """The HPA as a server would hold it."""
    held = copy.deepcopy(body)
    held["metadata"] |= {"uid": "1", "resourceVersion": "9", "managedFields": []}
    held["status"] = {"currentReplicas": 1}
    held["spec"] |= changes
    return held


FULL = {"labels": {"tier": "back"}, "annotations": {"team": "checkout"}}


def test_what_stands_as_wanted_does_not_differ():
    body = wanted(trigger(0), cpu(1), **FULL)
    assert not hpa_differs(standing(body), body)


def test_what_others_add_beside_ours_is_no_difference():
    body = wanted(**FULL)
    held = standing(body)
    held["metadata"]["labels"]["argocd.argoproj.io/instance"] = "shop"
    held["metadata"]["annotations"]["note"] = "looked at"
    held["metadata"]["ownerReferences"].append({"kind": "Other", "name": "x", "uid": "2", "apiVersion": "v1"})
    assert not hpa_differs(held, body)


def test_quantities_are_compared_by_their_amount():
    body = wanted(trigger(0, metric(0, 2000)), trigger(1, metric(1, 2.5)))
    held = standing(body)
    held["spec"]["metrics"][0]["external"]["target"]["averageValue"] = "2000"
    held["spec"]["metrics"][1]["external"]["target"]["averageValue"] = "2.5"
    assert not hpa_differs(held, body)
    held["spec"]["metrics"][1]["external"]["target"]["averageValue"] = "2.6"
    assert hpa_differs(held, body)


def test_what_the_server_fills_in_is_no_difference():
    body = behaving({"scaleDown": {"stabilizationWindowSeconds": 60}})
    filled = {"scaleUp": UP, "scaleDown": {**DOWN, "stabilizationWindowSeconds": 60}}
    assert not hpa_differs(standing(body, behavior=filled), body)
    assert not hpa_differs(standing(body), body)
    tolerant = behaving({"scaleUp": {"tolerance": "0.05"}})
    held = {"scaleUp": {**UP, "tolerance": "50m"}, "scaleDown": DOWN}
    assert not hpa_differs(standing(tolerant, behavior=held), tolerant)


@pytest.mark.parametrize(
    "changes",
    [
        {"minReplicas": 2},
        {"maxReplicas": 99},
        {"metrics": []},
        {"behavior": {"scaleUp": UP, "scaleDown": {**DOWN, "selectPolicy": "Disabled"}}},
        {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_field_differs(changes):
    body = wanted()
    assert hpa_differs(standing(body, **changes), body)


def test_an_ended_pause_differs():
    body = wanted(annotations={"autoscaling.keda.sh/paused-scale-in": "true"})
    assert hpa_differs(standing(body), wanted())


def test_a_changed_metric_a_further_one_and_another_order_differ():
    body = wanted(trigger(0), trigger(1))
    for metrics in (body["spec"]["metrics"][:1], body["spec"]["metrics"][::-1]):
        assert hpa_differs(standing(body, metrics=metrics), body)
    other = standing(body)
    other["spec"]["metrics"][0]["external"]["target"] = {"type": "Value", "value": "5"}
    assert hpa_differs(other, body)


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_a_missing_label_or_annotation_differs(part):
    body = wanted(**FULL)
    held = standing(body)
    held["metadata"][part] = {}
    assert hpa_differs(held, body)
    del held["metadata"][part]
    assert hpa_differs(held, body)


def test_an_hpa_of_another_owner_differs():
    body = wanted()
    held = standing(body)
    held["metadata"]["ownerReferences"][0]["uid"] = "of-the-one-before"
    assert hpa_differs(held, body)
