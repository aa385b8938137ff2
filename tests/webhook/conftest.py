"""The webhook as a program of its own beside a real API server, which calls it at a port of the loopback."""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.controlplane.cluster import Cluster
from tests.processes import Process, free_port, temporary_folder, wait_until

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "crds"
CONFIGURATIONS = (
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-scaler-sizing",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kube-scaler-admission",
)
Object = dict[str, Any]


class Webhook:
    """One running webhook."""

    def __init__(self, cluster: Cluster, namespace: str, *flags: str, kubeconfig: Path | None = None) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.port, self.plain = free_port(), free_port()
        command = [
            *(sys.executable, "-m", "webhook", "--kubeconfig", str(kubeconfig or cluster.kubeconfig)),
            *("--pod-namespace", namespace, "--port", str(self.port), "--bind-address", "127.0.0.1"),
            *("--address", f"127.0.0.1:{self.plain}", "--log-level", "debug"),
            *("--register-by-url", "--webhook-address", "127.0.0.1"),
            *flags,
        ]
        log = temporary_folder("webhook") / "log"
        self.process = Process(command, log, {"PYTHONWARNINGS": "error"})

    def page(self, path: str) -> str:
        """What its plain port answers, a refusal included."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.plain}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refused:
            return str(refused.read().decode())

    def ready(self) -> bool:
        self.process.check()
        try:
            return self.page("/readyz") == "ok"
        except OSError:
            return False

    def registered(self) -> bool:
        """Whether the API server calls this one."""
        found = self.cluster.api.found(CONFIGURATIONS[0])
        return found is not None and str(self.port) in found["webhooks"][0]["clientConfig"].get("url", "")

    def lines(self) -> list[Object]:
        return [msgspec.json.decode(line) for line in self.process.log.read_bytes().splitlines() if line]

    def wait(self) -> None:
        wait_until(self.ready, "the webhook to be ready")
        wait_until(self.registered, "the webhook to be registered")


@pytest.fixture(scope="session")
def kinds(cluster: Cluster) -> None:
    """Our kinds, served by the cluster."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))


@pytest.fixture(scope="module")
def webhook(cluster: Cluster, kinds: None) -> Iterator[Webhook]:
    """One for the tests of a module."""
    yield from started(cluster)


def started(cluster: Cluster, *flags: str) -> Iterator[Webhook]:
    namespace = cluster.new_namespace("webhook")
    running = Webhook(cluster, namespace, *flags)
    try:
        running.wait()
        yield running
    finally:
        running.process.kill()
        for path in CONFIGURATIONS:
            if cluster.api.found(path) is not None:
                cluster.api.delete(path)
        cluster.api.delete(f"/api/v1/namespaces/{namespace}")
