"""Scale on the length of a key in a Redis cluster."""

from scaler.triggers.redis import Redis


class RedisCluster(Redis):
    """Asks the node that has the key."""

    kind = "cluster"
