"""KEDA's names work where they mean the same, and settings that do not fit together are refused."""

import re
from pathlib import Path

import pytest

from scaler.settings.demo import DemoSettings, OwnCluster, Show
from scaler.settings.knobs import build, spellings
from scaler.settings.operator import OperatorSettings
from scaler.settings.reference import PROGRAMS

SCALER = Path(__file__).parents[2] / "scaler"
OBEYED_BY_WHAT_THEY_DEMAND = {"--enable-cert-rotation"}
"""Without it --cert-dir must be given, and nothing is rotated then."""

FLAGS = {one.flag: one for one in spellings(OperatorSettings)}
ALIASES = {alias.name: one.flag for one in FLAGS.values() for alias in one.aliases}


@pytest.mark.parametrize(
    ("variable", "flag"),
    [
        ("KEDA_HTTP_DEFAULT_TIMEOUT", "--http-timeout"),
        ("KEDA_HTTP_MIN_TLS_VERSION", "--http-min-tls-version"),
        ("KEDA_HTTP_DISABLE_KEEP_ALIVE", "--http-disable-keep-alive"),
        ("KEDA_OPERATOR_LEADER_ELECTION_LEASE_DURATION", "--leader-election-lease-duration"),
        ("KEDA_OPERATOR_LEADER_ELECTION_RENEW_DEADLINE", "--leader-election-renew-deadline"),
        ("KEDA_OPERATOR_LEADER_ELECTION_RETRY_PERIOD", "--leader-election-retry-period"),
        ("KEDA_RESTRICT_SECRET_ACCESS", "--restrict-secret-access"),
        ("KEDA_CLUSTER_OBJECT_NAMESPACE", "--cluster-object-namespace"),
        ("KEDA_BOUND_SERVICE_ACCOUNT_TOKEN_EXPIRY", "--bound-service-account-token-expiry"),
        ("KEDA_CHECK_UNEXPECTED_SCALERS_PARAMS", "--check-unexpected-scalers-params"),
        ("KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES", "--reconciles"),
        ("POD_NAMESPACE", "--pod-namespace"),
        ("WATCH_NAMESPACE", "--watch-namespace"),
        ("WATCH_LABEL_SELECTOR", "--watch-label-selector"),
        ("WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH", "--watch-label-selector-for-triggerauth"),
        ("KUBECONFIG", "--kubeconfig"),
        ("AWS_ENDPOINT_URL", "--aws-endpoint-url"),
    ],
)
def test_a_known_variable_sets_the_same_thing(variable: str, flag: str) -> None:
    assert ALIASES[variable] == flag


@pytest.mark.parametrize(
    ("flag", "default"),
    [
        ("--leader-elect", True),
        ("--metrics-bind-address", ":8080"),
        ("--health-probe-bind-address", ":8081"),
        ("--metrics-service-bind-address", ":9666"),
        ("--enable-cert-rotation", True),
        ("--enable-apiservice-patching", True),
        ("--k8s-cluster-domain", "cluster.local"),
        ("--ca-dir", ("/custom/ca",)),
        ("--filepath-auth-root-path", ""),
        ("--leader-election-lease-duration", 15.0),
        ("--leader-election-renew-deadline", 10.0),
        ("--leader-election-retry-period", 2.0),
        ("--http-timeout", 3.0),
    ],
)
def test_flags_and_defaults_are_those_that_kedas_manifests_count_on(flag: str, default: object) -> None:
    assert FLAGS[flag].default == default


@pytest.mark.parametrize("declared", [declared for _, declared in PROGRAMS], ids=[name for name, _ in PROGRAMS])
def test_every_setting_is_obeyed_by_somebody(declared: type) -> None:
    """A flag that nothing reads would be a promise that is not kept."""
    code = "\n".join(
        path.read_text()
        for room in (SCALER, SCALER.parent / "webhook")
        for path in room.rglob("*.py")
        if not path.is_relative_to(SCALER / "settings")
    )
    unread = {one.flag for one in spellings(declared) if not re.search(rf"\.{one.path[-1]}\b", code)}
    assert unread <= OBEYED_BY_WHAT_THEY_DEMAND


def test_the_defaults_fit_together() -> None:
    assert OperatorSettings().problems() == []


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"leader__leader_election_renew_deadline": 15.0}, "--leader-election-renew-deadline"),
        ({"leader__leader_election_retry_period": 10.0}, "--leader-election-retry-period"),
        ({"leader__leader_election_retry_period": 0.0}, "--leader-election-retry-period"),
        ({"authentication__bound_service_account_token_expiry": 60.0}, "--bound-service-account-token-expiry"),
        ({"reading__http_timeout": 0.0}, "--http-timeout"),
        ({"reading__requests_in_flight": 0}, "--requests-in-flight"),
        ({"writing__reconciles": -1}, "--reconciles"),
        ({"certificates__enable_cert_rotation": False}, "--cert-dir"),
    ],
)
def test_what_does_not_fit_is_named_by_its_flag(values: dict[str, object], flag: str) -> None:
    assert [problem.path for problem in build(OperatorSettings, values).problems()] == [flag]


def test_a_demo_that_takes_no_time_is_refused() -> None:
    assert [problem.path for problem in DemoSettings(Show(minutes=0)).problems()] == ["--minutes"]


def test_a_demo_takes_longer_where_the_hpa_controller_looks_less_often() -> None:
    assert DemoSettings().minutes == 3
    assert DemoSettings(own=OwnCluster(kubeconfig="x")).minutes == 10
    assert DemoSettings(Show(minutes=1.5), OwnCluster(kubeconfig="x")).minutes == 1.5


def test_what_is_about_a_cluster_of_ones_own_needs_its_kubeconfig() -> None:
    alone = DemoSettings(own=OwnCluster(context="prod", yes=True, reach="10.0.0.1"))
    assert [problem.path for problem in alone.problems()] == ["--context", "--yes", "--reach"]
    assert not DemoSettings(own=OwnCluster(kubeconfig="x", context="prod", yes=True)).problems()
