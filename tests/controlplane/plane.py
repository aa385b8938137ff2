"""Starts and ends a control plane of its own: etcd, API server, controllers, scheduler, fake kubelet.

Every run has its own folder and ports. The end is SIGKILL: the API server takes a minute to stop politely,
and nothing here is worth saving.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.controlplane import flags
from tests.controlplane.api import Api, Refused, kubeconfig_text
from tests.controlplane.build import Binaries, binaries
from tests.controlplane.certificates import Authority, Pair
from tests.controlplane.cluster import Cluster, condition
from tests.controlplane.flags import Options
from tests.processes import Died, Process, free_port, temporary_folder, wait_until

__all__ = ["ControlPlane", "Options"]

_NODE = "fake-node"


class ControlPlane(Cluster):
    """A Kubernetes control plane that runs until `stop`; use it as a context manager."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.binaries: Binaries = binaries()
        self._root = temporary_folder("scaler-controlplane")
        self.processes: dict[str, Process] = {}
        try:
            self._start()
        except BaseException:  # also Ctrl-C: nothing may stay behind
            self.stop()
            raise

    def _start(self) -> None:
        self._certify()
        self._start_server()
        super().__init__(self._kubeconfig("admin", "tests:admin", "system:masters"), self._root)
        if "kubectl" in self.binaries:
            self.kubectl_command = self.binaries["kubectl"]
        if self.options.controllers:
            self._start_controllers()
        self.parts = frozenset(self.processes) - {"etcd", "kube-apiserver"}
        self._settle()

    def _certify(self) -> None:
        """Three authorities, as a real cluster has: for clients and servers, for the aggregator."""
        self._ca = Authority.new("tests")
        front = Authority.new("tests-front-proxy")
        names = ("localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.0.0.1")
        self._ca.pair.write(self._root, "ca")
        front.pair.write(self._root, "front-ca")
        front.client("front-proxy-client").write(self._root, "front")
        self._ca.server(*names).write(self._root, "server")
        Authority.new("tests-service-accounts").pair.write(self._root, "service-accounts")

    def _start_server(self) -> None:
        """Free ports may be taken by another between our asking and the start, hence three tries."""
        for tries_left in (2, 1, 0):
            try:
                self._start_etcd()
                self._start_apiserver()
            except Died as death:
                self._kill()
                if not tries_left or "address already in use" not in str(death):
                    raise
            else:
                return

    def _start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        shutil.rmtree(self._root / "etcd.data", ignore_errors=True)
        self._etcd_url = client
        self._run("etcd", flags.etcd(self._root, client, peer))

    def _start_apiserver(self) -> None:
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        process = self._run("kube-apiserver", flags.apiserver(self.options, self._root, self._etcd_url, self.port))
        probe = Api(self._kubeconfig("probe", "tests:admin", "system:masters"))

        def ready() -> bool:
            process.check()
            self.processes["etcd"].check()
            with contextlib.suppress(OSError):
                return is_ready(probe)
            return False

        wait_until(ready, f"the API server (log: {process.log})", timeout=90)

    def _start_controllers(self) -> None:
        if "kube-controller-manager" in self.binaries:
            config = self._kubeconfig("controllers", "system:kube-controller-manager")
            self._run("kube-controller-manager", flags.controller_manager(self.options, self._root, config))
        if "kube-scheduler" in self.binaries:
            self._run("kube-scheduler", flags.scheduler(self._kubeconfig("scheduler", "system:kube-scheduler")))
        if "kwok" in self.binaries:
            self._run("kwok", flags.kwok(self._kubeconfig("kwok", "tests:kwok", "system:masters")))

    def _run(self, part: str, wanted: Mapping[str, object]) -> Process:
        """Start one part; its log is PART.log in the plane's folder."""
        called = {**wanted, **self.options.flags.get(part, {})}
        arguments = [f"--{name}={value}" for name, value in called.items()]
        # A test machine has few cores and these are five programs: leave the heap some room.
        environment = {"GOGC": os.environ.get("GOGC", "200")}
        process = Process([*self.binaries[part], *arguments], self._root / f"{part}.log", environment)
        self.processes[part] = process
        return process

    def _settle(self) -> None:
        """Until pods can be made, scheduled and started."""
        if "kwok" in self.parts:
            for number in range(self.options.nodes):
                self._add_node(_NODE if number == 0 else f"{_NODE}-{number + 1}")
        if "kube-controller-manager" in self.parts:
            self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", "kube-controller-manager")
        if "kwok" in self.parts:
            self._wait_for(f"/api/v1/nodes/{_NODE}", "kwok", node_is_ready)

    def _add_node(self, name: str) -> None:
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        self.api.create(
            "/api/v1/nodes",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
            },
        )

    def _wait_for(self, path: str, part: str, holds: Any = bool) -> None:
        def there() -> bool:
            self.processes[part].check()
            return bool(holds(self.api.found(path)))

        wait_until(there, f"{path} (log: {self.processes[part].log})", timeout=60)

    def _kubeconfig(self, name: str, user: str, *groups: str) -> Path:
        pair = self._ca.client(user, groups)
        certificate, key = pair.write(self._root, name)
        path = self._root / f"{name}.kubeconfig"
        entry = {"client-certificate": str(certificate), "client-key": str(key)}
        path.write_text(kubeconfig_text(self.url, self._ca.pem, entry))
        return path

    def _client_pair(self, user: str, groups: Any) -> Pair:
        return self._ca.client(user, groups)

    @property
    def audit_log(self) -> Path:
        return self._root / flags.AUDIT_LOG

    def writes(self, **about: str) -> list[dict[str, Any]]:
        """The audit events of writes so far; `about` compares dotted fields: user__username="...".

        Needs `Options(audit=True)`. Fields worth knowing: verb, user.username, requestURI,
        objectRef.resource, objectRef.subresource, objectRef.name, responseStatus.code.
        """
        assert self.options.audit, "this plane was started without Options(audit=True)"
        return [event for event in self._audit_events() if all(_field(event, k) == v for k, v in about.items())]

    def _audit_events(self) -> Iterator[dict[str, Any]]:
        with self.audit_log.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield msgspec.json.decode(line)

    def memory(self) -> dict[str, int]:
        """Resident bytes of each part."""
        pages = {part: Path(f"/proc/{process.pid}/statm").read_text() for part, process in self.processes.items()}
        return {part: int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") for part, text in pages.items()}

    def stop(self) -> None:
        """SIGKILL to all, and the folder goes."""
        self._kill()
        shutil.rmtree(self._root, ignore_errors=True)

    def _kill(self) -> None:
        for process in reversed(self.processes.values()):
            process.kill()
        self.processes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def is_ready(api: Api) -> bool:
    """Whether the API server says that it is ready; it refuses while it is not."""
    try:
        return bool(api.get("/readyz") == "ok")
    except Refused:
        return False


def node_is_ready(node: Any) -> bool:
    return node is not None and condition(node.get("status", {}), "Ready") == "True"


def _field(event: Mapping[str, Any], name: str) -> Any:
    value: Any = event
    for key in name.split("__"):
        value = (value or {}).get(key)
    return value
