"""Where answers come from: the board, or a copy of it, and a way to have the loop look again.

A port with its nearest implementation; the one over the network is `scaler.serving.feed.client`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry, Key

Look = Callable[[str, str, str], Awaitable[MetricAnswer]]
"""Read the triggers behind one metric now (namespace, object, metric) and judge them; the board has it too then.

A source that fails gives an answer with an error. LookupError: there is no such object or metric.
"""


class LookFailed(Exception):
    """Nobody looked again: no leader, no time, no such metric. It says nothing of the source."""

    def __init__(self, why: str, *, unknown: bool = False, late: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown
        """The leader does not know such an object or metric."""
        self.late = late
        """There was no answer in time."""


class Truth(Protocol):
    """What the external metrics API answers from."""

    def now(self) -> float:
        """Epoch seconds on the clock by which answers are dated, the leader's."""
        ...

    def entry(self, key: Key) -> BoardEntry | None:
        """The last evaluation of an object."""
        ...

    async def look(self, namespace: str, name: str, metric: str, within: float) -> MetricAnswer:
        """A fresh answer, or LookFailed after at most `within` seconds."""
        ...


class LocalTruth:
    """The board of this very process."""

    def __init__(self, board: Board, look: Look, now: Callable[[], float]) -> None:
        self._board = board
        self._look = look
        self._now = now

    def now(self) -> float:
        return self._now()

    def entry(self, key: Key) -> BoardEntry | None:
        return self._board.get(key)

    async def look(self, namespace: str, name: str, metric: str, within: float) -> MetricAnswer:
        return await bounded(self._look(namespace, name, metric), within)


async def bounded(looking: Awaitable[MetricAnswer], within: float) -> MetricAnswer:
    """The outcome of a look; LookFailed when it takes too long or nobody knows what to look at."""
    try:
        async with asyncio.timeout(within):
            return await looking
    except TimeoutError:
        raise LookFailed(f"the source did not answer within {within:g} s", late=True) from None
    except LookupError as error:
        raise LookFailed(str(error.args[0]) if error.args else "unknown", unknown=True) from None
