"""The ScaledObjects in memory: each with what was built for it, what it showed last, and what its status should say.

Only bookkeeping: who shares a target, who uses an authentication, whose HPA is called what. Nothing is decided.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from scaler.api.meta import ObjectMeta, Raw
from scaler.api.scaledobject import OUR_DOMAIN, ScaledObject, ScaledObjectStatus
from scaler.horizontal.readings import Evaluation, Failure, Memory, Reading, Subject
from scaler.loops.board import Key
from scaler.triggers.built import BuiltTrigger

_Place = TypeVar("_Place")

Asks = tuple[int, tuple[tuple[str, str], ...], object]
"""The generation, the annotations that are judged, and what the triggers were built from."""
JUDGED = ("autoscaling.keda.sh/", "scaledobject.keda.sh/", OUR_DOMAIN)
"""Where annotations that are judged begin."""


class Tracked:
    """One ScaledObject."""

    __slots__ = (
        "built_from",
        "evaluation",
        "hpa",
        "key",
        "memory",
        "poll",
        "polled_for",
        "present",
        "readings",
        "scaled",
        "subject",
        "triggers",
        "wanted",
    )

    def __init__(self, scaled: ScaledObject, memory: Memory) -> None:
        self.key: Key = (scaled.metadata.namespace, scaled.metadata.name)
        self.scaled = without_status(scaled)
        """As last seen or written, without its status, which `present` has."""
        self.present: ScaledObjectStatus = scaled.status
        """The status that the API server has, as far as we know: what we wrote last."""
        self.wanted: ScaledObjectStatus = scaled.status
        """What the status should say."""
        self.memory = memory
        self.triggers: tuple[BuiltTrigger, ...] = ()
        self.built_from: object = None
        """What the triggers were built from; another value means: build again."""
        self.subject: Subject | None = None
        """None while it is not polled."""
        self.poll: asyncio.Task[None] | None = None
        self.polled_for: Asks | None = None
        """What its loop was started for; another value means: start it anew."""
        self.readings: tuple[Reading | Failure, ...] = ()
        self.evaluation: Evaluation | None = None
        self.hpa: Raw | None = None
        """What its HPA says of itself: only ``status.conditions``."""

    @property
    def asks(self) -> "Asks":
        """What judgement depends on, credentials included: a change of it is checked at once."""
        meta = self.scaled.metadata
        return (meta.generation, tuple(sorted(judged_annotations(meta).items())), self.built_from)

    @property
    def target(self) -> tuple[str, str, str]:
        """Namespace, kind and name of the workload."""
        ref = self.scaled.spec.scale_target_ref
        return (self.key[0], ref.kind, ref.name)


class Objects:
    """All ScaledObjects that are ours, by namespace and name."""

    def __init__(self) -> None:
        self._tracked: dict[Key, Tracked] = {}
        self._by_target: defaultdict[tuple[str, str, str], set[Key]] = defaultdict(set)
        self._by_hpa: defaultdict[Key, set[Key]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._tracked)

    def __iter__(self) -> Iterator[Tracked]:
        return iter(list(self._tracked.values()))

    def get(self, key: Key) -> Tracked | None:
        """The object, or None when it is not (or no longer) ours."""
        return self._tracked.get(key)

    def add(self, tracked: Tracked) -> None:
        """One more object."""
        self._tracked[tracked.key] = tracked
        self._index(tracked)

    def replace(self, tracked: Tracked, scaled: ScaledObject) -> None:
        """The object was changed: by its user, or by a write of ours, which may come back after its removal."""
        kept = self._tracked.get(tracked.key) is tracked
        if kept:
            self._unindex(tracked)
        tracked.scaled = scaled
        if kept:
            self._index(tracked)

    def remove(self, key: Key) -> Tracked | None:
        """The object is gone."""
        tracked = self._tracked.pop(key, None)
        if tracked is not None:
            self._unindex(tracked)
        return tracked

    def rivals(self, tracked: Tracked) -> list[Tracked]:
        """Other objects on the same workload, or with the same HPA name."""
        hpa = (tracked.key[0], tracked.scaled.hpa_name)
        keys = self._by_target.get(tracked.target, set()) | self._by_hpa.get(hpa, set())
        return [self._tracked[key] for key in sorted(keys) if key != tracked.key]

    def on_target(self, namespace: str, kind: str, name: str) -> Iterable[Key]:
        """The objects that scale this workload."""
        return tuple(self._by_target.get((namespace, kind, name), ()))

    def using(self, kind: str, namespace: str, name: str) -> list[Tracked]:
        """The objects with a trigger that refers to this authentication."""
        return [tracked for tracked in self._tracked.values() if (kind, namespace, name) in authentications(tracked)]

    def _index(self, tracked: Tracked) -> None:
        self._by_target[tracked.target].add(tracked.key)
        self._by_hpa[(tracked.key[0], tracked.scaled.hpa_name)].add(tracked.key)

    def _unindex(self, tracked: Tracked) -> None:
        _discard(self._by_target, tracked.target, tracked.key)
        _discard(self._by_hpa, (tracked.key[0], tracked.scaled.hpa_name), tracked.key)


def judged_annotations(meta: ObjectMeta) -> dict[str, str]:
    """Those that judgement looks at."""
    return {name: value for name, value in meta.annotations.items() if name.startswith(JUDGED)}


def without_status(scaled: ScaledObject) -> ScaledObject:
    """The object as its user has it; what its status says stands in `Tracked`."""
    return msgspec.structs.replace(scaled, status=ScaledObjectStatus())


def authentications(tracked: Tracked) -> list[tuple[str, str, str]]:
    """Kind, namespace (empty for a cluster-wide one) and name of each authentication it refers to, once."""
    refs = [trigger.authentication_ref for trigger in tracked.scaled.spec.triggers]
    found = [
        (ref.kind or "TriggerAuthentication", "" if ref.kind.startswith("Cluster") else tracked.key[0], ref.name)
        for ref in refs
        if ref is not None
    ]
    return list(dict.fromkeys(found))


def _discard(index: dict[_Place, set[Key]], at: _Place, key: Key) -> None:
    keys = index.get(at)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[at]
