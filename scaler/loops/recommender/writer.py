"""What is to be written, in turn and at its own pace: judging never waits for the API server.

A status that changes again before its turn is written once, as it is then. Two statuses go before each checkpoint
where both wait, so that neither keeps the other out.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable

from scaler.actions import Action, KeepCheckpoint, WriteRecommendation
from scaler.errors import ApiError
from scaler.kube.hands import Hands
from scaler.vertical.roster import Key

log = logging.getLogger("scaler.recommender")

STATUSES_FIRST = 2
"""Statuses that are written for one checkpoint where both wait."""


class Writer:
    """Writes with so many hands at once, for as long as `run` runs."""

    def __init__(self, hands: Hands, workers: int) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """Writes by what (status, checkpoint, other) and outcome (written, gone, refused)."""
        self.on_missed: Callable[[KeepCheckpoint], None] = lambda _: None
        """Told of a checkpoint that was refused."""
        self._hands = hands
        self._workers = workers
        self._statuses: dict[Key, WriteRecommendation] = {}
        self._checkpoints: dict[Key, KeepCheckpoint] = {}
        self._others: list[Action] = []
        self._since_checkpoint = 0
        self._under_way = 0
        self._stirred = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """How much is not written yet."""
        return len(self._statuses) + len(self._checkpoints) + len(self._others) + self._under_way

    def put(self, action: Action) -> None:
        """Write this, in its turn; in place of what was to be written of the same thing."""
        if isinstance(action, WriteRecommendation):
            self._statuses[action.ref.namespace, action.ref.name] = action
        elif isinstance(action, KeepCheckpoint):
            self._checkpoints[action.namespace, action.name] = action
        else:
            self._others.append(action)
        self._idle.clear()
        self._stirred.set()

    def waits(self, key: Key) -> bool:
        """Whether a status of that object is still to be written."""
        return key in self._statuses

    async def run(self) -> None:
        """Write, for ever; cancel to stop."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def flush(self, seconds: float) -> bool:
        """Wait until all is written, but no longer than this; whether it was."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        return self._idle.is_set()

    async def _work(self) -> None:
        while True:
            action = self._next()
            if action is None:
                self._stirred.clear()
                await self._stirred.wait()
                continue
            self._under_way += 1
            try:
                await self._write(action)
            finally:
                self._under_way -= 1
                if not self.waiting:
                    self._idle.set()

    def _next(self) -> Action | None:
        if self._others:
            return self._others.pop(0)
        turn = self._since_checkpoint >= STATUSES_FIRST or not self._statuses
        if self._checkpoints and turn:
            self._since_checkpoint = 0
            return self._checkpoints.pop(next(iter(self._checkpoints)))
        if self._statuses:
            self._since_checkpoint += 1
            return self._statuses.pop(next(iter(self._statuses)))
        return None

    async def _write(self, action: Action) -> None:
        what = {WriteRecommendation: "status", KeepCheckpoint: "checkpoint"}.get(type(action), "other")
        try:
            await self._hands.carry_out(action)
            self.counts[what, "written"] += 1
        except ApiError:  # the hands have said so
            self.counts[what, "refused"] += 1
            if isinstance(action, KeepCheckpoint):
                self.on_missed(action)
