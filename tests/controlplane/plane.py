"""Starts and ends a control plane of its own: etcd, API server, controllers, scheduler, fake kubelet.

Every run has its own folder and ports. The end is SIGKILL: the API server takes a minute to stop politely,
and nothing here is worth saving.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.controlplane.api import Api, Refused, kubeconfig_text
from tests.controlplane.build import Binaries, binaries
from tests.controlplane.certificates import Authority, Pair
from tests.controlplane.cluster import Cluster, condition
from tests.processes import Died, Process, free_port, temporary_folder, wait_until

_STAGES = Path(__file__).parent / "stages.yaml"
_NODE = "fake-node"

# Those that the product meets in a cluster. Without the node controllers a fake node needs no heartbeat.
_CONTROLLERS = (
    "serviceaccount-token-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
    "clusterrole-aggregation-controller",
    "certificatesigningrequest-signing-controller",
    "deployment-controller",
    "replicaset-controller",
    "replicationcontroller-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "ttl-after-finished-controller",
    "horizontal-pod-autoscaler-controller",
    "disruption-controller",
    "endpointslice-controller",
    "resourcequota-controller",
)

_AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"""


@dataclass(frozen=True)
class Options:
    """How a plane differs from the usual one."""

    hpa_sync: str = "1s"
    """How often the HPA controller looks; Kubernetes' own default is 15s."""
    hpa: Mapping[str, str] = field(default_factory=dict)
    """More of --horizontal-pod-autoscaler-*: {"downscale-stabilization": "10s", "tolerance": "0.05"}."""
    max_requests_inflight: int = 400
    max_mutating_requests_inflight: int = 200
    audit: bool = False
    """Keep a log of all writes, for `ControlPlane.writes`."""
    controllers: bool = True
    """Off: an API server alone, which starts a second sooner and lets nobody else write."""
    nodes: int = 1
    """Fake nodes, each of 1,000 cores and 1 TiB."""
    flags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """More flags of a part, also over ours: {"kube-apiserver": {"v": "4"}}."""


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
        self._run(
            "etcd",
            {
                "data-dir": self._root / "etcd.data",
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"default={peer}",
                "unsafe-no-fsync": "true",
                "quota-backend-bytes": str(4 << 30),
                "log-level": "warn",
            },
        )

    def _start_apiserver(self) -> None:
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        process = self._run("kube-apiserver", self._apiserver_flags())
        probe = Api(self._kubeconfig("probe", "tests:admin", "system:masters"))

        def ready() -> bool:
            process.check()
            self.processes["etcd"].check()
            with contextlib.suppress(OSError):
                return is_ready(probe)
            return False

        wait_until(ready, f"the API server (log: {process.log})", timeout=90)

    def _apiserver_flags(self) -> dict[str, object]:
        root = self._root
        flags: dict[str, object] = {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "secure-port": self.port,
            "endpoint-reconciler-type": "none",
            "service-cluster-ip-range": "10.0.0.0/16",
            "allow-privileged": "true",
            "authorization-mode": "RBAC",
            "anonymous-auth": "true",
            # It would give each new node a taint that only node controllers take away.
            "disable-admission-plugins": "TaintNodesByCondition",
            "client-ca-file": root / "ca.crt",
            "tls-cert-file": root / "server.crt",
            "tls-private-key-file": root / "server.key",
            "service-account-key-file": root / "service-accounts.crt",
            "service-account-signing-key-file": root / "service-accounts.key",
            "service-account-issuer": "https://kubernetes.default.svc",
            "requestheader-client-ca-file": root / "front-ca.crt",
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": root / "front.crt",
            "proxy-client-key-file": root / "front.key",
            "max-requests-inflight": self.options.max_requests_inflight,
            "max-mutating-requests-inflight": self.options.max_mutating_requests_inflight,
        }
        if self.options.audit:
            policy = root / "audit-policy.yaml"
            policy.write_text(_AUDIT_POLICY)
            flags |= {"audit-policy-file": policy, "audit-log-path": self.audit_log, "audit-log-mode": "blocking"}
        return flags

    def _start_controllers(self) -> None:
        if "kube-controller-manager" in self.binaries:
            self._run("kube-controller-manager", self._controller_flags())
        if "kube-scheduler" in self.binaries:
            config = self._kubeconfig("scheduler", "system:kube-scheduler")
            self._run(
                "kube-scheduler",
                {
                    "kubeconfig": config,
                    "leader-elect": "false",
                    "secure-port": "0",
                    "kube-api-qps": "500",
                    "kube-api-burst": "1000",
                },
            )
        if "kwok" in self.binaries:
            config = self._kubeconfig("kwok", "tests:kwok", "system:masters")
            self._run(
                "kwok",
                {
                    "kubeconfig": config,
                    "config": _STAGES,
                    "manage-all-nodes": "true",
                    "node-port": "0",
                    "node-lease-duration-seconds": "0",
                    "cidr": "10.64.0.1/10",
                    "v": "WARN",
                },
            )

    def _controller_flags(self) -> dict[str, object]:
        config = self._kubeconfig("controllers", "system:kube-controller-manager")
        hpa = {"sync-period": self.options.hpa_sync, **self.options.hpa}
        return {
            "kubeconfig": config,
            "controllers": ",".join(_CONTROLLERS),
            "leader-elect": "false",
            "secure-port": "0",
            # Each controller under its own name, so that RBAC for the HPA controller is put to the test.
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self._root / "service-accounts.key",
            "root-ca-file": self._root / "ca.crt",
            "cluster-signing-cert-file": self._root / "ca.crt",
            "cluster-signing-key-file": self._root / "ca.key",
            "kube-api-qps": "500",
            "kube-api-burst": "1000",
            **{f"horizontal-pod-autoscaler-{name}": value for name, value in hpa.items()},
        }

    def _run(self, part: str, flags: Mapping[str, object]) -> Process:
        """Start one part; its log is PART.log in the plane's folder."""
        wanted = {**flags, **self.options.flags.get(part, {})}
        arguments = [f"--{name}={value}" for name, value in wanted.items()]
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
        return self._root / "audit.jsonl"

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
