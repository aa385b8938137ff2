"""Redis for triggers: one client for each set of addresses and settings, a single server, a cluster or a sentinel.

The client library is imported when the first trigger needs it.
"""

import functools
import ssl
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from scaler.errors import Unreadable
from scaler.triggers.pool import Pool
from scaler.triggers.tls import Tls


class RedisServer(msgspec.Struct, frozen=True):
    """Which Redis, and as whom: a value, so that equal ones share connections."""

    kind: Literal["single", "cluster", "sentinel"]
    addresses: tuple[tuple[str, int], ...]
    """Of the server, of nodes of the cluster, or of the sentinels."""
    username: str = ""
    password: str = ""
    database: int = 0
    """Not in a cluster."""
    master: str = ""
    """Which of the sentinels' masters."""
    sentinel_username: str = ""
    sentinel_password: str = ""
    tls: Tls | None = None


class Redis:
    """Sends commands. Bound to the loop of its first use."""

    def __init__(self, context: Callable[[Tls], ssl.SSLContext]) -> None:
        self._context = context
        self._clients: Pool[RedisServer, Any] = Pool(self._make, _close)

    async def command(self, server: RedisServer, place: str, *words: str | int) -> Any:
        """The server's answer to one command; texts come as str. Raises Unreadable, `Refused` for an error reply."""
        from redis.exceptions import AuthenticationError, RedisError, ResponseError
        from redis.exceptions import TimeoutError as TooSlow

        try:
            client = await self._clients.get(server)
            return await client.execute_command(*words)
        except AuthenticationError as error:
            raise Unreadable(f"{place} refused us: {error}; see whether username and password are right") from error
        except ResponseError as error:
            raise Refused(f"{place} refused {words[0]}: {error}", str(error)) from error
        except TooSlow as error:
            raise TimeoutError from error
        except (RedisError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreadable(f"{place} cannot be read: {error}{_remedy(str(error))}") from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._clients.aclose()

    async def _make(self, server: RedisServer) -> Any:
        context = self._context(server.tls) if server.tls is not None else None
        maker = {"single": _single, "cluster": _cluster, "sentinel": _sentinel}[server.kind]
        return maker(server, context)


class Refused(Unreadable):
    """Redis answered with an error; `reply` is its text."""

    def __init__(self, why: str, reply: str) -> None:
        super().__init__(why)
        self.reply = reply


def _options(server: RedisServer) -> dict[str, Any]:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return {
        "username": server.username or None,
        "password": server.password or None,
        "decode_responses": True,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 1),  # once, for a kept connection that the server has meanwhile closed
    }


def _single(server: RedisServer, context: ssl.SSLContext | None) -> Any:
    from redis.asyncio import Redis as Client

    return Client.from_pool(_pool(server.addresses[0], context, db=server.database, **_options(server)))


def _sentinel(server: RedisServer, context: ssl.SSLContext | None) -> Any:
    from redis.asyncio import Redis as Client
    from redis.asyncio import sentinel as library

    maker: Any = library.Sentinel  # it ships half its annotations
    login = {"username": server.sentinel_username or None, "password": server.sentinel_password or None}
    sentinel = maker([], db=server.database, **_options(server))
    sentinel.sentinels = [
        Client.from_pool(_pool(address, context, **_options(server) | login)) for address in server.addresses
    ]
    secured: dict[str, Any] = {} if context is None else {"connection_class": _secured()[1], "tls": context}
    client = sentinel.master_for(server.master, **secured)
    client.sentinels = sentinel.sentinels  # to be closed with it
    return client


def _cluster(server: RedisServer, context: ssl.SSLContext | None) -> Any:
    from redis.asyncio.cluster import ClusterNode, RedisCluster

    nodes = [ClusterNode(host, port) for host, port in server.addresses]
    cluster = RedisCluster(startup_nodes=nodes, **_options(server))
    if context is not None:
        # It takes files only; what its nodes are connected with can be said once it is made.
        cluster.connection_kwargs |= {"connection_class": _secured()[0], "tls": context}
        for node in cluster.startup_nodes:
            node.connection_class = _secured()[0]
            node.connection_kwargs["tls"] = context
    return cluster


def _pool(address: tuple[str, int], context: ssl.SSLContext | None, **options: Any) -> Any:
    from redis.asyncio import ConnectionPool

    secured: dict[str, Any] = {} if context is None else {"connection_class": _secured()[0], "tls": context}
    return ConnectionPool(host=address[0], port=address[1], **options, **secured)


@functools.cache
def _secured() -> tuple[type[Any], type[Any]]:
    """Connections that take a ready SSL context, plain and for a sentinel's master: the library's take files only."""
    from redis.asyncio import SSLConnection
    from redis.asyncio.sentinel import SentinelManagedConnection

    class Secured(SSLConnection):
        def __init__(self, *, tls: ssl.SSLContext, **options: Any) -> None:
            super().__init__(**options)
            self.ssl_context.context = tls

    class SecuredMaster(SentinelManagedConnection, Secured):
        pass

    return Secured, SecuredMaster


async def _close(client: Any) -> None:
    for sentinel in getattr(client, "sentinels", ()):
        await sentinel.aclose()
    await client.aclose()


def _remedy(said: str) -> str:
    lowered = said.lower()
    if "auth" in lowered or "wrongpass" in lowered or "password" in lowered:
        return "; see whether username and password are right"
    if "no master found" in lowered:
        return "; see whether sentinelMaster is right"
    return ""
