"""What a Prometheus would have seen of a cluster: the kubelet's and kube-state-metrics' series, as OpenMetrics text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

END = 1_767_225_600 + 40 * 86400.0
"""When recordings end: 2026-02-10."""
HOUR = 3600.0

Course = Callable[[float], float]
"""From seconds since the beginning to an amount."""


@dataclass
class Pod:
    """A pod and what its containers use."""

    namespace: str
    name: str
    usage: Mapping[str, tuple[Course, Course]]
    """By container: cores and bytes."""
    owner: tuple[str, str] = ("", "")
    requests: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    kills: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By container, seconds since the beginning."""
    begin: float = 0.0
    end: float = float("inf")


@dataclass
class Recording:
    """Pods over so many hours before END, looked at every `scrape` seconds."""

    pods: list[Pod]
    hours: float = 6.0
    scrape: float = 60.0
    owners: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """namespace, kind, name, and kind and name of the one above."""
    replicas: Mapping[tuple[str, str], int] = field(default_factory=dict)
    state: bool = True
    """Whether kube-state-metrics is scraped, too."""
    honour: bool = True
    """Whether its labels are honoured."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Other names for the kubelet's labels."""

    def text(self) -> str:
        lines: list[str] = []
        for pod in self.pods:
            for container in pod.usage:
                self._usage(lines, pod, container)
                if self.state:
                    self._state(lines, pod, container)
            if self.state:
                kind, name = pod.owner if pod.owner[0] else ("<none>", "<none>")
                self._told(lines, "kube_pod_owner", pod, {"owner_kind": kind, "owner_name": name})
        if self.state:
            self._above(lines)
        return "".join(f"{line}\n" for line in lines)

    @property
    def begin(self) -> float:
        return END - self.hours * HOUR

    def times(self, pod: Pod | None = None) -> list[float]:
        """Seconds since the beginning."""
        count = round(self.hours * HOUR / self.scrape)
        first, last = (pod.begin, pod.end) if pod else (0.0, float("inf"))
        return [k * self.scrape for k in range(count + 1) if first <= k * self.scrape <= last]

    def _usage(self, lines: list[str], pod: Pod, container: str) -> None:
        labels = {"namespace": pod.namespace, "pod": pod.name, "container": container, "id": f"/kubepods/{pod.name}"}
        labels = {self.rename.get(name, name): value for name, value in labels.items()}
        cores, size = pod.usage[container]
        used = 0.0
        for at in self.times(pod):
            used += cores(at) * self.scrape
            self._line(lines, "container_cpu_usage_seconds_total", labels, used, at)
        for at in self.times(pod):
            self._line(lines, "container_memory_working_set_bytes", labels, size(at), at)

    def _state(self, lines: list[str], pod: Pod, container: str) -> None:
        for metric, asked in (("requests", pod.requests), ("limits", pod.limits)):
            for resource, amount in asked.get(container, {}).items():
                name = f"kube_pod_container_resource_{metric}"
                self._told(lines, name, pod, {"container": container, "resource": resource}, amount)
        kills = pod.kills.get(container, ())
        labels = self._seen({"namespace": pod.namespace, "pod": pod.name, "container": container})
        for at in self.times(pod):
            restarts = sum(kill <= at for kill in kills)
            self._line(lines, "kube_pod_container_status_restarts_total", labels, restarts, at)
        for at in self.times(pod):
            if any(kill <= at for kill in kills):
                reason = labels | {"reason": "OOMKilled"}
                self._line(lines, "kube_pod_container_status_last_terminated_reason", reason, 1, at)

    def _above(self, lines: list[str]) -> None:
        whole = Pod("", "", {})
        for namespace, kind, name, above, top in self.owners:
            metric, label = {
                "ReplicaSet": ("kube_replicaset_owner", "replicaset"),
                "Job": ("kube_job_owner", "job_name"),
            }[kind]
            labels = self._seen({"namespace": namespace}) | {label: name, "owner_kind": above, "owner_name": top}
            for at in self.times(whole):
                self._line(lines, metric, labels, 1, at)
        for (namespace, name), count in self.replicas.items():
            labels = self._seen({"namespace": namespace}) | {"deployment": name}
            for at in self.times(whole):
                self._line(lines, "kube_deployment_spec_replicas", labels, count, at)

    def _told(self, lines: list[str], metric: str, pod: Pod, more: Mapping[str, str], value: float = 1) -> None:
        labels = self._seen({"namespace": pod.namespace, "pod": pod.name} | dict(more))
        for at in self.times(pod):
            self._line(lines, metric, labels, value, at)

    def _seen(self, labels: dict[str, str]) -> dict[str, str]:
        if self.honour:
            return labels
        moved = {
            f"exported_{name}" if name in {"namespace", "pod", "container"} else name: value
            for name, value in labels.items()
        }
        return moved | {"namespace": "monitoring", "pod": "kube-state-metrics-0", "container": "kube-state-metrics"}

    def _line(self, lines: list[str], metric: str, labels: Mapping[str, str], value: float, at: float) -> None:
        inside = ",".join(f"{name}={json.dumps(text)}" for name, text in labels.items())
        lines.append(f"{metric}{{{inside}}} {value!r} {self.begin + at:.3f}")


def flat(amount: float) -> Course:
    """Always the same."""
    return lambda _: amount
