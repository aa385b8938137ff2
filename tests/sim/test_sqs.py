"""The SQS endpoint, asked by the client that scalers use."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError, ReadTimeoutError

from scaler.sim.apiserver.server import ApiServer
from scaler.sim.clocks import ManualClock
from scaler.sim.sqs import SqsEndpoint
from scaler.sim.usage import UsageApi
from scaler.sim.world import Workers, World

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    server = ApiServer(clock)
    return World(server.registry, clock, UsageApi(server.registry))


@pytest.fixture
async def endpoint(world: World) -> AsyncIterator[SqsEndpoint]:
    async with SqsEndpoint(world) as endpoint:
        yield endpoint


@pytest.fixture
async def sqs(endpoint: SqsEndpoint) -> AsyncIterator[Any]:
    config = AioConfig(retries={"max_attempts": 1, "mode": "standard"}, read_timeout=1)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    async with get_session().create_client(
        "sqs", region_name="eu-west-1", endpoint_url=endpoint.url, config=config, **keys
    ) as client:
        yield client


async def counts(sqs: Any, url: str) -> list[int]:
    """Waiting, in flight, delayed."""
    found = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return [int(found["Attributes"][name]) for name in COUNTS]


async def test_a_queue_is_made_and_found(sqs: Any, endpoint: SqsEndpoint) -> None:
    made = await sqs.create_queue(QueueName="orders")
    assert made["QueueUrl"] == endpoint.queue_url("orders")
    assert (await sqs.get_queue_url(QueueName="orders"))["QueueUrl"] == made["QueueUrl"]
    await sqs.create_queue(QueueName="other")
    assert (await sqs.list_queues(QueueNamePrefix="ord"))["QueueUrls"] == [made["QueueUrl"]]


async def test_messages_wait_are_in_flight_and_go(sqs: Any, endpoint: SqsEndpoint) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    for body in ("one", "two"):
        await sqs.send_message(QueueUrl=url, MessageBody=body)
    assert await counts(sqs, url) == [2, 0, 0]
    received = (await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1))["Messages"]
    assert [message["Body"] for message in received] == ["one"]
    assert await counts(sqs, url) == [1, 1, 0]
    await sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    assert await counts(sqs, url) == [1, 0, 0]
    await sqs.purge_queue(QueueUrl=url)
    assert await counts(sqs, url) == [0, 0, 0]
    assert "Messages" not in await sqs.receive_message(QueueUrl=url)


async def test_a_message_that_is_not_deleted_comes_back(sqs: Any, endpoint: SqsEndpoint, clock: ManualClock) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    await sqs.send_message(QueueUrl=url, MessageBody="one")
    await sqs.receive_message(QueueUrl=url, VisibilityTimeout=10)
    assert await counts(sqs, url) == [0, 1, 0]
    await clock.advance(11)
    assert await counts(sqs, url) == [1, 0, 0]
    again = (await sqs.receive_message(QueueUrl=url))["Messages"]
    assert again[0]["Body"] == "one"


async def test_a_delayed_message_waits_its_time(sqs: Any, endpoint: SqsEndpoint, clock: ManualClock) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    await sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=5)
    assert await counts(sqs, url) == [0, 0, 1]
    await clock.advance(6)
    assert await counts(sqs, url) == [1, 0, 0]


async def test_a_queue_of_the_world_has_the_worlds_depth(sqs: Any, endpoint: SqsEndpoint, world: World) -> None:
    workers = Workers("default", "app=web", rate=1.0, in_flight=3)
    queue = world.add_queue("orders", depth=10.0, workers=workers)
    queue.step(world.clock.now(), 1.0, pods=2)
    assert await counts(sqs, endpoint.queue_url("orders")) == [2, 6, 0]
    body = (await sqs.receive_message(QueueUrl=endpoint.queue_url("orders")))["Messages"][0]["Body"]
    assert body.startswith("message ")


async def test_a_queue_that_is_not_there_is_said(sqs: Any, endpoint: SqsEndpoint) -> None:
    with pytest.raises(ClientError) as refused:
        await sqs.get_queue_attributes(QueueUrl=endpoint.queue_url("none"), AttributeNames=["All"])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert isinstance(refused.value, sqs.exceptions.QueueDoesNotExist)


async def test_an_unknown_attribute_and_an_unknown_action_are_refused(sqs: Any, endpoint: SqsEndpoint) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    with pytest.raises(ClientError, match="Unknown Attribute Zap"):
        await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Zap"])
    with pytest.raises(ClientError, match="TagQueue"):
        await sqs.tag_queue(QueueUrl=url, Tags={"a": "b"})


AILMENTS: dict[Any, tuple[str, int]] = {"error": ("InternalFailure", 500), "throttle": ("RequestThrottled", 403)}


@pytest.mark.parametrize("ailment", AILMENTS)
async def test_it_fails_for_as_long_as_it_is_told(
    sqs: Any, endpoint: SqsEndpoint, clock: ManualClock, ailment: Any
) -> None:
    code, status = AILMENTS[ailment]
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    endpoint.fail(60, ailment)
    with pytest.raises(ClientError) as refused:
        await counts(sqs, url)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    await clock.advance(61)
    assert not endpoint.ailing
    assert await counts(sqs, url) == [0, 0, 0]


async def test_it_hangs_until_it_recovers(sqs: Any, endpoint: SqsEndpoint) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    endpoint.fail(ailment="hang")
    with pytest.raises(ReadTimeoutError):
        await counts(sqs, url)
    waiting = asyncio.create_task(counts(sqs, url))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    endpoint.recover()
    assert await waiting == [0, 0, 0]


async def test_waiting_for_a_message_ends_when_one_comes(sqs: Any, endpoint: SqsEndpoint) -> None:
    url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
    waiting = asyncio.create_task(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1))
    await asyncio.sleep(0.1)
    await sqs.send_message(QueueUrl=url, MessageBody="one")
    assert [message["Body"] for message in (await waiting)["Messages"]] == ["one"]
