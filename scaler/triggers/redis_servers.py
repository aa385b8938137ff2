"""Which Redis: the connection parameters that all Redis types share, and the server they come to.

A single server, a cluster or sentinels: the type says which. It connects nowhere.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from scaler.errors import Problem
from scaler.triggers.connections_redis import RedisServer
from scaler.triggers.parameters import Field, Parameters, Secret
from scaler.triggers.texts import boolean
from scaler.triggers.tls import Tls

Kind = Literal["single", "cluster", "sentinel"]


class RedisConnection(Parameters, frozen=True, kw_only=True):
    """Where Redis is, and who asks."""

    addresses: Annotated[tuple[str, ...], Field("address", "mae", aliases=("addresses",))] = ()
    """``host:port``; of several nodes or sentinels with commas."""
    hosts: Annotated[tuple[str, ...], Field("host", "mea", aliases=("hosts",))] = ()
    """Instead: the hosts, with commas ..."""
    ports: Annotated[tuple[str, ...], Field("port", "mea", aliases=("ports",))] = ()
    """... and as many ports."""
    username: Annotated[str, Field(sources="mea")] = ""
    """Who asks."""
    password: Annotated[Secret, Field(sources="mea")] = ""
    """Its password."""
    sentinel_username: Annotated[str, Field(sources="mae")] = ""
    """Who asks the sentinels."""
    sentinel_password: Annotated[Secret, Field(sources="mae")] = ""
    """Its password."""
    sentinel_master: Annotated[str, Field(sources="mae")] = ""
    """Which of the sentinels' masters; sentinels only."""
    database_index: int = 0
    """Number of the database; not in a cluster."""
    enable_tls: Annotated[str, Field("enableTLS")] = ""
    """Speak TLS; or give tls in the authentication, not both."""
    tls: Annotated[Literal["", "enable", "disable"], Field(sources="a")] = ""
    """Speak TLS; or give enableTLS in the metadata, not both."""
    unsafe_ssl: bool = False
    """Take any certificate."""
    cert: Annotated[str, Field(sources="a", aliases=("Cert",))] = ""
    """PEM of our certificate."""
    key: Annotated[Secret, Field(sources="a")] = ""
    """PEM of its key."""
    key_password: Annotated[Secret, Field(sources="a")] = ""
    """Password of that key."""
    ca: Annotated[str, Field(sources="a")] = ""
    """PEM of the authority to trust."""

    def problems(self) -> Iterable[Problem]:
        if self.hosts and self.ports and len(self.hosts) != len(self.ports):
            yield self.complain("ports", f"are {len(self.ports)} for {len(self.hosts)} hosts: give as many of both")
        elif not any(self._given()):
            yield self.complain("addresses", "is required: give host:port here, or host and port")
        if self.enable_tls and self.tls:
            yield self.complain("enable_tls", "and tls of the authentication exclude each other: give one of them")
        elif self.enable_tls:
            yield from self._readable_tls()

    def _readable_tls(self) -> Iterable[Problem]:
        try:
            boolean(self.enable_tls)
        except ValueError as error:
            yield self.complain("enable_tls", str(error))

    def refusals(self, kind: Kind) -> Iterable[Problem]:
        """What is wrong beyond the declaration, for a server of that kind."""
        for address in self._given():
            host, _, port = address.rpartition(":")
            if not (
                port.isascii() and port.isdigit() and 0 < int(port) < 65536 and (host or address.startswith(":"))
            ):
                field = "addresses" if self.addresses else "ports"
                yield self.complain(field, f'"{address}" is not of the form host:port')
        if kind == "sentinel" and not self.sentinel_master:
            yield self.complain("sentinel_master", "is required: the name that the sentinels know the master by")
        if self._tls() is not None:
            for fault, why in self._own_tls().faults():
                yield self.complain(fault, why)

    def server(self, kind: Kind) -> RedisServer:
        """The server as a value."""
        return RedisServer(
            kind,
            tuple(_parted(address) for address in self._given()),
            username=self.username,
            password=self.password,
            database=0 if kind == "cluster" else self.database_index,
            master=self.sentinel_master,
            sentinel_username=self.sentinel_username,
            sentinel_password=self.sentinel_password,
            tls=self._tls(),
        )

    def shown(self) -> str:
        """The addresses for a message."""
        return ", ".join(self._given())

    def _given(self) -> list[str]:
        pairs = zip(self.hosts, self.ports, strict=False) if self.hosts and self.ports else ()
        joined = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in pairs]
        return [address for address in (*self.addresses, *joined) if address]

    def _tls(self) -> Tls | None:
        enabled = boolean(self.enable_tls) if self.enable_tls else self.tls == "enable"
        return self._own_tls() if enabled else None

    def _own_tls(self) -> Tls:
        return Tls(not self.unsafe_ssl, self.ca, self.cert, self.key, self.key_password)


def _parted(address: str) -> tuple[str, int]:
    """Host and port; without a host it is this machine, as upstream takes it."""
    host, _, port = address.rpartition(":")
    return host.strip("[]") or "localhost", int(port)
