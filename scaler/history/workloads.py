"""The load that a workload had, as a recording: what all of its pods used together."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from scaler.errors import Unreadable
from scaler.history.cluster import ClusterHistory
from scaler.history.owners import Workload
from scaler.history.recorded import Recorded
from scaler.history.series import Array, Series
from scaler.history.usage import ContainerUsage


async def load_of(history: ClusterHistory, workload: Workload) -> list[Recorded]:
    """Its cpu in cores and its memory in bytes, over all pods that it had. Raises Unreadable for nothing at all."""
    usages = await history.of(workload)
    if not usages:
        words = f"{history.prometheus.place} knows no container of {workload.kind} {workload}"
        raise Unreadable(f"{words} in the last {history.length / 86400:g} days")
    return [total for which in ("cpu", "memory") if (total := _total(which, workload, usages)) is not None]


def _total(which: Literal["cpu", "memory"], workload: Workload, usages: Sequence[ContainerUsage]) -> Recorded | None:
    """Where no pod is known nothing is known: then it is missing, and not zero."""
    parts = [part for one in usages if len(part := getattr(one, which))]
    if not parts:
        return None
    times: Array = np.unique(np.concatenate([part.times for part in parts]))
    sums, known = np.zeros(len(times)), np.zeros(len(times), dtype=np.bool_)
    for part in parts:
        there = part.known
        at = np.searchsorted(times, there.times)
        sums[at] += there.values
        known[at] = True
    sums[~known] = np.nan
    unit = "cores" if which == "cpu" else "bytes"
    return Recorded(str(workload), which, unit, True, Series(times, sums))
