import asyncio
import contextlib
import gc
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from scaler.api.meta import ObjectMeta, Raw
from scaler.kube import informer as informing
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import CONFIG_MAPS, PODS
from scaler.kube.views import Pod
from tests.kube.conftest import Peer, eventually


class ConfigMap(msgspec.Struct, frozen=True):
    metadata: ObjectMeta
    data: dict[str, str] = {}


class Strict(msgspec.Struct, frozen=True):
    metadata: ObjectMeta
    number: int


@contextlib.asynccontextmanager
async def following(informer: Informer[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    try:
        async with asyncio.timeout(10):
            await informer.synced.wait()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Raw:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def record(informer: Informer[Any]) -> list[tuple[str, str]]:
    """What handlers are told: the kind of change, and the name."""
    told: list[tuple[str, str]] = []

    def handle(old: Any, new: Any) -> None:
        kind = "gone" if new is None else "new" if old is None else "changed"
        told.append((kind, (new or old).metadata.name))

    informer.on_change(handle)
    return told


async def test_the_copy_follows_the_cluster(connection: Connection, namespace: str) -> None:
    await connection.create(CONFIG_MAPS, namespace, config_map("a", x="1"), into=Ack)
    informer = Informer(
        connection, CONFIG_MAPS, ConfigMap, namespaces=[namespace], fields="metadata.name!=kube-root-ca.crt"
    )
    told = record(informer)
    async with following(informer):
        assert told == [("new", "a")]
        await connection.create(CONFIG_MAPS, namespace, config_map("b"), into=Ack)
        await connection.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": "2"}}, into=Ack)
        await connection.delete(CONFIG_MAPS, namespace, "b")
        await eventually(lambda: len(told) == 4)
        assert told[1:] == [("new", "b"), ("changed", "a"), ("gone", "b")]
        kept = informer.get(namespace, "a")
        assert kept is not None
        assert kept.data == {"x": "2"}
        assert informer.get(namespace, "b") is None


async def test_only_the_namespaces_and_labels_asked_for_are_seen(
    connection: Connection, namespace: str, cluster: Any
) -> None:
    other, outside = cluster.new_namespace(), cluster.new_namespace()
    for place in (namespace, other, outside):
        await connection.create(CONFIG_MAPS, place, config_map("ours", {"ours": "yes"}), into=Ack)
        await connection.create(CONFIG_MAPS, place, config_map("theirs"), into=Ack)
    informer = Informer(connection, CONFIG_MAPS, ConfigMap, namespaces=[namespace, other], labels="ours=yes")
    async with following(informer):
        assert set(informer.objects) == {(namespace, "ours"), (other, "ours")}
        # An object that stops matching goes, as far as this informer can see.
        await connection.patch(CONFIG_MAPS, other, "ours", {"metadata": {"labels": {"ours": None}}}, into=Ack)
        await eventually(lambda: set(informer.objects) == {(namespace, "ours")})
    for place in (other, outside):
        cluster.api.delete(f"/api/v1/namespaces/{place}")


async def test_long_lists_come_in_pages(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = connection.pages
    monkeypatch.setattr(connection, "pages", lambda *given, **named: pages(*given, **named, limit=3))
    for number in range(8):
        await connection.create(CONFIG_MAPS, namespace, config_map(f"m{number}", {"p": "1"}), into=Ack)
    informer = Informer(connection, CONFIG_MAPS, ConfigMap, namespaces=[namespace], labels="p")
    async with following(informer):
        assert len(informer.objects) == 8
        assert connection.counts["list", "configmaps", "200"] == 3


class Cluster:
    """Just enough of an API server to misbehave: a list, and what each watch says in turn."""

    def __init__(self, items: list[Raw], *watches: list[bytes]) -> None:
        self.items = items
        self.watches = list(watches)
        self.lists = 0
        self.versions: list[str] = []
        self.hold = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.lists += 1
            return web.json_response({"metadata": {"resourceVersion": "100"}, "items": self.items})
        self.versions.append(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watches:
            for chunk in self.watches.pop(0):
                await response.write(chunk)
                await asyncio.sleep(0)
            return response
        await self.hold.wait()
        return response


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informing, "LONGEST_PAUSE", 0.02)


def item(name: str, version: str, **more: Any) -> Raw:
    return {"metadata": {"name": name, "namespace": "a", "resourceVersion": version}, **more}


def line(kind: str, changed: Raw) -> bytes:
    return json.dumps({"type": kind, "object": changed}).encode() + b"\n"


def bookmark(version: str) -> bytes:
    return line("BOOKMARK", {"kind": "ConfigMap", "metadata": {"resourceVersion": version}})


Peered = Callable[..., Informer[Any]]


@pytest.fixture
def peered(peer: Peer, to_peer: Connection) -> Peered:
    def make(cluster: Cluster, kind: type[Any] = ConfigMap) -> Informer[Any]:
        peer.answer = cluster.answer
        return Informer(to_peer, CONFIG_MAPS, kind)

    return make


@pytest.mark.usefixtures("quick")
async def test_a_watch_that_ends_goes_on_where_it_was(peer: Peer, peered: Peered) -> None:
    cluster = Cluster([item("x", "90")], [line("ADDED", item("y", "101"))], [bookmark("150")], [])
    informer = peered(cluster)
    async with following(informer):
        await eventually(lambda: len(cluster.versions) == 4)
    assert cluster.versions == ["100", "101", "150", "150"]
    assert cluster.lists == 1
    assert {name for _, name in informer.objects} == {"x", "y"}
    cluster.hold.set()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["event", "status"])
async def test_a_version_that_is_too_old_means_a_new_list(peer: Peer, peered: Peered, how: str) -> None:
    expired = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    cluster = Cluster([item("x", "90"), item("y", "90")], [line("ERROR", expired)])
    informer = peered(cluster)
    told = record(informer)
    if how == "status":
        cluster.watches.clear()
        plain = cluster.answer

        async def answer(request: web.Request) -> web.StreamResponse:
            if "watch" in request.query and cluster.lists == 1:
                return web.json_response(expired, status=410)
            return await plain(request)

        peer.answer = answer
    async with following(informer):
        cluster.items = [item("x", "120")]
        await eventually(lambda: cluster.lists == 2 and len(informer.objects) == 1)
    assert told == [("new", "x"), ("new", "y"), ("changed", "x"), ("gone", "y")]
    cluster.hold.set()


@pytest.mark.usefixtures("quick")
async def test_lines_are_put_together_from_whatever_pieces_arrive(peer: Peer, peered: Peered) -> None:
    long = "l" * 700_000  # far beyond the read buffer
    text = line("ADDED", item("big", "101", data={"k": long})) + line("ADDED", item("small", "102"))
    pieces = [text[:5], text[5:200_000], text[200_000:-3], text[-3:]]
    informer = peered(Cluster([], pieces))
    async with following(informer):
        await eventually(lambda: len(informer.objects) == 2)
    assert informer.objects["a", "big"].data == {"k": long}


@pytest.mark.usefixtures("quick")
async def test_a_watch_cut_in_the_middle_of_a_line_loses_nothing(peer: Peer, peered: Peered) -> None:
    added = line("ADDED", item("y", "101"))
    cluster = Cluster([], [added[:30]], [added])
    informer = peered(cluster)
    async with following(informer):
        await eventually(lambda: len(informer.objects) == 1)
    assert cluster.versions[:2] == ["100", "100"]


@pytest.mark.usefixtures("quick")
async def test_a_garbled_watch_is_begun_again(peer: Peer, peered: Peered) -> None:
    cluster = Cluster([], [b"<html>\n"], [line("ADDED", item("y", "101"))])
    informer = peered(cluster)
    async with following(informer):
        await eventually(lambda: len(informer.objects) == 1)
    assert cluster.lists == 1


@pytest.mark.usefixtures("quick")
async def test_an_object_that_cannot_be_read_does_not_hide_the_others(
    peer: Peer, peered: Peered, caplog: pytest.LogCaptureFixture
) -> None:
    listed = [item("good", "1", number=1), item("bad", "2", number="x")]
    watched = [line("ADDED", item("worse", "101")), line("MODIFIED", item("bad", "102", number=2)), bookmark("103")]
    informer = peered(Cluster(listed, watched), Strict)
    with caplog.at_level(logging.WARNING, "scaler.kube.informer"):
        async with following(informer):
            assert {name for _, name in informer.objects} == {"good"}
            await eventually(lambda: len(informer.objects) == 2)
    assert {name for _, name in informer.objects} == {"good", "bad"}
    assert "configmaps a/bad is left out: Expected `int`, got `str` - at `$.number`" in caplog.text
    assert "configmaps a/worse is left out" in caplog.text


@pytest.mark.usefixtures("quick")
async def test_a_refused_list_is_tried_again_and_the_remedy_named(
    peer: Peer, peered: Peered, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Cluster([item("x", "1")])

    async def answer(request: web.Request) -> web.StreamResponse:
        if len(peer.seen) <= 2:
            return web.json_response(
                {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}, status=403
            )
        return await cluster.answer(request)

    informer = peered(cluster)
    peer.answer = answer
    async with following(informer):
        assert len(informer.objects) == 1
    assert (
        "cannot follow configmaps: 403 Forbidden: no; the service account needs the verbs list and watch"
        in caplog.text
    )


@pytest.mark.usefixtures("quick")
async def test_a_watch_that_is_silent_too_long_is_begun_again(
    peer: Peer, peered: Peered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informing, "SILENCE", 0.1)
    cluster = Cluster([item("x", "1")])
    informer = peered(cluster)
    async with following(informer):
        await eventually(lambda: len(cluster.versions) >= 3)
    assert cluster.lists == 1
    cluster.hold.set()


@pytest.mark.usefixtures("quick")
async def test_a_handler_that_is_wrong_ends_the_informer_loudly(peer: Peer, peered: Peered) -> None:
    informer = peered(Cluster([item("x", "1")]))

    def broken(old: Any, new: Any) -> None:
        raise KeyError("bug")

    informer.on_change(broken)
    with pytest.raises(ExceptionGroup) as raised:
        await informer.run()
    assert raised.group_contains(KeyError, depth=1)


@pytest.mark.usefixtures("quick")
async def test_thousands_of_pods_are_listed_with_the_collector_at_rest(peer: Peer, to_peer: Connection) -> None:
    def pod(number: int) -> Raw:
        return item(
            f"p{number}",
            str(number),
            spec={
                "nodeName": "n",
                "containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "b"}] * 5}],
            },
            status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        )

    pods = [pod(number) for number in range(5000)]
    resting: list[bool] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await Cluster([]).answer(request)
        resting.append(gc.isenabled())
        begin = int(request.query.get("continue", "0"))
        page = {"resourceVersion": "9", "continue": str(begin + 500) if begin + 500 < len(pods) else ""}
        return web.json_response({"metadata": page, "items": pods[begin : begin + 500]})

    peer.answer = answer
    informer = Informer(to_peer, PODS, Pod)
    frozen = gc.get_freeze_count()
    async with following(informer):
        assert len(informer.objects) == 5000
        assert all(kept.ready for kept in informer.objects.values())
    assert resting == [False] * 10
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()
