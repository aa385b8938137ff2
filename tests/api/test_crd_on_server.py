"""A real API server takes the definitions, and shows objects as KEDA's users know them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.controlplane.cluster import Cluster

HERE = Path(__file__).parent
CRDS = HERE.parent.parent / "crds"


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Cluster:
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    return cluster


def written(namespace: str, **spec: object) -> str:
    manifest = yaml.safe_load((HERE / "everything.yaml").read_text())
    manifest["metadata"] = {"name": "worker", "namespace": namespace}
    manifest["spec"] |= spec
    return yaml.safe_dump(manifest)


def test_what_the_models_can_say_is_stored_as_it_is_written(served: Cluster, namespace: str) -> None:
    text = written(namespace)
    served.kubectl("create", "--validate=strict", "-f", "-", stdin=text)
    stored = yaml.safe_load(served.kubectl("get", "so", "worker", "-n", namespace, "-o", "yaml"))
    assert stored["spec"] == yaml.safe_load(text)["spec"]


def test_kubectl_prints_upstreams_columns(served: Cluster, namespace: str) -> None:
    served.kubectl("create", "-f", "-", stdin=written(namespace))
    status = '{"status": {"scaleTargetKind": "apps/v1.Deployment", "triggersTypes": "aws-sqs-queue", "conditions": [{"type": "Ready", "status": "True"}]}}'
    served.kubectl("patch", "so", "worker", "-n", namespace, "--subresource=status", "--type=merge", "-p", status)
    head, row = served.kubectl("get", "so", "-n", namespace).splitlines()
    assert " ".join(head.split()) == (
        "NAME SCALETARGETKIND SCALETARGETNAME MIN MAX READY ACTIVE FALLBACK PAUSED TRIGGERS AUTHENTICATIONS AGE"
    )
    assert row.split()[:6] == ["worker", "apps/v1.Deployment", "worker", "2", "20", "True"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minReplicaCount": 21}, "minReplicaCount must not exceed maxReplicaCount"),
        ({"pollingInterval": 0}, "spec.pollingInterval"),
        ({"triggers": []}, "spec.triggers"),
        (
            {"triggers": [{"type": "cron", "metadata": {"desiredReplicas": 5}}]},
            "spec.triggers[0].metadata.desiredReplicas",
        ),
        ({"fallback": {"replicas": 1}}, "spec.fallback.failureThreshold"),
    ],
)
def test_what_is_wrong_is_refused(served: Cluster, namespace: str, spec: dict[str, object], said: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        served.kubectl("create", "--validate=false", "-f", "-", stdin=written(namespace, **spec))
    assert said in refused.value.stderr
