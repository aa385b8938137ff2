"""Scaler installed into a control plane by its own manifests, and its programs run beside it with their rights.

Applied is what a user applies: crds/ and deploy/, by the commands of deploy/README.md. The fake kubelet starts no
containers, so the programs run as processes of this machine, as the ServiceAccounts of the manifests. `to_loopback`
is all that is changed for this.
"""

import contextlib
import functools
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from tests.controlplane.api import Object, Refused
from tests.controlplane.cluster import service_to_loopback
from tests.controlplane.plane import ControlPlane
from tests.processes import Process, free_port, temporary_folder, wait_until

ROOT = Path(__file__).parent.parent.parent
NAMESPACE = "kube-scaler"
OPERATOR, METRICS, RECOMMENDER, UPDATER = (
    f"system:serviceaccount:{NAMESPACE}:scaler-{part}" for part in ("operator", "metrics", "recommender", "updater")
)
"""The users that the programs are to the API server."""
VERTICAL = ("recommender", "updater")
"""The programs that listen at one address for all, as upstream's do."""
APISERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
EXPLAINED = APISERVICE.replace("v1beta1.external.metrics.k8s.io", "v1alpha1.explain.kube-scaler.dev")
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/scaler-operator"


def install(plane: ControlPlane) -> None:
    """As deploy/README.md has it."""
    plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    plane.kubectl("apply", "-k", str(ROOT / "deploy"))
    served = [
        *(f"keda.sh/v1alpha1/{kind}" for kind in ("scaledobjects", "triggerauthentications")),
        "keda.sh/v1alpha1/clustertriggerauthentications",
        *(f"autoscaling.k8s.io/{version}/verticalpodautoscalers" for version in ("v1", "v1beta2")),
        "autoscaling.k8s.io/v1/verticalpodautoscalercheckpoints",
    ]
    for one in served:
        path = f"/apis/{one}"
        wait_until(functools.partial(_served, plane, path), f"{path} to be served")


def to_loopback(plane: ControlPlane, port: int) -> None:
    """Let the APIServices reach a process of this machine: their Service becomes a name for the loopback, with the port.

    The only departure from the manifests; the Service's name, which the certificate is for, stays.
    """
    service = service_to_loopback("scaler-metrics", NAMESPACE, port)
    plane.api.delete(f"/api/v1/namespaces/{NAMESPACE}/services/scaler-metrics")
    plane.api.create(f"/api/v1/namespaces/{NAMESPACE}/services", service)
    for service in (APISERVICE, EXPLAINED):
        plane.api.patch(service, {"spec": {"service": {"port": port}}})


def _served(plane: ControlPlane, path: str) -> bool:
    """An API is there a moment before it can be read, and found available a moment longer than it is."""
    try:
        plane.api.get(path)
    except Refused:
        return False
    return True


class Program:
    """One running program and what it says."""

    def __init__(self, name: str, process: Process, health: int, metrics: int) -> None:
        self.name = name
        self.process = process
        self._health = health
        self._metrics = metrics

    @property
    def ready(self) -> bool:
        """Whether /readyz says so; raises Died, with the log's end, when the program has ended."""
        self.process.check()
        return _answers(f"http://127.0.0.1:{self._health}/readyz")

    def wait_ready(self, timeout: float = 30.0) -> None:
        wait_until(lambda: self.ready, f"{self.name} to be ready\n{self.process.tail()}", timeout)

    def metrics(self) -> str:
        """The Prometheus page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=10) as page:
            return str(page.read().decode())

    def lines(self) -> Iterator[Object]:
        """Its log, line by line; what is no JSON is under ``text``."""
        for line in self.process.log.read_bytes().splitlines():
            try:
                said = msgspec.json.decode(line)
            except msgspec.DecodeError:
                said = None
            yield said if isinstance(said, dict) else {"text": line.decode(errors="replace")}

    def said(self, *words: str) -> list[Object]:
        """The lines that have all these words somewhere."""
        return [line for line in self.lines() if all(word in _text(line) for word in words)]


def _text(line: Object) -> str:
    return str(line["text"]) if set(line) == {"text"} else msgspec.json.encode(line).decode()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Installation:
    """The programs over one plane; ends what it started when its `with` ends."""

    at_work: ClassVar[list["Installation"]] = []
    """Whose `with` has not ended, for whoever reports a failure."""

    def __init__(self, plane: ControlPlane, secure_port: int) -> None:
        """`secure_port` is the one that `to_loopback` was told."""
        self.plane = plane
        self.secure_port = secure_port
        self.folder = temporary_folder("scaler-e2e")
        self.programs: list[Program] = []
        self._kubeconfigs = {
            part: plane.service_account_kubeconfig(NAMESPACE, f"scaler-{part}")
            for part in ("operator", "metrics", "recommender", "updater")
        }

    def operator(self, *flags: str, name: str = "operator", **environment: str) -> Program:
        """Start one more operator, which calls itself `name`; not awaited."""
        board = f"127.0.0.1:{free_port()}"
        return self._start("operator", name, [f"--metrics-service-bind-address={board}", *flags], environment)

    def metrics(self, *flags: str, name: str = "metrics", **environment: str) -> Program:
        """Start the metrics server where the APIService expects it; not awaited."""
        ports = ["--bind-address=127.0.0.1", f"--secure-port={self.secure_port}"]
        return self._start("metrics", name, [*ports, *flags], environment)

    def recommender(self, *flags: str, name: str = "recommender", **environment: str) -> Program:
        """Start one more recommender; not awaited."""
        return self._start("recommender", name, list(flags), environment)

    def updater(self, *flags: str, name: str = "updater", **environment: str) -> Program:
        """Start one more updater; not awaited."""
        return self._start("updater", name, list(flags), environment)

    def _start(self, part: str, name: str, flags: list[str], environment: dict[str, str]) -> Program:
        health, metrics = free_port(), free_port()
        listening = [
            f"--health-probe-bind-address=127.0.0.1:{health}",
            f"--metrics-bind-address=127.0.0.1:{metrics}",
        ]
        if part in VERTICAL:
            health, listening = metrics, [f"--address=127.0.0.1:{metrics}"]
        process = Process(
            [*SCALER, part, f"--pod-name={name}", *listening, *flags],
            self.folder / f"{name}.log",
            {**_ENVIRONMENT, "KUBECONFIG": str(self._kubeconfigs[part]), "POD_NAMESPACE": NAMESPACE, **environment},
        )
        program = Program(name, process, health, metrics)
        self.programs.append(program)
        return program

    def scaler(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """One call of the command, by a user with the administrator's kubeconfig."""
        environment = {**os.environ, **_ENVIRONMENT, "KUBECONFIG": str(self.plane.kubeconfig)}
        return subprocess.run(
            [*SCALER, *arguments], capture_output=True, text=True, check=check, env=environment, timeout=60
        )

    def lease(self) -> Object | None:
        """The operators' Lease."""
        return self.plane.api.found(LEASE)

    @property
    def leader(self) -> str:
        """Who holds the Lease; empty for nobody."""
        lease = self.lease()
        return str((lease or {}).get("spec", {}).get("holderIdentity") or "")

    def wait_leader(self, name: str = "operator", timeout: float = 40.0) -> None:
        """Until this one leads; the lease of one that was killed must run out first."""
        program = next(one for one in self.programs if one.name == name)

        def leads() -> bool:
            program.process.check()
            return self.leader == name

        wait_until(leads, f"{name} to lead\n{program.process.tail()}", timeout)

    def wait_serving(self, timeout: float = 60.0) -> None:
        """Until the API server reaches the metrics server through the APIServices."""
        for path in ("/apis/external.metrics.k8s.io/v1beta1", "/apis/explain.kube-scaler.dev/v1alpha1"):
            wait_until(functools.partial(_served, self.plane, path), f"{path} to be served", timeout, every=0.2)

    def metric(self, namespace: str, scaled_object: str, metric: str) -> Any:
        """One external metric, as the HPA controller asks for it; raises Refused."""
        path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}"
        return self.plane.api.get(path, labelSelector=f"scaledobject.keda.sh/name={scaled_object}")

    def __enter__(self) -> Self:
        self.at_work.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Politely, so that the next installation need not wait until a Lease has run out."""
        for program in reversed(self.programs):
            if program.process.running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.process.terminate(5)
            program.process.kill()
        self.at_work.remove(self)


SCALER = (sys.executable, "-m", "scaler.programs.cli")
_ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    "PYTHONWARNINGS": "default",
}
