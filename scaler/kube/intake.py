"""Objects of our own kinds as they come, change and go, decoded and in batches on the main loop.

kopf (`scaler.kube.kopf_thread`) tells of changes. What was there before comes from a list of our own, so that it is
known when all has been seen; that list is compared again now and then, so that an event that was lost heals itself.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import API_VERSION, ScaledObject
from scaler.errors import ApiError, Problem
from scaler.kube.connection import Connection
from scaler.kube.kopf_thread import KopfThread, Selection, quieten
from scaler.kube.resources import CLUSTER_TRIGGER_AUTHENTICATIONS, SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS, Resource

log = logging.getLogger("scaler.intake")

AGAIN = 600.0
"""Seconds between two comparisons with a list."""
SOON = 15.0
"""The same, the first time: kopf lists by itself after us, and what was deleted in between it never tells."""
BETWEEN_TRIES = 5.0
"""Seconds between two tries to list what cannot be listed yet: definitions may be applied after us."""

Known = ScaledObject | TriggerAuthentication | ClusterTriggerAuthentication


class Scope(msgspec.Struct, frozen=True):
    """Which objects are ours."""

    namespaces: tuple[str, ...] = ()
    """All when empty."""
    labels: str = ""
    """Label selector of ScaledObjects."""
    authentication_labels: str = ""
    """Label selector of authentications."""


class Undecodable(msgspec.Struct, frozen=True):
    """An object that our models cannot read."""

    ref: ObjectRef
    raw: Raw
    problems: tuple[Problem, ...]


class Change(msgspec.Struct, frozen=True):
    """An object as it is now, or (None) that it is gone."""

    ref: ObjectRef
    new: Known | Undecodable | None


class _Kind(msgspec.Struct, frozen=True):
    resource: Resource
    name: str
    type: type[Known]
    namespaced: bool = True


KINDS = (
    _Kind(CLUSTER_TRIGGER_AUTHENTICATIONS, "ClusterTriggerAuthentication", ClusterTriggerAuthentication, False),
    _Kind(TRIGGER_AUTHENTICATIONS, "TriggerAuthentication", TriggerAuthentication),
    _Kind(SCALED_OBJECTS, "ScaledObject", ScaledObject),
)
"""Authentications first: an object's triggers are built with what is known of them."""
_BY_PLURAL = {kind.resource.plural: kind for kind in KINDS}

_Place = tuple[str, str, str]
_Seen = tuple[str, str]


class Intake:
    """Tells of changes, once each."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self._connection = connection
        self._scope = scope
        self._handlers: list[Callable[[list[Change]], None]] = []
        self._seen: dict[_Place, _Seen] = {}
        """uid and resourceVersion of what was told."""
        self._arrived: deque[tuple[_Kind, str | None, Raw]] = deque()
        self._lock = threading.Lock()
        self._drain_due = False
        self.synced = asyncio.Event()
        """Set once all that was there at the start has been told."""

    def on_changes(self, handler: Callable[[list[Change]], None]) -> None:
        """Call this with every batch, on the main loop."""
        self._handlers.append(handler)

    async def run(self) -> None:
        """For ever; ends with the error that ended kopf."""
        quieten()
        await self._list_at_start()
        loop = asyncio.get_running_loop()
        selection = Selection(
            plurals=tuple(_BY_PLURAL),
            namespaces=self._scope.namespaces,
            labels={kind.resource.plural: self._labels(kind) for kind in KINDS},
        )
        thread = KopfThread(
            self._connection.server, selection, lambda plural, event, body: self._arrive(loop, plural, event, body)
        )
        thread.start()
        comparing = asyncio.create_task(self._compare_for_ever())
        try:
            await thread.ended
        finally:
            comparing.cancel()
            await thread.stop()

    # -- what kopf tells -----------------------------------------------------------------------------------------

    def _arrive(self, loop: asyncio.AbstractEventLoop, plural: str, event: str | None, body: Raw) -> None:
        """On kopf's thread: put it where the main loop finds it, and wake that once for many."""
        with self._lock:
            self._arrived.append((_BY_PLURAL[plural], event, body))
            wake = not self._drain_due
            self._drain_due = True
        if wake:
            loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            self._drain_due = False
        changes = [self._change(kind, event, body) for kind, event, body in arrived]
        self._tell([change for change in changes if change is not None])

    def _change(self, kind: _Kind, event: str | None, body: Raw) -> Change | None:
        meta = body.get("metadata") or {}
        place = (kind.name, meta.get("namespace", ""), meta.get("name", ""))
        uid, version = meta.get("uid", ""), meta.get("resourceVersion", "")
        before = self._seen.get(place)
        if event == "DELETED":
            if before is None or before[0] != uid:  # of a namesake that is gone already
                return None
            del self._seen[place]
            return Change(_ref(kind, body), None)
        if before == (uid, version) or (before is not None and before[0] == uid and _older(version, before[1])):
            return None
        self._seen[place] = (uid, version)
        return _decoded(kind, body)

    # -- what we list --------------------------------------------------------------------------------------------

    async def _list_at_start(self) -> None:
        said = ""
        while not self.synced.is_set():
            try:
                for kind in KINDS:
                    for body in await self._listed(kind, dict):
                        change = self._change(kind, None, body)
                        self._tell([change] if change else [])
            except ApiError as error:
                if str(error) != said:
                    log.warning("our objects cannot be listed", extra={"error": str(error), "remedy": _REMEDY})
                said = str(error)
                await asyncio.sleep(BETWEEN_TRIES)
            else:
                self.synced.set()

    async def _compare_for_ever(self) -> None:
        pause = SOON
        while True:
            await asyncio.sleep(pause)
            pause = AGAIN
            try:
                await self._compare()
            except ApiError as error:
                log.warning("our objects cannot be compared with a list", extra={"error": str(error)})

    async def _compare(self) -> None:
        for kind in KINDS:
            there: dict[_Place, str] = {}
            for item in await self._listed(kind, _Bare):
                there[(kind.name, item.metadata.namespace, item.metadata.name)] = item.metadata.uid
            known = {place: seen for place, seen in self._seen.items() if place[0] == kind.name}
            for place, (uid, version) in known.items():
                if there.get(place) == uid:
                    continue
                if self._seen.get(place) == (uid, version):
                    del self._seen[place]
                    self._tell([Change(ObjectRef(kind.name, place[1], place[2], API_VERSION, uid), None)])
            for _, namespace, name in there.keys() - known.keys():
                await self._fetch(kind, namespace, name)

    async def _fetch(self, kind: _Kind, namespace: str, name: str) -> None:
        body: Raw = await self._connection.get(kind.resource, namespace, name, into=dict)
        change = self._change(kind, None, body)
        self._tell([change] if change else [])

    async def _listed(self, kind: _Kind, into: Any) -> list[Any]:
        namespaces = self._scope.namespaces if kind.namespaced and self._scope.namespaces else ("",)
        found: list[Any] = []
        for namespace in namespaces:
            listing = await self._connection.listing(kind.resource, namespace, into=into, labels=self._labels(kind))
            found += listing.items
        return found

    def _labels(self, kind: _Kind) -> str:
        return self._scope.labels if kind.type is ScaledObject else self._scope.authentication_labels

    def _tell(self, changes: list[Change]) -> None:
        if changes:
            for handler in self._handlers:
                handler(changes)


class _BareMeta(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Bare(msgspec.Struct, frozen=True):
    metadata: _BareMeta = _BareMeta()


_REMEDY = "apply crds/ and the rights in deploy/; the operator goes on by itself then"


def _ref(kind: _Kind, body: Raw) -> ObjectRef:
    meta = body.get("metadata") or {}
    return ObjectRef(kind.name, meta.get("namespace", ""), meta.get("name", ""), API_VERSION, meta.get("uid", ""))


def _decoded(kind: _Kind, body: Raw) -> Change:
    ref = _ref(kind, body)
    try:
        return Change(ref, msgspec.convert(body, kind.type))
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        problem = Problem(path.strip("`.") or "spec", message)
        return Change(ref, Undecodable(ref, body, (problem,)))


def _older(version: str, known: str) -> bool:
    return version.isdigit() and known.isdigit() and int(version) < int(known)
