"""The settings of `scaler-webhook`."""

from typing import Annotated, Literal

from scaler.errors import Problem
from scaler.quantity import milli_quantity
from scaler.settings.knobs import Address, Duration, Knob
from scaler.settings.shared import Cluster, Logs, Settings
from scaler.settings.vertical import SizedPods


class Admission(Settings, frozen=True):
    """What the webhook listens on, and how it judges."""

    port: int = 8000
    """TLS port of the webhook."""
    bind_address: str = "0.0.0.0"  # noqa: S104 - the API server calls from elsewhere
    """Interface of that port."""
    address: Address = ":8944"
    """/metrics, /healthz and /readyz, in plain HTTP."""
    min_tls_version: Literal["tls1_2", "tls1_3"] = "tls1_2"
    """Oldest TLS that the API server may speak."""
    lookup_deadline: Duration = 2.0
    """How long a review waits for what is not in memory (a new ReplicaSet's owner); a pod is then left as it is.
    Less than --webhook-timeout-seconds, or nobody hears why."""
    max_allowed_cpu_boost: Annotated[str, Knob(metavar="QUANTITY")] = ""
    """The most cpu that a startup boost may ask for; no bound when empty."""
    scaled_objects: bool = True
    """Judge ScaledObjects and authentications, too. False: for VerticalPodAutoscalers alone."""

    def problems(self) -> list[Problem]:
        try:
            wrong = bool(self.max_allowed_cpu_boost) and milli_quantity(self.max_allowed_cpu_boost) <= 0
        except ValueError as error:
            return [Problem("--max-allowed-cpu-boost", str(error))]
        return (
            [Problem("--max-allowed-cpu-boost", "must be more than 0", self.max_allowed_cpu_boost)] if wrong else []
        )


class Registration(Settings, frozen=True):
    """How the API server learns of the webhook."""

    register_webhook: bool = True
    """Write the webhook configurations. False: they are applied by someone else."""
    webhook_service: str = "vpa-webhook"
    """The Service that the API server calls, in our namespace."""
    webhook_service_port: int = 443
    """Port of that Service."""
    register_by_url: bool = False
    """Have the API server call --webhook-address instead of the Service."""
    webhook_address: Annotated[str, Knob(metavar="HOST")] = ""
    """Host or IP address of that URL."""
    webhook_port: int = 0
    """Port of that URL; --port when 0."""
    webhook_labels: Annotated[tuple[str, ...], Knob(metavar="KEY=VALUE,...")] = ()
    """More labels for the webhook configurations."""
    webhook_timeout_seconds: int = 3
    """How long the API server waits, before it goes on without us."""
    webhook_failure_policy_fail: bool = False
    """Have the API server refuse pods and objects while the webhook does not answer. False: it goes on without."""

    def problems(self) -> list[Problem]:
        found = []
        if self.register_by_url and not self.webhook_address:
            found.append(Problem("--webhook-address", "is needed with --register-by-url: where the API server calls"))
        if not 1 <= self.webhook_timeout_seconds <= 30:
            words = "must be from 1 to 30: that is what the API server takes"
            found.append(Problem("--webhook-timeout-seconds", words, self.webhook_timeout_seconds))
        wrong = [label for label in self.webhook_labels if "=" not in label]
        if wrong:
            found.append(Problem("--webhook-labels", "must be KEY=VALUE", wrong[0]))
        return found


class WebhookCertificates(Settings, frozen=True):
    """How the API server can trust the webhook."""

    enable_cert_rotation: bool = True
    """Make and renew our own CA and certificate, kept in a Secret. False: they lie in --cert-dir or in files."""
    cert_secret_name: str = "scaler-webhook-certificates"  # noqa: S105 - the name of a Secret, not a secret
    """The Secret that they are kept in; only we write it."""
    cert_dir: Annotated[str, Knob(metavar="DIR")] = ""
    """Folder with tls.crt, tls.key and ca.crt of someone else's making; read again when they change."""
    tls_cert_file: Annotated[str, Knob(metavar="FILE")] = ""
    """The certificate, when it is in no such folder; read again when it changes."""
    tls_private_key: Annotated[str, Knob(metavar="FILE")] = ""
    """Its key."""
    client_ca_file: Annotated[str, Knob(metavar="FILE")] = ""
    """The CA that signed it, for the webhook configurations."""
    k8s_cluster_domain: str = "cluster.local"
    """The domain that in-cluster names may end in."""

    def problems(self) -> list[Problem]:
        files = {
            "--tls-cert-file": self.tls_cert_file,
            "--tls-private-key": self.tls_private_key,
            "--client-ca-file": self.client_ca_file,
        }
        missing = [flag for flag, file in files.items() if not file]
        if 0 < len(missing) < len(files):
            given = ", ".join(flag for flag in files if flag not in missing)
            return [Problem(flag, f"is needed beside {given}") for flag in missing]
        if not self.enable_cert_rotation and missing and not self.cert_dir:
            words = "is needed with --enable-cert-rotation=false (or --tls-cert-file and its two others)"
            return [Problem("--cert-dir", words)]
        return []


class Liveness(Settings, frozen=True):
    """How the updater knows that new pods are sized."""

    status_lease: str = "vpa-admission-controller"
    """Name of the Lease that is renewed while the webhook works, in our namespace."""


class WebhookSettings(Settings, frozen=True):
    """The settings of `scaler-webhook`."""

    def problems(self) -> list[Problem]:
        found = super().problems()
        deadline, timeout = self.admission.lookup_deadline, self.registration.webhook_timeout_seconds
        if not 0 < deadline < timeout:
            words = f"{deadline:g}s must be more than 0 and less than --webhook-timeout-seconds ({timeout} s)"
            found.append(Problem("--lookup-deadline", words, deadline))
        return found

    cluster: Cluster = Cluster()
    admission: Admission = Admission()
    pods: SizedPods = SizedPods()
    registration: Registration = Registration()
    certificates: WebhookCertificates = WebhookCertificates()
    liveness: Liveness = Liveness()
    logs: Logs = Logs()
