"""Scale on the length of a Redis list, set, sorted set or hash: a single server, a cluster, or sentinels."""

from collections.abc import Iterable
from typing import ClassVar

from scaler.errors import Problem
from scaler.triggers.connections import Connections
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Activation, Parameters, Target
from scaler.triggers.redis_servers import Kind, RedisConnection

_LENGTH = """
local kind = redis.call('TYPE', KEYS[1])['ok']
local by_kind = {none = 'LLEN', list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN'}
if by_kind[kind] then
  return redis.call(by_kind[kind], KEYS[1])
end
return redis.error_reply('ERR the key holds a ' .. kind .. ', which has no length that could be scaled on')
"""
"""One script, so that what the key holds cannot change in between."""


class RedisParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of redis, redis-cluster and redis-sentinel."""

    list_name: str
    """The key: a list, set, sorted set or hash."""
    list_length: Target = 5
    """Items one replica can work on."""
    activation_list_length: Activation = 0
    """Above this many the workload is active."""
    connection: RedisConnection


class Redis(Trigger[RedisParameters]):
    """Asks a single server."""

    library = "redis"
    kind: ClassVar[Kind] = "single"

    def problems(self) -> Iterable[Problem]:
        yield from self.parameters.connection.refusals(self.kind)

    def prepare(self) -> None:
        self._server = self.parameters.connection.server(self.kind)

    @property
    def metric(self) -> str:
        return f"redis-{self.parameters.list_name}"

    @property
    def place(self) -> str:
        return f"Redis {self.parameters.connection.shown()}, key {self.parameters.list_name}"

    async def read(self, io: Connections) -> float:
        return float(await io.redis.command(self._server, self.place, "EVAL", _LENGTH, 1, self.parameters.list_name))
