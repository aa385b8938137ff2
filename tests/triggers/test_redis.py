"""redis, redis-cluster and redis-sentinel against real ones."""

import uuid
from collections.abc import Iterator

import pytest

from scaler.triggers.connections import Connections
from tests.controlplane.certificates import Authority
from tests.processes import free_port
from tests.servers.fixtures import lend
from tests.servers.redis import Redis, RedisCluster, RedisSentinel
from tests.triggers.building import built, failure, good, reading, said


@pytest.fixture
def key() -> str:
    return f"work-{uuid.uuid4().hex[:8]}"


def metadata(address: str, key: str, **more: str) -> dict[str, str]:
    return {"address": address, "listName": key, **more}


class SecuredRedis(Redis):
    """One with a second port that speaks TLS."""

    def __init__(self, **options: str) -> None:
        self.tls_port = free_port()
        super().__init__(tls_port=str(self.tls_port), **options)


class TestTheNumber:
    async def test_is_a_lists_length(self, io: Connections, redis_server: Redis, key: str) -> None:
        redis_server.push(key, 12)
        shown = await reading(io, "redis", metadata(redis_server.address, key))
        assert (shown.value, shown.active) == (12, True)

    async def test_is_zero_for_a_key_that_is_not_there(self, io: Connections, redis_server: Redis, key: str) -> None:
        shown = await reading(io, "redis", metadata(redis_server.address, key))
        assert (shown.value, shown.active) == (0, False)

    @pytest.mark.parametrize(
        ("command", "members"), [("SADD", "a b c"), ("ZADD", "1 a 2 b 3 c"), ("HSET", "a 1 b 2 c 3")]
    )
    async def test_is_the_size_of_a_set_a_sorted_set_or_a_hash(
        self, io: Connections, redis_server: Redis, key: str, command: str, members: str
    ) -> None:
        with redis_server.client() as client:
            client.execute_command(command, key, *members.split())
        assert (await reading(io, "redis", metadata(redis_server.address, key))).value == 3

    async def test_is_refused_for_a_key_without_a_length(
        self, io: Connections, redis_server: Redis, key: str
    ) -> None:
        with redis_server.client() as client:
            client.set(key, "a text")
        why = await failure(io, "redis", metadata(redis_server.address, key))
        assert key in why
        assert "holds a string" in why

    async def test_comes_from_the_database_that_is_named(
        self, io: Connections, redis_server: Redis, key: str
    ) -> None:
        with redis_server.client(db=3) as client:
            client.rpush(key, "a", "b")
        elsewhere = await reading(io, "redis", metadata(redis_server.address, key))
        there = await reading(io, "redis", metadata(redis_server.address, key, databaseIndex="3"))
        assert (elsewhere.value, there.value) == (0, 2)

    async def test_comes_by_host_and_port_from_the_containers_environment(
        self, io: Connections, redis_server: Redis, key: str
    ) -> None:
        redis_server.push(key, 4)
        names = {"hostFromEnv": "H", "portFromEnv": "P", "listName": key}
        env = {"H": redis_server.host, "P": str(redis_server.port)}
        assert (await reading(io, "redis", names, env=env)).value == 4


class TestACluster:
    async def test_is_asked_at_the_node_that_has_the_key(self, io: Connections, redis_cluster: RedisCluster) -> None:
        keys = [f"work-{number}-{uuid.uuid4().hex[:6]}" for number in range(6)]
        client = redis_cluster.client()
        for number, key in enumerate(keys, start=1):
            client.rpush(key, *map(str, range(number)))
        client.close()
        addresses = {"addresses": ", ".join(redis_cluster.addresses)}
        shown = [await reading(io, "redis-cluster", {**addresses, "listName": key}) for key in keys]
        assert [one.value for one in shown] == [1, 2, 3, 4, 5, 6]


class TestSentinels:
    async def test_name_the_master_that_is_asked(
        self, io: Connections, redis_sentinel: RedisSentinel, key: str
    ) -> None:
        redis_sentinel.master.push(key, 9)
        there = metadata(redis_sentinel.address, key, sentinelMaster=redis_sentinel.master_name)
        assert (await reading(io, "redis-sentinel", there)).value == 9

    async def test_who_do_not_know_the_master_are_told_on(
        self, io: Connections, redis_sentinel: RedisSentinel, key: str
    ) -> None:
        there = metadata(redis_sentinel.address, key, sentinelMaster="stranger")
        assert "see whether sentinelMaster is right" in await failure(io, "redis-sentinel", there)

    def test_need_the_masters_name(self, key: str) -> None:
        (problem,) = said(built("redis-sentinel", metadata("a:1", key)))
        assert problem.startswith("metadata.sentinelMaster: is required")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.new("tests")


@pytest.fixture(scope="module")
def secured(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    """One that wants a certificate of its clients."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = authority.server("127.0.0.1").write(folder, "server")
    (folder / "ca.crt").write_bytes(authority.pem)
    files = {"tls_cert_file": str(certificate), "tls_key_file": str(key), "tls_ca_cert_file": f"{folder}/ca.crt"}
    with lend(lambda: SecuredRedis(**files)) as server:
        server.push("work", 3)
        yield server


class TestTls:
    def there(self, server: SecuredRedis, **more: str) -> dict[str, str]:
        return metadata(f"127.0.0.1:{server.tls_port}", "work", **more)

    async def test_trusts_the_given_authority_and_shows_our_certificate(
        self, io: Connections, secured: SecuredRedis, authority: Authority
    ) -> None:
        own = authority.client("scaler")
        auth = {
            "tls": "enable",
            "ca": authority.pem.decode(),
            "cert": own.certificate.decode(),
            "key": own.key.decode(),
        }
        assert (await reading(io, "redis", self.there(secured), auth=auth)).value == 3

    async def test_takes_any_certificate_with_unsafe_ssl(
        self, io: Connections, secured: SecuredRedis, authority: Authority
    ) -> None:
        own = authority.client("scaler")
        auth = {"cert": own.certificate.decode(), "key": own.key.decode()}
        there = self.there(secured, enableTLS="true", unsafeSsl="true")
        assert (await reading(io, "redis", there, auth=auth)).value == 3

    async def test_does_not_trust_a_stranger(self, io: Connections, secured: SecuredRedis) -> None:
        assert "certificate" in (await failure(io, "redis", self.there(secured, enableTLS="true"))).lower()


class TestTrouble:
    async def test_a_wrong_password_is_named_as_such(self, io: Connections, key: str) -> None:
        with lend(lambda: Redis(requirepass="right")) as server:
            server.push(key, 2)
            there = metadata(server.address, key)
            right = await reading(io, "redis", there, auth={"password": "right"})
            wrong = await failure(io, "redis", there, auth={"password": "wrong"})
            none = await failure(io, "redis", there)
        assert right.value == 2
        assert "see whether username and password are right" in wrong
        assert "see whether username and password are right" in none
        assert "wrong" not in wrong.replace("WRONGPASS", "")

    async def test_nobody_at_the_address_is_named(self, io: Connections, key: str) -> None:
        assert "127.0.0.1:9" in await failure(io, "redis", metadata("127.0.0.1:9", key))

    async def test_a_server_that_comes_back_is_read_again(self, io: Connections, key: str) -> None:
        trigger = None
        with lend(Redis) as server:
            trigger = good("redis", metadata(server.address, key))
            (before,) = await trigger.read(io, 1.0)
        (gone,) = await trigger.read(io, 2.0)
        assert hasattr(before, "value")
        assert hasattr(gone, "why")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("given", "auth", "problem"),
        [
            ({"host": "a"}, {}, "metadata.address: is required: give host:port here, or host and port"),
            ({"hosts": "a,b", "ports": "1"}, {}, "metadata.port: are 1 for 2 hosts: give as many of both"),
            ({"address": "a"}, {}, 'metadata.address: "a" is not of the form host:port'),
            ({"address": "a:b"}, {}, 'metadata.address: "a:b" is not of the form host:port'),
            ({"address": "a:1", "enableTLS": "false"}, {"tls": "disable"}, "metadata.enableTLS: and tls of the"),
            ({"address": "a:1", "enableTLS": "perhaps"}, {}, 'metadata.enableTLS: "perhaps" is not a boolean'),
            ({"address": "a:1"}, {"tls": "on"}, 'authenticationRef: parameter tls "on" is not one of'),
            ({"address": "a:1", "enableTLS": "true"}, {"cert": "x", "key": "y"}, "authenticationRef: parameter cert"),
            ({"address": "a:1", "listLength": "0"}, {}, "metadata.listLength: must be more than 0"),
        ],
    )
    def test_names_the_parameter_and_what_would_be_right(
        self, given: dict[str, str], auth: dict[str, str], problem: str
    ) -> None:
        (only,) = said(built("redis", {"listName": "work", **given}, auth=auth))
        assert only.startswith(problem)


def test_a_password_in_plain_metadata_is_warned_of() -> None:
    trigger = good("redis", {"listName": "work", "address": "a:1", "password": "plain"})
    (warning,) = map(str, trigger.warnings)
    assert warning == "spec.triggers[0].metadata.password: is a secret in plain sight: give it by authenticationRef"
