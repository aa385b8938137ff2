import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import kopf
import pytest
from aiohttp import web

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject
from scaler.kube import intake as taking
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.intake import Change, Intake, Scope, Undecodable
from scaler.kube.kopf_thread import KopfThread
from scaler.kube.resources import CLUSTER_TRIGGER_AUTHENTICATIONS, CRDS, SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS
from scaler.kube.wire import Server
from scaler.sim.cluster import EmbeddedCluster
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import Peer, eventually, scaled_object


@contextlib.asynccontextmanager
async def taking_in(connection: Connection, scope: Scope) -> AsyncIterator[list[Change]]:
    intake = Intake(connection, scope)
    told: list[Change] = []
    intake.on_changes(told.extend)
    task = asyncio.create_task(intake.run())
    try:
        await eventually(lambda: intake.synced.is_set() or task.done(), 20)
        yield told
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def following(connection: Connection, namespace: str, told: list[Change]) -> None:
    """Return once kopf tells: by an object that comes and goes."""
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("probe"), into=Ack)
    await eventually(lambda: any(change.ref.name == "probe" for change in told), 20)
    await connection.delete(SCALED_OBJECTS, namespace, "probe")
    await eventually(lambda: told[-1].ref.name == "probe" and told[-1].new is None)
    told.clear()


def authentication(name: str, kind: str = "TriggerAuthentication") -> Raw:
    return {"apiVersion": "keda.sh/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": {}}


def label(value: str) -> Raw:
    return {"metadata": {"labels": {"a": value}}}


@pytest.mark.usefixtures("kinds")
async def test_what_is_there_is_told_before_synced_and_authentications_first(
    connection: Connection, namespace: str
) -> None:
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("first"), into=Ack)
    await connection.create(TRIGGER_AUTHENTICATIONS, namespace, authentication("a"), into=Ack)
    async with taking_in(connection, Scope((namespace,))) as told:
        here = [change for change in told if change.ref.namespace == namespace]
        assert [(change.ref.name, type(change.new)) for change in here] == [
            ("a", TriggerAuthentication),
            ("first", ScaledObject),
        ]


@pytest.mark.usefixtures("kinds")
async def test_each_version_is_told_once_and_in_order(connection: Connection, namespace: str) -> None:
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("before"), into=Ack)
    async with taking_in(connection, Scope((namespace,))) as told:
        await following(connection, namespace, told)
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("one"), into=Ack)
        await eventually(lambda: len(told) == 1)
        await connection.patch(SCALED_OBJECTS, namespace, "one", label("b"), into=Ack)
        await eventually(lambda: len(told) == 2)
        await connection.delete(SCALED_OBJECTS, namespace, "one")
        await eventually(lambda: len(told) == 3)
        await asyncio.sleep(0.3)
    assert [(change.ref.name, type(change.new)) for change in told] == [
        ("one", ScaledObject),
        ("one", ScaledObject),
        ("one", type(None)),
    ]
    assert isinstance(told[1].new, ScaledObject)
    assert told[1].new.metadata.labels == {"a": "b"}
    assert len({change.ref for change in told}) == 1


@pytest.mark.usefixtures("kinds")
async def test_nothing_is_written_on_users_objects(connection: Connection, namespace: str) -> None:
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("mine"), into=Raw)
    async with taking_in(connection, Scope((namespace,))) as told:
        await following(connection, namespace, told)
        changed = await connection.patch(SCALED_OBJECTS, namespace, "mine", label("b"), into=Raw)
        await eventually(lambda: len(told) == 1)
        await asyncio.sleep(1)
    left = await connection.get(SCALED_OBJECTS, namespace, "mine", into=Raw)
    assert left["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]
    assert left["metadata"]["uid"] == made["metadata"]["uid"]
    assert connection.counts["patch", "scaledobjects", "200"] == 1


@pytest.mark.usefixtures("kinds")
async def test_other_namespaces_and_labels_are_not_ours(
    connection: Connection, namespace: str, cluster: Cluster
) -> None:
    other = cluster.new_namespace()
    ours = scaled_object("ours", labels={"team": "us"})
    await connection.create(SCALED_OBJECTS, other, scaled_object("elsewhere", labels={"team": "us"}), into=Ack)
    async with taking_in(connection, Scope((namespace,), labels="team=us")) as told:
        await connection.create(SCALED_OBJECTS, namespace, scaled_object("theirs"), into=Ack)
        await connection.create(SCALED_OBJECTS, namespace, ours, into=Ack)
        await eventually(lambda: len(told) >= 1, 20)
        # One that stops matching is no longer ours.
        await connection.patch(
            SCALED_OBJECTS, namespace, "ours", {"metadata": {"labels": {"team": "them"}}}, into=Ack
        )
        await eventually(lambda: len(told) >= 2)
        await asyncio.sleep(0.3)
    assert [(change.ref.name, change.new is None) for change in told] == [("ours", False), ("ours", True)]
    cluster.api.delete(f"/api/v1/namespaces/{other}")


@pytest.mark.usefixtures("kinds")
async def test_cluster_wide_authentications_are_ours_in_every_scope(connection: Connection, namespace: str) -> None:
    name = f"cta-{namespace}"
    scope = Scope((namespace,), authentication_labels=f"of={namespace}")
    async with taking_in(connection, scope) as told:
        await following(connection, namespace, told)
        body = authentication(name, "ClusterTriggerAuthentication")
        body["metadata"]["labels"] = {"of": namespace}
        await connection.create(CLUSTER_TRIGGER_AUTHENTICATIONS, "", body, into=Ack)
        await eventually(lambda: len(told) == 1)
        await connection.delete(CLUSTER_TRIGGER_AUTHENTICATIONS, "", name)
        await eventually(lambda: len(told) == 2)
    assert isinstance(told[0].new, ClusterTriggerAuthentication)
    assert [(change.ref.namespace, change.ref.name) for change in told] == [("", name)] * 2


@pytest.mark.usefixtures("kinds")
async def test_an_object_that_is_made_anew_under_its_name_is_another(connection: Connection, namespace: str) -> None:
    async with taking_in(connection, Scope((namespace,))) as told:
        await following(connection, namespace, told)
        for _ in range(2):
            await connection.create(SCALED_OBJECTS, namespace, scaled_object("phoenix"), into=Ack)
            await connection.delete(SCALED_OBJECTS, namespace, "phoenix")
        last = await connection.create(SCALED_OBJECTS, namespace, scaled_object("phoenix"), into=Raw)
        await eventually(lambda: bool(told) and told[-1].ref.uid == last["metadata"]["uid"])
        await asyncio.sleep(0.3)
    assert told[-1].new is not None
    assert told[-1].ref.uid == last["metadata"]["uid"]


SCALED_OBJECT = next(kind for kind in taking.KINDS if kind.name == "ScaledObject")


@pytest.mark.usefixtures("kinds")
async def test_what_comes_late_or_twice_is_not_told_again(connection: Connection, namespace: str) -> None:
    made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("one"), into=Raw)
    intake = Intake(connection, Scope((namespace,)))
    told: list[Change] = []
    intake.on_changes(told.extend)
    await intake._listed(SCALED_OBJECT, namespace)
    assert [change.ref.name for change in told] == ["one"]
    assert intake._change(SCALED_OBJECT, None, made) is None
    older = made | {"metadata": made["metadata"] | {"resourceVersion": "1"}}
    assert intake._change(SCALED_OBJECT, "MODIFIED", older) is None
    namesake = made | {"metadata": made["metadata"] | {"uid": "another"}}
    assert intake._change(SCALED_OBJECT, "DELETED", namesake) is None
    assert intake._change(SCALED_OBJECT, "ADDED", namesake) is not None
    assert intake._change(SCALED_OBJECT, "DELETED", made) is None
    gone = intake._change(SCALED_OBJECT, "DELETED", namesake)
    assert gone is not None
    assert (gone.ref.uid, gone.new) == ("another", None)


@pytest.mark.usefixtures("kinds")
async def test_a_watch_that_is_lost_is_mended_by_a_list_that_tells_only_what_happened(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stays", "goes", "anew"):
        await connection.create(SCALED_OBJECTS, namespace, scaled_object(name), into=Ack)
    asked: list[str] = []
    since = Intake._since

    async def too_old(self: Intake, plural: str, where: str) -> str:
        asked.append(plural)
        if asked.count(plural) > 1:
            return await since(self, plural, where)
        if plural == "scaledobjects":
            for name in ("goes", "anew"):
                await connection.delete(SCALED_OBJECTS, namespace, name)
            await connection.create(SCALED_OBJECTS, namespace, scaled_object("anew"), into=Ack)
        self._versions.pop((plural, where))
        return "1"  # the API server remembers no such time

    monkeypatch.setattr(Intake, "_since", too_old)
    async with taking_in(connection, Scope((namespace,))) as told:
        told.clear()
        await eventually(lambda: len(told) >= 2, 20)
        await asyncio.sleep(0.5)
        assert asked.count("scaledobjects") == 2
        assert sorted((change.ref.name, change.new is None) for change in told) == [("anew", False), ("goes", True)]
        await following(connection, namespace, told)


@pytest.mark.usefixtures("kinds")
async def test_nothing_is_listed_twice_and_nothing_between_list_and_watch_is_lost(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connection.create(SCALED_OBJECTS, namespace, scaled_object("before"), into=Ack)
    since = Intake._since

    async def meanwhile(self: Intake, plural: str, where: str) -> str:
        if plural == "scaledobjects":
            await connection.create(SCALED_OBJECTS, namespace, scaled_object("between"), into=Ack)
            await connection.delete(SCALED_OBJECTS, namespace, "before")
        return await since(self, plural, where)

    monkeypatch.setattr(Intake, "_since", meanwhile)
    async with taking_in(connection, Scope((namespace,))) as told:
        await eventually(lambda: len(told) == 3, 20)
        assert [(change.ref.name, change.new is None) for change in told] == [
            ("before", False),
            ("between", False),
            ("before", True),
        ]
        assert connection.counts["list", "scaledobjects", "200"] == 1


@pytest.mark.usefixtures("kinds")
async def test_what_comes_while_a_list_is_read_is_not_taken_for_gone(connection: Connection, namespace: str) -> None:
    intake = Intake(connection, Scope((namespace,)))
    told: list[Change] = []
    intake.on_changes(told.extend)
    pages = connection.pages

    async def slow(*given: Any, **named: Any) -> AsyncIterator[Any]:
        async for page in pages(*given, **named):
            made = await connection.create(SCALED_OBJECTS, namespace, scaled_object("late"), into=Raw)
            intake._tell([change for change in [intake._change(SCALED_OBJECT, "ADDED", made)] if change])
            yield page

    connection.pages = slow  # type: ignore[method-assign]
    await intake._listed(SCALED_OBJECT, namespace)
    assert [(change.ref.name, change.new is None) for change in told] == [("late", False)]


async def test_kinds_that_are_not_installed_yet_are_waited_for_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(taking, "BETWEEN_TRIES", 0.05)
    async with EmbeddedCluster(controllers=False) as embedded, Connection(embedded.url) as connection:
        intake = Intake(connection, Scope())
        task = asyncio.create_task(intake.run())
        await asyncio.sleep(0.3)
        assert not intake.synced.is_set()
        for name in ("scaledobjects", "triggerauthentications", "clustertriggerauthentications"):
            await connection.create(CRDS, "", loose(name), into=Ack)
        async with asyncio.timeout(10):
            await intake.synced.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    said = [record.__dict__ for record in caplog.records if record.name == "scaler.intake"]
    errors = [each["error"] for each in said]
    assert errors
    assert len(errors) == len(set(errors))
    assert all("apply crds/" in each["remedy"] for each in said)


def loose(plural: str) -> Raw:
    """A definition of a kind of ours that lets everything pass: as an old or foreign one may."""
    kinds = {"s": "ScaledObject", "t": "TriggerAuthentication", "c": "ClusterTriggerAuthentication"}
    kind = kinds[plural[0]]
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.keda.sh"},
        "spec": {
            "group": "keda.sh",
            "names": names,
            "scope": "Cluster" if kind.startswith("Cluster") else "Namespaced",
            "versions": [version | {"subresources": {"status": {}}}],
        },
    }


async def test_an_object_that_cannot_be_read_is_told_with_its_problems_and_hides_no_other() -> None:
    async with EmbeddedCluster(controllers=False) as embedded, Connection(embedded.url) as connection:
        for name in ("scaledobjects", "triggerauthentications", "clustertriggerauthentications"):
            await connection.create(CRDS, "", loose(name), into=Ack)
        await eventually(lambda: embedded.find("ScaledObject", "keda.sh/v1alpha1", ("default", "x")) is None)
        await connection.create(SCALED_OBJECTS, "default", scaled_object("good"), into=Ack)
        bad = scaled_object("bad")
        bad["spec"]["pollingInterval"] = "often"
        await connection.create(SCALED_OBJECTS, "default", bad, into=Ack)
        async with taking_in(connection, Scope()) as told:
            assert {change.ref.name: type(change.new) for change in told} == {
                "bad": Undecodable,
                "good": ScaledObject,
            }
            worse = scaled_object("worse")
            worse["spec"]["triggers"] = "none"
            await connection.create(SCALED_OBJECTS, "default", worse, into=Ack)
            await eventually(lambda: len(told) == 3, 20)
            broken = told[2].new
            assert isinstance(broken, Undecodable)
            assert "spec.triggers" in str(broken.problems[0])
            await connection.patch(SCALED_OBJECTS, "default", "bad", {"spec": {"pollingInterval": 5}}, into=Ack)
            await eventually(lambda: len(told) == 4)
            assert isinstance(told[3].new, ScaledObject)


@pytest.mark.usefixtures("kinds")
async def test_kopfs_end_ends_the_intake(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(kopf, "operator", broken)
    async with asyncio.timeout(20):
        with pytest.raises(RuntimeError, match="kopf ended by itself: ValueError"):
            await Intake(connection, Scope((namespace,))).run()


class Expiring:
    """Credentials that are refused until they are renewed."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.renewals = 0

    async def header(self) -> str | None:
        return self.token

    async def renew(self) -> bool:
        self.renewals += 1
        self.token = None  # the embedded cluster takes whoever brings none
        return True


async def test_kopf_uses_our_credentials_and_renews_them(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Expiring()
    begin = KopfThread.start

    def expired(self: KopfThread) -> None:
        credentials.token = "Bearer expired"
        begin(self)

    monkeypatch.setattr(KopfThread, "start", expired)
    async with EmbeddedCluster(controllers=False) as embedded, Connection(embedded.url) as direct:
        for name in ("scaledobjects", "triggerauthentications", "clustertriggerauthentications"):
            await direct.create(CRDS, "", loose(name), into=Ack)
        server = Server(embedded.url, authorization=credentials)
        async with Connection(server) as connection, taking_in(connection, Scope()) as told:
            await following(direct, "default", told)
    assert credentials.renewals >= 1


async def test_a_server_that_fails_for_a_while_does_not_end_it(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> None:
    async with EmbeddedCluster(controllers=False) as embedded, Connection(embedded.url) as direct:
        for name in ("scaledobjects", "triggerauthentications", "clustertriggerauthentications"):
            await direct.create(CRDS, "", loose(name), into=Ack)
        broken = True

        async def answer(request: web.Request) -> web.StreamResponse:
            if broken:
                return web.json_response({"kind": "Status", "code": 500, "message": "etcd is gone"}, status=500)
            raise web.HTTPTemporaryRedirect(embedded.url + request.path_qs)

        peer.answer = answer
        begin = KopfThread.start

        def elsewhere(self: KopfThread) -> None:
            self._server = Server(peer.url)
            begin(self)

        monkeypatch.setattr(KopfThread, "start", elsewhere)
        async with Connection(embedded.url) as connection, taking_in(connection, Scope()) as told:
            await asyncio.sleep(1)
            broken = False
            await following(direct, "default", told)
