"""How programs read the past from a Prometheus: upstream's flags where it has them, today's names as defaults."""

from typing import Annotated

from scaler.errors import Problem
from scaler.settings.knobs import Duration, Knob
from scaler.settings.shared import Settings

DAY = 86400.0


class PrometheusAccess(Settings, frozen=True):
    """How the Prometheus is reached."""

    prometheus_username: str = ""
    """Name for basic authentication."""
    prometheus_password: str = ""
    """Its password; better in the variable than on the command line, where others of the machine see it."""
    prometheus_bearer_token: str = ""
    """Sent as Authorization: Bearer."""
    prometheus_bearer_token_file: Annotated[str, Knob(metavar="FILE")] = ""
    """A file with that token."""
    prometheus_headers: Annotated[tuple[str, ...], Knob(metavar="NAME=VALUE,...")] = ()
    """Sent with each request, as in X-Scope-OrgID=shop."""
    prometheus_ca_file: Annotated[str, Knob(metavar="FILE")] = ""
    """PEM of the authority to trust beside the system's."""
    prometheus_insecure: Annotated[bool, Knob(switch=True)] = False
    """Take any certificate."""
    prometheus_query_timeout: Duration = 300.0
    """How long one answer may take."""
    prometheus_concurrency: int = 4
    """Queries under way at once; others ask the server, too."""

    def problems(self) -> list[Problem]:
        found = [
            Problem("--prometheus-headers", f"{text!r} is not NAME=VALUE", text)
            for text in self.prometheus_headers
            if not text.partition("=")[0].strip() or "=" not in text
        ]
        if self.prometheus_password and not self.prometheus_username:
            found.append(Problem("--prometheus-password", "needs --prometheus-username"))
        if self.prometheus_bearer_token and self.prometheus_bearer_token_file:
            found.append(Problem("--prometheus-bearer-token", "and --prometheus-bearer-token-file: give one of them"))
        if self.prometheus_username and (self.prometheus_bearer_token or self.prometheus_bearer_token_file):
            found.append(Problem("--prometheus-username", "and a bearer token: give one of them"))
        for flag, value in (
            ("--prometheus-query-timeout", self.prometheus_query_timeout),
            ("--prometheus-concurrency", self.prometheus_concurrency),
        ):
            if value <= 0:
                found.append(Problem(flag, f"{value:g} must be more than 0", value))
        return found


class PrometheusHistory(Settings, frozen=True):
    """What is read from it."""

    history_length: Duration = 8 * DAY
    """How far back. After eight days usage counts for 1/256 of today's."""
    history_resolution: Duration = 0.0
    """Time between two values of a container; 0 is one minute, or more where that would be too much to read.
    Upstream's is one hour, in which peaks are lost."""
    history_cpu_metric: str = "container_cpu_usage_seconds_total"
    """The counter of cpu that containers used."""
    history_memory_metric: str = "container_memory_working_set_bytes"
    """The gauge of memory that they use."""
    prometheus_cadvisor_job_name: str = ""
    """Only series of this job; any when empty. Upstream's default is kubernetes-cadvisor."""
    prometheus_matchers: Annotated[str, Knob(metavar='LABEL="VALUE",...')] = ""
    """More that series must match, as in cluster="prod", where one server watches several clusters."""
    container_namespace_label: str = "namespace"
    """The kubelet's label for the namespace."""
    container_pod_name_label: str = "pod"
    """The kubelet's label for the pod; pod_name before Kubernetes 1.16, and still upstream's default."""
    container_name_label: str = "container"
    """The kubelet's label for the container; container_name or name before Kubernetes 1.16."""

    def problems(self) -> list[Problem]:
        found = []
        if self.history_length < 600:
            words = f"{self.history_length:g}s is too short to learn from: give 10m or more"
            found.append(Problem("--history-length", words, self.history_length))
        if self.history_resolution and not 10 <= self.history_resolution <= self.history_length:
            words = f"{self.history_resolution:g}s must be from 10s to --history-length ({self.history_length:g}s)"
            found.append(Problem("--history-resolution", words, self.history_resolution))
        return found
