"""Usage follows load, replicas and limits."""

from typing import Any

import pytest

from scaler.sim.demand import MIB, Demand, limits_of


def pod(*names: str, ready: bool = True, limits: dict[str, str] | None = None) -> dict[str, Any]:
    resources = {"limits": limits} if limits else {}
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": name, "resources": resources} for name in names or ("main",)]},
        "status": {"conditions": [condition]},
    }


def steady(cores: float, **rest: Any) -> Demand:
    return Demand(lambda _: cores, **rest)


def test_ready_pods_share_the_work_alike() -> None:
    demand = steady(2.0, idle=(0.1, 10 * MIB))
    assert demand.used(pod(), 4, 0.0) == {"main": (0.6, 10 * MIB)}
    assert demand.used(pod(), 1, 0.0) == {"main": (2.1, 10 * MIB)}


def test_a_pod_that_is_not_ready_only_idles() -> None:
    assert steady(2.0, idle=(0.1, 10 * MIB)).used(pod(ready=False), 1, 0.0) == {"main": (0.1, 10 * MIB)}
    going = pod()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert steady(2.0).used(going, 1, 0.0)["main"][0] == 0.0


def test_load_changes_over_time() -> None:
    demand = Demand(lambda now: now / 100)
    assert [demand.used(pod(), 1, now)["main"][0] for now in (0.0, 50.0, 100.0)] == [0.0, 0.5, 1.0]


def test_cpu_is_throttled_at_the_limit_and_memory_ends_there() -> None:
    demand = steady(2.0, idle=(0.0, 64 * MIB), memory_per_core=100 * MIB)
    tight = pod(limits={"cpu": "500m", "memory": "100Mi"})
    assert demand.used(tight, 1, 0.0) == {"main": (0.5, 100 * MIB)}
    assert demand.starving(tight, 1, 0.0) == ["main"]
    assert demand.starving(tight, 8, 0.0) == []
    assert demand.wanted(tight, 1, 0.0) == {"main": (2.0, 264 * MIB)}


def test_work_falls_on_containers_as_is_said() -> None:
    demand = steady(1.0, idle=(0.0, 0.0), shares={"app": 0.75, "proxy": 0.25})
    used = demand.used(pod("app", "proxy", "log"), 1, 0.0)
    assert [used[name][0] for name in ("app", "proxy", "log")] == pytest.approx([0.75, 0.25, 0.0])


def test_the_limits_in_force_are_those_that_the_kubelet_tells() -> None:
    resized = pod(limits={"cpu": "2"})
    resized["status"]["containerStatuses"] = [{"name": "main", "resources": {"limits": {"cpu": "1"}}}]
    assert limits_of(resized, "main") == (1.0, float("inf"))
    resized["status"]["containerStatuses"][0].pop("resources")
    assert limits_of(resized, "main") == (2.0, float("inf"))
