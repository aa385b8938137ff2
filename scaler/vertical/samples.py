"""What metrics.k8s.io tells of pods, as samples for the containers that the roster knows.

Decoded in one pass and read by hand, since there are hundreds of thousands a minute. A sample that cannot be right is
left out and counted, by why: one from the future would age all that was learned before.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from scaler.clock import from_rfc3339
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.estimation import LARGEST
from scaler.vertical.quantities import millicores, whole_bytes
from scaler.vertical.roster import Roster

EARLY: Final = 300.0
"""Seconds that a sample may be ahead of us: clocks differ."""
LATE: Final = 8 * 86400.0
"""Seconds after which a sample is not worth counting."""
NO_SAMPLE: Final = -1
"""Stands for an amount that is none; no sample is negative."""


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """What a container uses, as quantities."""

    cpu: str = ""
    memory: str = ""


class ContainerUsage(msgspec.Struct, frozen=True, gc=False):
    """One container's usage."""

    name: str = ""
    usage: Amounts = Amounts()


class UsageMeta(msgspec.Struct, frozen=True, gc=False):
    """Which pod it is."""

    name: str = ""
    namespace: str = ""


class PodUsage(msgspec.Struct, frozen=True, gc=False):
    """One pod's usage: a PodMetrics."""

    metadata: UsageMeta = UsageMeta()
    timestamp: str = ""
    """When the window ended that it was taken over."""
    containers: tuple[ContainerUsage, ...] = ()


class Usages(msgspec.Struct, frozen=True):
    """Everyone's: a PodMetricsList."""

    items: list[PodUsage] = []


class Batch(NamedTuple):
    """One sample a container."""

    rows: Integers
    times: Floats
    millicores: Integers
    sizes: Integers
    """Bytes."""
    refused: Counter[str]
    """Samples that were left out, by why: unknown (no container of ours), time, quantity, twice."""


def gather(found: Iterable[PodUsage], roster: Roster, now: float) -> Batch:
    """The samples of containers that are known."""
    rows: list[int] = []
    times: list[float] = []
    cpus: list[int] = []
    sizes: list[int] = []
    refused: Counter[str] = Counter()
    clock: dict[str, float] = {}
    for pod in found:
        time = clock.get(pod.timestamp)
        if time is None:
            time = clock[pod.timestamp] = _time(pod.timestamp, now)
        key = (pod.metadata.namespace, pod.metadata.name)
        for container in pod.containers:
            row = roster.container(key, container.name, now)
            if row is None:
                refused["unknown"] += 1
            elif not time:
                refused["time"] += 1
            else:
                rows.append(row)
                times.append(time)
                cpus.append(cpu_of(container.usage.cpu))
                sizes.append(size_of(container.usage.memory))
    numbers = np.array([rows, cpus, sizes], np.int64)
    return _batch(numbers, np.array(times, np.float64), refused)


def _batch(numbers: Integers, times: Floats, refused: Counter[str]) -> Batch:
    """(3, samples) rows, millicores and bytes; of two samples of one container the last counts."""
    rows, cpus, sizes = numbers
    wrong = int((numbers[1:] < 0).sum())
    if wrong:
        refused["quantity"] += wrong
    if len(rows) and np.bincount(rows).max() > 1:
        _, last = np.unique(rows[::-1], return_index=True)
        kept = len(rows) - 1 - last
        refused["twice"] += len(rows) - len(kept)
        rows, times, cpus, sizes = rows[kept], times[kept], cpus[kept], sizes[kept]
    return Batch(rows, times, cpus, sizes, refused)


def _time(text: str, now: float) -> float:
    """Epoch seconds; 0 for a time that cannot be right."""
    try:
        time = from_rfc3339(text)
    except ValueError:
        return 0.0
    return time if now - LATE <= time <= now + EARLY else 0.0


def cpu_of(text: str) -> int:
    """Millicores, rounded up as quantities are; `NO_SAMPLE` for what is no amount of cpu."""
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and number.isascii():
        if unit == "n":
            return min(-(-int(number) // 1_000_000), LARGEST)
        if unit == "u":
            return min(-(-int(number) // 1_000), LARGEST)
        if unit == "m":
            return min(int(number), LARGEST)
    return _exactly(text, cpu=True)


def size_of(text: str) -> int:
    """Bytes; `NO_SAMPLE` for what is no amount of memory."""
    if text.endswith("Ki") and text[:-2].isdigit() and text.isascii():
        return min(int(text[:-2]) * 1024, LARGEST)
    return _exactly(text, cpu=False)


def _exactly(text: str, *, cpu: bool) -> int:
    if text.startswith("-"):
        return NO_SAMPLE  # also what would round up to nothing
    try:
        return max(NO_SAMPLE, min(millicores(text) if cpu else whole_bytes(text), LARGEST))
    except ValueError:
        return NO_SAMPLE
