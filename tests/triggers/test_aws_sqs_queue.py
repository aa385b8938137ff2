"""aws-sqs-queue against a real SQS endpoint."""

import uuid
from collections.abc import AsyncIterator

import pytest

from scaler.api.authentication import PodIdentity
from scaler.triggers.connections import Connections
from tests.servers.aws import Aws
from tests.triggers.building import NOW, built, failure, good, reading, said

KEYS = {"awsAccessKeyID": "testing", "awsSecretAccessKey": "testing"}
OF_THE_OPERATOR = {"identityOwner": "operator"}


@pytest.fixture
async def io(aws_server: Aws) -> AsyncIterator[Connections]:
    async with Connections(now=lambda: NOW, aws_endpoint_url=aws_server.url) as connections:
        yield connections


@pytest.fixture
def queue(aws_server: Aws) -> str:
    return aws_server.queue(f"work-{uuid.uuid4().hex[:8]}")


def metadata(queue: str, **more: str) -> dict[str, str]:
    return {"queueURL": queue, "awsRegion": "eu-west-1", **more}


class TestTheNumber:
    async def test_is_the_messages_that_wait(self, io: Connections, aws_server: Aws, queue: str) -> None:
        aws_server.send(queue, 7)
        assert (await reading(io, "aws-sqs-queue", metadata(queue), auth=KEYS)).value == 7

    async def test_counts_messages_in_flight_unless_told_otherwise(
        self, io: Connections, aws_server: Aws, queue: str
    ) -> None:
        aws_server.send(queue, 5)
        assert aws_server.receive(queue, 2) == 2
        with_them = await reading(io, "aws-sqs-queue", metadata(queue), auth=KEYS)
        without = await reading(io, "aws-sqs-queue", metadata(queue, scaleOnInFlight="false"), auth=KEYS)
        assert (with_them.value, without.value) == (5, 3)

    async def test_counts_delayed_messages_when_asked(self, io: Connections, aws_server: Aws) -> None:
        queue = aws_server.queue(f"later-{uuid.uuid4().hex[:8]}", DelaySeconds="600")
        aws_server.send(queue, 3)
        plain = await reading(io, "aws-sqs-queue", metadata(queue), auth=KEYS)
        delayed = await reading(io, "aws-sqs-queue", metadata(queue, scaleOnDelayed="true"), auth=KEYS)
        assert (plain.value, delayed.value) == (0, 3)

    async def test_activates_strictly_above_its_threshold(self, io: Connections, aws_server: Aws, queue: str) -> None:
        aws_server.send(queue, 3)
        at = await reading(io, "aws-sqs-queue", metadata(queue, activationQueueLength="3"), auth=KEYS)
        above = await reading(io, "aws-sqs-queue", metadata(queue, activationQueueLength="2"), auth=KEYS)
        assert (at.active, above.active) == (False, True)


class TestTheCaller:
    async def test_may_have_keys_from_the_containers_environment(self, io: Connections, queue: str) -> None:
        names = {"awsAccessKeyIDFromEnv": "ID", "awsSecretAccessKeyFromEnv": "KEY"}
        shown = await reading(io, "aws-sqs-queue", metadata(queue, **names), env={"ID": "a", "KEY": "b"})
        assert shown.value == 0

    async def test_may_be_the_operator(self, io: Connections, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
        shown = await reading(io, "aws-sqs-queue", metadata(queue, **OF_THE_OPERATOR))
        assert shown.value == 0

    async def test_assumes_a_role(self, io: Connections, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
        role = {"awsRoleArn": "arn:aws:iam::123456789012:role/reader", "awsExternalId": "42"}
        shown = await reading(io, "aws-sqs-queue", metadata(queue), auth=role, identity=PodIdentity(provider="aws"))
        assert shown.value == 0

    async def test_assumes_a_role_by_web_identity(
        self, io: Connections, queue: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
    ) -> None:
        from pathlib import Path

        token = Path(str(tmp_path)) / "token"
        token.write_text("eyJhbGciOiJub25lIn0.e30.")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        role = {"awsRoleArn": "arn:aws:iam::123456789012:role/reader"}
        shown = await reading(io, "aws-sqs-queue", metadata(queue), auth=role, identity=PodIdentity(provider="aws"))
        assert shown.value == 0

    async def test_without_any_credentials_is_told_so(
        self, io: Connections, queue: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        assert "credentials" in await failure(io, "aws-sqs-queue", metadata(queue, **OF_THE_OPERATOR))


class TestTrouble:
    async def test_a_queue_that_is_not_there_is_named_with_the_remedy(self, io: Connections, aws_server: Aws) -> None:
        url = f"{aws_server.url}/123456789012/nowhere"
        why = await failure(io, "aws-sqs-queue", metadata(url), auth=KEYS)
        assert url in why
        assert "see whether queueURL and awsRegion are right" in why

    async def test_an_endpoint_that_refuses_connections_is_named(self, io: Connections, queue: str) -> None:
        there = metadata(queue, awsEndpoint="http://127.0.0.1:9")
        assert "http://127.0.0.1:9" in await failure(io, "aws-sqs-queue", there, auth=KEYS)

    async def test_notes_of_the_authentication_stand_with_the_failure(self, io: Connections, queue: str) -> None:
        there = metadata(queue, awsEndpoint="http://127.0.0.1:9")
        why = await failure(io, "aws-sqs-queue", there, auth=KEYS, notes=("secret keys has no key token",))
        assert why.endswith("; secret keys has no key token")


class TestThePlan:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("https://sqs.eu-west-1.amazonaws.com/1234/Orders.fifo", "s0-aws-sqs-Orders-fifo"),
            ("my-queue", "s0-aws-sqs-my-queue"),
        ],
    )
    def test_names_the_metric_after_the_queue(self, url: str, name: str) -> None:
        (metric,) = good("aws-sqs-queue", metadata(url, queueLength="9"), auth=KEYS).plan.metrics
        assert (metric.name, metric.target, metric.metric_type) == (name, 9, "AverageValue")

    @pytest.mark.parametrize(
        "url", ["https://sqs.eu-west-1.amazonaws.com/1234", "https://host/a/b/c", "https://h/a/"]
    )
    def test_refuses_a_url_without_a_queue(self, url: str) -> None:
        (problem,) = said(built("aws-sqs-queue", metadata(url), auth=KEYS))
        assert problem.startswith("metadata.queueURL: has no queue in it")

    def test_refuses_to_be_nobody_and_says_the_ways_to_be_somebody(self) -> None:
        problems = said(built("aws-sqs-queue", metadata("q")))
        assert problems[0].startswith("authenticationRef: parameter awsAccessKeyID is required")
        assert "identityOwner: operator" in problems[0]

    def test_two_triggers_on_one_queue_ask_one_question(self) -> None:
        one = good("aws-sqs-queue", metadata("q", queueLength="1"), auth=KEYS)
        other = good("aws-sqs-queue", metadata("q", activationQueueLength="7"), auth=KEYS, index=3)
        stranger = good("aws-sqs-queue", metadata("q"), auth={**KEYS, "awsSessionToken": "t"})
        assert one.source == other.source
        assert one.source != stranger.source
