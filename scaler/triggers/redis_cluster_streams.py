"""Scale on a stream in a Redis cluster."""

from scaler.triggers.redis_streams import RedisStreams


class RedisClusterStreams(RedisStreams):
    """Asks the node that has the key."""

    kind = "cluster"
