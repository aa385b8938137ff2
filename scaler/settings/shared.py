"""Groups of settings that several programs have."""

from typing import Annotated, Literal

import msgspec

from scaler.errors import Problem
from scaler.settings.knobs import Alias, Duration, Knob


class Settings(msgspec.Struct, frozen=True):
    """Settings of a program, or a group of them."""

    def problems(self) -> list[Problem]:
        """What does not fit together, though each value is legal by itself; the path is the flag."""
        groups = (getattr(self, name) for name in self.__struct_fields__)
        return [problem for group in groups if isinstance(group, Settings) for problem in group.problems()]


class Cluster(Settings, frozen=True):
    """Which cluster, and who we are in it."""

    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster. Empty: the pod's service account, and outside a pod ~/.kube/config."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    pod_namespace: Annotated[str, Knob(env=(Alias("POD_NAMESPACE"),))] = "kube-scaler"
    """Namespace that this program runs in: of its Lease, its certificates, and the Secrets of
    ClusterTriggerAuthentications unless --cluster-object-namespace says otherwise."""
    pod_name: Annotated[str, Knob(env=(Alias("POD_NAME"),))] = ""
    """Who we are in the Lease and in events; the machine's name and a random ending when empty."""


class Watch(Settings, frozen=True):
    """Which objects are ours."""

    watch_namespace: Annotated[tuple[str, ...], Knob(env=(Alias("WATCH_NAMESPACE"),))] = ()
    """Namespaces to serve; all when empty."""
    beside_upstream: bool = False
    """A KEDA is at work: act only in namespaces that `scaler takeover` gave us, in none until then. While anything is
    taken over this holds without the flag, too."""
    watch_label_selector: Annotated[str, Knob(env=(Alias("WATCH_LABEL_SELECTOR"),), metavar="SELECTOR")] = ""
    """Only ScaledObjects with these labels: several operators can share a cluster."""
    watch_label_selector_for_triggerauth: Annotated[
        str, Knob(env=(Alias("WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH"),), metavar="SELECTOR")
    ] = ""
    """The same for TriggerAuthentications and ClusterTriggerAuthentications."""


class Leader(Settings, frozen=True):
    """Which of several replicas acts."""

    leader_elect: bool = True
    """Only the holder of the Lease acts; the others stand by. Without it, be sure to run one replica only."""
    leader_election_id: str = "scaler-operator"
    """Name of the Lease. Not KEDA's operator.keda.sh, so that the two can see each other."""
    leader_election_lease_duration: Annotated[
        Duration, Knob(env=(Alias("KEDA_OPERATOR_LEADER_ELECTION_LEASE_DURATION"),))
    ] = 15.0
    """How long a silent leader keeps the Lease: the longest hand-over after a crash."""
    leader_election_renew_deadline: Annotated[
        Duration, Knob(env=(Alias("KEDA_OPERATOR_LEADER_ELECTION_RENEW_DEADLINE"),))
    ] = 10.0
    """A leader that could not renew for this long stops acting; less than the lease duration."""
    leader_election_retry_period: Annotated[
        Duration, Knob(env=(Alias("KEDA_OPERATOR_LEADER_ELECTION_RETRY_PERIOD"),))
    ] = 2.0
    """Time between two tries to get or to renew the Lease."""

    def problems(self) -> list[Problem]:
        return lease_problems(
            "--leader-election",
            self.leader_election_lease_duration,
            self.leader_election_renew_deadline,
            self.leader_election_retry_period,
        )


def lease_problems(flags: str, lease: float, deadline: float, retry: float) -> list[Problem]:
    """What does not fit together of a Lease's seconds; `flags` is how the names of its flags begin."""
    found = []
    if not deadline < lease:
        words = f"{deadline:g}s must be less than {flags}-lease-duration ({lease:g}s)"
        found.append(Problem(f"{flags}-renew-deadline", words, deadline))
    if not 0 < retry < deadline:
        words = f"{retry:g}s must be more than 0 and less than {flags}-renew-deadline ({deadline:g}s)"
        found.append(Problem(f"{flags}-retry-period", words, retry))
    return found


class Certificates(Settings, frozen=True):
    """How the programs trust each other, and the API server trusts them."""

    enable_cert_rotation: bool = True
    """Make and renew our own CA and certificates, kept in a Secret. False: they lie in --cert-dir (cert-manager)."""
    cert_secret_name: str = "scaler-certificates"  # noqa: S105 - the name of a Secret, not a secret
    """The Secret that they are kept in; only we write it."""
    cert_dir: Annotated[str, Knob(metavar="DIR")] = ""
    """Folder with tls.crt, tls.key and ca.crt of someone else's making; read again when they change."""
    operator_service_name: str = "scaler-operator"
    """A name in the operator's certificate."""
    metrics_server_service_name: str = "scaler-metrics"
    """A name in the metrics server's certificate: the Service that the APIService points at."""
    k8s_cluster_domain: str = "cluster.local"
    """The domain that in-cluster names may end in."""
    enable_apiservice_patching: bool = True
    """Write our CA into the APIServices v1beta1.external.metrics.k8s.io and v1alpha1.explain.kube-scaler.dev."""


class Logs(Settings, frozen=True):
    """What is said, and how."""

    log_format: Literal["json", "text"] = "json"
    """json: one object a line. text: for a person."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe that is said."""
