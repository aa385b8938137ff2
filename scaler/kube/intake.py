"""Objects of our own kinds as they come, change and go, decoded and in batches on the main loop.

kopf (`scaler.kube.kopf_thread`) tells of changes. What was there before comes from a list of our own, so that it is
known when all has been seen; a list is compared again now and then, since kopf never tells what was deleted while
its watch was broken.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import msgspec

from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import API_VERSION, ScaledObject
from scaler.errors import ApiError
from scaler.kube.answers import Page
from scaler.kube.connection import Connection, selectors
from scaler.kube.kopf_thread import KopfThread, Selection, quieten
from scaler.kube.our_kinds import KINDS, Bare, Identity, Known, OurKind, Undecodable, identity, read
from scaler.kube.wire import JSON

__all__ = ["Change", "Intake", "Scope", "Undecodable"]

log = logging.getLogger("scaler.intake")

AGAIN = 600.0
"""Seconds between two comparisons with a list."""
SOON = 15.0
"""The same, after a list of kopf's: it comes later than ours, and what was deleted in between is never told."""
BETWEEN_TRIES = 5.0
"""Seconds between two tries to list what cannot be listed yet: definitions may be applied after us."""
GATHERING = 0.02
"""Seconds in which changes are gathered: waking the main loop costs more than reading an object."""
REMEDY = "apply crds/ and the rights in deploy/; the operator goes on by itself then"

METADATA_ONLY = f"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"
"""What a comparison asks for; a server that does not know it gives whole objects."""

T = TypeVar("T")


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
        self._arrived: deque[tuple[OurKind, str | None, Raw]] = deque()
        self._lock = threading.Lock()
        self._waking = False
        self._listed_by_kopf = asyncio.Event()

    def on_changes(self, handler: Callable[[list[Change]], None]) -> None:
        """Call this with every batch, on the main loop."""
        self._handlers.append(handler)

    async def run(self) -> None:
        """For ever; ends with the error that ended kopf."""
        quieten()
        await self._list_at_start()
        thread = self._kopf()
        thread.start()
        comparing = asyncio.create_task(self._compare_for_ever(), name="comparing")
        try:
            await thread.ended
        finally:
            comparing.cancel()
            await asyncio.gather(comparing, return_exceptions=True)
            await thread.stop()

    # What kopf tells

    def _kopf(self) -> KopfThread:
        loop = asyncio.get_running_loop()
        kinds = {kind.resource.plural: kind for kind in KINDS}
        selection = Selection(
            plurals=tuple(kinds),
            namespaces=self._scope.namespaces,
            labels={plural: self._labels(kind) for plural, kind in kinds.items()},
        )

        def told(plural: str, event: str | None, body: Raw) -> None:
            self._arrive(loop, kinds[plural], event, body)

        return KopfThread(self._connection.server, selection, told)

    def _arrive(self, loop: asyncio.AbstractEventLoop, kind: OurKind, event: str | None, body: Raw) -> None:
        """On kopf's thread: put it where the main loop finds it, and wake that once for many."""
        with self._lock:
            self._arrived.append((kind, event, body))
            wake = not self._waking
            self._waking = True
        if wake:
            loop.call_soon_threadsafe(loop.call_later, GATHERING, self._drain)

    def _drain(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            self._waking = False
        changes = [self._change(kind, event, body) for kind, event, body in arrived]
        self._tell([change for change in changes if change is not None])
        if any(event is None for _, event, _ in arrived):
            self._listed_by_kopf.set()

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

    async def _list_at_start(self) -> None:
        said = ""
        while not self.synced.is_set():
            try:
                for kind in KINDS:
                    await self._list(kind)
                self.synced.set()
            except ApiError as error:
                if str(error) != said:  # the same words every few seconds help nobody
                    log.warning("our objects cannot be listed", extra={"error": str(error), "remedy": REMEDY})
                said = str(error)
                await asyncio.sleep(BETWEEN_TRIES)

    async def _list(self, kind: OurKind) -> None:
        async for page in self._pages(kind, msgspec.Raw):
            changes = []
            for item in page.items or ():
                who = identity(item)
                if self._is_news(kind, who):
                    changes.append(Change(who.ref(kind), read(kind, item)))
            self._tell(changes)

    async def _compare_for_ever(self) -> None:
        """Now and then, and soon after kopf has listed: at the start, and whenever its watch was lost."""
        while True:
            try:
                async with asyncio.timeout(AGAIN):
                    await self._listed_by_kopf.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(SOON)
            self._listed_by_kopf.clear()
            try:
                for kind in KINDS:
                    await self._compare(kind)
            except ApiError as error:
                log.warning("our objects cannot be compared with a list", extra={"error": str(error)})

    async def _compare(self, kind: OurKind) -> None:
        """Tell what is gone. All else kopf tells itself, as it lists again after a loss."""
        known = {place: seen for place, seen in self._seen.items() if place[0] == kind.name}
        there: dict[_Place, str] = {}
        async for page in self._pages(kind, Bare, METADATA_ONLY):
            there |= {_place(kind, item.metadata): item.metadata.uid for item in page.items or ()}
        gone = [
            place for place, seen in known.items() if there.get(place) != seen[0] and self._seen.get(place) == seen
        ]
        for place in gone:
            uid, _ = self._seen.pop(place)
            self._tell([Change(ObjectRef(kind.name, place[1], place[2], API_VERSION, uid), None)])

    async def _pages(self, kind: OurKind, into: type[T], accept: str = JSON) -> AsyncIterator[Page[T]]:
        query = selectors(self._labels(kind), "")
        namespaces = self._scope.namespaces if kind.namespaced else ()
        for namespace in namespaces or ("",):
            async for page in self._connection.pages(kind.resource, namespace, into=into, query=query, accept=accept):
                yield page

    def _labels(self, kind: OurKind) -> str:
        return self._scope.labels if kind.model is ScaledObject else self._scope.authentication_labels

    def _tell(self, changes: list[Change]) -> None:
        if changes:
            for handler in self._handlers:
                handler(changes)


def _place(kind: OurKind, who: Identity) -> _Place:
    return (kind.name, who.namespace, who.name)


def _newer(version: str, known: str) -> bool:
    """Versions are integers that grow; of others only equality can be said."""
    if version.isdigit() and known.isdigit():
        return int(version) > int(known)
    return version != known
