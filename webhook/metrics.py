"""What Prometheus gets from the webhook: upstream's names, and ``kube_scaler_`` for our own."""

from collections import Counter
from typing import Literal

from scaler.kube.connection import Connection
from scaler.serving.exposition import Family, Histogram, Written, labels, page

Status = Literal["applied", "skipped", "error"]
"""Patched; let through or refused as it is; not judged."""

_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Upstream's buckets, in seconds."""
_OUR_BOUNDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 3.0)


class WebhookMetrics:
    """The webhook's page."""

    def __init__(self, connection: Connection | None = None) -> None:
        self._connection = connection
        self._labels: dict[tuple[str, str], str] = {}
        self._latency = Histogram(
            "vpa_admission_controller_admission_latency_seconds", "Time from a review to its answer.", _BOUNDS
        )
        self._fine = Histogram(
            "kube_scaler_review_seconds", "Time from a review to its answer, in finer steps.", _OUR_BOUNDS
        )
        self.pods: Counter[str] = Counter()
        """Pods that were created, by whether they were patched."""
        self.refused: Counter[str] = Counter()
        """Objects that were refused, by resource."""

    def answered(self, resource: str, status: Status, seconds: float) -> None:
        """One more review."""
        about = self._labels.get((status, resource))
        if about is None:
            about = self._labels[status, resource] = labels({"status": status, "resource": resource})
        self._latency.observe(about, seconds)
        self._fine.observe(about, seconds)
        if resource == "Pod" and status != "error":
            self.pods["true" if status == "applied" else "false"] += 1

    def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        from prometheus_client import generate_latest  # which a start need not wait for

        from scaler.serving.program_metrics import build_info, process, requests

        pods = Family("vpa_admission_controller_admission_pods_total", "counter", "Pods that were created.")
        pods.add_all("applied", self.pods)
        refused = Family("kube_scaler_refused_objects_total", "counter", "Objects that were refused.")
        refused.add_all("resource", self.refused)
        families: list[Written] = [build_info(), pods, refused, self._latency, self._fine]
        if self._connection is not None:
            families.append(requests(self._connection))
        return page(families) + generate_latest(process())
