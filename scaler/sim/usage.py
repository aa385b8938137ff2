"""metrics.k8s.io of the embedded cluster: what pods use, as the world says."""

from collections.abc import Callable, Mapping
from typing import Any

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import refusals, selectors
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.requests import Target
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Object
from scaler.sim.demand import Usage

API_VERSION = "metrics.k8s.io/v1beta1"

PodUsage = Callable[[Mapping[str, Any]], Mapping[str, Usage] | Usage | None]
"""From a pod to the usage of each of its containers by name, or of all alike; None for a pod without metrics."""


class UsageApi:
    """Answers for running pods and for the node."""

    def __init__(self, registry: Registry, window: float = 1.0) -> None:
        self.registry = registry
        self.window = window
        """Seconds a sample is taken over; a long one makes the HPA controller disregard younger pods."""
        self.rules: list[PodUsage] = []
        """The latest that knows a pod wins."""
        self.resources: list[Object] = [
            {"name": name, "singularName": "", "namespaced": inside, "kind": kind, "verbs": ["get", "list"]}
            for name, inside, kind in (("nodes", False, "NodeMetrics"), ("pods", True, "PodMetrics"))
        ]

    async def answer(self, target: Target, query: Mapping[str, str]) -> Object:
        """GET of pods, a pod, or nodes."""
        if target.plural == "nodes":
            return {"kind": "NodeMetricsList", "apiVersion": API_VERSION, "metadata": {}, "items": self._nodes()}
        if target.plural != "pods":
            raise refusals.no_such_path()
        if target.name:
            return self._one(target)
        labels = query.get("labelSelector", "")
        matches = selectors.label_selector(labels) if labels else None
        items = [
            metrics
            for stored in self.registry.list(self.registry.kind("pods"), target.namespace)
            if matches is None or matches(stored.object["metadata"].get("labels") or {})
            if (metrics := self._of(stored.object)) is not None
        ]
        return {"kind": "PodMetricsList", "apiVersion": API_VERSION, "metadata": {}, "items": items}

    def _one(self, target: Target) -> Object:
        stored = self.registry.peek(self.registry.kind("pods"), (target.namespace, target.name))
        metrics = self._of(stored.object) if stored else None
        if metrics is None:
            raise refusals.not_found("metrics.k8s.io", "podmetrics", f"{target.namespace}/{target.name}")
        return {"kind": "PodMetrics", "apiVersion": API_VERSION, **metrics}

    def of(self, pod: Object) -> dict[str, Usage] | None:
        """What each container of a pod uses; None for a pod that does not run or that nobody speaks of."""
        if at(pod, "status.phase") != "Running":
            return None
        usage = next((found for rule in reversed(self.rules) if (found := rule(pod)) is not None), None)
        if usage is None:
            return None
        names = [container["name"] for container in pod["spec"]["containers"]]
        return dict.fromkeys(names, usage) if isinstance(usage, tuple) else dict(usage)

    def _of(self, pod: Object) -> Object | None:
        usage = self.of(pod)
        if usage is None:
            return None
        about = pod["metadata"]
        return {
            "metadata": {key: about[key] for key in ("name", "namespace", "labels") if key in about},
            **self._taken(),
            "containers": [{"name": name, "usage": _quantities(used)} for name, used in usage.items()],
        }

    def _nodes(self) -> list[Object]:
        """All pods run on every node there is; there is one."""
        usages = [self.of(stored.object) or {} for stored in self.registry.list(self.registry.kind("pods"))]
        used = [amount for usage in usages for amount in usage.values()]
        total = (sum(cores for cores, _ in used), sum(size for _, size in used))
        nodes = self.registry.list(self.registry.kind("nodes"))
        return [
            {"metadata": {"name": node.object["metadata"]["name"]}, **self._taken(), "usage": _quantities(total)}
            for node in nodes
        ]

    def _taken(self) -> Object:
        return {"timestamp": to_rfc3339(self.registry.clock.now()), "window": f"{self.window:g}s"}


def _quantities(usage: Usage) -> dict[str, str]:
    cores, size = usage
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{round(size / 1024)}Ki"}
