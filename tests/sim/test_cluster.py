"""The embedded cluster as programs use it."""

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest
import yaml

from scaler.sim.autoscaling.judgement import Settings
from scaler.sim.clocks import ManualClock
from scaler.sim.cluster import EmbeddedCluster
from tests.sim.threads import ClusterThread

MANIFEST = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: shop}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: here}
  data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: there, namespace: shop}
data: {a: "1"}
"""


async def test_a_manifest_is_applied_and_applied_again() -> None:
    async with EmbeddedCluster() as cluster:
        made = await cluster.apply(MANIFEST)
        assert [one["kind"] for one in made] == ["Namespace", "ConfigMap", "ConfigMap"]
        again = await cluster.apply(MANIFEST.replace('"1"', '"2"'))
        assert [one["metadata"]["uid"] for one in again] == [one["metadata"]["uid"] for one in made]
        found = cluster.find("ConfigMap", "v1", ("shop", "there"))
        assert found is not None
        assert found["data"] == {"a": "2"}
        assert cluster.find("ConfigMap", "v1", ("shop", "none")) is None


async def test_a_kind_that_is_not_known_is_named() -> None:
    async with EmbeddedCluster() as cluster:
        with pytest.raises(ValueError, match=r"no Thing of example\.com/v1"):
            await cluster.apply("{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}}")


async def test_a_kubeconfig_says_who_somebody_is(tmp_path: Path) -> None:
    async with EmbeddedCluster() as cluster, aiohttp.ClientSession() as session:
        path = cluster.write_kubeconfig(tmp_path / "config", user="system:serviceaccount:ns:me", namespace="ns")
        assert path.stat().st_mode & 0o777 == 0o600
        config = yaml.safe_load(path.read_text())
        assert config["contexts"][0]["context"]["namespace"] == "ns"
        token = config["users"][0]["user"]["token"]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        where = f"{cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews"
        async with session.post(where, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (await answer.json())["status"]["userInfo"]["username"] == "system:serviceaccount:ns:me"
        async with session.post(where, json=body, headers={"Authorization": "Bearer nonsense"}) as answer:
            assert answer.status == 401


async def test_writes_are_counted() -> None:
    async with EmbeddedCluster() as cluster, aiohttp.ClientSession() as session:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        where = f"{cluster.url}/api/v1/namespaces/default/configmaps"
        for _ in range(2):
            async with session.post(where, json=body):
                pass
        async with session.get(f"{where}/a"):
            pass
        assert dict(cluster.server.writes) == {("create", "configmaps", ""): 1}


async def test_a_part_that_fails_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    cluster = EmbeddedCluster(tick=0.01)
    cluster.world.add_queue("q", lambda _: 1 / 0)
    await cluster.__aenter__()
    with caplog.at_level(logging.CRITICAL):
        await asyncio.sleep(0.2)
    with pytest.raises(ZeroDivisionError):
        await cluster.__aexit__()
    assert "world of the embedded cluster has failed" in caplog.text


AUTOSCALED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: none, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 50m}}}]
"""


async def test_a_day_passes_in_a_moment_by_a_manual_clock() -> None:
    clock = ManualClock()
    async with EmbeddedCluster(clock, hpa_sync=15, hpa=Settings(downscale_stabilization=120), tick=15) as cluster:
        used = 0.1
        cluster.world.uses("default", "app=web", lambda _: (used, 1024.0))
        await cluster.apply(AUTOSCALED)
        await clock.advance(3600)
        web = cluster.find("Deployment", "apps/v1", ("default", "web"))
        assert web is not None
        assert web["status"]["readyReplicas"] == 10
        used = 0.01
        await clock.advance(60)
        hpa = cluster.find("HorizontalPodAutoscaler", "autoscaling/v2", ("default", "web"))
        assert hpa is not None
        assert hpa["status"]["desiredReplicas"] == 10
        await clock.advance(3600)
        web = cluster.find("Deployment", "apps/v1", ("default", "web"))
        assert web is not None
        assert web["status"]["replicas"] == 1


def test_a_cluster_may_live_on_a_thread() -> None:
    with ClusterThread() as thread:
        made = thread.call(lambda cluster: cluster.apply(MANIFEST))
        assert len(made) == 3
