"""The settings of `scaler metrics`."""

from typing import Annotated

from scaler.settings.knobs import Address, Duration, Knob
from scaler.settings.shared import Certificates, Cluster, Logs, Settings


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
    look_deadline: Duration = 1.0
    """A read that wants a fresh value waits this long for it, or a quarter of a second when the source failed the
    last time, then gets the last one with its true time. While it waits it holds one of the HPA controller's workers,
    of which there are 5 by default."""
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
