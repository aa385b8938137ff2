"""Questions that were asked of the leader and not yet answered: looks, and explanations. It sends nothing itself."""

import asyncio
import itertools
from typing import Any

from scaler.horizontal.readings import MetricAnswer
from scaler.serving.feed.frames import Explain, Explained, FromReplica, Look, Looked
from scaler.serving.truth import LookFailed


class Questions:
    """Who waits for what; for one event loop."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._unsent: list[FromReplica] = []
        self.news = asyncio.Event()
        """There are questions to send."""

    def __len__(self) -> int:
        return len(self._waiting)

    async def look(self, namespace: str, name: str, metric: str, within: float) -> MetricAnswer:
        """The answer, or LookFailed after at most `within` seconds."""
        silent = f"the source did not answer within {within:g} s"
        answer: MetricAnswer = await self._put(Look(next(self._ids), namespace, name, metric), within, silent)
        return answer

    async def explain(self, namespace: str, name: str, within: float) -> bytes:
        """The document, or LookFailed after at most `within` seconds."""
        silent = f"the leader did not answer within {within:g} s"
        document: bytes = await self._put(Explain(next(self._ids), namespace, name), within, silent)
        return document

    async def _put(self, question: FromReplica, within: float, silent: str) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting[question.id] = answer
        self._unsent.append(question)
        self.news.set()
        # a bare timer: asyncio.timeout takes three times as long, and this is done a thousand times a second
        end = loop.call_later(within, self._fail, question.id, LookFailed(silent, late=True))
        try:
            return await answer
        finally:
            end.cancel()
            self._waiting.pop(question.id, None)

    def take_unsent(self) -> list[FromReplica]:
        """All questions of this turn of the loop, to be sent in one message."""
        questions, self._unsent = self._unsent, []
        self.news.clear()
        return questions

    def answered(self, told: Looked | Explained) -> None:
        """The leader's answer; nobody may be waiting for it any more."""
        answer = told.answer if isinstance(told, Looked) else told.document
        if answer is None:
            self._fail(told.id, LookFailed(told.why, unknown=True))
            return
        waiting = self._waiting.pop(told.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def fail_all(self, why: str) -> None:
        """Nobody will answer those who wait now."""
        self.take_unsent()
        for each in tuple(self._waiting):
            self._fail(each, LookFailed(why))

    def _fail(self, question: int, failure: LookFailed) -> None:
        waiting = self._waiting.pop(question, None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(failure)
