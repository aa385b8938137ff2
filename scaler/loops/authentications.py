"""Keeps TriggerAuthentications in order; what that means is the business of `horizontal.authentications`."""

import logging
from collections.abc import Callable

import msgspec

from scaler.actions import PatchMetadata, Tell, WriteStatus
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.errors import ApiError
from scaler.horizontal.authentications import settle
from scaler.loops.checks import Hands
from scaler.loops.objects import Objects, authentications
from scaler.loops.workqueue import WorkQueue

log = logging.getLogger("scaler.authentications")

Place = tuple[str, str, str]
"""Kind, namespace (empty for a cluster-wide one) and name."""

PAUSE = 1.0
"""Seconds that pass before a change of users is written: many objects tend to come at once."""


class Authentications:
    """All that are ours, and the queue of those that need attention."""

    def __init__(
        self, objects: Objects, hands: Hands, tell: Callable[[Tell], None], *, cluster_wide: bool = True
    ) -> None:
        """`cluster_wide`: whether those of no namespace are ours to write, and not those of a KEDA beside us."""
        self._cluster_wide = cluster_wide
        self._objects = objects
        self._hands = hands
        self._tell = tell
        self._known: dict[Place, TriggerAuthentication] = {}
        self._settled: dict[Place, int] = {}
        self.queue: WorkQueue[Place] = WorkQueue(self._settle, _failed, workers=4)

    def get(
        self, kind: str, namespace: str, name: str
    ) -> TriggerAuthentication | ClusterTriggerAuthentication | None:
        """The authentication as last seen; namespace is empty for a cluster-wide one."""
        return self._known.get((kind, namespace, name))

    def places(self) -> list[Place]:
        """All that are known."""
        return list(self._known)

    def start(self) -> None:
        """Begin to act."""
        for place in self._known:
            self.queue.add(place)
        self.queue.start()

    def arrived(self, authentication: TriggerAuthentication) -> bool:
        """One was made or changed; says whether its text did, and not only its status or our finalizer."""
        place = _place(authentication)
        before = self._known.get(place)
        self._known[place] = authentication
        if before is not None and _wish(before) == _wish(authentication):
            return False
        self.queue.add(place)
        return before is None or _text(before) != _text(authentication)

    def gone(self, kind: str, namespace: str, name: str) -> None:
        """One was deleted."""
        place = (kind, namespace, name)
        self._known.pop(place, None)
        self._settled.pop(place, None)
        self.queue.forget(place)

    def used(self, places: list[Place]) -> None:
        """The users of these may have changed."""
        for place in places:
            if place in self._known:
                self.queue.add_later(place, PAUSE)

    async def _settle(self, place: Place) -> None:
        authentication = self._known.get(place)
        if authentication is None or not (authentication.metadata.namespace or self._cluster_wide):
            return
        users = [tracked.key[1] for tracked in self._objects if place in authentications(tracked)]
        for action in settle(authentication, users, self._settled.get(place)):
            if isinstance(action, Tell):
                self._tell(action)
                continue
            done = await self._hands.carry_out(action)
            body = getattr(done, "body", None)
            if isinstance(action, PatchMetadata | WriteStatus) and body is not None and place in self._known:
                self._known[place] = msgspec.convert(body, type(authentication))
        self._settled[place] = authentication.metadata.generation


def _place(authentication: TriggerAuthentication) -> Place:
    return (authentication.kind, authentication.metadata.namespace, authentication.metadata.name)


def _text(authentication: TriggerAuthentication) -> tuple[object, ...]:
    return (authentication.metadata.uid, authentication.metadata.generation)


def _wish(authentication: TriggerAuthentication) -> tuple[object, ...]:
    meta = authentication.metadata
    return (*_text(authentication), meta.finalizers, meta.deletion_timestamp, authentication.status)


def _failed(place: Place, error: Exception) -> None:
    extra = {"authentication": "/".join(place), "error": str(error)}
    log.warning(
        "an authentication was not settled", extra=extra, exc_info=None if isinstance(error, ApiError) else error
    )
