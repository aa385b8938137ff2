"""Scale on a stream in a Redis that sentinels watch."""

from scaler.triggers.redis_streams import RedisStreams


class RedisSentinelStreams(RedisStreams):
    """Asks the master that the sentinels name."""

    kind = "sentinel"
