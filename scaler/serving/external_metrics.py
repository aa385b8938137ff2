"""What the HPA is told for one metric: external.metrics.k8s.io/v1beta1.

One truth: answers are those of the board, which the poll loop and looks write. It judges no trigger. The rules:

- a metric with useCachedMetrics is answered at once, as the last check left it;
- any other is looked at again, for at most `look_deadline` seconds, or a moment when it failed or was late before;
- where nobody could look (a hand-over, a source that does not answer) the last evaluation is told with its true time,
- and once that is older than `limit_of` its object, an error: no value is better than a lie;
- an evaluation that is itself an error is an HTTP 500, as upstream: the HPA says FailedGetExternalMetric and holds.
"""

import functools
from collections import Counter
from collections.abc import Awaitable
from typing import Literal

import msgspec

from scaler.clock import to_rfc3339
from scaler.horizontal.metric_names import spelling
from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import BoardEntry
from scaler.quantity import format_milli
from scaler.serving.listener import refusal, response
from scaler.serving.truth import LookFailed, Truth

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"

LOOK_DEADLINE = 1.0
"""Seconds. While a read waits it holds one of the HPA controller's workers, by default 5 for the whole cluster.

Upstream waits for 3 s: 25 sources that hang then keep all of them busy through a sync period of 15 s, and nobody's
HPA is on time. Waiting is worth less here than there: the last check is at most a polling interval old, and an answer
that comes later still gets to the board. A second is more than a source takes that is well.
"""
FAILING_DEADLINE = 0.25
"""Seconds for a source that failed the last time it was asked, or was late: one that is well again answers within
them, one that hangs holds a worker no longer. The leader's question goes on without the reader, so that its answer is
not lost, and its recovery not missed."""
_MOST_LATE = 32_768
"""Metrics known to be late; those of objects that are gone would pile up."""
STALE_AFTER = 120.0
"""Seconds; several hand-overs long."""

How = Literal["fresh", "cached", "last", "unknown", "forwarded"]
"""Looked at for this read; as the last check left it by wish; the same for want of better; nothing is known; asked of
another server, whose namespace it is."""


class Asked(msgspec.Struct, frozen=True):
    """The metric that a read is about."""

    namespace: str
    metric: str
    scaled_object: str

    def __str__(self) -> str:
        return f"metric {self.metric} of scaledobject {self.namespace}/{self.scaled_object}"


class ExternalMetrics:
    """Answers reads from a `Truth`."""

    def __init__(self, truth: Truth, look_deadline: float = LOOK_DEADLINE, stale_after: float = STALE_AFTER) -> None:
        self._truth = truth
        self._deadline = look_deadline
        self._stale_after = stale_after
        self.reads: Counter[tuple[How, int]] = Counter()
        """Reads by how they were answered and with which HTTP status."""
        self._failing_deadline = min(look_deadline, FAILING_DEADLINE)
        self._late: set[Asked] = set()
        """What did not answer in time when it was looked at last."""

    def answer(self, asked: Asked) -> bytes | Awaitable[bytes]:
        """The whole HTTP response; at once where nobody has to look."""
        entry = self._truth.entry((asked.namespace, asked.scaled_object))
        if entry is not None and asked.metric not in entry.metrics:
            asked = msgspec.structs.replace(asked, metric=spelling(asked.metric, entry.metrics))
        if entry is not None and asked.metric in entry.cached:
            known = entry.metrics.get(asked.metric)
            if known is not None:
                return self._tell_known(asked, entry, known, "cached", "it is read with useCachedMetrics")
        return self._look(asked)

    def limit_of(self, entry: BoardEntry) -> float:
        """Seconds after which an answer of this object is too old to be told."""
        return max(self._stale_after, 2 * entry.polling)

    async def _look(self, asked: Asked) -> bytes:
        within = self._failing_deadline if asked in self._late or self._fails(asked) else self._deadline
        try:
            fresh = await self._truth.look(asked.namespace, asked.scaled_object, asked.metric, within)
        except LookFailed as failure:
            if failure.late:
                self._mark_late(asked)
            return self._tell_last(asked, failure)
        self._late.discard(asked)
        return self._tell(asked, fresh, "fresh")

    def _mark_late(self, asked: Asked) -> None:
        if len(self._late) >= _MOST_LATE:
            self._late.clear()
        self._late.add(asked)

    def _fails(self, asked: Asked) -> bool:
        """Whether the source failed when it was asked last, a fallback's figure included."""
        entry = self._truth.entry((asked.namespace, asked.scaled_object))
        known = entry.metrics.get(asked.metric) if entry is not None else None
        return known is not None and (known.value is None or known.fallback)

    def _tell_last(self, asked: Asked, failure: LookFailed) -> bytes:
        entry = self._truth.entry((asked.namespace, asked.scaled_object))
        known = entry.metrics.get(asked.metric) if entry is not None else None
        if entry is not None and known is not None:
            return self._tell_known(asked, entry, known, "last", str(failure))
        status, reason = (404, "NotFound") if failure.unknown else (503, "ServiceUnavailable")
        return self._refuse("unknown", status, reason, f"nothing is known of {asked}: {failure}")

    def _tell_known(self, asked: Asked, entry: BoardEntry, known: MetricAnswer, how: How, why: str) -> bytes:
        age, limit = self._truth.now() - known.at, self.limit_of(entry)
        if age > limit:
            message = f"the last value of {asked} is {age:.0f} s old, more than the {limit:.0f} s allowed ({why})"
            return self._refuse(how, 503, "ServiceUnavailable", message)
        return self._tell(asked, known, how)

    def _tell(self, asked: Asked, answer: MetricAnswer, how: How) -> bytes:
        if answer.value is None:
            return self._refuse(how, 500, "InternalError", f"{asked} could not be read: {answer.error}")
        self.reads[how, 200] += 1
        return response(200, value_list(answer))

    def _refuse(self, how: How, status: int, reason: str, message: str) -> bytes:
        self.reads[how, status] += 1
        return refusal(status, reason, message)


class _Value(msgspec.Struct, frozen=True, rename="camel"):
    metric_name: str
    timestamp: str
    value: str
    metric_labels: None = None


class _ValueList(msgspec.Struct, frozen=True, rename="camel"):
    items: tuple[_Value]
    kind: str = "ExternalMetricValueList"
    api_version: str = f"{GROUP}/{VERSION}"
    metadata: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode


def value_list(answer: MetricAnswer) -> bytes:
    """The ExternalMetricValueList of one value, JSON."""
    assert answer.value is not None
    return _encode(_ValueList((_Value(answer.metric, _timestamp(int(answer.at)), format_milli(answer.value)),)))


@functools.lru_cache(maxsize=1024)
def _timestamp(second: int) -> str:
    """Reads come in rounds, so many are about the same second."""
    return to_rfc3339(second)
