"""What comes in from the cluster: objects and HPAs that were made, changed or deleted, and what must look at it."""

import logging
from collections.abc import Callable

from scaler.api.meta import ObjectMeta
from scaler.api.scaledobject import ScaledObject
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.clock import Clock
from scaler.horizontal.status import memory_from
from scaler.loops.hpas import HpaCopy
from scaler.loops.objects import Objects, Tracked, without_status
from scaler.loops.reconciler import Reconciler

log = logging.getLogger("scaler.arrivals")


class Arrivals:
    """Keeps the objects in memory like those of the cluster, and wakes the reconciler where that matters."""

    def __init__(
        self, objects: Objects, reconciler: Reconciler, void: Callable[[Tracked], None], clock: Clock
    ) -> None:
        self._objects = objects
        self._reconciler = reconciler
        self._void = void
        """What was built for an object must not be used again: its credentials may have changed."""
        self._clock = clock

    def scaled_object(self, scaled: ScaledObject) -> None:
        """One was made or changed."""
        tracked = self._objects.get((scaled.metadata.namespace, scaled.metadata.name))
        if tracked is not None and tracked.scaled.metadata.uid != scaled.metadata.uid:
            self._reconciler.forget(tracked.key)
            tracked = None
        if tracked is None:
            tracked = Tracked(scaled, memory_from(scaled, self._clock.now()))
            self._objects.add(tracked)
            self._reconciler.queue.add(tracked.key)
        elif _older(scaled, tracked.scaled):
            return
        else:
            matters = _matters(scaled, tracked.scaled)
            self._objects.replace(tracked, without_status(scaled))  # if only for its resourceVersion
            if matters:
                self._reconciler.queue.add(tracked.key)

    def scaled_object_gone(self, namespace: str, name: str) -> None:
        """One was deleted, or no longer matches our selectors."""
        self._reconciler.forget((namespace, name))

    def authentication(self, kind: str, namespace: str, name: str) -> None:
        """One was made, changed or deleted."""
        for tracked in self._objects.using(kind, namespace, name):
            self._void(tracked)
            self._reconciler.queue.add(tracked.key)

    def hpa(self, old: HpaCopy | None, new: HpaCopy | None) -> None:
        """One was made, changed or deleted, by us or by somebody else."""
        copy = new or old
        assert copy is not None
        tracked = self._objects.get(copy.owner) if copy.owner else None
        if tracked is None:
            return
        tracked.hpa = new.says() if new else None
        if new is None or (old is not None and not new.same_wish(old)):
            self._reconciler.queue.add(tracked.key)

    def vpa(self, old: VerticalPodAutoscaler | None, new: VerticalPodAutoscaler | None) -> None:
        """One was made, changed or deleted; what it recommends is no matter here."""
        if old is not None and new is not None and asks(old) == asks(new):
            return
        for there in (old, new):
            ref = there.spec.target_ref if there is not None else None
            if there is not None and ref is not None:
                self.target(there.metadata.namespace, ref.kind, ref.name)

    def target(self, namespace: str, kind: str, name: str) -> None:
        """A workload came or went."""
        for key in self._objects.on_target(namespace, kind, name):
            self._reconciler.queue.add(key)


def asks(vpa: VerticalPodAutoscaler) -> tuple[object, ...]:
    """What of a VPA matters to the HPA beside it."""
    return vpa.spec, vpa.metadata.annotations


def _older(scaled: ScaledObject, known: ScaledObject) -> bool:
    """Our own writes come back late; one that is behind what we hold says nothing new.

    Resource versions may only be compared where both are numbers, which every real API server gives.
    """
    new, old = scaled.metadata.resource_version, known.metadata.resource_version
    return new.isdigit() and old.isdigit() and int(new) <= int(old)


def _matters(scaled: ScaledObject, known: ScaledObject) -> bool:
    return _wish(scaled.metadata) != _wish(known.metadata)


def _wish(meta: ObjectMeta) -> tuple[object, ...]:
    """All of an object's metadata that a user's or our wish stands in; a status write changes none of it."""
    return (meta.generation, meta.annotations, meta.labels, meta.finalizers, meta.deletion_timestamp)
