"""Objects that tests make."""

from typing import Any

Object = dict[str, Any]


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Object:
    about = {"name": name, **metadata} if name else metadata
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data or {"a": "b"}}


def deployment(name: str, replicas: int = 0, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    """Pods of label app=NAME, each asking for 100m of cpu and 64Mi of memory."""
    container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
    template = {
        "metadata": {"labels": {"app": name}, "annotations": annotations or {}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def pod(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"containers": [{"name": "main", "image": "none"}], **spec},
    }


def job(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    container = {"name": "main", "image": "none"}
    template = {
        "metadata": {"annotations": annotations or {}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


def autoscaler(name: str, target: str, metrics: list[Object], **spec: Any) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "maxReplicas": 20,
            "metrics": metrics,
            **spec,
        },
    }


def external(name: str, labels: dict[str, str] | None = None, **target: Any) -> Object:
    """An external metric; `averageValue` or `value` as target."""
    kind = "AverageValue" if "averageValue" in target else "Value"
    metric = {"name": name, **({"selector": {"matchLabels": labels}} if labels else {})}
    return {"type": "External", "external": {"metric": metric, "target": {"type": kind, **target}}}


def resource(name: str, **target: Any) -> Object:
    kind = "Utilization" if "averageUtilization" in target else "AverageValue"
    return {"type": "Resource", "resource": {"name": name, "target": {"type": kind, **target}}}
