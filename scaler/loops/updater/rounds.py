"""The rounds: observe, judge everything, hand over what is to be moved. Judging never waits for moving."""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from scaler.clock import Clock
from scaler.loops.updater.counts import Counts
from scaler.loops.updater.tidings import Tidings
from scaler.loops.updater.view import Key, Sizer, View
from scaler.vertical.moving import Judged, Memory, judge_all
from scaler.vertical.pods import Owner, SizedPod
from scaler.vertical.verdict import Circumstances

log = logging.getLogger("scaler.updater")


class Move(msgspec.Struct, frozen=True):
    """A pod that is to be moved."""

    sizer: Sizer
    judged: Judged
    there: frozenset[str]
    """uids of all live pods of the object."""

    @property
    def uid(self) -> str:
        """Which pod."""
        return self.judged.pod.metadata.uid


class Rounds:
    """Judges everything each interval; `hand_over` takes the moves of a round, or (with a key) of one object."""

    def __init__(
        self,
        view: View,
        clock: Clock,
        *,
        interval: float,
        around: Circumstances,
        hand_over: Callable[[list[Move], Key | None], None],
        why_not: Callable[[], str],
        tidings: Tidings,
    ) -> None:
        self.view = view
        self.counts = Counts()
        self.memories: dict[Key, Memory] = {}
        self.going: set[str] = set()
        """uids of pods that we evicted and that still seem to live."""
        self.finished_at = 0.0
        """Loop time of the end of the last round."""
        self.around = around
        self._clock = clock
        self._interval = interval
        self._hand_over = hand_over
        self._why_not = why_not
        self._tidings = tidings
        self._sized: dict[Key, tuple[Sizer, list[SizedPod]]] = {}
        view.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        """Round after round, for ever; one that is late is left out."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.round()
            due += self._interval
            late = loop.time() - due
            if late > 0:
                due += self._interval * (late // self._interval + 1)
            await self._clock.sleep(max(0.0, due - loop.time()))

    async def round(self) -> None:
        """Judge everything once."""
        steps = self.counts.steps
        with steps.timed("total"):
            with steps.timed("FilterPods"):
                self._sized = await self.view.sized()
            self.memories = {key: self.memories.get(key) or Memory() for key in self._sized}
            self.counts.begin()
            moves: list[Move] = []
            with steps.timed("Judge"):
                for key in self._sized:
                    moves += self._judge(key)
            self._hand_over([] if self._why_not() else moves, None)
        self.finished_at = asyncio.get_running_loop().time()
        said = {"objects": len(self._sized), "pods": sum(self.counts.why.values()), "moves": len(moves)}
        log.log(logging.INFO if moves else logging.DEBUG, "judged", extra=said)

    def again(self, key: Key) -> None:
        """Judge one object once more, since something about it was learned."""
        known, sizer = self._sized.get(key), self.view.sizer(key)
        if known is None or sizer is None or self._why_not():
            return
        self._sized[key] = (sizer, [pod for pod in map(self._now, known[1]) if pod is not None])
        self._hand_over(self._judge(key), key)

    def _judge(self, key: Key) -> list[Move]:
        sizer, pods = self._sized[key]
        memory, namespace = self.memories.setdefault(key, Memory()), key[0]
        live = [pod for pod in pods if pod.metadata.uid not in self.going]

        def configured(owner: Owner) -> int | None:
            return self.view.workloads.configured(namespace, owner)

        found = judge_all(
            sizer.rules,
            live,
            ranges=self.view.allowed(namespace),
            configured=configured,
            around=self.around,
            memory=memory,
            now=self._clock.now(),
        )
        self.counts.judged(sizer, found)
        if memory.came_back:
            log.warning("pods came back unchanged", extra={"vpa": str(sizer.ref)})
            self._tidings.came_back(sizer, memory)
        there = frozenset(pod.metadata.uid for pod in live)
        return [Move(sizer, one, there) for one in found if one.verdict.move]

    def _now(self, pod: SizedPod) -> SizedPod | None:
        """A pod as it is now, if it is still there."""
        found = self.view.pods.get(pod.metadata.namespace, pod.metadata.name)
        return found if found is not None and found.metadata.uid == pod.metadata.uid else None

    def _pod_changed(self, old: SizedPod | None, new: SizedPod | None) -> None:
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self.going.discard(old.metadata.uid)
