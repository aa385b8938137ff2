"""The journey: a manifest as users apply it today, a queue that fills, real replicas, and back to none."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.installation import OPERATOR, ROOT
from tests.e2e.side_by_side import scenario
from tests.e2e.stage import Stage

OWN = ROOT / "tests/e2e/manifests/queue-worker.yaml"
SHARED = ROOT.parent / "shared/data/examples/scaledobject-sqs.yaml"
HPA_CONTROLLER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

COLUMNS = "NAME SCALETARGETKIND SCALETARGETNAME MIN MAX READY ACTIVE FALLBACK PAUSED TRIGGERS AUTHENTICATIONS AGE"
"""What upstream's `kubectl get scaledobject` prints."""


def documents(manifest: Path, queue: str) -> list[dict[str, Any]]:
    """The manifest as it stands, but for the queue's URL and the secret's values."""
    read = list(yaml.safe_load_all(manifest.read_text()))
    for one in read:
        if one["kind"] == "Secret":
            one["stringData"] = dict.fromkeys(one["stringData"], "testing")
        if one["kind"] == "ScaledObject":
            one["spec"]["triggers"][0]["metadata"]["queueURL"] = queue
    return read


def scalers(stage: Stage) -> list[str]:
    """Who has scaled a Deployment of this namespace, in order."""
    writes = stage.plane.writes(objectRef__namespace=stage.namespace, objectRef__subresource="scale")
    return [str(write["user"]["username"]) for write in writes if write["responseStatus"]["code"] == 200]


@pytest.mark.parametrize("manifest", [OWN, SHARED], ids=["own", "shared"])
@scenario
def test_a_queue_fills_and_real_replicas_follow(stage: Stage, manifest: Path) -> None:
    if not manifest.is_file():
        pytest.skip(
            f"{manifest.name} as it was handed over lies beside the checkout only where there is a shared folder"
        )
    aws = stage.aws
    queue = aws.queue(f"work-{stage.namespace}")
    metric = f"s0-aws-sqs-work-{stage.namespace}"
    stage.deployment("worker")
    for one in documents(manifest, queue):
        stage.apply(one)

    stage.until_ready("worker")
    stage.until(lambda: stage.hpa("keda-hpa-worker"), "the HPA")
    spec = stage.hpa("keda-hpa-worker")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 20)
    assert spec["metrics"] == [
        {
            "type": "External",
            "external": {
                "metric": {"name": metric, "selector": {"matchLabels": {"scaledobject.keda.sh/name": "worker"}}},
                "target": {"type": "AverageValue", "averageValue": "5"},
            },
        }
    ]
    stage.until_condition("Active", "False", "ScalerNotActive", "worker")
    stage.stays(0, 3, "worker")

    header, row = stage.plane.kubectl("get", "so", "-n", stage.namespace).splitlines()
    assert header.split() == COLUMNS.split()
    assert row.split()[:-1] == [
        *("worker", "apps/v1.Deployment", "worker", "0", "20"),
        *("True", "False", "False", "False", "aws-sqs-queue", "aws-credentials"),
    ]

    aws.send(queue, 7)
    stage.until_replicas(2, "worker")
    assert stage.replica_history("worker") == [0, 1, 2]
    stage.until(
        lambda: scalers(stage) == [OPERATOR, HPA_CONTROLLER], "first us, then the HPA controller, in the audit log"
    )
    stage.until_condition("Active", "True", "ScalerActive", "worker")
    stage.until_condition("HPAActive", "True", "HPAActive", "worker")

    aws.send(queue, 43)
    stage.until_replicas(10, "worker", timeout=60)
    said = stage.installation.metric(stage.namespace, "worker", metric)
    assert [item["value"] for item in said["items"]] == ["50"]
    explained = stage.scaler("explain", "so/worker")
    assert "because trigger 0 (aws-sqs-queue) asks for 10: 50 / 5 each" in " ".join(explained.split())

    emptied = time.time()
    aws.purge(queue)
    stage.until_replicas(0, "worker", timeout=60)
    assert time.time() - emptied > 30 - 5 - 1, "the cooldown runs from the last check that was active"
    stage.until_settled(0, "worker")
    assert scalers(stage)[-1] == OPERATOR
    stage.until_condition("Active", "False", "ScalerNotActive", "worker")
    stage.until_event("KEDAScaleTargetDeactivated", "worker")
    assert [*dict.fromkeys(stage.reasons("worker"))] == [
        "KEDAScalersStarted",
        "ScaledObjectReady",
        "KEDAScaleTargetActivated",
        "KEDAScaleTargetDeactivated",
    ]
