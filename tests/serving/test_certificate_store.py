"""Certificates in a real Secret, a real APIService and real files."""

import asyncio
import base64
import itertools

import msgspec
import pytest

from scaler.errors import ApiError, Invalid
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.serving.certificate_store import (
    Place,
    ensure_secret,
    follow_folder,
    follow_secret,
    keep_secret,
    put_ca_into_apiservice,
    read_folder,
    read_secret,
)
from scaler.serving.certificates import DAY, LEAF_LIFE, due, renew, service_names

NOW = 1_790_000_000.0
NAMES = service_names(["scaler-operator"], "scaler")


class Clock:
    """Time that only moves when slept."""

    def __init__(self, now=NOW):
        self.time = now
        self.turns = asyncio.Queue()

    def now(self):
        return self.time

    async def sleep(self, seconds):
        self.turns.put_nowait(seconds)
        await asyncio.sleep(0.01)

    async def turn(self, count=1):
        """Let that many rounds pass; how long each rest was."""
        while not self.turns.empty():
            self.turns.get_nowait()
        return [await asyncio.wait_for(self.turns.get(), 10) for _ in range(count)]


@pytest.fixture
async def connection(cluster):
    connection: Connection = await connect(str(cluster.kubeconfig))
    async with connection:
        yield connection


@pytest.fixture
def place(namespace):
    return Place(namespace, "scaler-certificates")


async def test_the_leader_makes_the_secret_and_leaves_a_good_one_alone(connection, place):
    assert await read_secret(connection, place) == (None, None)
    made = await ensure_secret(connection, place, NAMES, NOW)
    found, stored = await read_secret(connection, place)
    assert found == made
    assert sorted(stored["data"]) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert stored["metadata"]["labels"] == {"app.kubernetes.io/part-of": "kube-scaler"}
    assert await ensure_secret(connection, place, NAMES, NOW + DAY) == made
    assert (await read_secret(connection, place))[1]["metadata"]["resourceVersion"] == (
        stored["metadata"]["resourceVersion"]
    )


async def test_a_certificate_that_grows_old_is_renewed_in_place_and_the_rest_kept(connection, place, cluster):
    made = await ensure_secret(connection, place, NAMES, NOW)
    path = f"/api/v1/namespaces/{place.namespace}/secrets/{place.name}"
    cluster.api.patch(path, {"data": {"note": base64.b64encode(b"kept").decode()}})
    later = NOW + LEAF_LIFE - DAY
    renewed = await ensure_secret(connection, place, NAMES, later)
    assert renewed.ca == made.ca
    assert renewed.certificate != made.certificate
    found, stored = await read_secret(connection, place)
    assert found == renewed
    assert due(found, NAMES, later) == ""
    assert "note" in stored["data"]


async def test_a_spoilt_secret_is_made_anew(connection, place, cluster):
    await ensure_secret(connection, place, NAMES, NOW)
    path = f"/api/v1/namespaces/{place.namespace}/secrets/{place.name}"
    cluster.api.patch(path, {"data": {"tls.key": None}})
    assert (await read_secret(connection, place))[0] is None
    assert due(await ensure_secret(connection, place, NAMES, NOW), NAMES, NOW) == ""


async def test_of_two_leaders_one_writes_and_both_end_with_the_same(connection, place):
    outcomes = await asyncio.gather(
        *(ensure_secret(connection, place, NAMES, NOW) for _ in range(2)), return_exceptions=True
    )
    (refused,) = [each for each in outcomes if isinstance(each, ApiError)]
    assert refused.status == 409
    (winner,) = [each for each in outcomes if not isinstance(each, ApiError)]
    assert await ensure_secret(connection, place, NAMES, NOW) == winner


async def test_followers_get_what_the_leader_makes_and_what_it_renews(connection, place):
    clock, follower_clock, led, followed = Clock(), Clock(), [], []
    following = asyncio.create_task(follow_secret(connection, place, follower_clock, followed.append))
    assert set(await follower_clock.turn(2)) == {1.0}  # impatient while there is nothing
    leading = asyncio.create_task(keep_secret(connection, place, NAMES, clock, led.append))
    await clock.turn(2)
    assert set(await follower_clock.turn(3)) <= {1.0, 10.0}
    assert followed == led
    assert len(led) == 1
    clock.time += LEAF_LIFE
    await clock.turn(3)
    await follower_clock.turn(3)
    assert len(led) == 2
    assert followed == led
    for task in (following, leading):
        task.cancel()


async def test_a_material_that_cannot_be_used_does_not_end_the_following(connection, place, caplog):
    tries, clock = itertools.count(1), Clock()

    def refuse_first(_material):
        if next(tries) == 1:
            raise ValueError("not yet")

    leading = asyncio.create_task(keep_secret(connection, place, NAMES, clock, refuse_first))
    await clock.turn(3)
    leading.cancel()
    assert next(tries) == 3  # refused, taken, and not told again
    assert [record.getMessage() for record in caplog.records if "not usable" in record.getMessage()] == [
        f"certificates of secret {place.namespace}/{place.name} are not usable now: not yet"
    ]


async def test_files_of_someone_else_are_followed(tmp_path):
    clock, seen = Clock(), []
    following = asyncio.create_task(follow_folder(tmp_path, clock, seen.append))
    await clock.turn()
    assert seen == []
    one, two = (msgspec.structs.replace(renew(None, NAMES, NOW), ca_key=b"") for _ in range(2))
    for material in (one, two):
        (tmp_path / "ca.crt").write_bytes(material.ca)
        (tmp_path / "tls.key").write_bytes(material.key)
        (tmp_path / "tls.crt").write_bytes(material.certificate)
        await clock.turn(3)
    following.cancel()
    assert seen[0] == one
    assert seen[-1] == two


def test_a_folder_that_lacks_files_names_each(tmp_path):
    (tmp_path / "ca.crt").write_bytes(b"x")
    with pytest.raises(Invalid) as refusal:
        read_folder(tmp_path)
    assert [problem.path for problem in refusal.value.problems] == [
        str(tmp_path / "tls.crt"),
        str(tmp_path / "tls.key"),
    ]


@pytest.fixture
def apiservice(cluster, namespace):
    name = f"v1.{namespace}.example.org"
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name},
        "spec": {
            "group": f"{namespace}.example.org",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": namespace, "name": "scaler-metrics"},
        },
    }
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    cluster.api.create(path, body)
    yield name
    cluster.api.delete(f"{path}/{name}")


async def test_our_authority_is_put_into_our_apiservice_and_nobody_elses(connection, apiservice, namespace, cluster):
    ca = renew(None, NAMES, NOW).ca
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{apiservice}"
    why = await put_ca_into_apiservice(connection, ("keda", "keda-metrics"), ca, apiservice)
    assert why == f"apiservice {apiservice} points at {namespace}/scaler-metrics, not at us"
    assert "caBundle" not in cluster.api.get(path)["spec"]
    ours = (namespace, "scaler-metrics")
    assert await put_ca_into_apiservice(connection, ours, ca, apiservice) == ""
    spec = cluster.api.get(path)["spec"]
    assert base64.b64decode(spec["caBundle"]) == ca
    assert not spec.get("insecureSkipTLSVerify")
    written = connection.counts["patch", "apiservices", "200"]
    assert await put_ca_into_apiservice(connection, ours, ca, apiservice) == ""
    assert connection.counts["patch", "apiservices", "200"] == written
    assert "does not exist" in await put_ca_into_apiservice(connection, ours, ca, "v1.nothing.example.org")
