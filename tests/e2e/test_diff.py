"""`scaler diff` on a real control plane with a KEDA and a VPA at work, and nothing of ours installed."""

import functools
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.e2e.installation import _ENVIRONMENT, ROOT, SCALER, _served
from tests.e2e.stage import WRITING
from tests.e2e.upstream import Keda, hpa
from tests.processes import wait_until

WHO = "tests:looker"
DAY = "2026-11-25T00:00:00Z"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with start_plane(Options(audit=True)) as started:
        started.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        for path in ("/apis/keda.sh/v1alpha1/scaledobjects", "/apis/autoscaling.k8s.io/v1/verticalpodautoscalers"):
            wait_until(functools.partial(_served, started, path), f"{path} to be served")
        yield started


@pytest.fixture(scope="module")
def shop(plane: ControlPlane) -> Iterator[str]:
    """Three ScaledObjects and a VPA that others look after."""
    with Keda(plane) as keda:
        keda.values |= {"busy": 3, "sleeping": 12, "broken": None}
        namespace = plane.new_namespace("shop")
        for name, replicas in (("busy", 1), ("sleeping", 0), ("broken", 2)):
            plane.apply(deployment(name, replicas), namespace)
            made = plane.apply(scaled_object(name), namespace)
            plane.apply(hpa(made[0], 5), namespace)
        plane.apply(deployment("sized", 2), namespace)
        sized(plane, namespace)
        wait_until(lambda: desired(plane, namespace, "busy") == 1, "the HPA controller to have its metric", 60)
        yield namespace


def deployment(name: str, replicas: int) -> dict[str, Any]:
    container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}}}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def scaled_object(name: str) -> dict[str, Any]:
    metadata = {"url": "http://source.invalid/", "valueLocation": "value", "targetValue": "5"}
    spec = {"scaleTargetRef": {"name": name}, "triggers": [{"type": "metrics-api", "metadata": metadata}]}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": name}, "spec": spec}


def sized(plane: ControlPlane, namespace: str) -> None:
    """A VPA with upstream's recommendation, and a checkpoint in which a day of usage says something else."""
    root = f"/apis/autoscaling.k8s.io/v1/namespaces/{namespace}"
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sized"}
    vpa = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": {"name": "sized"}}
    plane.apply({**vpa, "spec": {"targetRef": ref, "updatePolicy": {"updateMode": "Off"}}}, namespace)
    target = {"cpu": "1", "memory": "1Gi"}
    told = {"containerName": "main", "target": target, "lowerBound": target, "upperBound": target}
    plane.api.call(
        "PATCH",
        f"{root}/verticalpodautoscalers/sized/status",
        {"status": {"recommendation": {"containerRecommendations": [told]}}},
        content_type="application/merge-patch+json",
    )
    histogram = {"bucketWeights": {"20": 10000}, "referenceTimestamp": DAY, "totalWeight": 1000.0}
    status = {
        "version": "v3",
        "lastUpdateTime": DAY,
        "firstSampleStart": "2026-11-17T00:00:00Z",
        "lastSampleStart": DAY,
        "totalSamplesCount": 11520,
        "cpuHistogram": histogram,
        "memoryHistogram": histogram,
    }
    kept = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscalerCheckpoint"}
    plane.apply(
        {
            **kept,
            "metadata": {"name": "sized-main"},
            "spec": {"vpaObjectName": "sized", "containerName": "main"},
            "status": status,
        },
        namespace,
    )


def desired(plane: ControlPlane, namespace: str, name: str) -> Any:
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/keda-hpa-{name}"
    return plane.api.get(path).get("status", {}).get("desiredReplicas")


def diff(plane: ControlPlane, *flags: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **_ENVIRONMENT, "KUBECONFIG": str(plane.client_cert(WHO, ["system:masters"]))}
    return subprocess.run(
        [*SCALER, "diff", *flags], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


@pytest.mark.slow
def test_what_we_would_decide_otherwise_is_shown_with_its_reason_and_price(plane: ControlPlane, shop: str) -> None:
    told = diff(plane, "-n", shop, "-o", "json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    lines = {line["name"]: line for line in found["replicas"]}
    assert {name: (line["theirs"], line["ours"], line["rule"]) for name, line in lines.items()} == {
        "busy": (1, 1, "active"),
        "sleeping": (0, 1, "activate"),
        "broken": (2, 2, "error"),
    }
    assert "ours would be the same HPA" in lines["busy"]["why"]
    assert "active by s0-metric-api-value: from 0 to 1" in lines["sleeping"]["why"]
    assert "error getting metric from the scaler" in lines["broken"]["why"]
    a_pod = (0.5 * 0.04048 + 0.5 * 0.004445) * 730
    assert lines["sleeping"]["monthly"] == pytest.approx(a_pod)

    (sized,) = found["requests"]
    assert (sized["now"], sized["theirs"]) == ({"cpu": 500, "memory": 1 << 29}, {"cpu": 1000, "memory": 1 << 30})
    assert 0 < sized["ours"]["cpu"] < 1000
    assert "11,520 samples" in sized["why"]
    assert sized["monthly_ours"] < sized["monthly_theirs"]
    expected = a_pod + sized["monthly_ours"] - sized["monthly_theirs"]
    assert found["monthly"] == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
def test_it_is_told_to_a_person_and_other_semantics_can_be_tried(plane: ControlPlane, shop: str) -> None:
    told = diff(plane, "-n", shop, "--activate-to", "demand")
    assert told.returncode == 0, told.stderr
    assert "3 ScaledObjects: we would decide otherwise for 1, the same for 2." in told.stdout
    assert f"{shop}/sleeping" in told.stdout
    assert f"{shop}/busy" not in told.stdout
    assert "from 0 to 3" in " ".join(told.stdout.split())
    assert "a month" in told.stdout
    assert f"{shop}/busy" in diff(plane, "-A", "-a").stdout


@pytest.mark.slow
def test_nothing_at_all_is_written(plane: ControlPlane, shop: str) -> None:
    assert diff(plane, "-A").returncode == 0
    wrote = [one for one in plane.writes(user__username=WHO) if one["verb"] in WRITING]
    assert wrote == []


@pytest.mark.slow
def test_a_namespace_without_anything_is_said_to_be_so(plane: ControlPlane, shop: str) -> None:
    told = diff(plane, "-n", "default")
    assert (told.returncode, told.stdout) == (0, "There is no ScaledObject and no VerticalPodAutoscaler here.\n")
