"""Makers of scenes, with everything a test does not care about filled in."""

from typing import Any

import msgspec
import numpy as np

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.sim.backtest.scene import Container, Floats, Load, MemoryUse, Nature, Scene, Workload

START = 1_767_571_200.0
"""2026-01-05T00:00:00Z, a Monday."""
MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
GIB = 2**30


def hpa(*, least: int = 1, most: int = 20, utilization: int = 50, **spec: Any) -> dict[str, Any]:
    """An HPA on cpu, unless `spec` has other metrics."""
    target = {"type": "Utilization", "averageUtilization": utilization}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    body = {"minReplicas": least, "maxReplicas": most, "metrics": metrics, **spec}
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": body}


def workload(
    *, replicas: int = 2, cpu: int = 1000, limit: int | None = None, memory: int = GIB, **fields: Any
) -> Workload:
    """One container."""
    limits = {} if limit is None else {"cpu": limit}
    container = Container("app", {"cpu": cpu, "memory": memory}, limits, memory=MemoryUse(200e6, 50e6))
    return Workload(replicas, (container,), **fields)


def constant(cores: float, days: float = 1.0) -> Load:
    return load(np.full(round(days * DAY / MINUTE), cores))


def daily(low: float, high: float, days: float = 1.0) -> Load:
    """A wave with its trough at midnight and its crest at noon."""
    phase = np.arange(round(days * DAY / MINUTE)) * MINUTE / DAY * 2 * np.pi
    return load(low + (high - low) * (1 - np.cos(phase)) / 2)


def load(cores: Floats) -> Load:
    """A value a minute."""
    return Load(START, MINUTE, cores)


def scene(of: Load, **fields: Any) -> Scene:
    fields = {"workload": workload(), "hpa": hpa(), "nature": Nature(), **fields}
    return Scene(load=of, **fields)


def vpa(mode: str = "InPlaceOrRecreate", **policy: Any) -> VerticalPodAutoscaler:
    """A VPA on everything, unless `policy` says otherwise."""
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "updatePolicy": {"updateMode": mode},
        "resourcePolicy": {"containerPolicies": [{"containerName": "*", **policy}]},
    }
    return msgspec.convert({"metadata": {"name": "web", "namespace": "default"}, "spec": spec}, VerticalPodAutoscaler)
