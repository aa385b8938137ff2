"""Checkpoints: loaded at the start, written in turn, deleted when their object is gone.

Each is written once in so many rounds, the one that waited longest first, so that every round writes about as many.
One that holds another version than ours is left alone: it is a newer recommender's, and not ours to overwrite.
"""

import logging
import math
from collections.abc import Iterable, Iterator

import msgspec

from scaler.actions import DeleteCheckpoint, KeepCheckpoint
from scaler.api.meta import ObjectMeta
from scaler.api.verticalpodautoscaler import (
    CHECKPOINT_VERSION,
    OOM_FLOOR,
    CheckpointSpec,
    CheckpointStatus,
    VerticalPodAutoscalerCheckpoint,
)
from scaler.clock import from_rfc3339, to_rfc3339
from scaler.kube.answers import decoder
from scaler.kube.connection import Connection
from scaler.kube.resources import VPA_CHECKPOINTS
from scaler.vertical.checkpoints import learned, load
from scaler.vertical.histograms import Groups
from scaler.vertical.recommending import Plan
from scaler.vertical.roster import Floor, Key, Roster, Subject
from scaler.vertical.usage import Truths

log = logging.getLogger("scaler.recommender")

Place = tuple[str, str, str]
"""Namespace, object and container."""


class _Bare(msgspec.Struct, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: CheckpointSpec = CheckpointSpec()


class Found(msgspec.Struct, frozen=True):
    """A checkpoint that stands in the cluster."""

    metadata: ObjectMeta
    spec: CheckpointSpec
    checkpoint: VerticalPodAutoscalerCheckpoint | None
    """None when it cannot be read."""

    @property
    def key(self) -> Key:
        """Of its object."""
        return (self.metadata.namespace, self.spec.vpa_object_name)

    @property
    def updated(self) -> float:
        """When it was written last, in epoch seconds; 0 when it does not say."""
        text = self.checkpoint.status.last_update_time if self.checkpoint else None
        try:
            return from_rfc3339(text) if text else 0.0
        except ValueError:
            return 0.0


class Checkpoints:
    """What is kept of whom, and when it was written last."""

    def __init__(self, connection: Connection, roster: Roster, *, namespaces: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._roster = roster
        self._namespaces = namespaces or ("",)
        self._written: dict[Place, float] = {}
        """Epoch seconds; 0 for one that never was."""
        self._names: dict[Key, Place] = {}
        """Whose each checkpoint is, by its own namespace and name."""
        self._floors: dict[Place, str] = {}
        """What is to be noted on checkpoints with their next writing."""
        self._foreign: set[Place] = set()
        """Those of another version, which are not written."""
        self._complaints: set[str] = set()

    async def read(self) -> list[Found]:
        """All there are."""
        found = []
        for namespace in self._namespaces:
            listing = await self._connection.listing(VPA_CHECKPOINTS, namespace, into=msgspec.Raw)
            found += [_found(raw) for raw in listing.items]
        return found

    def load(self, found: Iterable[Found], subjects: Iterable[Subject], now: float) -> int:
        """Give each of the subjects what its checkpoints hold; how many were loaded."""
        wanted = {subject.key: subject for subject in subjects}
        loaded = 0
        for one in found:
            subject = wanted.get(one.key)
            if subject is not None:
                loaded += self._load(subject, one, now)
        return loaded

    def _load(self, subject: Subject, found: Found, now: float) -> bool:
        container, place = found.spec.container_name, (*subject.key, found.spec.container_name)
        self._names[found.metadata.namespace, found.metadata.name] = place
        if found.checkpoint is None:
            self._complain(found, "it cannot be read; it will be written anew")
            return False
        status = found.checkpoint.status
        if status.version not in {CHECKPOINT_VERSION, ""}:
            self._foreign.add(place)
        row = self._roster.loaded(subject, container, now)
        try:
            load(self._roster.aggregates, row, status)
            self._written[place] = from_rfc3339(status.last_update_time) if status.last_update_time else 0.0
        except ValueError as error:
            self._roster.forget(subject, container)
            left = "it is left as it stands: delete it to begin anew" if place in self._foreign else "written anew"
            self._complain(found, f"{error}; {left}")
            return False
        floor = floor_of(found.metadata.annotations.get(OOM_FLOOR, ""))
        if floor is not None and floor.until > now:
            self._roster.set_floor(subject, container, floor)
        return True

    def due(self, plan: Plan, seen: Truths, share: float, now: float) -> Iterator[KeepCheckpoint]:
        """Those of the plan whose turn it is: this share of all, the longest waiting first.

        `seen` says of each group whether anything was learned that could be kept.
        """
        places = [(*plan.subjects[owner].key, name) for owner, name in zip(plan.owners, plan.names, strict=True)]
        self._forget_others(places)
        waiting = sorted(
            (self._written.get(place, 0.0), group)
            for group, place in enumerate(places)
            if seen[group] and place not in self._foreign and self._claim(place)
        )
        chosen = [group for _, group in waiting[: math.ceil(len(waiting) * share)]]
        for group, known in zip(chosen, self._contents(plan, chosen, now), strict=True):
            self._written[places[group]] = now
            yield known

    def missed(self, action: KeepCheckpoint) -> None:
        """It could not be written: its turn comes again first."""
        place = (action.namespace, action.spec.vpa_object_name, action.spec.container_name)
        self._written[place] = 0.0
        if OOM_FLOOR in action.annotations:
            self._floors.setdefault(place, action.annotations[OOM_FLOOR])

    def raise_floor(self, subject: Subject, container: str, floor: Floor) -> None:
        """A container is not to be sized below this; its checkpoint, which says so, is the next to be written."""
        self._roster.set_floor(subject, container, floor)
        place = (*subject.key, container)
        self._floors[place] = f"{floor.size},{to_rfc3339(floor.until)}"
        self._written[place] = 0.0

    def orphans(self, found: Iterable[Found], objects: set[Key]) -> Iterator[DeleteCheckpoint]:
        """Those whose VerticalPodAutoscaler is not among these, whoever recommends for it."""
        for one in found:
            meta = one.metadata
            if one.spec.vpa_object_name and one.key not in objects:
                self._names.pop((meta.namespace, meta.name), None)
                yield DeleteCheckpoint(meta.namespace, meta.name, meta.uid, meta.resource_version)

    def _contents(self, plan: Plan, chosen: list[int], now: float) -> list[KeepCheckpoint]:
        if not chosen:
            return []
        begins, rows = [], list[int]()
        for group in chosen:
            begins.append(len(rows))
            rows += plan.groups.of(group)
        known = learned(self._roster.containers, Groups.of_lists(rows, begins), now)
        return [self._keep(plan, group, known.status(number, now)) for number, group in enumerate(chosen)]

    def _keep(self, plan: Plan, group: int, status: CheckpointStatus) -> KeepCheckpoint:
        (namespace, name), container = plan.subjects[int(plan.owners[group])].key, plan.names[group]
        place = (namespace, name, container)
        floor = self._floors.pop(place, None)
        return KeepCheckpoint(
            namespace,
            f"{name}-{container}",
            CheckpointSpec(name, container),
            status,
            {OOM_FLOOR: floor} if floor else {},
            new=place not in self._written,
        )

    def _claim(self, place: Place) -> bool:
        """Whether the checkpoint's name is this container's: a-b of c and a of b-c would share one."""
        namespace, name, container = place
        key = (namespace, f"{name}-{container}")
        holder = self._names.setdefault(key, place)
        if holder == place:
            return True
        words = f"checkpoint {key[1]} of namespace {namespace} is already that of {holder[1]}'s container {holder[2]}"
        if words not in self._complaints:
            self._complaints.add(words)
            log.warning("%s: what container %s of %s uses is not kept", words, container, name)
        return False

    def _forget_others(self, places: list[Place]) -> None:
        """Names of containers that are gone are free again."""
        if len(self._names) <= 2 * len(places) + 100:
            return
        there = set(places)
        self._names = {key: place for key, place in self._names.items() if place in there}
        self._written = {place: time for place, time in self._written.items() if place in there}

    def _complain(self, found: Found, why: str) -> None:
        where = f"{found.metadata.namespace}/{found.metadata.name}"
        log.warning("a checkpoint does not count", extra={"checkpoint": where, "why": why})


def _found(raw: msgspec.Raw) -> Found:
    bare: _Bare = decoder(_Bare).decode(raw)
    try:
        whole: VerticalPodAutoscalerCheckpoint | None = decoder(VerticalPodAutoscalerCheckpoint).decode(raw)
    except msgspec.ValidationError:
        whole = None
    return Found(bare.metadata, bare.spec, whole)


def floor_of(text: str) -> Floor | None:
    """What the annotation of a checkpoint says; None for nothing that can be read."""
    size, _, until = text.partition(",")
    try:
        return Floor(int(size), from_rfc3339(until)) if size.isdigit() else None
    except ValueError:
        return None
