"""What every program tells Prometheus of itself: its build, its calls to the API server, its process."""

import platform
import sys

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from scaler import __version__
from scaler.kube.connection import Connection
from scaler.serving.exposition import Family, labels


def build_info() -> Family:
    """Which program this is, under upstream's label names."""
    family = Family("keda_build_info", "gauge", "What this program was built from.")
    about = {
        "git_commit": "",
        "goarch": platform.machine(),
        "goos": sys.platform,
        "goversion": f"python{platform.python_version()}",
        "version": __version__,
    }
    family.add(labels(about), 1)
    return family


def requests(connection: Connection) -> Family:
    """Calls to the API server so far."""
    family = Family("kube_scaler_api_requests_total", "counter", "Calls to the API server by outcome.")
    for (verb, resource, code), count in sorted(connection.counts.items()):
        family.add(labels({"code": code, "resource": resource, "verb": verb}), count)
    return family


def single(name: str, about: str, value: float) -> Family:
    """A gauge without labels."""
    family = Family(name, "gauge", about)
    family.add("", value)
    return family


def counted(name: str, about: str, value: float) -> Family:
    """A counter without labels."""
    family = Family(name, "counter", about)
    family.add("", value)
    return family


def process() -> CollectorRegistry:
    """CPU, memory and the collector of one's own process."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry
