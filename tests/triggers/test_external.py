"""external against a real gRPC server."""

from collections.abc import AsyncIterator

import grpc
import pytest

from scaler.horizontal.readings import Failure, Reading
from scaler.triggers.connections import Connections
from tests.controlplane.certificates import Authority
from tests.triggers.building import NOW, built, good, said
from tests.triggers.external_scaler import ExternalScaler, messages


@pytest.fixture
async def server() -> AsyncIterator[ExternalScaler]:
    async with ExternalScaler() as served:
        yield served


def metadata(server: ExternalScaler, **more: str) -> dict[str, str]:
    return {"scalerAddress": server.address, **more}


class TestTheMetrics:
    async def test_are_those_that_the_scaler_offers(self, io: Connections, server: ExternalScaler) -> None:
        server.specs = [
            messages.MetricSpec(metricName="jobs.waiting", targetSize=5),
            messages.MetricSpec(metricName="share", targetSize=5, targetSizeFloat=0.25),
        ]
        trigger = good("external", metadata(server), index=3, metric_type="Value")
        assert trigger.dynamic
        assert trigger.plan.metrics == ()
        plan = await trigger.specs(io)
        assert [(one.name, one.target, one.metric_type) for one in plan.metrics] == [
            ("s3-jobs.waiting", 5, "Value"),
            ("s3-share", 0.25, "Value"),
        ]
        assert trigger.plan is plan

    async def test_have_the_scalers_values_and_its_word_on_activity(
        self, io: Connections, server: ExternalScaler
    ) -> None:
        server.specs.append(messages.MetricSpec(metricName="share", targetSizeFloat=0.25))
        server.values["share"] = [messages.MetricValue(metricName="share", metricValue=7, metricValueFloat=0.75)]
        trigger = good("external", metadata(server))
        await trigger.specs(io)
        server.active = False
        jobs, share = await trigger.read(io, NOW)
        assert isinstance(jobs, Reading)
        assert isinstance(share, Reading)
        assert (jobs.metric, jobs.value, jobs.active) == ("s0-jobs", 12, False)
        assert (share.metric, share.value, share.active) == ("s0-share", 0.75, False)

    async def test_are_asked_for_without_their_index(self, io: Connections, server: ExternalScaler) -> None:
        trigger = good("external", metadata(server), index=2)
        await trigger.specs(io)
        await trigger.read(io, NOW)
        assert {request.metricName for method, request in server.asked if method == "GetMetrics"} == {"jobs"}

    async def test_get_everything_in_the_metadata_with_variables_resolved(
        self, io: Connections, server: ExternalScaler
    ) -> None:
        given = metadata(server, queue="a", hostFromEnv="HOST", ghostFromEnv="NOWHERE")
        trigger = good("external", given, env={"HOST": "db.example"})
        await trigger.specs(io)
        ref = server.asked[0][1]
        assert (ref.name, ref.namespace) == ("cart", "shop")
        assert dict(ref.scalerMetadata) == {
            "scalerAddress": server.address,
            "queue": "a",
            "hostFromEnv": "db.example",
        }

    async def test_are_asked_for_at_a_look_when_they_were_not_before(
        self, io: Connections, server: ExternalScaler
    ) -> None:
        trigger = good("external", metadata(server))
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Failure)
        await trigger.specs(io)
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Reading)


class TestTls:
    async def test_trusts_the_given_authority_and_shows_our_certificate(self, io: Connections) -> None:
        authority = Authority.new("tests")
        pair, own = authority.server("127.0.0.1"), authority.client("scaler")
        credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)], authority.pem, True)
        auth = {
            "caCert": authority.pem.decode(),
            "tlsClientCert": own.certificate.decode(),
            "tlsClientKey": own.key.decode(),
        }
        async with ExternalScaler(credentials) as server:
            plan = await good("external", metadata(server), auth=auth).specs(io)
        assert [metric.name for metric in plan.metrics] == ["s0-jobs"]

    @pytest.mark.parametrize("name", ["127.0.0.1", "somebody.else"])
    async def test_takes_the_certificate_that_is_shown_with_unsafe_ssl(self, io: Connections, name: str) -> None:
        pair = Authority.new("tests").server(name)
        credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)])
        async with ExternalScaler(credentials) as server:
            plan = await good("external", metadata(server, enableTLS="true", unsafeSsl="true")).specs(io)
        assert plan.problem == ""
        assert [metric.name for metric in plan.metrics] == ["s0-jobs"]

    async def test_does_not_trust_a_stranger(self, io: Connections) -> None:
        pair = Authority.new("tests").server("127.0.0.1")
        credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)])
        async with ExternalScaler(credentials) as server:
            plan = await good("external", metadata(server, enableTLS="true")).specs(io)
        assert "UNAVAILABLE" in plan.problem


class TestTrouble:
    async def test_nobody_at_the_address_is_named_with_the_remedy(self, io: Connections) -> None:
        trigger = good("external", {"scalerAddress": "127.0.0.1:9"})
        plan = await trigger.specs(io)
        assert plan.problem.startswith("external scaler 127.0.0.1:9 answered GetMetricSpec with UNAVAILABLE")
        assert "see whether scalerAddress is right" in plan.problem
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Failure)
        assert "127.0.0.1:9" in shown.why

    async def test_a_slow_scaler_is_given_up(self, io: Connections, server: ExternalScaler) -> None:
        trigger = good("external", metadata(server), timeout=0.3)
        await trigger.specs(io)
        server.delay = 30
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Failure)
        assert shown.metric == "s0-jobs"
        assert shown.why.startswith(f"external scaler {server.address} did not answer within 0.3 s")

    async def test_a_refusal_is_told_in_the_scalers_words(self, io: Connections, server: ExternalScaler) -> None:
        trigger = good("external", metadata(server))
        await trigger.specs(io)
        server.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "queue is missing")
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Failure)
        assert "INVALID_ARGUMENT (queue is missing)" in shown.why

    async def test_a_metric_without_a_value_is_a_failure_and_not_zero(
        self, io: Connections, server: ExternalScaler
    ) -> None:
        trigger = good("external", metadata(server))
        await trigger.specs(io)
        server.values = {}
        (shown,) = await trigger.read(io, NOW)
        assert isinstance(shown, Failure)
        assert "gave no value for the metric jobs" in shown.why

    @pytest.mark.parametrize(
        ("specs", "why"),
        [
            ([], "offers no metric"),
            ([messages.MetricSpec(metricName="jobs")], "offers jobs with a target that is not above 0"),
        ],
    )
    async def test_an_offer_that_no_hpa_could_take_is_a_problem(
        self, io: Connections, server: ExternalScaler, specs: list[object], why: str
    ) -> None:
        server.specs = specs
        assert why in (await good("external", metadata(server)).specs(io)).problem


@pytest.mark.parametrize(
    ("given", "auth", "problem"),
    [
        ({}, {}, "metadata.scalerAddress: is required: give it here"),
        ({"scalerAddress": "nowhere"}, {}, "metadata.scalerAddress: is not of the form host:port"),
        ({"enableTLS": "yes"}, {}, 'metadata.enableTLS: "yes" is not a boolean'),
        ({}, {"caCert": "x"}, "authenticationRef: parameter caCert is not a certificate in PEM form"),
    ],
)
def test_refuses_with_the_place_and_the_remedy(given: dict[str, str], auth: dict[str, str], problem: str) -> None:
    address = {} if not given and not auth else {"scalerAddress": "a:1"}
    (only,) = said(built("external", {**address, **given}, auth=auth))
    assert only.startswith(problem)


def test_other_keys_are_the_scalers_and_no_warning() -> None:
    assert good("external", {"scalerAddress": "a:1", "anything": "goes"}).warnings == ()
