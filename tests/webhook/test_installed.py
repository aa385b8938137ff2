"""The webhook as deploy/ installs it: with its ServiceAccount's rights, called by the API server through its Service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.cluster import Cluster, service_to_loopback
from tests.processes import free_port, wait_until
from tests.webhook.conftest import CONFIGURATIONS, Webhook
from tests.webhook.shop import TARGET, Shop, container, resources, workload

DEPLOY = Path(__file__).parents[2] / "deploy"
NAMESPACE = "kube-scaler"
RIGHTS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Namespace"}


class Installed(Webhook):
    """One that is called through its Service."""

    def registered(self) -> bool:
        found = self.cluster.api.found(CONFIGURATIONS[0])
        return found is not None and "service" in found["webhooks"][0]["clientConfig"]


def manifests() -> list[dict[str, Any]]:
    files = ("namespace.yaml", "webhook.yaml")
    found = [one for file in files for one in yaml.safe_load_all((DEPLOY / file).read_text())]
    return [
        one for one in found if one["kind"] in RIGHTS and one["metadata"]["name"] in {NAMESPACE, "scaler-webhook"}
    ]


@pytest.fixture
def installed(cluster: Cluster, kinds: None) -> Iterator[Installed]:
    for manifest in manifests():
        cluster.apply(manifest)
    port = free_port()
    cluster.apply(service_to_loopback("vpa-webhook", NAMESPACE, port))
    kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, "scaler-webhook")
    flags = ("--register-by-url=false", "--webhook-service-port", str(port), "--port", str(port))
    running = Installed(cluster, NAMESPACE, *flags, kubeconfig=kubeconfig)
    try:
        running.wait()
        yield running
    finally:
        running.process.kill()
        for path in CONFIGURATIONS:
            if cluster.api.found(path) is not None:
                cluster.api.delete(path)
        for manifest in manifests():
            cluster.api.remove(manifest)


def test_with_its_own_rights_it_sizes_pods_through_its_service(
    cluster: Cluster, installed: Installed, namespace: str
) -> None:
    cluster.require("kube-controller-manager")
    shop = Shop(cluster, namespace)
    shop.make(workload(container(), kind="Deployment"))
    shop.vpa(of=("Deployment", "web"))
    shop.settle()
    assert resources(shop.pod("Deployment")) == {"requests": TARGET}
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/vpa-admission-controller"
    wait_until(lambda: cluster.api.found(lease), "the status lease")
    refused = [line for line in installed.lines() if "forbidden" in str(line).lower()]
    assert refused == []
    calls = [
        line
        for line in installed.page("/metrics").splitlines()
        if "api_requests_total" in line and 'code="403"' in line
    ]
    assert calls == []
