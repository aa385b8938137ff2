"""Requests over HTTP that triggers send, counted under upstream's names. A request costs a few additions here.

Of triggers that share a question, only the one that put it is counted: it is the one that sends a request.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection

import msgspec

from scaler.loops.board import Key
from scaler.serving.exposition import Family, labels
from scaler.triggers.http import Asker

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; upstream's, which are those of Prometheus' client for Go."""


class HttpMetrics:
    """Told of each request; `detailed` gives durations the labels of the object, too, as upstream's flag does."""

    def __init__(self, *, detailed: bool = False) -> None:
        self._detailed = detailed
        self._counts: Counter[tuple[Asker, str]] = Counter()
        self._durations: dict[tuple[Asker | str, str], _Durations] = {}

    def record(self, asker: Asker, status: str, seconds: float) -> None:
        """A request was answered with this status, or got no answer ("error")."""
        self._counts[asker, status] += 1
        about = (asker if self._detailed else asker.scaler, status)
        durations = self._durations.get(about)
        if durations is None:
            durations = self._durations[about] = _Durations()
        durations.add(seconds)

    def families(self, here: Collection[Key]) -> list[Family]:
        """What a scrape says; objects that are not here any more take their samples along."""
        self._forget_all_but(here)
        requests = Family("keda_scaler_http_requests_total", "counter", "Requests over HTTP that triggers sent.")
        for (asker, status), count in sorted(self._counts.items(), key=_order):
            requests.add(labels({**_labels(asker), "status_code": status}), count)
        durations = Family("keda_scaler_http_request_duration_seconds", "histogram", "How long those requests took.")
        for (about, status), each in sorted(self._durations.items(), key=_order):
            pairs = {**_labels(about), "status_code": status}
            durations.add_histogram(pairs, BOUNDS, each.counts, each.total)
        return [requests, durations]

    def _forget_all_but(self, here: Collection[Key]) -> None:
        for counts in (self._counts, self._durations):
            gone = [key for key in counts if isinstance(key[0], Asker) and _key(key[0]) not in here]
            for key in gone:
                del counts[key]


class _Durations:
    """How many requests took how long."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


def _key(asker: Asker) -> Key:
    return (asker.namespace, asker.scaled_resource)


def _labels(about: Asker | str) -> dict[str, str]:
    return {"scaler": about} if isinstance(about, str) else msgspec.structs.asdict(about)


def _order(item: tuple[tuple[Asker | str, str], object]) -> tuple[str, ...]:
    (about, status), _ = item
    return (*_labels(about).values(), status)
