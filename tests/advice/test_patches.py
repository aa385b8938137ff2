"""Patches can be pasted: a real API server takes them, and the containers have what they say."""

from pathlib import Path

import msgspec
import pytest
import yaml

from scaler.advice import patches
from scaler.advice.subjects import Facts
from scaler.history.owners import Workload
from tests.advice.test_judging import all_judged
from tests.advice.usages import MIB, usage
from tests.controlplane.cluster import Cluster

FACTS = Facts(requests={"cpu": 100, "memory": 200 << 20}, limits={"memory": 400 << 20})
APP, SIDECAR = all_judged(usage(0.1, 300 * MIB), usage(0.01, 20 * MIB, container="sidecar"), facts=FACTS)


def test_memory_is_rounded_up_to_whole_mebibytes() -> None:
    assert patches.resources(APP) == {"requests": {"cpu": "126m", "memory": "363Mi"}, "limits": {"memory": "726Mi"}}
    assert patches.quantities({"memory": 1}) == {"memory": "1Mi"}


def test_a_workload_without_limits_gets_none() -> None:
    (one,) = all_judged(usage(0.1, 300 * MIB))
    assert set(patches.resources(one)) == {"requests"}


@pytest.mark.parametrize(
    ("kind", "version", "path"),
    [
        ("Deployment", "apps/v1", ("template", "spec")),
        ("StatefulSet", "apps/v1", ("template", "spec")),
        ("CronJob", "batch/v1", ("jobTemplate", "spec", "template", "spec")),
        ("Rollout", "argoproj.io/v1alpha1", ("template", "spec")),
        ("Job", "batch/v1", ("template", "spec")),
        ("Pod", "v1", ()),
    ],
)
def test_each_kind_has_its_containers_where_it_keeps_them(kind: str, version: str, path: tuple[str, ...]) -> None:
    made = patches.patch(Workload("shop", kind, "web"), [APP])
    assert (made["apiVersion"], made["kind"]) == (version, kind)
    spec = made["spec"]
    for step in path:
        spec = spec[step]
    assert spec["containers"][0]["name"] == "app"


def test_pods_that_cannot_be_changed_are_not_patched(tmp_path: Path) -> None:
    assert "write it into the manifest" in patches.command(Workload("shop", "Job", "once"))


def test_a_folder_has_a_patch_a_workload_and_a_kustomization(tmp_path: Path) -> None:
    made = patches.folder([APP, SIDECAR], tmp_path / "new")
    assert [file.name for file in made] == ["shop-deployment-web.yaml"]
    kustomization = yaml.safe_load((tmp_path / "new" / "kustomization.yaml").read_text())
    assert kustomization["patches"] == [{"path": "shop-deployment-web.yaml"}]


def test_a_vertical_pod_autoscaler_only_recommends() -> None:
    (made,) = yaml.safe_load_all(patches.documents([APP, SIDECAR], as_vpas=True))
    assert made["spec"]["updatePolicy"] == {"updateMode": "Off"}
    assert made["spec"]["targetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def test_the_api_server_takes_a_patch_as_it_is_printed(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    containers = [
        {"name": name, "image": "registry.k8s.io/pause", "env": [{"name": "A", "value": "b"}]}
        for name in ("app", "sidecar")
    ]
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    cluster.apply(deployment)
    file = tmp_path / "patch.yaml"
    there = Workload(namespace, "Deployment", "web")
    own = [msgspec.structs.replace(one, workload=there) for one in (APP, SIDECAR)]
    file.write_text(patches.documents(own))
    cluster.kubectl("-n", namespace, "patch", "deployment", "web", "--patch-file", str(file))
    now = yaml.safe_load(cluster.kubectl("-n", namespace, "get", "deployment", "web", "-o", "yaml"))
    found = {one["name"]: one for one in now["spec"]["template"]["spec"]["containers"]}
    assert found["app"]["resources"]["requests"] == {"cpu": "126m", "memory": "363Mi"}
    assert found["app"]["env"] == [{"name": "A", "value": "b"}]
    assert found["sidecar"]["resources"]["requests"]["memory"] == "125Mi"
