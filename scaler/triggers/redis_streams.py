"""Scale on a Redis stream: what a consumer group lags behind, what it has pending, or the stream's length."""

from collections.abc import Hashable, Iterable
from typing import Annotated, ClassVar

from scaler.errors import Problem, Unreadable
from scaler.triggers.connections import Connections
from scaler.triggers.connections_redis import Refused
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Activation, Parameters, Role, Target
from scaler.triggers.redis_servers import Kind, RedisConnection

_NO_KEY = "no such key"


class RedisStreamsParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of redis-streams, redis-cluster-streams and redis-sentinel-streams."""

    stream: str
    """The stream's key."""
    consumer_group: str = ""
    """The group; without it the stream's length counts."""
    lag_count: Annotated[int | None, Role.TARGET] = None
    """Entries not yet given to the group that one replica can work on; needs Redis 7."""
    pending_entries_count: Target = 5
    """Entries given to the group but not acknowledged that one replica can work on; used without lagCount."""
    stream_length: Target = 5
    """Entries of the stream that one replica can work on; used without consumerGroup."""
    activation_lag_count: Activation = 0
    """Above this number, whichever it is, the workload is active."""
    connection: RedisConnection


class RedisStreams(Trigger[RedisStreamsParameters]):
    """Asks a single server."""

    library = "redis"
    kind: ClassVar[Kind] = "single"

    def problems(self) -> Iterable[Problem]:
        yield from self.parameters.connection.refusals(self.kind)
        if self.target <= 0:
            yield self.parameters.complain(self._counted, "must be more than 0: it is what one replica stands for")

    def prepare(self) -> None:
        self._server = self.parameters.connection.server(self.kind)

    @property
    def _counted(self) -> str:
        """The parameter whose number it is."""
        given = self.parameters
        if not given.consumer_group:
            return "stream_length"
        return "pending_entries_count" if given.lag_count is None else "lag_count"

    @property
    def target(self) -> float:
        return float(getattr(self.parameters, self._counted))

    @property
    def metric(self) -> str:
        return f"redis-streams-{self.parameters.stream}"

    @property
    def place(self) -> str:
        return f"Redis {self.parameters.connection.shown()}, stream {self.parameters.stream}"

    def source(self) -> Hashable:
        return (super().source(), self._counted)

    async def read(self, io: Connections) -> float:
        if self._counted == "stream_length":
            return await self._length(io)
        if self._counted == "lag_count":
            return await self._lag(io)
        group = self.parameters.consumer_group
        pending = await io.redis.command(self._server, self.place, "XPENDING", self.parameters.stream, group)
        return float(pending["pending"])

    async def _length(self, io: Connections) -> float:
        return float(await io.redis.command(self._server, self.place, "XLEN", self.parameters.stream))

    async def _lag(self, io: Connections) -> float:
        """No stream yet: nothing to do. No group yet: all of the stream is before it."""
        try:
            groups = await io.redis.command(self._server, self.place, "XINFO GROUPS", self.parameters.stream)
        except Refused as refusal:
            if _NO_KEY in refusal.reply:
                return 0.0
            raise
        group = next((group for group in groups if group["name"] == self.parameters.consumer_group), None)
        if group is None:
            return await self._length(io)
        if "lag" not in group:
            raise Unreadable(f"{self.place} does not tell the lag of groups: lagCount needs Redis 7 or newer")
        if group["lag"] is None:
            raise Unreadable(
                f"{self.place} cannot tell the lag of group {self.parameters.consumer_group}, because entries were "
                "deleted before it read them; use pendingEntriesCount, or let the group read on"
            )
        return float(group["lag"])
