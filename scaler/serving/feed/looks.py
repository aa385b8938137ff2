"""Looks that were asked of the leader and not yet answered. It sends nothing itself."""

import asyncio
import itertools

from scaler.horizontal.readings import MetricAnswer
from scaler.serving.feed.frames import Look, Looked
from scaler.serving.truth import LookFailed


class Looks:
    """Who waits for what; for one event loop."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[MetricAnswer]] = {}
        self._unsent: list[Look] = []
        self.news = asyncio.Event()
        """There are looks to send."""

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, namespace: str, name: str, metric: str, within: float) -> MetricAnswer:
        """The answer, or LookFailed after at most `within` seconds."""
        look = Look(next(self._ids), namespace, name, metric)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[MetricAnswer] = loop.create_future()
        self._waiting[look.id] = answer
        self._unsent.append(look)
        self.news.set()
        # a bare timer: asyncio.timeout takes three times as long, and this is done a thousand times a second
        end = loop.call_later(within, self._fail, look.id, f"the source did not answer within {within:g} s")
        try:
            return await answer
        finally:
            end.cancel()
            self._waiting.pop(look.id, None)

    def take_unsent(self) -> list[Look]:
        """All looks of this turn of the loop, to be sent in one message."""
        looks, self._unsent = self._unsent, []
        self.news.clear()
        return looks

    def answered(self, looked: Looked) -> None:
        """The leader's answer; nobody may be waiting for it any more."""
        if looked.answer is None:
            self._fail(looked.id, looked.why, unknown=True)
            return
        waiting = self._waiting.pop(looked.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(looked.answer)

    def fail_all(self, why: str) -> None:
        """Nobody will answer those who wait now."""
        self.take_unsent()
        for each in tuple(self._waiting):
            self._fail(each, why)

    def _fail(self, look: int, why: str, *, unknown: bool = False) -> None:
        waiting = self._waiting.pop(look, None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(LookFailed(why, unknown=unknown))
