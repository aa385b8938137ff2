"""What the cluster tells by itself when the operator cannot be asked."""

from typing import Any

from scaler.programs import sentences
from scaler.programs.reconstruction import MetricSeen, Observed, Reconstruction, reconstruct

SCALED: dict[str, Any] = {
    "metadata": {"name": "worker", "namespace": "shop"},
    "spec": {
        "scaleTargetRef": {"name": "web"},
        "triggers": [{"type": "aws-sqs-queue", "metadata": {}}],
        "maxReplicaCount": 20,
    },
    "status": {
        "scaleTargetKind": "apps/v1.Deployment",
        "lastActiveTime": "2026-01-31T08:00:00Z",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Active", "status": "True", "message": "busy"}],
        "health": {"s0-queue": {"numberOfFailures": 2, "status": "Failing"}, "s1": {"numberOfFailures": 0}},
    },
}
SCALE = {"spec": {"replicas": 3}, "status": {"replicas": 2}}


def external(field: str, amount: str, kind: str) -> dict[str, Any]:
    return {
        "type": "External",
        "external": {"metric": {"name": "s0-queue"}, field: {"type": kind, **_amount(kind, amount)}},
    }


def _amount(kind: str, amount: str) -> dict[str, str]:
    return {kind[:1].lower() + kind[1:]: amount}


def hpa(now: str = "4700m", kind: str = "AverageValue", replicas: int = 3) -> dict[str, Any]:
    return {
        "spec": {"metrics": [external("target", "5", kind)]},
        "status": {
            "currentReplicas": replicas,
            "desiredReplicas": 3,
            "currentMetrics": [external("current", now, kind)],
            "conditions": [
                {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "ok"}
            ],
        },
    }


def seen(why: str = "no Lease", **more: Any) -> Reconstruction:
    return reconstruct(Observed(**{"scaled": SCALED, "scale": SCALE, "hpa": hpa(), **more}), why)


def test_the_answer_is_the_hpas_arithmetic() -> None:
    assert sentences.cluster_headline(seen(hpa=hpa("12"))) == (
        "web runs 3; its HPA wants 3: s0-queue asks for 8, at 12 of 5 each."
    )


def test_it_says_aloud_what_it_is() -> None:
    assert sentences.cluster_caveat(seen()).startswith(
        "This is put together from the cluster alone, because the operator gave no explanation: no Lease. "
    )


def test_a_metric_within_the_tolerance_asks_for_what_there_is() -> None:
    assert seen().metrics == (MetricSeen("s0-queue", "AverageValue", "4.7", "5", 3),)


def test_a_metric_that_the_hpa_could_not_read_asks_for_nothing() -> None:
    blind = hpa()
    blind["status"]["currentMetrics"] = None
    assert seen(hpa=blind).metrics == (MetricSeen("s0-queue", "AverageValue", "", "5", None),)


def test_cpu_is_told_in_percent_and_memory_as_it_is_written() -> None:
    made = hpa()
    made["spec"]["metrics"] = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
        },
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "512Mi"}},
        },
    ]
    made["status"]["currentMetrics"] = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 90, "averageValue": "450m"}},
        }
    ]
    assert seen(hpa=made).metrics == (
        MetricSeen("cpu", "Utilization", "90%", "60%", 5),
        MetricSeen("memory", "AverageValue", "", "512Mi", None),
    )


def test_what_is_not_ready_is_the_answer() -> None:
    wrong = {
        **SCALED,
        "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no such workload"}]},
    }
    assert sentences.cluster_headline(seen(scaled=wrong)) == "web runs 3: no such workload."


def test_a_pause_is_the_answer() -> None:
    paused = {
        **SCALED,
        "metadata": {"name": "worker", "annotations": {"autoscaling.keda.sh/paused": "true", "x": "y"}},
    }
    assert sentences.cluster_headline(seen(scaled=paused)).endswith(
        "scaling is paused by autoscaling.keda.sh/paused=true."
    )


def test_without_hpa_and_scale_it_tells_what_is_left() -> None:
    bare = seen(scale=None, hpa=None)
    assert (bare.replicas, bare.hpa, bare.metrics, bare.failing) == (None, "", (), {"s0-queue": 2})
    assert sentences.cluster_headline(bare) == "web has no known number of replicas: busy."


def test_a_new_object_without_status_has_its_defaults() -> None:
    new = {"metadata": {"name": "a"}, "spec": {"scaleTargetRef": {"name": "web"}}}
    made = seen(scaled=new, hpa=None)
    assert (made.kind, made.minimum, made.maximum, made.triggers) == ("apps/v1.Deployment", 0, 100, ())
    assert sentences.cluster_headline(made) == "web runs 3: no operator has looked at a yet."


def test_events_are_the_last_ones_in_order() -> None:
    events = [
        {"lastTimestamp": f"2026-01-31T08:00:{second:02}Z", "reason": "R", "message": str(second), "type": "Normal"}
        for second in (9, 3, *range(20, 30))
    ]
    made = seen(events=(*events, {"eventTime": "2026-01-31T09:00:00Z", "reason": "New", "count": 4}))
    assert [event.message for event in made.events] == [*map(str, range(23, 30)), ""]
    assert (made.events[-1].reason, made.events[-1].count) == ("New", 4)
