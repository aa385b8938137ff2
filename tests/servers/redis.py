"""Redis: one server, a cluster of three, a sentinel with its master."""

import contextlib
from collections.abc import Sequence
from typing import Any, Self

import redis as client
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import free_port, wait_until
from tests.servers.server import Server


def _client(host: str, port: int, **options: Any) -> "client.Redis":
    """One that tries once: by default it would try for seconds."""
    return client.Redis(host=host, port=port, decode_responses=True, retry=Retry(NoBackoff(), 0), **options)


class Redis(Server):
    """A Redis server that keeps nothing on disk; `options` as on its command line: requirepass="secret"."""

    program = "redis-server"

    def __init__(self, **options: str) -> None:
        self._options = options
        super().__init__()

    def arguments(self) -> Sequence[str]:
        options = {"port": str(self.port), "bind": self.host, "dir": str(self.folder), "save": "", "appendonly": "no"}
        options |= {name.replace("_", "-"): value for name, value in self._options.items()}
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def answers(self) -> bool:
        try:
            with self.client() as redis:
                return bool(redis.ping())
        except client.ConnectionError:  # not there yet; its other errors (a wrong password) are real
            return False

    def client(self, **options: Any) -> "client.Redis":
        """A synchronous client, for arranging a test; close it."""
        options.setdefault("password", self._options.get("requirepass"))
        return _client(self.host, self.port, **options)

    def push(self, key: str, count: int) -> None:
        """Make the list exactly this long."""
        with self.client() as redis:
            redis.delete(key)
            if count:
                redis.rpush(key, *map(str, range(count)))


class _Node(Redis):
    """A member of a cluster; its bus port is by default the port and 10,000, which may be too high."""

    def arguments(self) -> Sequence[str]:
        self.bus_port = free_port()
        return [*super().arguments(), "--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)]


class RedisCluster:
    """Three masters that share the slots."""

    def __init__(self, **options: str) -> None:
        with contextlib.ExitStack() as started:
            self.nodes = [started.enter_context(_Node(**options)) for _ in range(3)]
            self._join()
            self._stack = started.pop_all()

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self.nodes]

    def _join(self) -> None:
        bounds = [0, 5461, 10923, 16384]
        for node, first, end in zip(self.nodes, bounds, bounds[1:], strict=False):
            with node.client() as redis:
                redis.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
                for other in self.nodes:
                    redis.execute_command("CLUSTER MEET", other.host, other.port, other.bus_port)
        wait_until(self._complete, "the Redis cluster to know all its slots")

    def _complete(self) -> bool:
        def state(node: Redis) -> str:
            with node.client() as redis:
                return str(redis.execute_command("CLUSTER INFO")["cluster_state"])

        return all(state(node) == "ok" for node in self.nodes)

    def client(self) -> "client.RedisCluster":
        return client.RedisCluster(host=self.nodes[0].host, port=self.nodes[0].port, decode_responses=True)

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class RedisSentinel(Server):
    """A sentinel that watches a master of its own."""

    program = "redis-server"
    master_name = "mymaster"

    def __init__(self, **master_options: str) -> None:
        self.master = Redis(**master_options)
        self._password = master_options.get("requirepass")
        try:
            super().__init__()
        except BaseException:  # also Ctrl-C
            self.master.stop()
            raise

    def arguments(self) -> Sequence[str]:
        lines = [f"sentinel monitor {self.master_name} {self.master.host} {self.master.port} 1"]
        if self._password:
            lines.append(f"sentinel auth-pass {self.master_name} {self._password}")
        lines += [f"port {self.port}", f"bind {self.host}", f"dir {self.folder}"]
        config = self.folder / "sentinel.conf"
        config.write_text("\n".join(lines))
        return [str(config), "--sentinel"]

    def answers(self) -> bool:
        try:
            return self.named() == (self.master.host, self.master.port)
        except client.ConnectionError:  # not there yet
            return False

    def named(self) -> tuple[str, int] | None:
        """The master that the sentinel names."""
        with _client(self.host, self.port) as sentinel:
            found: Any = sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", self.master_name)
        return (str(found[0]), int(found[1])) if found else None

    def stop(self) -> None:
        super().stop()
        self.master.stop()
