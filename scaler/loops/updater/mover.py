"""Moves pods, those that need it most first, at the pace that the connection and the limits of the settings set.

What waits is replaced by each round; what is under way goes on. Before a pod is moved it is looked at once more: it
may be gone, or have its size, or the webhook may have stopped.
"""

import asyncio
import logging
from bisect import insort
from collections.abc import Callable
from typing import Any

import msgspec

from scaler.actions import Evict, Resize
from scaler.api.meta import Raw
from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.kube.hands import Gone, Hands
from scaler.kube.moves import NODE_CAPACITY
from scaler.loops.updater.counts import named, size_and_mode
from scaler.loops.updater.rounds import Move, Rounds
from scaler.loops.updater.tidings import Tidings
from scaler.loops.updater.view import Key
from scaler.vertical.moving import is_live
from scaler.vertical.pacing import Bucket
from scaler.vertical.resize import boosts_taken_away, resize
from scaler.vertical.verdict import appraise, circumstances_of

log = logging.getLogger("scaler.updater")

WORKERS = 24
"""Moves under way at once."""


class Mover:
    """Carries moves out. `dry` only says what it would do."""

    def __init__(self, hands: Hands, clock: Clock, tidings: Tidings, *, rate: float, burst: int, dry: bool) -> None:
        self.rounds: Rounds | None = None
        """Where to ask, set once there are rounds."""
        self.why_not: Callable[[], str] = str
        self._hands = hands
        self._clock = clock
        self._tidings = tidings
        self._dry = dry
        self._waiting: list[Move] = []
        """Those that need it most last."""
        self._under_way: set[str] = set()
        self._buckets = {"evict": Bucket(rate, burst), "resize": Bucket(rate, burst)}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._under_way)

    def take(self, moves: list[Move], key: Key | None) -> None:
        """These instead of what waits, or of what waits of one object."""
        kept = [] if key is None else [move for move in self._waiting if move.sizer.key != key]
        new = [move for move in moves if move.uid not in self._under_way]
        if key is None:
            kept = sorted(new, key=_rank)
        else:
            for move in new:  # few among many
                insort(kept, move, key=_rank)
        self._waiting = kept
        if self._dry:
            self._say()
        self._news.set()

    async def run(self) -> None:
        """Move pods, for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            move = await self._next()
            self._under_way.add(move.uid)
            try:
                await self._carry_out(move)
            finally:
                self._under_way.discard(move.uid)

    async def _next(self) -> Move:
        """The one that needs it most of those that may go now."""
        loop = asyncio.get_running_loop()
        while True:
            waits = {kind: bucket.wait(loop.time()) for kind, bucket in self._buckets.items()}
            at = next((at for at in range(len(self._waiting) - 1, -1, -1) if not waits[self._kind(at)]), None)
            if at is not None:
                self._buckets[self._kind(at)].take(loop.time())
                return self._waiting.pop(at)
            self._news.clear()
            pause = min(waits.values()) if self._waiting else None
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _kind(self, at: int) -> str:
        return "evict" if self._waiting[at].judged.verdict.move == "evict" else "resize"

    async def _carry_out(self, move: Move) -> None:
        action = None if self.why_not() else self._action(move)
        if action is None:
            return
        why = "; ".join(reason.code for reason in move.judged.verdict.reasons)
        try:
            outcome = await self._hands.carry_out(action, why)
        except ApiError as error:
            self._refused(move, error)
            return
        if not isinstance(outcome, Gone):
            self._done(move)

    def _action(self, move: Move) -> Evict | Resize | None:
        """What is to be done to the pod as it is now; None when nothing is any more."""
        assert self.rounds is not None
        meta, rounds = move.judged.pod.metadata, self.rounds
        pod, sizer = rounds.view.pods.get(meta.namespace, meta.name), rounds.view.sizer(move.sizer.key)
        if pod is None or pod.metadata.uid != meta.uid or not is_live(pod) or sizer is None:
            return None
        verdict, now, ranges = move.judged.verdict, self._clock.now(), rounds.view.allowed(meta.namespace)
        if verdict.move != "unboost" and (pod is not move.judged.pod or sizer.rules is not move.sizer.rules):
            thresholds = circumstances_of(sizer.rules, rounds.around).thresholds
            again = appraise(pod, sizer.rules, ranges, thresholds, now)
            if sizer.rules.mode != move.sizer.rules.mode or not again.selected:
                return None
        if verdict.move == "evict":
            return Evict(meta.namespace, meta.name, meta.uid)
        found = resize(pod, sizer.rules, ranges, now)
        if not found.patch or found.before != found.after:
            return None
        marks = boosts_taken_away(pod, found.unboosted)
        return Resize(meta.namespace, meta.name, meta.uid, _raw(found.patch), _raw(marks))

    def _done(self, move: Move) -> None:
        assert self.rounds is not None
        counts, sizer, pod = self.rounds.counts, move.sizer, move.judged.pod
        about = size_and_mode(sizer, len(move.there))
        memory = self.rounds.memories.get(sizer.key)
        if move.judged.verdict.move == "evict":
            counts.evicted[named(sizer, about)] += 1
            self.rounds.going.add(move.uid)
            self._tidings.evicted(sizer, pod)
            if memory is not None:
                memory.was_evicted(move.judged, set(move.there))
            return
        counts.resized[named(sizer, about[:1])] += 1
        self._tidings.resized(sizer, pod)
        if memory is not None and move.judged.verdict.infeasible:
            memory.was_infeasible(move.uid, sizer.rules)

    def _refused(self, move: Move, error: ApiError) -> None:
        """Remember it, and judge the object's pods anew: another one's turn may have come, or another way."""
        assert self.rounds is not None
        counts, sizer, now = self.rounds.counts, move.sizer, self._clock.now()
        memory = self.rounds.memories.get(sizer.key)
        if memory is None:
            return
        about = size_and_mode(sizer, len(move.there))
        if move.judged.verdict.move == "evict":
            counts.failed_evictions[named(sizer, about, "EvictionError")] += 1
            memory.was_refused(move.uid, "eviction", error.message, now)
        elif NODE_CAPACITY in error.causes and sizer.rules.mode == "InPlace":
            counts.failed_resizes[named(sizer, about[:1], "InPlaceUpdateInfeasible")] += 1
            memory.was_infeasible(move.uid, sizer.rules)
        else:
            counts.failed_resizes[named(sizer, about[:1], "InPlaceUpdateError")] += 1
            memory.was_refused(move.uid, "resize", error.message, now)
        self.rounds.again(sizer.key)

    def _say(self) -> None:
        for move in self._waiting:
            meta, verdict = move.judged.pod.metadata, move.judged.verdict
            log.info(
                "would %s pod %s", verdict.move, meta.name, extra={"namespace": meta.namespace, "why": _words(move)}
            )
        self._waiting = []


def _rank(move: Move) -> tuple[bool, bool, float]:
    return move.judged.rank


def _words(move: Move) -> str:
    return "; ".join(reason.message for reason in move.judged.verdict.reasons)


def _raw(operations: Any) -> tuple[Raw, ...]:
    return tuple(msgspec.to_builtins(operations))
