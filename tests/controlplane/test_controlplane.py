"""The control plane is a real one: what the other tests rely on, each shown once."""

import base64
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.controlplane.api import Api, Refused
from tests.controlplane.build import Binaries
from tests.controlplane.cluster import Cluster, condition, service_host
from tests.controlplane.fixtures import start_plane
from tests.controlplane.loopback import Loopback
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.processes import wait_until

CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")


def deployment(name: str, replicas: int = 1, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations or {}},
                "spec": {"containers": [container]},
            },
        },
    }


def hpa(name: str, metric: dict[str, Any], most: int = 20) -> dict[str, Any]:
    """One that may go anywhere at once; by default it adds 4 pods or doubles in 15 s."""
    at_once = {"stabilizationWindowSeconds": 0}
    freely = {"policies": [{"type": "Percent", "value": 900, "periodSeconds": 15}]}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": most,
            "behavior": {"scaleUp": freely, "scaleDown": at_once},
            "metrics": [metric],
        },
    }


def replicas_of(cluster: Cluster, namespace: str, name: str) -> tuple[int, int]:
    """Asked for and ready."""
    found = cluster.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    return found["spec"]["replicas"], found["status"].get("readyReplicas", 0)


def wait_replicas(cluster: Cluster, namespace: str, name: str, wanted: int, timeout: float = 30) -> None:
    wait_until(
        lambda: replicas_of(cluster, namespace, name) == (wanted, wanted),
        f"{name} to have {wanted} ready replicas",
        timeout,
    )


def pods_of(cluster: Cluster, namespace: str, **query: str) -> list[dict[str, Any]]:
    pods: list[dict[str, Any]] = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods", **query)["items"]
    return pods


class Gauge:
    """A tiny external.metrics.k8s.io whose one value a test sets."""

    def __init__(self) -> None:
        self.value = 0
        self.app = web.Application()
        root = "/apis/external.metrics.k8s.io/v1beta1"
        self.app.router.add_get(root, self._discovery)
        self.app.router.add_get(root + "/namespaces/{namespace}/{metric}", self._values)

    async def _discovery(self, _: web.Request) -> web.Response:
        about = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1"}
        return web.json_response({**about, "resources": []})

    async def _values(self, request: web.Request) -> web.Response:
        value = {
            "metricName": request.match_info["metric"],
            "metricLabels": {},
            "timestamp": "2030-01-01T00:00:00Z",
            "value": str(self.value),
        }
        about = {"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1"}
        return web.json_response({**about, "metadata": {}, "items": [value]})


def test_the_server_is_ready_and_names_its_version(control_plane: ControlPlane) -> None:
    assert control_plane.api.get("/readyz") == "ok"
    assert control_plane.api.get("/version")["gitVersion"].startswith("v1.")


def test_kubectl_speaks_with_the_server(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "one", "-n", namespace, "--from-literal=a=b")
    assert cluster.kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.a}") == "b"


def test_a_deployment_becomes_ready_and_its_pods_go_with_it(cluster: Cluster, namespace: str) -> None:
    cluster.require(*CONTROLLERS)
    cluster.apply(deployment("web", 3), namespace)
    wait_replicas(cluster, namespace, "web", 3)
    assert {condition(pod["status"], "Ready") for pod in pods_of(cluster, namespace)} == {"True"}
    cluster.api.delete(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    wait_until(lambda: not pods_of(cluster, namespace), "the pods to be collected")


def test_a_pod_says_when_it_becomes_ready(cluster: Cluster, namespace: str) -> None:
    cluster.require(*CONTROLLERS)
    cluster.apply(deployment("never", annotations={"fake-kubelet/never-ready": "true"}), namespace)
    cluster.apply(deployment("pending", annotations={"fake-kubelet/stays-pending": "true"}), namespace)
    cluster.apply(deployment("slow", annotations={"fake-kubelet/ready-after": "1s"}), namespace)
    wait_replicas(cluster, namespace, "slow", 1)
    wait_until(lambda: len(pods_of(cluster, namespace)) == 3, "all pods")
    by_app = {pod["metadata"]["labels"]["app"]: pod["status"] for pod in pods_of(cluster, namespace)}
    wait_until(
        lambda: pods_of(cluster, namespace, labelSelector="app=never")[0]["status"]["phase"] == "Running",
        "the pod that is never ready to run",
    )
    assert by_app["pending"]["phase"] == "Pending"
    assert replicas_of(cluster, namespace, "never") == (1, 0)


def test_a_pod_says_how_long_it_takes_to_end(cluster: Cluster, namespace: str) -> None:
    cluster.require(*CONTROLLERS)
    cluster.apply(deployment("lingers", annotations={"fake-kubelet/terminates-after": "2s"}), namespace)
    wait_replicas(cluster, namespace, "lingers", 1)
    cluster.api.delete(f"/apis/apps/v1/namespaces/{namespace}/deployments/lingers")
    wait_until(
        lambda: [pod for pod in pods_of(cluster, namespace) if "deletionTimestamp" in pod["metadata"]],
        "the pod to be seen while it ends",
    )
    wait_until(lambda: not pods_of(cluster, namespace), "the pod to be gone")


@pytest.mark.parametrize(
    ("annotations", "outcome"),
    [
        ({}, "Complete"),
        ({"fake-kubelet/completes-after": "1s"}, "Complete"),
        ({"fake-kubelet/fails-after": "1s"}, "Failed"),
    ],
    ids=["at once", "after a while", "by failure"],
)
def test_a_job_ends_as_its_pod_says(
    cluster: Cluster, namespace: str, annotations: dict[str, str], outcome: str
) -> None:
    cluster.require(*CONTROLLERS)
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none"}]}
    template = {"metadata": {"annotations": annotations or {}}, "spec": spec}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}}
    cluster.apply({**job, "spec": {"backoffLimit": 0, "template": template}}, namespace)
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/job"
    wait_until(lambda: condition(cluster.api.get(path).get("status", {}), outcome) == "True", f"the job's {outcome}")


def test_an_hpa_follows_an_external_metric_from_the_loopback() -> None:
    """On a plane of its own, as the shared one's external metrics belong to the product's tests."""
    target = {"type": "AverageValue", "averageValue": "5"}
    metric = {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}
    gauge = Gauge()
    gauge.value = 33
    group, version = "external.metrics.k8s.io", "v1beta1"
    with start_plane() as plane, Loopback(gauge.app, service_host(group)) as served:
        plane.require(*CONTROLLERS)
        plane.register_apiservice(group, version, served.port, served.authority.pem)
        plane.apply(deployment("worker"))
        plane.apply(hpa("worker", metric))
        wait_replicas(plane, "default", "worker", 7)
        gauge.value = 9
        wait_replicas(plane, "default", "worker", 2)


def test_an_hpa_follows_the_cpu_that_a_test_says(
    cluster: Cluster, namespace: str, metrics_server: MetricsServer
) -> None:
    cluster.require(*CONTROLLERS)
    target = {"type": "Utilization", "averageUtilization": 50}
    metrics_server.selected(namespace, cpu=0.05, memory=64 << 20, app="web")
    cluster.apply(deployment("web", 2), namespace)
    wait_replicas(cluster, namespace, "web", 2)
    cluster.apply(hpa("web", {"type": "Resource", "resource": {"name": "cpu", "target": target}}), namespace)
    metrics_server.selected(namespace, cpu=0.1, memory=64 << 20, app="web")
    wait_until(lambda: replicas_of(cluster, namespace, "web")[0] == 4, "the HPA to double the replicas")
    metrics_server.selected(namespace, cpu=0.01, memory=64 << 20, app="web")
    wait_replicas(cluster, namespace, "web", 1)


def test_pods_without_a_word_have_no_metrics(cluster: Cluster, namespace: str, metrics_server: MetricsServer) -> None:
    cluster.require(*CONTROLLERS)
    cluster.apply(deployment("web", 1), namespace)
    wait_replicas(cluster, namespace, "web", 1)
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    assert cluster.api.get(path)["items"] == []
    name = pods_of(cluster, namespace)[0]["metadata"]["name"]
    metrics_server.containers(namespace, name, {"main": (0.25, 1 << 20)})
    containers = cluster.api.get(f"{path}/{name}")["containers"]
    assert containers == [{"name": "main", "usage": {"cpu": "250000000n", "memory": "1024Ki"}}]


def test_rights_are_those_that_rbac_gives(cluster: Cluster, namespace: str) -> None:
    stranger = Api(cluster.client_cert("stranger", ["nobodies"]))
    viewer = Api(cluster.service_account_kubeconfig(namespace, "viewer"))
    path = f"/api/v1/namespaces/{namespace}/pods"
    for user in (stranger, viewer):
        with pytest.raises(Refused) as refusal:
            user.get(path)
        assert refusal.value.status == 403
    cluster.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "view"},
            "subjects": [
                {"kind": "ServiceAccount", "name": "viewer"},
                {"kind": "Group", "name": "nobodies", "apiGroup": "rbac.authorization.k8s.io"},
            ],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        },
        namespace,
    )
    wait_until(lambda: _allowed(stranger, path) and _allowed(viewer, path), "the binding to count")


def test_another_authority_signs_client_certificates_too(control_plane: ControlPlane, tmp_path: Path) -> None:
    existing = Cluster(control_plane.kubeconfig, tmp_path)
    someone = Api(existing.client_cert("someone"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = someone.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert answer["status"]["userInfo"]["username"] == "someone"


def test_a_webhook_on_the_loopback_has_its_say(cluster: Cluster, namespace: str) -> None:
    async def refuse(request: web.Request) -> web.Response:
        review = await request.json()
        response = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "not on a Sunday"}}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    app = web.Application()
    app.router.add_post("/refuse", refuse)
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "unwanted"}}
    with Loopback(app) as served:
        webhook = validating_webhook(namespace, f"https://127.0.0.1:{served.port}/refuse", served.authority.pem)
        cluster.apply(webhook)
        wait_until(lambda: not _accepted(cluster, configmap, namespace), "the webhook to be asked")
        with pytest.raises(Refused, match="not on a Sunday"):
            cluster.apply(configmap, namespace)
        cluster.api.remove(webhook)


def validating_webhook(namespace: str, url: str, authority: bytes) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"tests-{namespace}"},
        "webhooks": [
            {
                "name": "refuse.tests.example",
                "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
                "rules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


def test_the_audit_log_counts_writes(control_plane: ControlPlane, namespace: str) -> None:
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "counted"}}
    control_plane.apply(configmap, namespace)
    control_plane.api.get(f"/api/v1/namespaces/{namespace}/configmaps/counted")
    about = {"objectRef__name": "counted", "objectRef__namespace": namespace}
    wait_until(lambda: control_plane.writes(**about), "the audit log to have it")
    assert [event["verb"] for event in control_plane.writes(**about)] == ["patch"]


def test_a_killed_test_run_leaves_no_process_and_no_folder(plane_binaries: Binaries) -> None:
    command = [sys.executable, "-m", "tests.controlplane", "up", "--no-controllers"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip()).parent
        started = _processes_naming(folder)
        os.kill(run.pid, signal.SIGKILL)
    assert len(started) >= 2
    wait_until(lambda: not _processes_naming(folder), "the parts to be killed")
    wait_until(lambda: not folder.exists(), "the folder to be removed")


def _allowed(user: Api, path: str) -> bool:
    try:
        user.get(path)
    except Refused:
        return False
    return True


def _accepted(cluster: Cluster, obj: dict[str, Any], namespace: str) -> bool:
    try:
        cluster.apply(obj, namespace)
    except Refused:
        return False
    return True


def _processes_naming(folder: Path) -> list[int]:
    """Those whose command line names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
