"""The same program beside the embedded cluster does to pods and to what users write what it does beside a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scaler.sim.cluster import EmbeddedCluster
from tests.controlplane.api import Refused
from tests.controlplane.cluster import Cluster
from tests.sim.threads import ClusterThread
from tests.webhook.conftest import CRDS, Webhook
from tests.webhook.shop import TARGET, Shop, container, resources, workload


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Cluster]:
    with ClusterThread(EmbeddedCluster) as thread:
        cluster = Cluster(thread.cluster.write_kubeconfig(tmp_path / "kubeconfig"))
        for file in sorted(CRDS.glob("*.yaml")):
            definition = yaml.safe_load(file.read_text())
            cluster.api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        for name in ("home", "shop"):
            cluster.api.create(
                "/api/v1/namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
            )
        yield cluster


def test_pods_are_sized_and_objects_are_judged(embedded: Cluster) -> None:
    webhook = Webhook(embedded, "home")
    shop = Shop(embedded, "shop")
    try:
        webhook.wait()
        shop.make(workload(container(requests={"cpu": "100m"}, limits={"cpu": "200m"}), kind="Deployment"))
        shop.vpa(of=("Deployment", "web"))
        shop.settle()
        assert resources(shop.pod("Deployment")) == {"requests": TARGET, "limits": {"cpu": "252m"}}
        with pytest.raises(Refused, match="minReplicas: 0 is too few"):
            shop.vpa("other", updatePolicy={"updateMode": "Off", "minReplicas": 0})
    finally:
        webhook.process.kill()
