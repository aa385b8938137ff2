"""Objects of our own kinds as they come, change and go, decoded and in batches on the main loop.

Lists are ours: they say when all has been seen and what is gone, and cost a twentieth of kopf's. From where a list
ends kopf (`scaler.kube.kopf_thread`) follows the changes; when its watch is lost it asks for a new list here.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import API_VERSION, ScaledObject
from scaler.errors import ApiError
from scaler.kube.connection import Connection, selectors
from scaler.kube.our_kinds import KINDS, Identity, Known, OurKind, Undecodable, identity, read

if TYPE_CHECKING:
    from scaler.kube.kopf_thread import Selection

__all__ = ["Change", "Intake", "Scope", "Undecodable"]

log = logging.getLogger("scaler.intake")

BETWEEN_TRIES = 5.0
"""Seconds between two tries to list what cannot be listed yet: definitions may be applied after us."""
GATHERING = 0.02
"""Seconds in which changes are gathered: waking the main loop costs more than reading an object."""
REMEDY = "apply crds/ and the rights in deploy/; the operator goes on by itself then"


class Scope(msgspec.Struct, frozen=True):
    """Which objects are ours."""

    namespaces: tuple[str, ...] = ()
    """All when empty."""
    labels: str = ""
    """Label selector of ScaledObjects."""
    authentication_labels: str = ""
    """Label selector of authentications."""


class Change(msgspec.Struct, frozen=True):
    """An object as it is now, or (None) that it is gone."""

    ref: ObjectRef
    new: Known | Undecodable | None


_Place = tuple[str, str, str]
"""Kind, namespace and name."""
_Seen = tuple[str, str]
"""uid and resourceVersion."""


class Intake:
    """Tells of every version of every object once, and of its end."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.synced = asyncio.Event()
        """Set once all that was there at the start has been told."""
        self._connection = connection
        self._scope = scope
        self._handlers: list[Callable[[list[Change]], None]] = []
        self._seen: dict[_Place, _Seen] = {}
        self._versions: dict[tuple[str, str], str] = {}
        """Where a list ended that kopf has not gone on from yet, by plural and namespace."""
        self._arrived: deque[tuple[OurKind, str | None, Raw]] = deque()
        self._lock = threading.Lock()
        self._waking = False

    def on_changes(self, handler: Callable[[list[Change]], None]) -> None:
        """Call this with every batch, on the main loop."""
        self._handlers.append(handler)

    async def run(self) -> None:
        """For ever; ends with the error that ended kopf."""
        for kind in KINDS:
            for namespace in self._namespaces(kind):
                self._versions[kind.resource.plural, namespace] = await self._listed(kind, namespace)
        self.synced.set()
        # kopf takes a good part of a second to import: nobody who was listed waits for it.
        await asyncio.to_thread(import_module, "scaler.kube.kopf_thread")
        from scaler.kube.kopf_thread import KopfThread, quieten

        quieten()
        thread = KopfThread(self._connection.server, self._selection(), self._told(), self._since)
        thread.start()
        try:
            await thread.ended
        finally:
            await thread.stop()

    def _selection(self) -> "Selection":
        from scaler.kube.kopf_thread import Selection

        return Selection(
            plurals=tuple(_BY_PLURAL),
            namespaces=self._scope.namespaces,
            labels={kind.resource.plural: self._labels(kind) for kind in KINDS},
        )

    # What kopf tells

    def _told(self) -> Callable[[str, str | None, Raw], None]:
        """Called on kopf's thread: puts a change where the main loop finds it, and wakes that once for many."""
        loop = asyncio.get_running_loop()

        def told(plural: str, event: str | None, body: Raw) -> None:
            with self._lock:
                self._arrived.append((_BY_PLURAL[plural], event, body))
                wake = not self._waking
                self._waking = True
            if wake:
                loop.call_soon_threadsafe(loop.call_later, GATHERING, self._drain)

        return told

    def _drain(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            self._waking = False
        changes = [self._change(kind, event, body) for kind, event, body in arrived]
        self._tell([change for change in changes if change is not None])

    def _change(self, kind: OurKind, event: str | None, body: Raw) -> Change | None:
        who = identity(body)
        if event != "DELETED":
            return Change(who.ref(kind), read(kind, body)) if self._is_news(kind, who) else None
        seen = self._seen.get(_place(kind, who))
        if seen is None or seen[0] != who.uid:  # of a namesake that went before
            return None
        del self._seen[_place(kind, who)]
        return Change(who.ref(kind), None)

    def _is_news(self, kind: OurKind, who: Identity) -> bool:
        """Whether this version was not told yet; it counts as told from now on."""
        seen = self._seen.get(_place(kind, who))
        if seen is not None and seen[0] == who.uid and not _newer(who.resource_version, seen[1]):
            return False
        self._seen[_place(kind, who)] = (who.uid, who.resource_version)
        return True

    # What we list

    async def _since(self, plural: str, namespace: str) -> str:
        """Where kopf goes on from: the end of our list, of a new one if it has been there already."""
        version = self._versions.pop((plural, namespace), "")
        return version or await self._listed(_BY_PLURAL[plural], namespace)

    async def _listed(self, kind: OurKind, namespace: str) -> str:
        """Tell what is there and what is gone; the version of the list. Tries for as long as it takes."""
        said = ""
        while True:
            try:
                return await self._list(kind, namespace)
            except ApiError as error:
                if str(error) != said:  # the same words every few seconds help nobody
                    log.warning("our objects cannot be listed", extra={"error": str(error), "remedy": REMEDY})
                said = str(error)
                await asyncio.sleep(BETWEEN_TRIES)

    async def _list(self, kind: OurKind, namespace: str) -> str:
        known = {place: seen for place, seen in self._seen.items() if _covers(kind, namespace, place)}
        query = selectors(self._labels(kind), "")
        version = ""
        async for page in self._connection.pages(kind.resource, namespace, into=msgspec.Raw, query=query):
            found = [(identity(item), item) for item in page.items or ()]
            for who, _ in found:
                if known.get(_place(kind, who), ("",))[0] == who.uid:
                    del known[_place(kind, who)]
            self._tell([Change(who.ref(kind), read(kind, item)) for who, item in found if self._is_news(kind, who)])
            version = page.metadata.resource_version
        self._tell([self._gone(kind, place) for place, seen in known.items() if self._seen.get(place) == seen])
        return version

    def _gone(self, kind: OurKind, place: _Place) -> Change:
        uid, _ = self._seen.pop(place)
        return Change(ObjectRef(kind.name, place[1], place[2], API_VERSION, uid), None)

    def _namespaces(self, kind: OurKind) -> tuple[str, ...]:
        return (self._scope.namespaces if kind.namespaced else ()) or ("",)

    def _labels(self, kind: OurKind) -> str:
        return self._scope.labels if kind.model is ScaledObject else self._scope.authentication_labels

    def _tell(self, changes: list[Change]) -> None:
        if changes:
            for handler in self._handlers:
                handler(changes)


_BY_PLURAL = {kind.resource.plural: kind for kind in KINDS}


def _place(kind: OurKind, who: Identity) -> _Place:
    return (kind.name, who.namespace, who.name)


def _covers(kind: OurKind, namespace: str, place: _Place) -> bool:
    """Whether a list of that namespace, or (empty) of all, would show the object."""
    return place[0] == kind.name and namespace in {"", place[1]}


def _newer(version: str, known: str) -> bool:
    """Versions are integers that grow; of others only equality can be said."""
    if version.isdigit() and known.isdigit():
        return int(version) > int(known)
    return version != known
