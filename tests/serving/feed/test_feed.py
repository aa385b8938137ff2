"""Both ends of the feed over real sockets and TLS, with certificates of the room's own making."""

import asyncio
import contextlib
import logging
import ssl

import aiohttp
import msgspec
import pytest
from aiohttp import web

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry
from scaler.serving.certificates import renew, service_names
from scaler.serving.feed import client as client_module
from scaler.serving.feed import server as server_module
from scaler.serving.feed.client import FeedClient
from scaler.serving.feed.frames import PATH, PROTOCOL, encode
from scaler.serving.feed.server import FeedServer
from scaler.serving.tls import MutualTls
from scaler.serving.truth import LookFailed

NOW = 1_790_000_000.0
NAMES = service_names(["scaler-operator"], "scaler")
SERVER_NAME = "scaler-operator.scaler.svc"


def entry(name="web", value=1.0, **changes):
    fields = {"namespace": "shop", "name": name, "evaluated_at": NOW, **changes}
    return BoardEntry(metrics={"s0-queue": MetricAnswer("s0-queue", NOW, value)}, **fields)


def mutual(material):
    tls = MutualTls()
    tls.take(material)
    return tls


async def until(holds, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - several things are waited for, none of which tells
            await asyncio.sleep(0.005)


class Leader:
    """An operator's end: a board, a look, and a port."""

    def __init__(self, material, holder="leader-1", ahead=0.0, heartbeat=0.05):
        self.tls = mutual(material)
        self.board = Board()
        self.looked = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.feed = FeedServer(
            self.board,
            self.look,
            lambda: NOW + ahead,
            trusts=self.tls.is_ours,
            holder=holder,
            explain=self.explain,
            heartbeat=heartbeat,
        )
        self.port = 0

    async def look(self, namespace, name, metric):
        self.looked.append((namespace, name, metric))
        await self.gate.wait()
        if name == "unknown":
            raise LookupError("there is no scaledobject shop/unknown")
        return MetricAnswer(metric, NOW + 1, 42.0)

    def explain(self, namespace, name):
        if name == "unknown":
            raise LookupError("ScaledObject shop/unknown is not known to this operator")
        return f'{{"of":"{namespace}/{name}"}}'.encode()

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get(PATH, self.feed.handle)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self.tls.server())
        await site.start()
        self.port = self.runner.addresses[0][1]
        self.feed.open()
        return self

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    async def __aexit__(self, *_):
        await self.feed.close()
        await self.runner.cleanup()


class Replica:
    """A metrics server's end."""

    def __init__(self, tls, silence=2.0, server_name=SERVER_NAME):
        self.client = FeedClient(lambda: NOW, tls, server_name, silence)

    async def __aenter__(self):
        self.task = asyncio.create_task(self.client.run())
        return self.client

    async def __aexit__(self, *_):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture(scope="module")
def material():
    return renew(None, NAMES, NOW)


@pytest.fixture
async def leader(material):
    async with Leader(material) as leader:
        yield leader


@pytest.fixture
async def replica(material, leader):
    async with Replica(mutual(material).client) as client:
        client.point(leader.address)
        yield client


async def test_a_replica_gets_the_whole_board_and_then_what_changes(leader, replica):
    for number in range(1200):
        leader.board.publish(entry(f"app-{number}"))
    await until(lambda: replica.complete and len(replica.board) == 1200)
    leader.board.publish(entry("app-7", 9.0))
    leader.board.remove(("shop", "app-8"))
    await until(lambda: len(replica.board) == 1199)
    assert replica.entry(("shop", "app-7")) == entry("app-7", 9.0)
    assert replica.entry(("shop", "app-8")) is None
    assert replica.holder == "leader-1"
    assert leader.feed.connections == 1


async def test_a_snapshot_larger_than_a_piece_arrives_whole(leader, material):
    count = 2 * server_module.PIECE + 1
    for number in range(count):
        leader.board.publish(entry(f"app-{number}"))
    async with Replica(mutual(material).client) as replica:
        replica.point(leader.address)
        await until(lambda: replica.complete)
        assert len(replica.board) == count


async def test_changes_of_one_turn_travel_together_and_the_last_one_counts(leader, replica):
    await until(lambda: replica.complete)
    sent = leader.feed._replicas.copy().pop()
    before = sent.entries_sent
    for value in range(50):
        leader.board.publish(entry("web", float(value)))
    await until(lambda: replica.entry(("shop", "web")) == entry("web", 49.0))
    assert sent.entries_sent == before + 1


async def test_a_look_brings_the_fresh_answer(leader, replica):
    await until(lambda: replica.connected)
    answer = await replica.look("shop", "web", "s0-queue", 2.0)
    assert answer == MetricAnswer("s0-queue", NOW + 1, 42.0)
    assert leader.looked == [("shop", "web", "s0-queue")]
    assert leader.feed.looks == 1


async def test_looks_of_one_turn_are_answered_each(leader, replica):
    await until(lambda: replica.connected)
    answers = await asyncio.gather(*(replica.look("shop", f"app-{n}", f"s{n}-x", 2.0) for n in range(100)))
    assert [answer.metric for answer in answers] == [f"s{n}-x" for n in range(100)]


async def test_a_look_is_answered_though_other_things_were_sent_while_it_was_under_way(leader, replica):
    await until(lambda: replica.complete)
    leader.gate.clear()
    looking = asyncio.create_task(replica.look("shop", "web", "s0-queue", 2.0))
    await until(lambda: leader.looked)
    leader.board.publish(entry("other", 7.0))
    await until(lambda: replica.entry(("shop", "other")))
    leader.gate.set()
    assert (await looking).value == 42.0


async def test_a_look_that_takes_too_long_fails_and_its_late_answer_is_dropped(leader, replica):
    await until(lambda: replica.connected)
    leader.gate.clear()
    with pytest.raises(LookFailed, match=r"did not answer within 0.05 s"):
        await replica.look("shop", "web", "s0-queue", 0.05)
    leader.gate.set()
    assert (await replica.look("shop", "web", "s1-other", 2.0)).metric == "s1-other"
    assert len(replica._questions) == 0


async def test_what_the_leader_does_not_know_is_told_in_its_words(leader, replica):
    await until(lambda: replica.connected)
    with pytest.raises(LookFailed, match="there is no scaledobject shop/unknown") as failure:
        await replica.look("shop", "unknown", "s0-queue", 2.0)
    assert failure.value.unknown


async def test_without_a_leader_a_look_fails_at_once(material):
    async with Replica(mutual(material).client) as replica:
        with pytest.raises(LookFailed, match="no connection to a leader"):
            await replica.look("shop", "web", "s0-queue", 60.0)


async def test_a_leader_that_is_not_there_is_named_by_its_address_and_by_no_place_in_memory(material, caplog):
    caplog.set_level(logging.INFO, "scaler.feed")
    async with Replica(mutual(material).client) as replica:
        replica.point("127.0.0.1:9")
        await until(lambda: caplog.records)
    assert "no feed from 127.0.0.1:9: Cannot connect" in caplog.text
    assert "0x" not in caplog.text


async def test_a_look_under_way_fails_when_the_leader_goes(leader, replica):
    await until(lambda: replica.connected)
    leader.gate.clear()
    looking = asyncio.create_task(replica.look("shop", "web", "s0-queue", 60.0))
    await until(lambda: leader.looked)
    await leader.feed.close()
    with pytest.raises(LookFailed, match="connection to the leader was lost"):
        await asyncio.wait_for(looking, 5)


async def test_the_copy_is_kept_through_a_hand_over_and_corrected_after_it(leader, replica, material, monkeypatch):
    monkeypatch.setattr(client_module, "KEPT", 0.3)
    for name in ("stays", "went", "late"):
        leader.board.publish(entry(name))
    await until(lambda: len(replica.board) == 3)
    await leader.feed.close()
    await until(lambda: not replica.connected)
    assert len(replica.board) == 3
    async with Leader(material, "leader-2") as second:
        second.board.publish(entry("stays", 2.0))
        replica.point(second.address)
        await until(lambda: replica.holder == "leader-2" and replica.connected)
        await until(lambda: replica.entry(("shop", "stays")).metrics["s0-queue"].value == 2.0)
        assert replica.entry(("shop", "went")) is not None
        second.board.publish(entry("late", 3.0))
        await until(lambda: replica.entry(("shop", "went")) is None)
        assert {each.name for each in replica.board} == {"stays", "late"}


async def test_a_lost_leader_is_found_again_without_being_told(material):
    async with Replica(mutual(material).client) as replica:
        first = Leader(material, "one")
        async with first:
            first.board.publish(entry())
            replica.point(first.address)
            await until(lambda: replica.complete)
        await until(lambda: not replica.connected)
        again = Leader(material, "two")
        again.port = first.port
        async with again:
            await until(lambda: replica.holder == "two")
        assert replica.connects == 2


async def test_a_leader_that_falls_silent_is_left(material, caplog):
    async with Leader(material, heartbeat=60.0) as leader, Replica(mutual(material).client, silence=0.2) as replica:
        with caplog.at_level(logging.INFO, "scaler.feed"):
            replica.point(leader.address)
            await until(lambda: replica.connects >= 2)


async def test_the_heartbeat_keeps_a_quiet_connection_and_tells_the_leaders_time(material):
    async with (
        Leader(material, ahead=100.0, heartbeat=0.02) as leader,
        Replica(mutual(material).client, silence=0.5) as replica,
    ):
        replica.point(leader.address)
        await until(lambda: replica.connected)
        await asyncio.sleep(0.8)
        assert replica.connects == 1
        assert replica.now() == NOW + 100.0
        assert replica.lag < 0.5


async def test_a_standby_sends_everybody_away(material):
    async with Leader(material) as standby, Replica(mutual(material).client) as replica:
        await standby.feed.close()
        replica.point(standby.address)
        await asyncio.sleep(0.3)
        assert not replica.connected
        standby.feed.open()
        await until(lambda: replica.holder == "leader-1")


async def test_a_certificate_of_somebody_else_gets_nothing(leader, material):
    stranger = mutual(msgspec.structs.replace(renew(None, NAMES, NOW), ca=material.ca))  # it does trust us
    async with Replica(stranger.client) as replica:
        replica.point(leader.address)
        await asyncio.sleep(0.3)
        assert (replica.connects, leader.feed.connections) == (0, 0)


async def test_a_caller_without_a_certificate_does_not_get_through_the_handshake(leader, material):
    context = ssl.create_default_context(cadata=material.ca.decode())
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"https://{leader.address}{PATH}", ssl=context, server_hostname=SERVER_NAME)


async def test_an_explanation_is_the_leaders_own_document(leader, replica):
    await until(lambda: replica.connected)
    assert await replica.explain("shop", "web", 2.0) == b'{"of":"shop/web"}'
    with pytest.raises(LookFailed, match="ScaledObject shop/unknown is not known") as failure:
        await replica.explain("shop", "unknown", 2.0)
    assert failure.value.unknown


async def test_without_a_leader_nothing_is_explained(material):
    async with Replica(mutual(material).client) as client:
        with pytest.raises(LookFailed, match="no connection to a leader") as failure:
            await client.explain("shop", "web", 2.0)
        assert not failure.value.unknown


async def test_a_leader_with_another_name_is_not_believed(leader, material):
    async with Replica(mutual(material).client, server_name="someone-else.scaler.svc") as replica:
        replica.point(leader.address)
        await asyncio.sleep(0.3)
        assert replica.connects == 0


async def test_renewed_certificates_are_used_without_a_restart(leader, material):
    replica_tls = mutual(material)
    async with Replica(replica_tls.client) as replica:
        replica.point(leader.address)
        await until(lambda: replica.connected)
        renewed = renew(material, ["x", *NAMES], NOW)
        leader.tls.take(renewed)
        replica_tls.take(renewed)
        await leader.feed.close()
        leader.feed.open()
        await until(lambda: replica.connects == 2)


async def test_another_version_of_the_feed_is_refused_at_once(leader, material):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"https://{leader.address}{PATH}",
            ssl=mutual(material).client(),
            server_hostname=SERVER_NAME,
            protocols=("scaler.board.v0",),
        ) as socket,
    ):
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.extra == "another version"


@pytest.mark.parametrize("garbage", [b"\xc1rubbish", encode([(6, 1)])])
async def test_a_replica_that_talks_nonsense_is_sent_away(leader, material, garbage):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"https://{leader.address}{PATH}",
            ssl=mutual(material).client(),
            server_hostname=SERVER_NAME,
            protocols=(PROTOCOL,),
        ) as socket,
    ):
        await socket.send_bytes(garbage)
        await until(lambda: leader.feed.connections == 0)


async def test_a_bug_in_a_look_is_logged_and_costs_one_answer(leader, replica, caplog):
    await until(lambda: replica.connected)
    good, leader.feed._look = leader.feed._look, None
    with caplog.at_level(logging.ERROR, "scaler.feed"), pytest.raises(LookFailed):
        await replica.look("shop", "web", "s0-queue", 0.1)
    assert "an error of ours" in caplog.text
    leader.feed._look = good
    assert (await replica.look("shop", "web", "s0-queue", 2.0)).value == 42.0


async def test_a_replica_that_reads_nothing_costs_no_memory_and_is_cut_off(leader, material, monkeypatch):
    monkeypatch.setattr(server_module, "SILENCE", 0.2)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"https://{leader.address}{PATH}",
            ssl=mutual(material).client(),
            server_hostname=SERVER_NAME,
            protocols=(PROTOCOL,),
        ) as socket,
    ):
        await socket.receive(timeout=5)
        transport = socket._conn.transport
        transport.pause_reading()
        (connected,) = leader.feed._replicas
        number = 0
        async with asyncio.timeout(20):
            while leader.feed.connections:
                number += 1
                for name in range(100):
                    leader.board.publish(entry(f"app-{name}" + "x" * 300, float(number)))
                assert len(connected._changed) <= 100
                await asyncio.sleep(0.001)
        transport.abort()
