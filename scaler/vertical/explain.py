"""Why a recommendation is what it is, step by step, from what stands in the cluster: the object and its checkpoints.

The steps are taken by the same functions that recommend; nothing is decided here. A checkpoint is some minutes old,
and leaves out the memory peak of the day that runs: so may this.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from scaler.api.selector import Selector
from scaler.api.verticalpodautoscaler import CheckpointStatus, VerticalPodAutoscaler
from scaler.vertical.amounts import RESOURCES, Amounts, Resource
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.checkpoints import load
from scaler.vertical.estimation import Estimation, confidence, estimate, with_margin
from scaler.vertical.reading import recommendation_of
from scaler.vertical.recommending import Judged, Plan, judge, plan
from scaler.vertical.roster import Floor, Roster
from scaler.vertical.sizing import CPU, LOWER, MEMORY, TARGET, UNCAPPED, UPPER
from scaler.vertical.terms import ContainerTerms, Defaults, terms_of
from scaler.vertical.usage import Aggregates

DAY: Final = 86400.0

Cause = Literal["usage", "minimum", "oom-floor", "rounding", "minAllowed", "maxAllowed", "largest-node"]
"""What made a target what it is: the last step that changed it."""


class Step(msgspec.Struct, frozen=True):
    """One step, and what the amounts are after it: millicores of cpu, bytes of memory."""

    what: str
    target: int
    lower: int
    upper: int


class ResourceWhy(msgspec.Struct, frozen=True):
    """The way to one container's cpu or memory."""

    resource: Resource
    steps: tuple[Step, ...]
    cause: Cause
    uncapped: int
    standing: int | None = None
    """The target that stands in the status; None where there is none."""


class ContainerWhy(msgspec.Struct, frozen=True):
    """One container."""

    name: str
    samples: int
    """Of cpu."""
    first: float | None = None
    last: float | None = None
    """Epoch seconds."""
    confidence: float = 0.0
    """Days of history, by the clock or by a sample a minute, whichever says less."""
    off: bool = False
    """Its policy's mode is Off."""
    resources: tuple[ResourceWhy, ...] = ()
    problem: str = ""
    """Why its checkpoint does not count."""


def why(
    vpa: VerticalPodAutoscaler,
    checkpoints: Mapping[str, CheckpointStatus],
    floors: Mapping[str, Floor],
    *,
    defaults: Defaults,
    now: float,
    node: Amounts | None = None,
) -> tuple[ContainerWhy, ...]:
    """Every container that has a checkpoint, by name; Invalid when the object cannot be read."""
    roster = Roster(Aggregates(), defaults.memory)
    key = (vpa.metadata.namespace, vpa.metadata.name)
    subject = roster.put_subject(key, Selector(nothing=True), terms_of(vpa, defaults))
    problems = {}
    for name, status in checkpoints.items():
        try:
            load(roster.aggregates, roster.loaded(subject, name, now), status)
        except ValueError as error:
            roster.forget(subject, name)
            problems[name] = str(error)
    for name, floor in floors.items():
        roster.set_floor(subject, name, floor)
    found = plan(roster)
    judged = judge(roster.aggregates, found, defaults, now, node)
    standing = recommendation_of(vpa.status.recommendation) or {}
    told = [
        _container(_Shown(found, judged, group, defaults, now), standing[name].target if name in standing else {})
        for group, name in enumerate(found.names)
    ]
    broken = [ContainerWhy(name, 0, problem=problem) for name, problem in problems.items()]
    return tuple(sorted([*told, *broken], key=lambda one: one.name))


class _Shown(NamedTuple):
    """One group of a plan that was judged."""

    plan: Plan
    judged: Judged
    group: int
    defaults: Defaults
    now: float

    @property
    def terms(self) -> ContainerTerms:
        """How the container is sized."""
        owner = int(self.plan.owners[self.group])
        return self.plan.subjects[owner].terms.of(self.plan.names[self.group])

    def confidence(self, interval: float) -> Floats:
        """As the estimate has it: an array of one."""
        shown, part = self.judged.evidence, slice(self.group, self.group + 1)
        return confidence(shown.first[part], shown.last[part], shown.samples[part], interval)


def _container(shown: _Shown, standing: Amounts) -> ContainerWhy:
    group, evidence, terms = shown.group, shown.judged.evidence, shown.terms
    samples, given = int(evidence.samples[group]), bool(shown.judged.given[group])
    return ContainerWhy(
        name=shown.plan.names[group],
        samples=samples,
        first=float(evidence.first[group]) if samples else None,
        last=float(evidence.last[group]) if samples else None,
        confidence=float(shown.confidence(DAY)[0]),
        off=terms.off,
        resources=tuple(
            _resource(shown, at, standing.get(resource))
            for at, resource in enumerate(RESOURCES)
            if given and terms.controlled[at]
        ),
    )


class _Way:
    """The steps so far, and what changed the target last."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.cause: Cause = "usage"

    def take(self, what: str, amounts: Integers, cause: Cause | None = None) -> None:
        """A step with a cause is told only when it changes something."""
        target, lower, upper = (int(amount) for amount in amounts[:3])
        if cause is not None:
            before = self.steps[-1]
            if (before.target, before.lower, before.upper) == (target, lower, upper):
                return
            self.cause = cause if before.target != target else self.cause
        self.steps.append(Step(what, target, lower, upper))


def _resource(shown: _Shown, at: int, standing: int | None) -> ResourceWhy:
    way, size = _Way(), shown.judged.sizes[shown.group, :, at]
    capped = _capped(shown, at, way, _estimated(shown, at, way))
    if not np.array_equal(capped, size[[TARGET, LOWER, UPPER]]):
        way.take("what the largest node has room for", size[[TARGET, LOWER, UPPER]], "largest-node")
    return ResourceWhy(RESOURCES[at], tuple(way.steps), way.cause, int(size[UNCAPPED]), standing)


def _estimated(shown: _Shown, at: int, way: _Way) -> Integers:
    """From percentiles to what is estimated."""
    how, group = shown.defaults.estimation, shown.group
    shares = shown.judged.evidence.percentiles[group, :, at]
    wanted = how.cpu if at == CPU else how.memory
    spelt = ", ".join(f"{100 * share:g}" for share in (wanted.lower, wanted.target, wanted.upper))
    way.take(f"percentiles {spelt} of {'the usage' if at == CPU else 'the daily peaks'}", shares)
    way.take(f"with a margin of {how.margin:.0%}", with_margin(shares, how.margin))
    sure = shown.confidence(how.cpu_confidence if at == CPU else how.memory_confidence)
    bounded = estimate(shares[None, :], sure, np.zeros(1, np.int64), how.margin)[0]
    way.take(f"bounds as wide as a confidence of {float(sure[0]):.3g} makes them", bounded)
    raised: Integers = np.maximum(bounded, shown.judged.minimum[group, at])
    way.take(_minimum(shown.plan, group, how, at), raised, "minimum")
    if at == MEMORY and shown.plan.floors_until[group] > shown.now:
        raised = np.maximum(raised, shown.plan.floors[group])
        way.take("at least what it was thought to need when it was killed for memory", raised, "oom-floor")
    return raised


def _capped(shown: _Shown, at: int, way: _Way, estimated: Integers) -> Integers:
    """What rounding and the policy make of it."""
    rounding, terms = shown.defaults.rounding, shown.terms
    step = rounding.millicores if at == CPU else rounding.size
    rounded: Integers = -(-estimated // step) * step
    if at == CPU and (terms.whole_cores or rounding.whole_cores):
        rounded = -(-rounded // 1000) * 1000
    way.take("rounded up", rounded, "rounding")
    capped: Integers = np.maximum(rounded, terms.min_allowed[at])
    way.take("minAllowed", capped, "minAllowed")
    if terms.max_allowed[at]:
        capped = np.minimum(capped, terms.max_allowed[at])
        way.take("maxAllowed", capped, "maxAllowed")
    return capped


def _minimum(found: Plan, group: int, how: Estimation, at: int) -> str:
    owner = int(found.owners[group])
    least = found.minimum[owner, at]
    whole = f"{least:g}m" if at == CPU else f"{least:g}Mi"
    sharing = found.begins[owner + 1] - found.begins[owner]
    own = (how.minimum_cpu, how.minimum_memory)[at] != least
    return f"the {'object' if own else 'recommender'}'s minimum of {whole} a pod" + (
        f", shared by {sharing} containers" if sharing > 1 else ""
    )
