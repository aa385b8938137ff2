"""From aggregated usage to sizes, for any number of containers at once: estimation, then what a policy makes of it.

A *size* is four amounts each of cpu (millicores) and memory (bytes): target, lower and upper bound, and the target
before the policy. What a group of aggregates is for, one container of one VerticalPodAutoscaler, has one row here.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from scaler.vertical.amounts import RESOURCES, Bounds, Resource
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.estimation import Estimation, amounts, confidence, estimate
from scaler.vertical.histograms import Groups
from scaler.vertical.usage import Aggregates, Truths

TARGET, LOWER, UPPER, UNCAPPED = range(4)
"""Of the second axis of sizes."""
CPU, MEMORY = range(2)
"""Of the last axis of everything here."""
UNSET: Final = 0
"""A bound of zero bounds nothing."""


class Rounding(msgspec.Struct, frozen=True):
    """Sizes are raised to multiples of these."""

    millicores: int = 1
    size: int = 1
    """Bytes."""
    whole_cores: bool = False
    """Cpu of every container in whole cores."""


class Rules(NamedTuple):
    """What the policies say, a row a group."""

    controlled: Truths
    """(groups, 2) whether the resource is sized at all."""
    min_allowed: Integers
    """(groups, 2), `UNSET` where nothing is said."""
    max_allowed: Integers
    """(groups, 2); wins over min_allowed."""
    whole_cores: Truths
    """(groups,) whether cpu comes in whole cores."""


class Evidence(NamedTuple):
    """What the estimate rests on, a row a group."""

    percentiles: Integers
    """(groups, 3, 2) amounts at the percentiles of target, lower and upper bound."""
    first: Floats
    last: Floats
    samples: Integers
    """First and last sample of cpu, and how many."""


def evidence(aggregates: Aggregates, groups: Groups, how: Estimation) -> Evidence:
    """What the aggregates of each group show together."""
    cpu = amounts(aggregates.cpu.percentiles(groups, how.cpu.wanted) * 1000.0)
    memory = amounts(aggregates.memory.percentiles(groups, how.memory.wanted))
    return Evidence(
        np.stack([cpu, memory], axis=2),
        np.minimum.reduceat(aggregates.first[groups.rows], groups.begins),
        np.maximum.reduceat(aggregates.last[groups.rows], groups.begins),
        np.add.reduceat(aggregates.count[groups.rows], groups.begins),
    )


def estimates(found: Evidence, minimum: Integers, how: Estimation) -> Integers:
    """(groups, 3, 2) target, lower and upper bound before any policy."""
    whole = np.empty_like(found.percentiles)
    for resource, interval in ((CPU, how.cpu_confidence), (MEMORY, how.memory_confidence)):
        sure = confidence(found.first, found.last, found.samples, interval)
        shares = found.percentiles[:, :, resource]
        whole[:, :, resource] = estimate(shares, sure, minimum[:, resource], how.margin)
    return whole


def sizes(estimated: Integers, rules: Rules, rounding: Rounding) -> Integers:
    """(groups, 4, 2) what is recommended. A resource that is not controlled has a size all the same; see `bounds`."""
    rounded = _up(estimated, np.array([rounding.millicores, rounding.size]))
    whole = rules.whole_cores | rounding.whole_cores
    rounded[:, :, CPU] = np.where(whole[:, None], _up(rounded[:, :, CPU], np.int64(1000)), rounded[:, :, CPU])
    capped = np.maximum(rounded, rules.min_allowed[:, None, :])
    most = rules.max_allowed[:, None, :]
    capped = np.where(most == UNSET, capped, np.minimum(capped, most))
    return np.concatenate([capped, rounded[:, TARGET : TARGET + 1]], axis=1)


def bounds(size: Integers, controlled: Truths) -> Bounds:
    """One group's size (4, 2) as values, without the resources that are not controlled."""
    named: list[dict[Resource, int]] = [
        {resource: int(amount[at]) for at, resource in enumerate(RESOURCES) if controlled[at]} for amount in size
    ]
    return Bounds(*named)


def _up(whole: Integers, step: Integers | np.int64) -> Integers:
    """Raised to a multiple."""
    raised: Integers = -(-whole // step) * step
    return raised
