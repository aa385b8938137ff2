"""The recommender's page for Prometheus."""

from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from scaler.kube.connection import Connection
from scaler.serving.recommender_metrics import RecommenderMetrics
from tests.loops.recommender.scene import Scene


def page(scene: Scene, *, each: bool = True) -> dict[str, Any]:
    """The samples by name, as a Prometheus reads them: labels and value."""
    elector: Any = SimpleNamespace(leading=True)
    connection = Connection("http://127.0.0.1:9")
    body = RecommenderMetrics(scene.rounds, scene.writer, connection, elector, each=each).render().decode()
    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


async def test_upstreams_dashboards_find_their_metrics() -> None:
    async with Scene().running() as scene:
        scene.vpa(updatePolicy={"updateMode": "Off"})
        scene.vpa("lost")
        scene.pod()
        scene.uses()
        for _ in range(2):
            await scene.turn()
        shown = page(scene)
    counted = {labels["has_recommendation"]: labels for labels, _ in shown["vpa_recommender_vpa_objects_count"]}
    assert counted["true"] == {
        "api": "v1", "has_recommendation": "true", "matches_pods": "true", "unsupported_config": "false", "update_mode": "Off",
    }  # fmt: skip
    steps = {labels["step"] for labels, _ in shown["vpa_recommender_execution_latency_seconds_count"]}
    assert {"LoadVPAs", "LoadMetrics", "UpdateVPAs", "MaintainCheckpoints", "GarbageCollect", "total"} <= steps
    assert shown["vpa_recommender_recommendation_latency_seconds_count"] == [({}, 1.0)]
    assert shown["vpa_recommender_aggregate_container_states_count"] == [({}, 1.0)]
    assert shown["vpa_recommender_metric_server_responses_total"] == [
        ({"client_name": "told", "is_error": "false"}, 2.0)
    ]
    assert shown["vpa_quality_usage_recommendation_relative_diffs_count"][0] == (
        {"resource": "cpu", "update_mode": "Off"}, 1.0,
    )  # fmt: skip
    assert len(shown["vpa_quality_cpu_recommendation_over_usage_diffs_cores_bucket"]) > 10


async def test_each_recommendation_is_a_metric_unless_that_is_too_much() -> None:
    async with Scene().running() as scene:
        scene.vpa(resourcePolicy={"containerPolicies": [{"containerName": "app", "controlledResources": ["cpu"]}]})
        scene.pod()
        scene.uses()
        await scene.turn()
        shown = page(scene)["kube_scaler_vpa_recommendation"]
        assert "kube_scaler_vpa_recommendation" not in page(scene, each=False)
    cpu = {labels["bound"]: value for labels, value in shown}
    assert cpu["target"] == cpu["uncapped"] == 0.126
    assert {(labels["namespace"], labels["vpa"], labels["container"], labels["resource"]) for labels, _ in shown} == {
        ("shop", "web", "app", "cpu")
    }


async def test_our_own_say_what_waits_and_what_was_refused() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses("much", "307200Ki")
        await scene.turn()
        shown = page(scene)
    assert shown["kube_scaler_vpa_pods"] == [({}, 1.0)]
    assert shown["kube_scaler_vpa_writes_waiting"] == [({}, 0.0)]
    assert ({"outcome": "written", "what": "status"}, 1.0) in shown["kube_scaler_vpa_writes_total"]
    assert shown["kube_scaler_vpa_samples_refused_total"] == [({"why": "quantity"}, 1.0)]
    assert shown["kube_scaler_leader"] == [({}, 1.0)]
