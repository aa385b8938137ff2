"""The fixtures that lend tests their peers, one a session each; tests/conftest.py registers them for all.

They are shared: use keys, queues and series of names of your own. A test that must hurt a server starts one
of its own by `lend(Redis)`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import pytest

from tests.absence import Absent, unavailable
from tests.servers.aws import Aws
from tests.servers.prometheus import Prometheus
from tests.servers.redis import Redis, RedisCluster, RedisSentinel


class _Stoppable(Protocol):
    def stop(self) -> None: ...


Lent = TypeVar("Lent", bound=_Stoppable)


@contextmanager
def lend(server: Callable[[], Lent]) -> Iterator[Lent]:
    """Started now and stopped at the end; the test skips, or fails where CI=true, when it cannot be had."""
    try:
        started = server()
    except Absent as why:
        unavailable(why)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with lend(Redis) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    with lend(RedisCluster) as server:
        yield server


@pytest.fixture(scope="session")
def redis_sentinel() -> Iterator[RedisSentinel]:
    with lend(RedisSentinel) as server:
        yield server


@pytest.fixture(scope="session")
def prometheus_server() -> Iterator[Prometheus]:
    with lend(Prometheus) as server:
        yield server


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Aws]:
    with lend(Aws) as server:
        yield server
