"""From what was learned to sizes, by the recommender's own judgement, and to what is amiss now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from scaler.advice.learning import Learned, Learning, Picture
from scaler.advice.subjects import Advice, Course, Facts, Risk
from scaler.history.owners import Workload
from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.buckets import Buckets, Floats, Integers
from scaler.vertical.estimation import Estimation, confidence
from scaler.vertical.histograms import Groups, Histograms
from scaler.vertical.limits import limits_for
from scaler.vertical.pods import Sized as Container
from scaler.vertical.rules import ContainerRules, LimitsPolicy
from scaler.vertical.sizing import TARGET, UNSET, Evidence, Rounding, Rules, bounds, estimates, evidence, sizes

MINUTE = 60.0
THROTTLED = 0.05
"""From this share of periods on it is worth a word."""
OVER = 0.05
"""The same for the share of samples above the request."""
STALE = 900.0
"""Seconds: a pod that was not seen for longer is gone."""


class Policy(msgspec.Struct, frozen=True):
    """How usage becomes requests; the defaults are the Vertical Pod Autoscaler's."""

    estimation: Estimation = Estimation()
    rounding: Rounding = Rounding()
    limits: LimitsPolicy = "ratio"


def judge(
    learning: Learning, facts: Mapping[tuple[Workload, str], Facts], policy: Policy, step: float = MINUTE
) -> tuple[Advice, ...]:
    """Every container, in the order of workloads and names. `step` is the time between two samples of the history."""
    keys = sorted(learning.learned)
    if not keys:
        return ()
    rows = np.array([learning.learned[key].row for key in keys])
    groups = Groups(rows, np.arange(len(rows)))
    found = evidence(learning.aggregates, groups, policy.estimation)
    shared = Counter(workload for workload, _ in keys)
    sized = _sizes(found, [shared[workload] for workload, _ in keys], policy)
    sure = confidence(found.first, found.last, found.samples, policy.estimation.cpu_confidence)
    judged = _Judged(learning, policy, found, sized, sure, groups, shared, STALE + 2 * step)
    return tuple(judged.advice(at, key, facts.get(key, Facts(asked=False))) for at, key in enumerate(keys))


class _Judged(NamedTuple):
    """The arrays, a row a container."""

    learning: Learning
    policy: Policy
    found: Evidence
    sized: Integers
    sure: Floats
    groups: Groups
    shared: Counter[Workload]
    patience: float

    def advice(self, at: int, key: tuple[Workload, str], known: Facts) -> Advice:
        """One row as a value."""
        (workload, name), own, found = key, self.learning.learned[key], self.found
        size = bounds(self.sized[at], np.ones(2, np.bool_))
        alive = sum(last >= self.learning.end - self.patience for last in own.last.values())
        return Advice(
            workload=workload,
            container=name,
            pods=len(own.last),
            replicas=known.replicas if known.replicas is not None else alive,
            facts=known,
            bounds=size,
            limits=_limits(known, size.target, self.policy.limits),
            percentiles={which: int(found.percentiles[at, TARGET, place]) for place, which in enumerate(RESOURCES)},
            confidence=float(self.sure[at]),
            samples=int(found.samples[at]),
            begin=float(found.first[at]),
            end=float(found.last[at]),
            siblings=self.shared[workload],
            risks=tuple(_risks(known, own)),
            courses=_courses(self.learning, own, at, self.groups),
        )


def _limits(known: Facts, target: Amounts, policy: LimitsPolicy) -> Amounts:
    container = Container("", "", 0, "container", known.requests, known.limits, has_requests=True, has_limits=True)
    return limits_for(container, target, ContainerRules(limits=policy)).amounts


def _sizes(found: Evidence, siblings: list[int], policy: Policy) -> Integers:
    minimum = np.array([policy.estimation.minimum(count) for count in siblings])
    both = np.ones((len(siblings), 2), np.bool_)
    nothing = np.full((len(siblings), 2), UNSET)
    rules = Rules(both, nothing, nothing, ~both[:, 0])
    return sizes(estimates(found, minimum, policy.estimation), rules, policy.rounding)


def _risks(known: Facts, own: Learned) -> Iterator[Risk]:
    if any(known.kills.values()):
        yield "killed"
    limit = known.limits.get("memory")
    if limit and _peak(own.memory) > 0.95 * limit:
        yield "above-limit"
    if _share(own.memory) > 0 or _share(own.cpu) > OVER:
        yield "above-request"
    if known.throttled > THROTTLED:
        yield "throttled"
    if known.asked and not all(known.requests.get(resource) for resource in RESOURCES):
        yield "no-request"


def _peak(picture: Picture) -> float:
    known = picture.high[~np.isnan(picture.high)]
    return float(known.max()) if len(known) else np.nan


def _share(picture: Picture) -> float:
    return picture.over / picture.samples if picture.samples else 0.0


def _courses(learning: Learning, own: Learned, at: int, groups: Groups) -> dict[Resource, Course]:
    part = groups.part(at, at + 1)
    return {
        "cpu": _course(own.cpu, learning.aggregates.cpu, part),
        "memory": _course(own.memory, learning.aggregates.memory, part),
    }


def _course(picture: Picture, histograms: Histograms, part: Groups) -> Course:
    edges, weights = _bars(histograms.buckets, histograms.merged(part).weights[0])
    return Course(
        picture.times, picture.low, picture.mean, picture.high, edges, weights, _peak(picture), _share(picture)
    )


def _bars(buckets: Buckets, weights: Floats) -> tuple[Floats, Floats]:
    """The buckets that count, with the edges around them."""
    counting = np.flatnonzero(weights > buckets.epsilon)
    if not len(counting):
        return np.zeros(1), np.zeros(0)
    first, past = counting[0], counting[-1] + 1
    edges = np.append(buckets.starts, buckets.starts[-1] * 1.05)
    return edges[first : past + 1], weights[first:past]


def resource_amounts(asked: Mapping[str, float]) -> Amounts:
    """Cores and bytes as millicores and bytes."""
    scale: dict[Resource, float] = {"cpu": 1000.0, "memory": 1.0}
    return {resource: round(asked[resource] * scale[resource]) for resource in RESOURCES if asked.get(resource)}
