"""Pods as they come, change and go: into the roster, and what their changes tell of kills for memory."""

import logging
from collections import deque

from scaler.api.meta import Kind
from scaler.clock import Clock, from_rfc3339
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import EVENTS, PODS
from scaler.vertical.oom import EVICTED, Kill, evictions, kills
from scaler.vertical.roster import Key, Roster
from scaler.vertical.running import RunningPod, crew_of, seen_of

log = logging.getLogger("scaler.recommender")

MOST_KILLS = 5000
"""Kills that wait for the next round at most; more are lost, as upstream loses them."""


class _EventMeta(Kind, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None


class _Involved(Kind, frozen=True, gc=False):
    kind: str = ""
    namespace: str = ""
    name: str = ""


class Eviction(Kind, frozen=True, gc=False):
    """An event of the reason Evicted."""

    metadata: _EventMeta = _EventMeta()
    involved_object: _Involved = _Involved()
    last_timestamp: str | None = None


class PodsFeed:
    """Follows pods and evictions. With `saving`, only pods that some object matches are kept in the roster."""

    def __init__(
        self,
        connection: Connection,
        roster: Roster,
        clock: Clock,
        *,
        namespaces: tuple[str, ...] = (),
        ignored: frozenset[str] = frozenset(),
        saving: bool = False,
    ) -> None:
        self.copy: Informer[RunningPod] = Informer(
            connection, PODS, RunningPod, namespaces=namespaces, fields="status.phase!=Pending"
        )
        self.evicted: Informer[Eviction] = Informer(
            connection, EVENTS, Eviction, namespaces=namespaces, fields=f"reason={EVICTED}"
        )
        self.lost = 0
        """Kills that there was no room for."""
        self._roster = roster
        self._clock = clock
        self._ignored = ignored
        self._saving = saving
        self._kills: deque[Kill] = deque()
        self.copy.on_change(self._changed)
        self.evicted.on_change(self._told)

    def drain(self) -> list[Kill]:
        """The kills since the last time."""
        found = list(self._kills)
        self._kills.clear()
        return found

    def look_again(self) -> None:
        """Where only pods are kept that an object matches: objects changed, so others may be matched now."""
        if not self._saving:
            return
        for key, pod in self.copy.objects.items():
            self._put(key, pod)

    def _changed(self, old: RunningPod | None, new: RunningPod | None) -> None:
        there = new or old
        assert there is not None
        key = (there.metadata.namespace, there.metadata.name)
        if key[0] in self._ignored:
            return
        if new is None:
            self._roster.drop_pod(key)
            return
        self._put(key, new)
        if old is not None and old.status != new.status:
            self._note(list(kills(*key, seen_of(old), seen_of(new))))

    def _put(self, key: Key, pod: RunningPod) -> None:
        if pod.counts and (not self._saving or self._roster.wants(key[0], pod.metadata.labels)):
            self._roster.put_pod(key, crew_of(pod), self._clock.now())
        else:
            self._roster.drop_pod(key)

    def _told(self, _: Eviction | None, event: Eviction | None) -> None:
        if event is None or event.involved_object.kind != "Pod":
            return
        stamp = event.metadata.creation_timestamp or event.last_timestamp
        if not stamp:
            return
        who = event.involved_object
        self._note(evictions(who.namespace, who.name, event.metadata.annotations, from_rfc3339(stamp)))

    def _note(self, found: list[Kill]) -> None:
        for kill in found:
            if len(self._kills) >= MOST_KILLS:
                self.lost += 1
                if self.lost == 1:
                    log.warning("kills for memory are lost: more than %d in one round", MOST_KILLS)
            else:
                self._kills.append(kill)
