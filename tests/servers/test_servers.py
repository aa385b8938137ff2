"""The peers are real ones, and tests can hurt them."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import redis

from tests.absence import Absent, unavailable
from tests.servers import PACKAGES, debian
from tests.servers.aws import Aws
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus
from tests.servers.redis import Redis, RedisCluster, RedisSentinel


def test_redis_keeps_a_list_of_the_length_that_a_test_says(redis_server: Redis) -> None:
    with redis_server.client() as client:
        redis_server.push("servers:list", 3)
        assert client.llen("servers:list") == 3
        redis_server.push("servers:list", 0)
        assert client.llen("servers:list") == 0


def test_redis_asks_for_the_password_it_was_given() -> None:
    with lend(lambda: Redis(requirepass="secret")) as server:
        with server.client() as client:
            assert client.ping()
        with server.client(password="wrong") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_a_killed_server_comes_back_on_its_port() -> None:
    with lend(Redis) as server:
        server.kill()
        with server.client() as client, pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        with server.client() as client:
            assert client.ping()


def test_a_paused_server_answers_when_it_is_resumed() -> None:
    with lend(Redis) as server:
        server.pause()
        with server.client(socket_timeout=0.2) as client, pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()
        with server.client() as client:
            assert client.ping()


def test_a_redis_cluster_spreads_its_keys(redis_cluster: RedisCluster) -> None:
    client = redis_cluster.client()
    try:
        for number in range(30):
            client.set(f"servers:{number}", number)
        assert client.get("servers:7") == "7"
    finally:
        client.close()
    held = []
    for node in redis_cluster.nodes:
        with node.client() as one:
            held.append(one.dbsize())
    assert sum(held) == 30
    assert all(held)


def test_a_sentinel_names_its_master(redis_sentinel: RedisSentinel) -> None:
    assert redis_sentinel.named() == (redis_sentinel.master.host, redis_sentinel.master.port)


def test_prometheus_answers_with_the_series_that_a_test_says(prometheus_server: Prometheus) -> None:
    prometheus_server.set("servers_depth", 7, queue="a")
    prometheus_server.set("servers_depth", 5, queue="b")
    assert prometheus_server.value("sum(servers_depth)") == 12
    prometheus_server.forget("servers_depth", queue="a")
    assert prometheus_server.value("sum(servers_depth)") == 5
    assert prometheus_server.value("no_such_series") is None


def test_prometheus_asks_for_a_password_where_its_web_configuration_says() -> None:
    hashed = "$2b$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
    with lend(lambda: Prometheus({"basic_auth_users": {"someone": hashed}})) as server:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"{server.url}/api/v1/query?query=1", timeout=5)
        refusal.value.close()
        assert refusal.value.code == 401


def test_sqs_counts_what_is_visible_and_what_is_in_flight(aws_server: Aws) -> None:
    url = aws_server.queue("servers-counts")
    aws_server.send(url, 12)
    assert aws_server.receive(url, 3) == 3
    sqs = aws_server.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    sqs.close()
    assert attributes["ApproximateNumberOfMessages"] == "9"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "3"


def test_sts_lends_a_role(aws_server: Aws) -> None:
    sts = aws_server.client("sts")
    role = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/reader", RoleSessionName="tests")
    sts.close()
    assert role["Credentials"]["SessionToken"]


def test_a_program_that_is_not_on_the_path_is_unpacked_into_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With GNU hello, small and seldom installed, in a cache that has no package lists yet."""
    if shutil.which("apt-get") is None or shutil.which("hello"):
        unavailable("needs a Debian without GNU hello: programs come from the PATH here")
    monkeypatch.setitem(PACKAGES, "hello", "hello")
    monkeypatch.setenv("KUBE_SCALER_CACHE", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    try:
        found = debian.program("hello")
    except Absent as offline:
        unavailable(offline)
    assert found.path.is_relative_to(tmp_path)
    said = subprocess.run([found.path], env={**os.environ, **found.environment}, capture_output=True, text=True)
    assert said.stdout == "Hello, world!\n"


def test_what_cannot_be_had_says_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(debian, "_ADMINISTRATORS", ())
    with pytest.raises(Absent, match="please install redis-server"):
        debian.program("redis-server")


def test_a_missing_server_skips_here_and_fails_where_ci_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Redis:
        raise Absent("no such server")

    for ci, outcome in (("true", pytest.fail.Exception), ("", pytest.skip.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match="no such server"), lend(missing):
            pass


def test_all_programs_can_be_had_beforehand() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.servers"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(PACKAGES)
