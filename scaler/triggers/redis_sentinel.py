"""Scale on the length of a key in a Redis that sentinels watch."""

from scaler.triggers.redis import Redis


class RedisSentinel(Redis):
    """Asks the master that the sentinels name."""

    kind = "sentinel"
