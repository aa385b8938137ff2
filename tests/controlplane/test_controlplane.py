"""The control plane is a real one: what the other tests rely on, each shown once."""

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.controlplane.api import Api, Refused
from tests.controlplane.certificates import Authority
from tests.controlplane.cluster import Cluster, condition, service_host
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.processes import free_port, wait_until

CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")


def deployment(name: str, replicas: int = 1, **annotations: str) -> dict[str, Any]:
    container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }


def hpa(name: str, metric: dict[str, Any], most: int = 20) -> dict[str, Any]:
    at_once = {"stabilizationWindowSeconds": 0}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": most,
            "behavior": {"scaleDown": at_once},
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
    """A tiny external.metrics.k8s.io on the loopback whose one value a test sets."""

    def __init__(self) -> None:
        self.value = 0
        self.port = free_port()
        self.authority = Authority.new("tests-gauge")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def _serve(self, folder: Path) -> None:
        app = web.Application()
        app.router.add_get("/apis/external.metrics.k8s.io/v1beta1", self._discovery)
        app.router.add_get("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", self._values)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        pair = self.authority.server(service_host("external.metrics.k8s.io")).write(folder, "gauge")
        context.load_cert_chain(*pair)
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()

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

    @contextlib.contextmanager
    def serving(self, folder: Path) -> Iterator[None]:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(folder), self._loop).result(10)
        yield
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def gauge(cluster: Cluster, tmp_path: Path) -> Iterator[Gauge]:
    gauge = Gauge()
    reader = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "tests-gauge-reader"}}
    rule = {"apiGroups": ["external.metrics.k8s.io"], "resources": ["*"], "verbs": ["get", "list"]}
    hpa_controller = {"kind": "ServiceAccount", "name": "horizontal-pod-autoscaler", "namespace": "kube-system"}
    role = {**reader, "kind": "ClusterRole", "rules": [rule]}
    binding = {
        **reader,
        "kind": "ClusterRoleBinding",
        "subjects": [hpa_controller],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tests-gauge-reader"},
    }
    with gauge.serving(tmp_path):
        cluster.register_apiservice("external.metrics.k8s.io", "v1beta1", gauge.port, gauge.authority.pem)
        cluster.apply(role)
        cluster.apply(binding)
        yield gauge
        cluster.api.remove(binding)
        cluster.api.remove(role)
        cluster.remove_apiservice("external.metrics.k8s.io", "v1beta1")


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
    cluster.apply(deployment("never", **{"fake-kubelet/never-ready": "true"}), namespace)
    cluster.apply(deployment("pending", **{"fake-kubelet/stays-pending": "true"}), namespace)
    cluster.apply(deployment("slow", **{"fake-kubelet/ready-after": "1s"}), namespace)
    wait_replicas(cluster, namespace, "slow", 1)
    wait_until(lambda: len(pods_of(cluster, namespace)) == 3, "all pods")
    by_app = {pod["metadata"]["labels"]["app"]: pod["status"] for pod in pods_of(cluster, namespace)}
    wait_until(
        lambda: pods_of(cluster, namespace, labelSelector="app=never")[0]["status"]["phase"] == "Running",
        "the pod that is never ready to run",
    )
    assert by_app["pending"]["phase"] == "Pending"
    assert replicas_of(cluster, namespace, "never") == (1, 0)


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
    template = {"metadata": {"annotations": annotations}, "spec": spec}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}}
    cluster.apply({**job, "spec": {"backoffLimit": 0, "template": template}}, namespace)
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/job"
    wait_until(lambda: condition(cluster.api.get(path).get("status", {}), outcome) == "True", f"the job's {outcome}")


def test_an_hpa_follows_an_external_metric_from_the_loopback(cluster: Cluster, namespace: str, gauge: Gauge) -> None:
    cluster.require(*CONTROLLERS)
    target = {"type": "AverageValue", "averageValue": "5"}
    metric = {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}
    cluster.apply(deployment("worker"), namespace)
    cluster.apply(hpa("worker", metric), namespace)
    gauge.value = 33
    wait_replicas(cluster, namespace, "worker", 7, timeout=60)
    gauge.value = 9
    wait_replicas(cluster, namespace, "worker", 2, timeout=60)


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
    wait_replicas(cluster, namespace, "web", 1, timeout=60)


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
    for user in (stranger, viewer):
        wait_until(lambda user=user: _allowed(user, path), "the binding to count")


def test_another_authority_signs_client_certificates_too(control_plane: ControlPlane, tmp_path: Path) -> None:
    existing = Cluster(control_plane.kubeconfig, tmp_path)
    someone = Api(existing.client_cert("someone"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = someone.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert answer["status"]["userInfo"]["username"] == "someone"


def test_the_audit_log_counts_writes(control_plane: ControlPlane, namespace: str) -> None:
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "counted"}}
    control_plane.apply(configmap, namespace)
    control_plane.api.get(f"/api/v1/namespaces/{namespace}/configmaps/counted")
    about = {"objectRef__name": "counted", "objectRef__namespace": namespace}
    wait_until(lambda: control_plane.writes(**about), "the audit log to have it")
    assert [event["verb"] for event in control_plane.writes(**about)] == ["patch"]


def test_a_killed_test_run_leaves_no_process_and_no_folder() -> None:
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


def _processes_naming(folder: Path) -> list[int]:
    """Those whose command line names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
