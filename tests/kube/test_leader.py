import asyncio
import contextlib
import json
import logging
from typing import Any

import pytest
from aiohttp import web

from scaler.api.meta import Raw
from scaler.clock import SystemClock
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.leader import Elector, Holder, watch_holder
from scaler.kube.resources import LEASES
from scaler.kube.wire import Limits
from tests.kube.conftest import Peer, eventually


class Candidate:
    """One replica: its elector, and what it was told."""

    def __init__(self, connection: Connection, namespace: str, identity: str, **settings: Any) -> None:
        settings = {"duration": 2.0, "deadline": 1.5, "retry": 0.4} | settings
        self.elector = Elector(
            connection, SystemClock(), namespace=namespace, name="election", identity=identity, **settings
        )
        self.started = 0
        self.lost: list[str] = []
        self.task = asyncio.create_task(self.elector.run(self._start, self.lost.append))

    def _start(self) -> None:
        self.started += 1

    async def leads(self, within: float = 10) -> None:
        await eventually(lambda: self.elector.leading and self.started == 1, within)

    async def ends(self) -> None:
        async with asyncio.timeout(10):
            await self.task

    async def dies(self) -> None:
        """As by SIGKILL: it says nothing to anybody any more."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def lease(connection: Connection, namespace: str) -> Raw:
    found = await connection.get(LEASES, namespace, "election", into=Raw)
    return dict(found["spec"])


async def test_the_first_leads_and_the_second_stands_by_and_takes_over_at_once_when_the_first_stops(
    connection: Connection, namespace: str
) -> None:
    first = Candidate(connection, namespace, "first")
    await first.leads()
    # Were it not told of the release, the second would find out only after half a minute.
    second = Candidate(connection, namespace, "second", retry=30.0, deadline=40.0, duration=60.0)
    await eventually(lambda: second.elector.holder == "first")
    await asyncio.sleep(0.5)  # a renewal or two
    assert not second.elector.leading
    first.elector.stop()
    await first.ends()
    await second.leads(within=3)
    assert first.lost == []
    found = await lease(connection, namespace)
    assert (found["holderIdentity"], found["leaseTransitions"], found["leaseDurationSeconds"]) == ("second", 1, 60)
    second.elector.stop()
    await second.ends()
    assert not (await lease(connection, namespace)).get("holderIdentity")


async def test_a_leader_that_died_is_followed_once_its_lease_has_run_out(
    connection: Connection, namespace: str
) -> None:
    first = Candidate(connection, namespace, "first")
    await first.leads()
    second = Candidate(connection, namespace, "second")
    await eventually(lambda: second.elector.holder == "first")
    await first.dies()
    assert not second.elector.leading
    await second.leads(within=5)
    await second.dies()


async def test_a_leader_that_comes_back_under_its_name_need_not_wait(connection: Connection, namespace: str) -> None:
    first = Candidate(connection, namespace, "pod-0", duration=60.0)
    await first.leads()
    await first.dies()
    again = Candidate(connection, namespace, "pod-0", duration=60.0)
    await again.leads(within=3)
    assert (await lease(connection, namespace))["leaseTransitions"] == 0
    await again.dies()


async def test_a_leader_keeps_renewing_and_keeps_what_others_wrote(connection: Connection, namespace: str) -> None:
    leader = Candidate(connection, namespace, "first", retry=0.1, advertise={"board": "10.0.0.1:9666"})
    await leader.leads()
    before = (await lease(connection, namespace))["renewTime"]
    note = {"metadata": {"annotations": {"note": "by somebody"}}}
    await connection.patch(LEASES, namespace, "election", note, into=Ack)

    async def renewed() -> bool:
        return bool((await lease(connection, namespace))["renewTime"] > before)

    await eventually(renewed)
    found = await connection.get(LEASES, namespace, "election", into=Raw)
    assert found["metadata"]["annotations"] == {"board": "10.0.0.1:9666", "note": "by somebody"}
    assert leader.lost == []
    await leader.dies()


async def test_a_lease_that_was_deleted_is_made_again(connection: Connection, namespace: str) -> None:
    leader = Candidate(connection, namespace, "first", retry=0.1)
    await leader.leads()
    await connection.delete(LEASES, namespace, "election")

    async def there() -> bool:
        return bool((await connection.listing(LEASES, namespace, into=Raw)).items)

    await eventually(there)
    assert leader.elector.leading
    assert leader.lost == []
    await leader.dies()


async def test_a_leader_whose_lease_another_took_stops_acting(connection: Connection, namespace: str) -> None:
    leader = Candidate(connection, namespace, "first")
    await leader.leads()
    await connection.patch(LEASES, namespace, "election", {"spec": {"holderIdentity": "thief"}}, into=Ack)
    await leader.ends()
    assert leader.lost == ["thief holds it"]
    assert not leader.elector.leading
    assert (await lease(connection, namespace))["holderIdentity"] == "thief"


async def test_only_one_of_many_leads(connection: Connection, namespace: str) -> None:
    candidates = [Candidate(connection, namespace, f"c{number}", retry=0.1) for number in range(6)]
    await eventually(lambda: any(candidate.elector.leading for candidate in candidates))
    for _ in range(10):
        await asyncio.sleep(0.05)
        assert sum(candidate.elector.leading for candidate in candidates) == 1
    for candidate in candidates:
        await candidate.dies()


class Server:
    """Leases on a server that can be made to fail."""

    def __init__(self) -> None:
        self.lease: Raw | None = None
        self.healthy = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not self.healthy:
            return web.json_response({"kind": "Status", "code": 500, "message": "etcd is gone"}, status=500)
        if "watch" in request.query or (request.path.endswith("leases") and request.method == "GET"):
            return web.json_response({"kind": "Status", "code": 403, "message": "no"}, status=403)
        if request.method == "GET" and self.lease is None:
            return web.json_response({"kind": "Status", "code": 404, "message": "none"}, status=404)
        if request.method in {"PUT", "POST"}:
            self.lease = json.loads(await request.read())
        return web.json_response(self.lease)


async def test_a_leader_that_cannot_renew_within_the_deadline_stops_acting(peer: Peer) -> None:
    server = Server()
    peer.answer = server.answer
    async with Connection(peer.url) as connection:
        leader = Candidate(connection, "n", "first", retry=0.1, deadline=0.5)
        await leader.leads()
        server.healthy = False
        await leader.ends()
    assert len(leader.lost) == 1
    assert leader.lost[0].startswith("it could not be renewed for 0.")
    assert "etcd is gone" in leader.lost[0]


async def test_a_server_that_is_silent_does_not_keep_a_leader_in_office(peer: Peer) -> None:
    server = Server()
    peer.answer = server.answer

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(20)
        return web.Response()

    async with Connection(peer.url, Limits(patience=20)) as connection:
        leader = Candidate(connection, "n", "first", retry=0.1, deadline=0.6)
        await leader.leads()
        peer.answer = never
        await leader.ends()
    assert "no answer in time" in leader.lost[0]


async def test_a_short_failure_costs_no_leader_its_office(peer: Peer) -> None:
    server = Server()
    peer.answer = server.answer
    async with Connection(peer.url) as connection:
        leader = Candidate(connection, "n", "first", retry=0.05, deadline=5.0)
        await leader.leads()
        server.healthy = False
        await asyncio.sleep(0.3)
        server.healthy = True
        renewed = server.lease and server.lease["spec"]["renewTime"]
        await eventually(lambda: server.lease is not None and server.lease["spec"]["renewTime"] != renewed)
        assert leader.lost == []
        leader.elector.stop()
        await leader.ends()
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == ""


async def test_a_candidate_waits_for_a_server_that_refuses_and_says_so_once(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    server.healthy = False
    peer.answer = server.answer
    with caplog.at_level(logging.WARNING, "scaler.kube.leader"):
        async with Connection(peer.url) as connection:
            candidate = Candidate(connection, "n", "first", retry=0.05)
            await asyncio.sleep(0.4)
            assert not candidate.elector.leading
            server.healthy = True
            await candidate.leads()
            await candidate.dies()
    said = [record for record in caplog.records if record.name == "scaler.kube.leader"]
    assert len(said) == 1
    assert "etcd is gone" in said[0].__dict__["error"]


async def test_a_standby_that_is_stopped_leaves_the_lease_alone(connection: Connection, namespace: str) -> None:
    first = Candidate(connection, namespace, "first")
    await first.leads()
    second = Candidate(connection, namespace, "second")
    await eventually(lambda: second.elector.holder == "first")
    second.elector.stop()
    await second.ends()
    assert (second.started, second.lost) == (0, [])
    assert (await lease(connection, namespace))["holderIdentity"] == "first"
    await first.dies()


async def test_others_are_told_who_leads_and_what_it_advertises_but_not_of_renewals(
    connection: Connection, namespace: str
) -> None:
    told: list[Holder | None] = []
    watching = asyncio.create_task(watch_holder(connection, namespace, "election", told.append))
    await eventually(lambda: told == [None])
    first = Candidate(connection, namespace, "first", retry=0.1, advertise={"board": "a:1"})
    await eventually(lambda: len(told) == 2)
    await asyncio.sleep(0.5)
    first.elector.stop()
    await first.ends()
    second = Candidate(connection, namespace, "second", advertise={"board": "b:2"})
    await eventually(lambda: len(told) == 4)
    seen = [(holder.identity, holder.annotations["board"]) if holder else None for holder in told]
    assert seen == [None, ("first", "a:1"), None, ("second", "b:2")]
    await second.dies()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
