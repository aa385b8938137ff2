"""The settings of `scaler operator`."""

from typing import Annotated, Literal

from scaler.errors import Problem
from scaler.settings.knobs import Address, Alias, Duration, Knob, Size
from scaler.settings.shared import Certificates, Cluster, Leader, Logs, Settings, Watch


class Judgement(Settings, frozen=True):
    """How decisions are made where nothing else is said."""

    no_data: Literal["upstream", "strict"] = "upstream"
    """Missing data. upstream: as KEDA. strict: to zero only on a fresh zero of every trigger.
    The annotation kube-scaler.dev/no-data overrides it for one object."""
    activate_to: Literal["minimum", "demand"] = "minimum"
    """From zero to what. minimum: minReplicaCount, or 1, as KEDA. demand: what the readings ask for, so that the
    HPA finds the work done. The annotation kube-scaler.dev/activate-to overrides it for one object."""
    recommendation_only: bool = False
    """Read, judge and explain everything, and write nothing but our own Lease: no HPA, replica, label, finalizer,
    status, event or Secret. It may run beside a live KEDA."""


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
    """lastActiveTime is written at most this often while an object stays active, and at most twice a second for all
    objects together; it is exact in memory."""


class Journal(Settings, frozen=True):
    """What is written down of what was seen and decided."""

    journal: Annotated[str, Knob(metavar="DIR|s3://BUCKET/PREFIX")] = ""
    """Where every reading and decision is written, as JSON lines in gzip files: a folder on a volume, or a bucket
    that this pod may put objects into. Nothing is written when empty."""
    journal_file_size: Size = 64 << 20
    """A file is whole at this size, packed. In a bucket a file waits in memory until it is whole; there it is 8Mi
    at most."""
    journal_file_age: Duration = 3600.0
    """A file is whole after this time; in a bucket after 5m at most."""
    journal_size: Size = 2 << 30
    """All files in the folder together: the oldest are removed to make room. A bucket's own lifecycle rules do it
    there."""
    journal_age: Duration = 604800.0
    """Files in the folder that are older are removed."""

    journal_region: Annotated[str, Knob(env=(Alias("AWS_REGION"), Alias("AWS_DEFAULT_REGION")))] = "us-east-1"
    """The bucket's region."""

    def problems(self) -> list[Problem]:
        found = []
        if self.journal.startswith("s3://") and not self.journal.removeprefix("s3://").partition("/")[0]:
            found.append(Problem("--journal", "must name a bucket, as in s3://BUCKET/PREFIX", self.journal))
        if "://" in self.journal and not self.journal.startswith("s3://"):
            found.append(Problem("--journal", "must be a folder or s3://BUCKET/PREFIX", self.journal))
        if self.journal_file_size < 1 << 16:
            found.append(Problem("--journal-file-size", "must be at least 64Ki", self.journal_file_size))
        if self.journal_size < 2 * self.journal_file_size:
            words = "must be at least twice --journal-file-size: one file is written, another is kept"
            found.append(Problem("--journal-size", words, self.journal_size))
        found += [
            Problem(flag, f"{value:g}s must be at least 1s", value)
            for flag, value in (("--journal-file-age", self.journal_file_age), ("--journal-age", self.journal_age))
            if value < 1
        ]
        return found


class OperatorServing(Settings, frozen=True):
    """What the operator listens on."""

    metrics_bind_address: Address = ":8080"
    """Prometheus metrics, at /metrics."""
    enable_high_cardinality_metrics_labels: bool = False
    """Give keda_scaler_http_request_duration_seconds the labels of the object and the trigger, too."""
    health_probe_bind_address: Address = ":8081"
    """/healthz and /readyz; a standby is ready."""
    metrics_service_bind_address: Address = ":9666"
    """The board of evaluations, for `scaler metrics`; with --recommendation-only explanations, for the API server."""
    advertised_address: Annotated[str, Knob(metavar="HOST:PORT")] = ""
    """Where others reach that board; it stands in the Lease. Empty: --pod-ip and the port above."""
    pod_ip: Annotated[str, Knob(env=(Alias("POD_IP"),))] = ""
    """This pod's address; 127.0.0.1 when empty."""


class OperatorSettings(Settings, frozen=True):
    """The settings of `scaler operator`."""

    cluster: Cluster = Cluster()
    watch: Watch = Watch()
    leader: Leader = Leader()
    judgement: Judgement = Judgement()
    reading: Reading = Reading()
    authentication: Authentication = Authentication()
    writing: Writing = Writing()
    journal: Journal = Journal()
    serving: OperatorServing = OperatorServing()
    certificates: Certificates = Certificates()
    logs: Logs = Logs()

    def problems(self) -> list[Problem]:
        return [*super().problems(), *_reading_problems(self)]


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
