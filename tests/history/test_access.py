"""From settings to how a server is reached."""

import ssl
from pathlib import Path

import pytest

from scaler.errors import Invalid
from scaler.history import access as room
from scaler.history.prometheus import Access, Prometheus
from scaler.history.queries import Names
from scaler.settings.prometheus import PrometheusAccess, PrometheusHistory
from tests.controlplane.certificates import Authority


def test_without_settings_everything_is_todays_default() -> None:
    assert room.access("http://prometheus:9090", PrometheusAccess()) == Access(
        "http://prometheus:9090", timeout=300.0
    )
    assert room.names(PrometheusHistory()) == Names()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://p:9090/", "http://p:9090"),
        ("http://p:9090/graph?g0.expr=up#x", "http://p:9090"),
        ("http://p:9090/query", "http://p:9090"),
        ("https://mimir/prometheus/api/v1/query", "https://mimir/prometheus"),
        ("http://p/prometheus", "http://p/prometheus"),
    ],
)
def test_an_address_from_a_browser_is_taken(given: str, url: str) -> None:
    assert room.access(given, PrometheusAccess()).url == url


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://p", "/tmp", "http://"])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Invalid, match=r"--prometheus: .* is no address such as http://prometheus"):
        room.access(url, PrometheusAccess())


def test_credentials_come_from_flags_or_files(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    of_file = room.access("http://p", PrometheusAccess(prometheus_bearer_token_file=str(file)))
    assert of_file.headers == {"Authorization": "Bearer secret"}
    more = PrometheusAccess(
        prometheus_headers=("X-Scope-OrgID=shop", "A = b=c"), prometheus_username="me", prometheus_password="p"
    )
    given = room.access("http://p", more)
    assert (given.headers, given.username, given.password) == ({"X-Scope-OrgID": "shop", "A": "b=c"}, "me", "p")
    with pytest.raises(Invalid, match=r"--prometheus-bearer-token-file: .*gone cannot be read"):
        room.access("http://p", PrometheusAccess(prometheus_bearer_token_file=str(tmp_path / "gone")))


def test_an_authority_is_trusted_or_none_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_bytes(Authority.new("tests").pem)
    trust = room.access("https://p", PrometheusAccess(prometheus_ca_file=str(file))).tls
    assert trust is not None
    assert any("tests" in str(one["subject"]) for one in trust.get_ca_certs())
    anyone = room.access("https://p", PrometheusAccess(prometheus_insecure=True)).tls
    assert anyone is not None
    assert anyone.verify_mode == ssl.CERT_NONE
    file.write_text("no certificate")
    with pytest.raises(Invalid, match=r"--prometheus-ca-file: .*is not a certificate in PEM form"):
        room.access("https://p", PrometheusAccess(prometheus_ca_file=str(file)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PrometheusAccess(prometheus_headers=("X",)), "--prometheus-headers: 'X' is not NAME=VALUE"),
        (PrometheusAccess(prometheus_password="x"), "--prometheus-password: needs --prometheus-username"),
        (PrometheusAccess(prometheus_bearer_token="a", prometheus_bearer_token_file="b"), "give one of them"),
        (PrometheusAccess(prometheus_username="a", prometheus_bearer_token="b"), "give one of them"),
        (PrometheusAccess(prometheus_query_timeout=0.0), "--prometheus-query-timeout: 0 must be more than 0"),
        (PrometheusAccess(prometheus_concurrency=0), "--prometheus-concurrency: 0 must be more than 0"),
        (PrometheusHistory(history_length=60.0), "--history-length: 60s is too short to learn from"),
        (PrometheusHistory(history_resolution=1.0), "--history-resolution: 1s must be from 10s"),
    ],
)
def test_settings_that_do_not_fit_together_are_told(
    settings: PrometheusAccess | PrometheusHistory, words: str
) -> None:
    (problem,) = settings.problems()
    assert words in str(problem)


async def test_a_history_reads_what_the_settings_say() -> None:
    prometheus = Prometheus(Access("http://p"))
    past = room.history(prometheus, PrometheusHistory(history_length=7200.0, history_resolution=60.0), end=100_000.0)
    assert (past.length, past.end, past.window(1_000_000).step) == (7200, 100_000, 60)
    assert room.history(prometheus, PrometheusHistory()).window(1).step == 60
