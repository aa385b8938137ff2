"""The external metrics API behind a real kube-apiserver: its aggregator, its front proxy, its reviews."""

import asyncio
import base64
import functools
import json
import ssl
import subprocess
import time

import aiohttp
import pytest
import yaml

from scaler.horizontal.explain import explain
from scaler.horizontal.readings import MetricAnswer
from scaler.kube.credentials import connect
from scaler.kube.resources import EXPLANATIONS
from scaler.loops.board import Board, BoardEntry
from scaler.serving.aggregated import AggregatedApi
from scaler.serving.certificates import renew
from scaler.serving.delegated import Delegated
from scaler.serving.explanations import Explanations, document
from scaler.serving.external_metrics import GROUP, VERSION, ExternalMetrics
from scaler.serving.tls import ServerTls
from scaler.serving.truth import LocalTruth
from tests.controlplane.cluster import service_host
from tests.horizontal.objects import NOW, judge, read, scaled_object, subject, trigger
from tests.processes import wait_until

METRIC = f"/apis/{GROUP}/{VERSION}/namespaces/shop/s0-queue?labelSelector=scaledobject.keda.sh%2Fname%3Dweb"
GROUPS = ((GROUP, VERSION), (EXPLANATIONS.group, EXPLANATIONS.version))
READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "test-external-metrics-reader"},
    "rules": [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list"]}],
}


class Aggregated:
    """Our API on a port, registered with the cluster."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.authority = b""
        self.port = 0
        self.looked = 0

    async def look(self, namespace, name, metric):
        self.looked += 1
        if name != "web":
            raise LookupError(f"there is no scaledobject {namespace}/{name}")
        if metric == "s1-broken":
            return MetricAnswer(metric, time.time(), error="the queue does not exist")
        return MetricAnswer(metric, time.time(), 2.5)

    async def explain(self, namespace, name, _within):
        judged = subject(trigger(0), of=scaled_object(name=name))
        return document(explain(judge(judged, read(33, 0), replicas=7), judged, NOW))

    async def kubectl(self, *arguments, kubeconfig=None):
        return await asyncio.to_thread(self.run, arguments, kubeconfig or self.cluster.kubeconfig)

    def run(self, arguments, kubeconfig):
        command = [*self.cluster.kubectl_command, "--kubeconfig", str(kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    async def straight(self, pair=None, **headers):
        """A read at our own port, past the API server."""
        context = ssl.create_default_context(cadata=self.authority.decode())
        if pair is not None:
            context.load_cert_chain(*pair)
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"https://127.0.0.1:{self.port}{METRIC}",
                ssl=context,
                server_hostname=service_host(GROUP),
                headers=headers,
            ) as response,
        ):
            return response.status, await response.json()


@pytest.fixture
async def aggregated(cluster):
    aggregated = Aggregated(cluster)
    board, tls = Board(), ServerTls()
    board.publish(BoardEntry("shop", "web", {"s0-queue": MetricAnswer("s0-queue", time.time(), 1.0)}))
    material = renew(None, [service_host(group) for group, _ in GROUPS], time.time())
    aggregated.authority = material.ca
    tls.present(material.certificate, material.key)
    async with await connect(str(cluster.kubeconfig)) as connection:
        delegated = Delegated(connection, tls, time.time)
        await delegated.refresh()
        metrics = ExternalMetrics(LocalTruth(board, aggregated.look, time.time))
        api = AggregatedApi(metrics, Explanations(aggregated.explain), delegated, tls)
        aggregated.port = await api.start("127.0.0.1", 0)
        for group, version in GROUPS:
            await asyncio.to_thread(cluster.register_apiservice, group, version, aggregated.port, material.ca)
        try:
            yield aggregated
        finally:
            for group, version in GROUPS:
                await asyncio.to_thread(cluster.remove_apiservice, group, version)
            await api.close()


async def test_kubectl_reads_a_metric_and_its_discovery_through_the_api_server(aggregated):
    done = await aggregated.kubectl("get", "--raw", METRIC)
    body = json.loads(done.stdout)
    assert body["kind"] == "ExternalMetricValueList"
    (item,) = body["items"]
    assert (item["metricName"], item["value"]) == ("s0-queue", "2500m")
    assert aggregated.looked == 1

    found = await aggregated.kubectl("api-resources", "--api-group", GROUP, "--no-headers")
    assert found.stdout.split() == ["externalmetrics", f"{GROUP}/{VERSION}", "true", "ExternalMetricValueList"]

    broken = await aggregated.kubectl("get", "--raw", METRIC.replace("s0-queue", "s1-broken"))
    assert "the queue does not exist" in broken.stderr
    missing = await aggregated.kubectl("get", "--raw", METRIC.replace("Dweb", "Dother"))
    assert "there is no scaledobject shop/other" in missing.stderr
    unnamed = await aggregated.kubectl("get", "--raw", METRIC.partition("?")[0])
    assert "which ScaledObject?" in unnamed.stderr


async def test_kubectl_gets_an_explanation_like_any_object(aggregated):
    done = await aggregated.kubectl("get", "explanation", "web", "-n", "shop", "-o", "yaml")
    told = yaml.safe_load(done.stdout)
    assert (told["kind"], told["metadata"]["name"]) == ("Explanation", "web")
    assert (told["status"]["hpa"]["asked"], told["status"]["decision"]["rule"]) == (7, "active")
    found = await aggregated.kubectl("api-resources", "--api-group", EXPLANATIONS.group, "--no-headers")
    assert found.stdout.split() == ["explanations", EXPLANATIONS.api_version, "true", "Explanation"]


async def test_a_service_account_reads_when_its_role_says_so(aggregated, namespace, cluster, request):
    kubeconfig = await asyncio.to_thread(cluster.service_account_kubeconfig, namespace, "reader")
    token = await asyncio.to_thread(cluster.token, namespace, "reader")
    bearer = {"Authorization": f"Bearer {token}"}
    refused = await aggregated.kubectl("get", "--raw", METRIC, kubeconfig=kubeconfig)
    assert "Forbidden" in refused.stderr
    status, body = await aggregated.straight(**bearer)
    assert status == 403
    assert f'User "system:serviceaccount:{namespace}:reader" cannot list resource "s0-queue"' in body["message"]

    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"test-external-metrics-{namespace}"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": READER["metadata"]["name"],
        },
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "other"}],
    }
    for manifest in (READER, binding):
        await asyncio.to_thread(cluster.apply, manifest)
        request.addfinalizer(functools.partial(cluster.api.remove, manifest))
    await asyncio.to_thread(cluster.service_account_kubeconfig, namespace, "other")
    token = await asyncio.to_thread(cluster.token, namespace, "other")
    # the authorizer learns of a binding by watching
    may = ("auth", "can-i", "list", f"externalmetrics.{GROUP}", "--as", f"system:serviceaccount:{namespace}:other")
    admin = cluster.kubeconfig
    await asyncio.to_thread(wait_until, lambda: aggregated.run(may, admin).returncode == 0, "the binding")
    status, body = await aggregated.straight(Authorization=f"Bearer {token}")
    assert (status, body["items"][0]["value"]) == (200, "2500m")


async def test_nobody_may_say_who_he_is_but_the_front_proxy(aggregated):
    status, body = await aggregated.straight(**{"X-Remote-User": "admin", "X-Remote-Group": "system:masters"})
    assert (status, body["reason"]) == (401, "Unauthorized")
    assert (await aggregated.straight(Authorization="Bearer made-up"))[0] == 401


async def test_a_client_certificate_of_the_cluster_is_known_at_our_own_port(aggregated, cluster, tmp_path):
    kubeconfig = await asyncio.to_thread(cluster.client_cert, "root", ["system:masters"])
    (user,) = yaml.safe_load(kubeconfig.read_text())["users"]
    pair = []
    for part in ("client-certificate-data", "client-key-data"):
        pair.append(tmp_path / part)
        pair[-1].write_bytes(base64.b64decode(user["user"][part]))
    status, _ = await aggregated.straight(pair, **{"X-Remote-User": "ignored"})
    assert status == 200
    kubeconfig = await asyncio.to_thread(cluster.client_cert, "guest")
    (user,) = yaml.safe_load(kubeconfig.read_text())["users"]
    for path, part in zip(pair, ("client-certificate-data", "client-key-data"), strict=True):
        path.write_bytes(base64.b64decode(user["user"][part]))
    status, body = await aggregated.straight(pair)
    assert status == 403
    assert 'User "guest"' in body["message"]


async def test_kubernetes_own_hpa_controller_may_list_and_gets_its_metric(aggregated, namespace, cluster):
    cluster.require("kube-controller-manager")
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 9,
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {
                            "name": "s0-queue",
                            "selector": {"matchLabels": {"scaledobject.keda.sh/name": "web"}},
                        },
                        "target": {"type": "AverageValue", "averageValue": "1"},
                    },
                }
            ],
        },
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
        },
    }
    for each in (deployment, manifest):
        await asyncio.to_thread(cluster.apply, each, namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    wanted = 3  # ceil(2.5 / 1)
    await asyncio.to_thread(
        wait_until, lambda: cluster.api.get(path)["spec"]["replicas"] == wanted, "the HPA controller's three replicas"
    )
