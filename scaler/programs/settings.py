"""Every knob of every program, declared once: name, type, default, unit and why.

From here come the flags, the environment variables (``SCALER_`` and the flag's name; KEDA's own where the meaning
is equal) and the help. It reads neither: `scaler.programs.options` does.
"""

from typing import Annotated, Literal

import msgspec

from scaler.errors import Problem
from scaler.programs.knobs import Address, Alias, Duration, Knob

Settings = msgspec.Struct


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


class Judgement(Settings, frozen=True):
    """How decisions are made where nothing else is said."""

    no_data: Literal["upstream", "strict"] = "upstream"
    """Missing data. upstream: as KEDA. strict: to zero only on a fresh zero of every trigger.
    The annotation kube-scaler.dev/no-data overrides it for one object."""
    activate_to: Literal["minimum", "demand"] = "minimum"
    """From zero to what. minimum: minReplicaCount, or 1, as KEDA. demand: what the readings ask for, so that the
    HPA finds the work done. The annotation kube-scaler.dev/activate-to overrides it for one object."""


class Reading(Settings, frozen=True):
    """How triggers are read."""

    http_timeout: Annotated[Duration, Knob(env=(Alias("KEDA_HTTP_DEFAULT_TIMEOUT", bare="ms"),))] = 3.0
    """How long a source may take, unless its trigger has a timeout of its own."""
    requests_in_flight: int = 512
    """Reads under way at once. More waits its turn, so that ten thousand objects do not open as many sockets."""
    first_poll_spread: Duration = 8.0
    """After a start the first polls are spread over this time or the polling interval, whichever is shorter."""
    http_min_tls_version: Annotated[
        Literal["TLS10", "TLS11", "TLS12", "TLS13"], Knob(env=(Alias("KEDA_HTTP_MIN_TLS_VERSION"),))
    ] = "TLS12"
    """Oldest TLS that a source may speak."""
    http_disable_keep_alive: Annotated[bool, Knob(env=(Alias("KEDA_HTTP_DISABLE_KEEP_ALIVE"),))] = False
    """A new connection for each read."""
    ca_dir: Annotated[tuple[str, ...], Knob(metavar="DIR,...")] = ("/custom/ca",)
    """Folders of PEM files to trust beside the system's; one that does not exist is no error."""
    aws_endpoint_url: Annotated[str, Knob(env=(Alias("AWS_ENDPOINT_URL"),), metavar="URL")] = ""
    """Every call to AWS goes here instead, unless the trigger names an awsEndpoint: for tests and for the demo."""
    check_unexpected_scalers_params: Annotated[bool, Knob(env=(Alias("KEDA_CHECK_UNEXPECTED_SCALERS_PARAMS"),))] = (
        False
    )
    """A Warning event names trigger parameters that nobody reads."""


class Authentication(Settings, frozen=True):
    """Where credentials may come from."""

    cluster_object_namespace: Annotated[str, Knob(env=(Alias("KEDA_CLUSTER_OBJECT_NAMESPACE"),))] = ""
    """Namespace of the Secrets that ClusterTriggerAuthentications name; --pod-namespace when empty."""
    restrict_secret_access: Annotated[bool, Knob(env=(Alias("KEDA_RESTRICT_SECRET_ACCESS"),))] = False
    """Read Secrets only in the cluster object namespace; Secrets of namespaced authentications then stay unread."""
    bound_service_account_token_expiry: Annotated[
        Duration, Knob(env=(Alias("KEDA_BOUND_SERVICE_ACCOUNT_TOKEN_EXPIRY"),))
    ] = 3600.0
    """Lifetime of the tokens that are asked for triggers, 1 h to 6 h."""
    filepath_auth_root_path: Annotated[str, Knob(metavar="DIR")] = ""
    """Folder of the files that filePath of a ClusterTriggerAuthentication may name; none may when empty."""


class Writing(Settings, frozen=True):
    """How much is written to the API server."""

    reconciles: Annotated[int, Knob(env=(Alias("KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES"),))] = 32
    """Objects that are set up or changed at once. The API server's 429s are obeyed; there is no limit of ours."""
    status_interval: Duration = 60.0
    """lastActiveTime is written at most this often while an object stays active; it is exact in memory."""


class OperatorServing(Settings, frozen=True):
    """What the operator listens on."""

    metrics_bind_address: Address = ":8080"
    """Prometheus metrics, at /metrics."""
    health_probe_bind_address: Address = ":8081"
    """/healthz and /readyz; a standby is ready."""
    metrics_service_bind_address: Address = ":9666"
    """The board of evaluations, for `scaler metrics` and `scaler explain`."""
    advertised_address: Annotated[str, Knob(metavar="HOST:PORT")] = ""
    """Where others reach that board; it stands in the Lease. Empty: --pod-ip and the port above."""
    pod_ip: Annotated[str, Knob(env=(Alias("POD_IP"),))] = ""
    """This pod's address; 127.0.0.1 when empty."""


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
    """Write our CA into the APIService v1beta1.external.metrics.k8s.io."""


class Logs(Settings, frozen=True):
    """What is said, and how."""

    log_format: Literal["json", "text"] = "json"
    """json: one object a line. text: for a person."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe that is said."""


class OperatorSettings(Settings, frozen=True):
    """The settings of `scaler operator`."""

    cluster: Cluster = Cluster()
    watch: Watch = Watch()
    leader: Leader = Leader()
    judgement: Judgement = Judgement()
    reading: Reading = Reading()
    authentication: Authentication = Authentication()
    writing: Writing = Writing()
    serving: OperatorServing = OperatorServing()
    certificates: Certificates = Certificates()
    logs: Logs = Logs()


class MetricsServing(Settings, frozen=True):
    """What the metrics server listens on, and what it answers."""

    secure_port: int = 6443
    """TLS port of the external metrics API."""
    bind_address: str = "0.0.0.0"  # noqa: S104 - the API server calls from elsewhere; every call is authenticated
    """Interface of that port."""
    tls_cert_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Certificate of that port; from the Secret or --cert-dir when empty."""
    tls_private_key_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Its key."""
    metrics_bind_address: Address = ":8080"
    """Prometheus metrics, at /metrics."""
    health_probe_bind_address: Address = ":8081"
    """/healthz and /readyz."""
    look_deadline: Duration = 3.0
    """A read that wants a fresh value waits this long for it, then gets the last one with its true time."""
    stale_after: Duration = 120.0
    """A value older than this and than twice its polling interval is an error rather than an answer. Longer than a
    hand-over and a polling interval."""


class Feed(Settings, frozen=True):
    """Where evaluations come from."""

    metrics_service_address: Annotated[str, Knob(metavar="HOST:PORT")] = ""
    """The operator's board. Empty: where the leader's Lease says."""
    leader_election_id: str = "scaler-operator"
    """Name of the operator's Lease."""


class MetricsSettings(Settings, frozen=True):
    """The settings of `scaler metrics`."""

    cluster: Cluster = Cluster()
    serving: MetricsServing = MetricsServing()
    feed: Feed = Feed()
    certificates: Certificates = Certificates()
    logs: Logs = Logs()


class DemoSettings(Settings, frozen=True):
    """What the demo plays."""

    load: Annotated[str, Knob(metavar="FILE")] = ""
    """A recorded load to play instead of the day: CSV of seconds (or RFC 3339 times) and messages a second."""
    minutes: float = 3.0
    """How long the load takes to play, whatever time it covers."""
    keep_running: Annotated[bool, Knob(switch=True)] = False
    """Begin the day again when it is over, until Ctrl-C."""
    page_address: Address = "127.0.0.1:8666"
    """Where the live page is; the next free port when it is taken."""
    live: bool = True
    """The live view in the terminal; off where the output is no terminal."""
    namespace: Annotated[str, Knob(short="-n")] = "scaler-demo"
    """Namespace of the demo's workload."""
    summary_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the summary there as JSON too."""
    log_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the programs' logs there; dropped when empty."""


class ExplainSettings(Settings, frozen=True):
    """Which object, and where it is found."""

    namespace: Annotated[str, Knob(short="-n")] = ""
    """Namespace of the object; the kubeconfig's own, else default, when empty."""
    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster; ~/.kube/config when empty."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    operator_namespace: Annotated[str, Knob(env=(Alias("POD_NAMESPACE"),))] = "kube-scaler"
    """Namespace that the operator runs in."""
    leader_election_id: str = "scaler-operator"
    """Name of the operator's Lease: it says which pod knows."""
    operator_url: Annotated[str, Knob(metavar="URL")] = ""
    """Ask the operator there instead of through the API server."""
    timeout: Duration = 10.0
    """How long each question may take."""
    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How the answer is written."""


class ValidateSettings(Settings, frozen=True):
    """How problems are told."""

    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How they are written."""
    namespace: Annotated[str, Knob(short="-n")] = "default"
    """Namespace of objects that name none."""
    strict: Annotated[bool, Knob(switch=True)] = False
    """Warnings fail too."""


def problems(settings: Settings) -> list[Problem]:
    """What does not fit together, though each value is legal by itself; the path is the flag."""
    if isinstance(settings, OperatorSettings):
        return [*_leader_problems(settings.leader), *_reading_problems(settings)]
    if isinstance(settings, DemoSettings) and settings.minutes <= 0:
        return [
            Problem("--minutes", f"{settings.minutes:g} is no time to play in; give more than 0", settings.minutes)
        ]
    return []


def _leader_problems(leader: Leader) -> list[Problem]:
    lease, deadline, retry = (
        leader.leader_election_lease_duration,
        leader.leader_election_renew_deadline,
        leader.leader_election_retry_period,
    )
    found = []
    if not deadline < lease:
        words = f"{deadline:g}s must be less than --leader-election-lease-duration ({lease:g}s)"
        found.append(Problem("--leader-election-renew-deadline", words, deadline))
    if not 0 < retry < deadline:
        words = f"{retry:g}s must be more than 0 and less than --leader-election-renew-deadline ({deadline:g}s)"
        found.append(Problem("--leader-election-retry-period", words, retry))
    return found


def _reading_problems(settings: OperatorSettings) -> list[Problem]:
    found = []
    expiry = settings.authentication.bound_service_account_token_expiry
    if not 3600 <= expiry <= 6 * 3600:
        words = f"{expiry:g}s must be from 1h to 6h"
        found.append(Problem("--bound-service-account-token-expiry", words, expiry))
    for flag, value in (
        ("--http-timeout", settings.reading.http_timeout),
        ("--requests-in-flight", settings.reading.requests_in_flight),
        ("--reconciles", settings.writing.reconciles),
    ):
        if value <= 0:
            found.append(Problem(flag, f"{value:g} must be more than 0", value))
    if not settings.certificates.enable_cert_rotation and not settings.certificates.cert_dir:
        found.append(
            Problem("--cert-dir", "must name the folder of the certificates when --enable-cert-rotation=false")
        )
    return found
