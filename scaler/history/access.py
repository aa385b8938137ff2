"""From settings to a Prometheus and its history: files of tokens and authorities are read here."""

import ssl
from pathlib import Path

from yarl import URL

from scaler.errors import Invalid, Problem
from scaler.history.cluster import ClusterHistory
from scaler.history.prometheus import Access, Prometheus
from scaler.history.queries import Names
from scaler.settings.prometheus import PrometheusAccess, PrometheusHistory
from scaler.triggers.tls import Tls


def access(url: str, settings: PrometheusAccess, flag: str = "--prometheus") -> Access:
    """How to reach the server. Raises Invalid naming the flag whose value cannot be used."""
    headers = dict(_pair(text) for text in settings.prometheus_headers)
    token = settings.prometheus_bearer_token or _text(
        "--prometheus-bearer-token-file", settings.prometheus_bearer_token_file
    )
    if token:
        headers["Authorization"] = f"Bearer {token.strip()}"
    return Access(
        _address(url, flag),
        headers,
        settings.prometheus_username,
        settings.prometheus_password,
        _trust(settings) if url.startswith("https") else None,
        settings.prometheus_query_timeout,
        settings.prometheus_concurrency,
    )


def names(settings: PrometheusHistory) -> Names:
    """What its metrics and labels are called."""
    return Names(
        settings.history_cpu_metric,
        settings.history_memory_metric,
        settings.container_namespace_label,
        settings.container_pod_name_label,
        settings.container_name_label,
        settings.prometheus_cadvisor_job_name,
        settings.prometheus_matchers,
    )


def history(prometheus: Prometheus, settings: PrometheusHistory, end: float | None = None) -> ClusterHistory:
    """The past of the cluster that it watches, up to `end` or to now."""
    length, step = settings.history_length, settings.history_resolution
    return ClusterHistory(prometheus, names(settings), length=length, step=step, end=end)


def _address(url: str, flag: str) -> str:
    address = URL(url)
    if address.scheme not in {"http", "https"} or not address.host:
        words = f"{url!r} is no address such as http://prometheus.monitoring.svc:9090"
        raise Invalid([Problem(flag, words)])
    # People copy what stands in their browser.
    path = address.path.rstrip("/")
    for tail in ("/graph", "/query", "/api/v1", "/api/v1/query", "/api"):
        path = path.removesuffix(tail)
    return str(address.with_path(path).with_query(None).with_fragment(None)).rstrip("/")


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _text(flag: str, path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid([Problem(flag, f"{path} cannot be read: {error}")]) from error


def _trust(settings: PrometheusAccess) -> ssl.SSLContext:
    authority = _text("--prometheus-ca-file", settings.prometheus_ca_file)
    try:
        return Tls(verify=not settings.prometheus_insecure, ca=authority).context()
    except ValueError as error:
        raise Invalid([Problem("--prometheus-ca-file", f"{settings.prometheus_ca_file}: {error}")]) from error
