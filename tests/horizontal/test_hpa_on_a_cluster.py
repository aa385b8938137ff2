"""A real API server takes the HPAs we ask for, and what it fills in is no difference to us."""

import copy

import pytest

from scaler.horizontal.hpa import hpa_differs, wanted_hpa
from scaler.horizontal.readings import Policy
from tests.horizontal.objects import cpu, metric, subject, trigger

POLICY = {"type": "Pods", "value": 2, "periodSeconds": 30}
SHAPES = {
    "plain": subject(),
    "quantities": subject(
        trigger(0, metric(0, 2000)), trigger(1, metric(1, 2.5)), trigger(2, metric(2, 0.001, "Value"))
    ),
    "resources": subject(cpu(0), trigger(1), cpu(2, kind="memory", container="app")),
    "formula": subject(
        trigger(0, name="a"), cpu(1), advanced={"scalingModifiers": {"formula": "a", "target": "2.5"}}
    ),
    "paused": subject(annotations={"autoscaling.keda.sh/paused-scale-in": "true"}),
    "behaviour": subject(
        advanced={
            "horizontalPodAutoscalerConfig": {
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}, "scaleUp": {"policies": [POLICY]}}
            }
        }
    ),
    "tolerance": subject(
        advanced={"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": {"tolerance": "0.05"}}}}
    ),
    "labels": subject(labels={"tier": "back"}, annotations={"team": "checkout"}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_server_makes_of_an_hpa_does_not_differ(cluster, shape):
    body = wanted_hpa(SHAPES[shape], Policy())
    body["metadata"]["namespace"] = "default"
    made = cluster.api.create(
        "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers?dryRun=All", copy.deepcopy(body)
    )
    assert made["metadata"]["uid"]
    assert not hpa_differs(made, body)
    body["spec"]["maxReplicas"] += 1
    assert hpa_differs(made, body)
