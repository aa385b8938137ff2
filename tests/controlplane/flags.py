"""How the parts of a control plane are called, and what of it a test may choose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

AUDIT_LOG = "audit.jsonl"
_STAGES = Path(__file__).parent / "stages.yaml"

# The clients of controllers hold themselves back by default; what a test waits for should be the server.
_UNHURRIED = {"kube-api-qps": "500", "kube-api-burst": "1000"}

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


def apiserver(options: Options, root: Path, etcd: str, port: int) -> dict[str, object]:
    """The API server's; `root` holds the certificates, `etcd` is a URL."""
    flags: dict[str, object] = {
        "etcd-servers": etcd,
        "bind-address": "127.0.0.1",
        "secure-port": port,
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
        "max-requests-inflight": options.max_requests_inflight,
        "max-mutating-requests-inflight": options.max_mutating_requests_inflight,
    }
    if options.audit:
        policy = root / "audit-policy.yaml"
        policy.write_text(_AUDIT_POLICY)
        flags |= {"audit-policy-file": policy, "audit-log-path": root / AUDIT_LOG, "audit-log-mode": "blocking"}
    return flags


def controller_manager(options: Options, root: Path, kubeconfig: Path) -> dict[str, object]:
    hpa = {"sync-period": options.hpa_sync, **options.hpa}
    return {
        "kubeconfig": kubeconfig,
        "controllers": ",".join(_CONTROLLERS),
        "leader-elect": "false",
        "secure-port": "0",
        # Each controller under its own name, so that RBAC for the HPA controller is put to the test.
        "use-service-account-credentials": "true",
        "service-account-private-key-file": root / "service-accounts.key",
        "root-ca-file": root / "ca.crt",
        "cluster-signing-cert-file": root / "ca.crt",
        "cluster-signing-key-file": root / "ca.key",
        **_UNHURRIED,
        **{f"horizontal-pod-autoscaler-{name}": value for name, value in hpa.items()},
    }


def etcd(root: Path, client: str, peer: str) -> dict[str, object]:
    return {
        "data-dir": root / "etcd.data",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "unsafe-no-fsync": "true",
        "quota-backend-bytes": str(4 << 30),
        "log-level": "warn",
    }


def scheduler(kubeconfig: Path) -> dict[str, object]:
    return {"kubeconfig": kubeconfig, "leader-elect": "false", "secure-port": "0", **_UNHURRIED}


def kwok(kubeconfig: Path) -> dict[str, object]:
    return {
        "kubeconfig": kubeconfig,
        "config": _STAGES,
        "manage-all-nodes": "true",
        "node-port": "0",
        "node-lease-duration-seconds": "0",
        "cidr": "10.64.0.1/10",
        "v": "WARN",
    }
