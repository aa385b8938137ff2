"""The VPA updater of a backtest: which pods it touches, in which order, and how many at a time.

What a pod is to have is `scaler.vertical`'s own answer, asked once for all pods of one shape. The rules of choosing
are upstream's: outside the bounds at any age, else when twelve hours old and a tenth off; larger needs first; half of
the pods may be away at a time.
"""

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from scaler.sim.backtest.fleet import CPU, MEMORY, Fleet, Rows, Shape, shape
from scaler.sim.backtest.scene import Floats, Workload
from scaler.vertical.amounts import RESOURCES, Amounts, Recommendation
from scaler.vertical.limit_ranges import NO_RANGES
from scaler.vertical.pod_capping import cap_for_pod
from scaler.vertical.pods import Sized
from scaler.vertical.resize import wanted_sizes
from scaler.vertical.rules import MOVING, RESIZING, Rules

OLD_ENOUGH = 12 * 3600.0
WORTH = 0.1
TOLERANCE = 0.5
"""The share of pods that may be away at a time."""
LEAST_PODS = 2
"""With fewer pods none is evicted."""


class Group(msgspec.Struct, frozen=True, eq=False):
    """Pods of one shape, and what is to become of them."""

    rows: Rows
    given: Shape
    grows: bool
    """Some container asks for less than it should."""
    outside: bool
    """Some request is beyond the bounds."""
    off: float
    """How far requests are from what they should be, in shares, cpu and memory added."""


def sized(workload: Workload, requests: Floats, limits: Floats) -> list[Sized]:
    """Containers with these requests and limits (by container and resource), as `scaler.vertical` takes them."""
    return [
        Sized(
            container.name, "", number, "container", _amounts(requests[number]), _amounts(limits[number]), True, True
        )
        for number, container in enumerate(workload.containers)
    ]


def _amounts(row: Floats) -> Amounts:
    return {of: int(row[at]) for at, of in ((CPU, RESOURCES[0]), (MEMORY, RESOURCES[1])) if 0 < row[at] < math.inf}


def admitted(workload: Workload, template: Shape, rules: Rules) -> Shape:
    """What a new pod is given: the template, with what is recommended."""
    containers = sized(workload, template.requests, template.limits)
    if rules.mode == "Off" or not rules.recommendation:
        return template
    wanted = wanted_sizes(containers, rules)
    requests = [{**one.requests, **size.requests} for one, size in zip(containers, wanted, strict=True)]
    limits = [{**one.limits, **size.limits} for one, size in zip(containers, wanted, strict=True)]
    return shape(requests, limits)


class Updater:
    """One VPA's updater."""

    def __init__(self, workload: Workload, random: np.random.Generator) -> None:
        self._workload = workload
        self._random = random

    def groups(self, fleet: Fleet, rules: Rules) -> Iterator[Group]:
        """Running pods by shape, with what the recommendation makes of each."""
        has = Shape(fleet.requests[0], fleet.limits[0])
        alike = (fleet.requests == has.requests).all(axis=(1, 2)) & (fleet.limits == has.limits).all(axis=(1, 2))
        if alike.all():
            yield self._group(alike, has, rules)
            return
        both = np.concatenate([fleet.requests, fleet.limits], axis=2).reshape(len(fleet), -1)
        _, first, number = np.unique(both, axis=0, return_index=True, return_inverse=True)
        for at, row in enumerate(first.tolist()):
            rows: Rows = number.reshape(-1) == at
            yield self._group(rows, Shape(fleet.requests[row], fleet.limits[row]), rules)

    def _group(self, rows: Rows, has: Shape, rules: Rules) -> Group:
        containers = sized(self._workload, has.requests, has.limits)
        capped = cap_for_pod(containers, rules, NO_RANGES).recommendation
        grows, outside, off = _compared(containers, capped)
        return Group(rows, admitted(self._workload, has, rules), grows, outside, off)

    def chosen(self, fleet: Fleet, rules: Rules, wanted: int, now: float) -> list[tuple[int, Shape]]:
        """The rows that are touched now, and what each is to have."""
        if rules.mode not in MOVING or not rules.recommendation or not len(fleet):
            return []
        running = fleet.ready_at <= now
        candidates: list[tuple[bool, float, int, Shape]] = []
        for group in self.groups(fleet, rules):
            if group.off == 0.0:
                continue
            old = (now - fleet.born >= OLD_ENOUGH) & (group.off >= WORTH)
            rows = group.rows & (old | group.outside | (fleet.quick > 0))
            candidates += [(not group.grows, -group.off, row, group.given) for row in np.flatnonzero(rows).tolist()]
        candidates.sort(key=lambda one: one[:3])
        return list(_within_budget(candidates, running, len(fleet), wanted, rules))

    def resizes(self, rules: Rules, infeasible: float) -> bool:
        """Whether the next pod is resized in place, or must be evicted."""
        if rules.mode not in RESIZING:
            return False
        return not infeasible or self._random.random() >= infeasible


def _compared(containers: list[Sized], capped: Recommendation) -> tuple[bool, bool, float]:
    grows = outside = False
    sums = {of: [0, 0] for of in RESOURCES}
    for container in containers:
        bounds = capped.get(container.name)
        if bounds is None:
            continue
        for of, target in bounds.target.items():
            request = container.requests.get(of, 0)
            sums[of][0] += request
            sums[of][1] += target
            grows |= target > request
            outside |= not request or request < bounds.lower.get(of, 0) or request > bounds.upper.get(of, math.inf)
    off = sum(abs(max(has, 1) - to) / max(has, 1) for has, to in sums.values() if to)
    return grows, outside, off


def _within_budget(
    candidates: list[tuple[bool, float, int, Shape]], running: Rows, live: int, wanted: int, rules: Rules
) -> Iterator[tuple[int, Shape]]:
    least = LEAST_PODS if rules.min_replicas is None else rules.min_replicas
    if live < least:
        return
    tolerance = int(wanted * TOLERANCE)
    left, touched = int(running.sum()), 0
    for _, _, row, given in candidates:
        if not running[row]:
            yield row, given
            continue
        alone = left == wanted and tolerance == 0 and touched == 0
        if left - touched > wanted - tolerance or alone:
            touched += 1
            yield row, given


def recommended(rules: Rules, recommendation: Recommendation) -> Rules:
    """The rules with this recommendation in force."""
    return msgspec.structs.replace(rules, recommendation=recommendation)
