"""redis-streams and its cluster and sentinel types against real ones."""

import uuid

import pytest

from scaler.triggers.connections import Connections
from tests.servers.redis import Redis, RedisCluster, RedisSentinel
from tests.triggers.building import failure, good, reading


@pytest.fixture
def stream() -> str:
    return f"events-{uuid.uuid4().hex[:8]}"


def metadata(address: str, stream: str, **more: str) -> dict[str, str]:
    return {"address": address, "stream": stream, **more}


def add(server: Redis, stream: str, count: int) -> None:
    with server.client() as client:
        for number in range(count):
            client.xadd(stream, {"number": number})


def take(server: Redis, stream: str, count: int) -> None:
    """Give so many entries to a member of the group, unacknowledged."""
    with server.client() as client:
        client.xgroup_create(stream, "workers", id="0")
        client.xreadgroup("workers", "one", {stream: ">"}, count=count)


class TestWithoutAGroup:
    async def test_the_length_counts(self, io: Connections, redis_server: Redis, stream: str) -> None:
        add(redis_server, stream, 6)
        assert (await reading(io, "redis-streams", metadata(redis_server.address, stream))).value == 6

    def test_the_target_is_stream_length(self, stream: str) -> None:
        given = metadata("a:1", stream, streamLength="15", pendingEntriesCount="7")
        (metric,) = good("redis-streams", given, index=2).plan.metrics
        assert (metric.name, metric.target) == (f"s2-redis-streams-{stream}", 15)


class TestPendingEntries:
    async def test_count_with_a_group(self, io: Connections, redis_server: Redis, stream: str) -> None:
        add(redis_server, stream, 6)
        take(redis_server, stream, 2)
        there = metadata(redis_server.address, stream, consumerGroup="workers")
        assert (await reading(io, "redis-streams", there)).value == 2

    async def test_of_a_group_that_is_not_there_are_a_failure(
        self, io: Connections, redis_server: Redis, stream: str
    ) -> None:
        add(redis_server, stream, 1)
        there = metadata(redis_server.address, stream, consumerGroup="strangers")
        assert "NOGROUP" in await failure(io, "redis-streams", there)


class TestLag:
    async def test_counts_with_a_group_and_lag_count(self, io: Connections, redis_server: Redis, stream: str) -> None:
        add(redis_server, stream, 6)
        take(redis_server, stream, 2)
        there = metadata(redis_server.address, stream, consumerGroup="workers", lagCount="5")
        shown = await reading(io, "redis-streams", there)
        at = await reading(io, "redis-streams", there | {"activationLagCount": "4"})
        assert (shown.value, shown.active, at.active) == (4, True, False)

    async def test_of_no_stream_is_zero(self, io: Connections, redis_server: Redis, stream: str) -> None:
        there = metadata(redis_server.address, stream, consumerGroup="workers", lagCount="5")
        assert (await reading(io, "redis-streams", there)).value == 0

    async def test_of_no_group_yet_is_all_of_the_stream(
        self, io: Connections, redis_server: Redis, stream: str
    ) -> None:
        add(redis_server, stream, 3)
        there = metadata(redis_server.address, stream, consumerGroup="workers", lagCount="5")
        assert (await reading(io, "redis-streams", there)).value == 3

    async def test_that_redis_cannot_tell_is_a_failure_and_not_zero(
        self, io: Connections, redis_server: Redis, stream: str
    ) -> None:
        add(redis_server, stream, 6)
        take(redis_server, stream, 1)
        with redis_server.client() as client:
            third = client.xrange(stream)[3][0]
            client.xdel(stream, third)
        there = metadata(redis_server.address, stream, consumerGroup="workers", lagCount="5")
        assert "entries were deleted" in await failure(io, "redis-streams", there)


async def test_a_cluster_is_asked_at_the_node_that_has_the_stream(
    io: Connections, redis_cluster: RedisCluster, stream: str
) -> None:
    client = redis_cluster.client()
    for _ in range(4):
        client.xadd(stream, {"a": 1})
    client.xgroup_create(stream, "workers", id="0")
    client.close()
    there = {"addresses": ",".join(redis_cluster.addresses), "stream": stream}
    length = await reading(io, "redis-cluster-streams", there)
    pending = await reading(io, "redis-cluster-streams", there | {"consumerGroup": "workers"})
    lag = await reading(io, "redis-cluster-streams", there | {"consumerGroup": "workers", "lagCount": "1"})
    assert (length.value, pending.value, lag.value) == (4, 0, 4)


async def test_sentinels_name_the_master_that_is_asked(
    io: Connections, redis_sentinel: RedisSentinel, stream: str
) -> None:
    add(redis_sentinel.master, stream, 5)
    there = metadata(redis_sentinel.address, stream, sentinelMaster=redis_sentinel.master_name)
    assert (await reading(io, "redis-sentinel-streams", there)).value == 5


def test_how_it_is_counted_is_part_of_the_question() -> None:
    pending = good("redis-streams", metadata("a:1", "s", consumerGroup="g"))
    lag = good("redis-streams", metadata("a:1", "s", consumerGroup="g", lagCount="5"))
    other_lag = good("redis-streams", metadata("a:1", "s", consumerGroup="g", lagCount="50"))
    assert pending.source != lag.source
    assert lag.source == other_lag.source
