"""The program as a whole: how it starts, what it trusts, what it shows, and how it ends."""

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509

from scaler.serving.certificates import Material, renew
from tests.controlplane.cluster import Cluster
from tests.processes import wait_until
from tests.webhook.conftest import CONFIGURATIONS, Object, Webhook, started
from tests.webhook.shop import TARGET, Shop, resources, workload

SECRET = "/api/v1/namespaces/{}/secrets/scaler-webhook-certificates"


def presented(webhook: Webhook) -> x509.Certificate:
    """The certificate that a new connection sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", webhook.port), timeout=10) as plain,
        context.wrap_socket(plain) as connected,
    ):
        shown = connected.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def bundle(cluster: Cluster) -> bytes:
    found: Object = cluster.api.get(CONFIGURATIONS[0])
    return base64.b64decode(found["webhooks"][0]["clientConfig"]["caBundle"])


def trusted(webhook: Webhook, ca: bytes) -> bool:
    """Whether a client that trusts these authorities gets through."""
    context = ssl.create_default_context(cadata=ca.decode())
    try:
        with (
            socket.create_connection(("127.0.0.1", webhook.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1"),
        ):
            return True
    except ssl.SSLError:
        return False


def sizes(shop: Shop) -> None:
    owner = shop.make(workload())
    shop.vpa()
    shop.settle()
    assert resources(shop.tried(owner)) == {"requests": TARGET}


def test_a_lost_secret_is_made_again_and_new_trust_arrives_without_a_restart(
    cluster: Cluster, webhook: Webhook, namespace: str
) -> None:
    first, pid = presented(webhook), webhook.process.pid
    cluster.api.delete(SECRET.format(webhook.namespace))
    wait_until(lambda: presented(webhook) != first, "another certificate", 60)
    wait_until(lambda: trusted(webhook, bundle(cluster)), "the new authority in the configuration")
    sizes(Shop(cluster, namespace))
    webhook.process.check()
    assert webhook.process.pid == pid


def test_it_gives_a_sign_of_life_once_it_works(cluster: Cluster, webhook: Webhook) -> None:
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{webhook.namespace}/leases/vpa-admission-controller"
    wait_until(lambda: cluster.api.found(lease), "the status lease")


def test_a_registration_that_somebody_undoes_is_done_again(cluster: Cluster, webhook: Webhook) -> None:
    cluster.api.delete(CONFIGURATIONS[0])
    wait_until(webhook.registered, "the registration", 60)


def test_its_plain_port_shows_health_and_metrics(webhook: Webhook) -> None:
    assert [webhook.page(path) for path in ("/healthz", "/livez", "/health-check", "/readyz")] == ["ok"] * 4
    page = webhook.page("/metrics")
    assert "keda_build_info{" in page
    assert "process_cpu_seconds_total" in page
    assert 'kube_scaler_api_requests_total{code="200",resource="verticalpodautoscalers",verb="list"}' in page
    assert "there is nothing at /x" in webhook.page("/x")


@pytest.fixture
def given(cluster: Cluster, kinds: None, tmp_path: Path) -> Iterator[tuple[Webhook, Path]]:
    """One that is given its certificates as cert-manager gives them."""
    put(tmp_path, renew(None, ["127.0.0.1"], time.time()))
    for running in started(cluster, "--enable-cert-rotation=false", "--cert-dir", str(tmp_path)):
        yield running, tmp_path


def put(folder: Path, material: Material) -> None:
    (folder / "ca.crt").write_bytes(material.ca)
    (folder / "tls.crt").write_bytes(material.certificate)
    (folder / "tls.key").write_bytes(material.key)


def test_certificates_of_someone_else_are_used_and_followed(
    cluster: Cluster, given: tuple[Webhook, Path], namespace: str
) -> None:
    webhook, folder = given
    assert bundle(cluster) == (folder / "ca.crt").read_bytes()
    assert cluster.api.found(SECRET.format(webhook.namespace)) is None
    fresh = renew(None, ["127.0.0.1"], time.time())
    put(folder, fresh)
    (expected,) = x509.load_pem_x509_certificates(fresh.certificate)
    wait_until(lambda: presented(webhook) == expected, "the new certificate", 60)
    wait_until(lambda: bundle(cluster) == fresh.ca, "its authority in the configuration")
    sizes(Shop(cluster, namespace))


def test_beside_a_live_vpa_it_sizes_where_it_was_let_in_and_nowhere_else(
    cluster: Cluster, kinds: None, namespace: str
) -> None:
    home = cluster.new_namespace("webhook")
    running = Webhook(cluster, home, "--beside-upstream")
    record = {"format": 1, "served": [namespace], "wanted": [namespace], "sized": [namespace]}
    maps = f"/api/v1/namespaces/{home}/configmaps"
    shop = Shop(cluster, namespace)
    owner = shop.make(workload())
    shop.vpa()
    try:
        wait_until(running.ready, "the webhook to be ready")
        assert [cluster.api.found(path) for path in CONFIGURATIONS] == [None] * 3
        data = {"record": msgspec.json.encode(record).decode()}
        cluster.api.create(maps, {"metadata": {"name": "scaler-takeover"}, "data": data})
        wait_until(lambda: resources(shop.tried(owner)) == {"requests": TARGET}, "pods of the namespace to be sized")
        assert [cluster.api.found(path) is not None for path in CONFIGURATIONS] == [False, True, True]
        data = {"record": msgspec.json.encode(record | {"served": [], "wanted": [], "sized": []}).decode()}
        cluster.api.patch(f"{maps}/scaler-takeover", {"data": data})
        wait_until(
            lambda: all(cluster.api.found(path) is None for path in CONFIGURATIONS), "everything to be given back"
        )
        assert resources(shop.tried(owner)) == {}
    finally:
        running.process.kill()
        for path in CONFIGURATIONS:
            cluster.api.delete(path)
        cluster.api.delete(f"/api/v1/namespaces/{home}")


def test_asked_to_end_it_ends_well(cluster: Cluster, kinds: None) -> None:
    for running in started(cluster):
        assert running.process.terminate() == 0
        assert running.lines()[-1]["msg"] == "ending"


def test_rights_that_are_missing_are_told_and_the_lease_is_not_renewed(cluster: Cluster, kinds: None) -> None:
    namespace = cluster.new_namespace("webhook")
    kubeconfig = cluster.service_account_kubeconfig(namespace, "nobody")
    running = Webhook(cluster, namespace, kubeconfig=kubeconfig)

    def told() -> set[str]:
        running.process.check()
        return {line["msg"] for line in running.lines() if line["level"] == "warning"}

    try:
        wait_until(lambda: any("verticalpodautoscalers" in message for message in told()), "a word about VPAs")
        wait_until(lambda: any("certificates of secret" in message for message in told()), "a word about the Secret")
        assert "not every VerticalPodAutoscaler" in running.page("/readyz")
    finally:
        running.process.kill()
        cluster.api.delete(f"/api/v1/namespaces/{namespace}")


def test_an_old_tls_is_refused(webhook: Webhook) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", webhook.port), timeout=10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_help_and_wrong_flags_are_those_of_every_program() -> None:
    from click.testing import CliRunner

    from webhook.cli import cli

    def run(*flags: str) -> Any:
        return CliRunner().invoke(cli, flags, prog_name="scaler-webhook")

    shown = run("--help")
    assert shown.exit_code == 0
    assert "Examples:\n" in shown.output
    assert "--webhook-timeout-seconds" in shown.output
    assert "Exit codes:" in shown.output
    assert (
        "--reload-cert is VPA's and has no meaning here: certificates are always read again"
        in run("--reload-cert").output
    )
    wrong = run("--register-by-url")
    assert wrong.exit_code == 2
    assert "--webhook-address: is needed with --register-by-url" in wrong.output
    late = run("--lookup-deadline", "3s")
    assert "--lookup-deadline: 3s must be more than 0 and less than --webhook-timeout-seconds (3 s)" in late.output
    both = run("--vpa-object-namespace", "a", "--ignored-vpa-object-namespaces", "b")
    assert "cannot be given together with --vpa-object-namespace" in both.output
    assert run("--kubeconfig", "/no/such/file").output.startswith("Error: kubeconfig: cannot be read")
