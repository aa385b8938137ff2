"""The events of moved pods, under upstream's reasons: one on each pod, and one on the object for many of its pods."""

import asyncio

from scaler.actions import Tell
from scaler.api.meta import ObjectRef
from scaler.api.reasons import EVICTED_BY_VPA, EVICTED_POD, EVICTIONS_INEFFECTIVE, RESIZED_IN_PLACE
from scaler.kube.hands import Teller
from scaler.loops.updater.view import Sizer
from scaler.vertical.moving import Memory
from scaler.vertical.pods import SizedPod
from scaler.vertical.storms import came_back

GATHERED = 10.0
"""Seconds in which the evictions of an object are gathered into one event."""
NAMED = 5
"""Pods that such an event names."""


class Tidings:
    """Tells; `run` hands over what was gathered."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._gathered: dict[ObjectRef, list[str]] = {}

    async def run(self) -> None:
        """Tell what was gathered, for ever."""
        while True:
            await asyncio.sleep(GATHERED)
            self.flush()

    def flush(self) -> None:
        """Tell what was gathered now."""
        gathered, self._gathered = self._gathered, {}
        for ref, names in gathered.items():
            self._teller.record(Tell(ref, EVICTED_POD.type, EVICTED_POD.name, _evicted(names)))

    def evicted(self, sizer: Sizer, pod: SizedPod) -> None:
        """A pod was evicted."""
        words = f"evicted, to be created again with what VerticalPodAutoscaler {sizer.ref.name} recommends"
        self._teller.record(Tell(_ref(pod), EVICTED_BY_VPA.type, EVICTED_BY_VPA.name, words))
        self._gathered.setdefault(sizer.ref, []).append(pod.metadata.name)

    def resized(self, sizer: Sizer, pod: SizedPod) -> None:
        """A pod was resized."""
        words = f"resized while it runs, to what VerticalPodAutoscaler {sizer.ref.name} recommends"
        self._teller.record(Tell(_ref(pod), RESIZED_IN_PLACE.type, RESIZED_IN_PLACE.name, words))

    def came_back(self, sizer: Sizer, memory: Memory) -> None:
        """Pods that were evicted came back unchanged."""
        if memory.storm is not None:
            reason = EVICTIONS_INEFFECTIVE
            self._teller.record(Tell(sizer.ref, reason.type, reason.name, came_back(memory.storm)))


def _evicted(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"evicted {len(names)} pods, to be created again with other requests: {', '.join(names[:NAMED])}{more}"


def _ref(pod: SizedPod) -> ObjectRef:
    return ObjectRef("Pod", pod.metadata.namespace, pod.metadata.name, "v1", pod.metadata.uid)
