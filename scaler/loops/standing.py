"""Replicas that must stay as we set them for a while: at zero, and while paused.

There the HPA has no say. Yet its controller may have begun to set the workload a moment before, and, refused because
we were quicker, it repeats its write with the figure it had computed (seen with Kubernetes 1.36). Whoever sees that
must not wait for the next check, and while an object is paused there is none: it is looked at again at once, by the
same judgement, until what was asked for stands.
"""

import asyncio
import logging
from collections.abc import Callable

from scaler.actions import SetReplicas
from scaler.clock import Clock
from scaler.horizontal.pauses import paused
from scaler.loops.objects import Objects, Tracked

log = logging.getLogger("scaler.standing")

LATEST = 30.0
"""Seconds within which such a late write comes: more than the HPA controller may take over one object.

What anybody else sets later than that is his wish: a pause does not forbid `kubectl scale`.
"""
UNSEEN = 5.0
"""Seconds after which a workload is looked at again whose changes are not told: no Deployment, no StatefulSet."""


class Standing:
    """Who was set to what, and who has changed since."""

    def __init__(
        self, objects: Objects, again: Callable[[Tracked], None], follows: Callable[[SetReplicas], bool], clock: Clock
    ) -> None:
        """`again` has an object looked at now; `follows` says whether changes of a workload are told."""
        self._objects = objects
        self._again = again
        self._follows = follows
        self._clock = clock
        self._asked: dict[tuple[str, str], tuple[int, float]] = {}
        """Replicas, and until when they must stand, by the object's key."""

    def set(self, tracked: Tracked, action: SetReplicas) -> None:
        """We are about to set an object's workload."""
        if action.replicas and not paused(tracked.scaled):
            self._asked.pop(tracked.key, None)  # from here on it is the HPA's to move
            return
        self._asked[tracked.key] = (action.replicas, self._clock.now() + LATEST)
        if not self._follows(action):
            asyncio.get_running_loop().call_later(UNSEEN, self._look_again, tracked)

    def rescaled(self, namespace: str, kind: str, name: str, replicas: int) -> None:
        """A workload that is followed was set to that many, by us or by somebody else."""
        for key in self._objects.on_target(namespace, kind, name):
            asked, until = self._asked.get(key, (replicas, 0.0))
            tracked = self._objects.get(key)
            if replicas == asked or tracked is None:
                continue
            if self._clock.now() > until:
                del self._asked[key]
                continue
            extra = {"namespace": namespace, "scaledObject": key[1], "replicas": replicas, "asked": asked}
            log.info("somebody set the replicas anew just after us; it is looked at again", extra=extra)
            self._again(tracked)

    def forget(self, tracked: Tracked) -> None:
        """The object is gone."""
        self._asked.pop(tracked.key, None)

    def _look_again(self, tracked: Tracked) -> None:
        if tracked.key in self._asked and self._objects.get(tracked.key) is tracked:
            self._again(tracked)
