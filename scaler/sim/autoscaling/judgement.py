"""One decision of a HorizontalPodAutoscaler: how many replicas, why, and what its status and events say.

Source: the reconciliation of the HPA controller of Kubernetes 1.36.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from scaler.quantity import parse_quantity
from scaler.sim.autoscaling import limits, sources
from scaler.sim.autoscaling.calculations import Pod, Situation, Timing, Tolerance
from scaler.sim.autoscaling.limits import Memory, Moment
from scaler.sim.autoscaling.sources import Reading

Object = dict[str, Any]


class Settings(msgspec.Struct, frozen=True):
    """What the controller's flags say; seconds. The defaults are upstream's."""

    tolerance: float = 0.1
    downscale_stabilization: float = 300.0
    cpu_initialization: float = 300.0
    readiness_delay: float = 30.0


class Scale(msgspec.Struct, frozen=True):
    """The target's scale subresource."""

    replicas: int
    """What is wanted."""
    current: int
    """What there is."""
    selector: str


class Observation(msgspec.Struct, frozen=True):
    """What is seen when deciding."""

    scale: Scale
    pods: Sequence[Pod] = ()
    readings: Sequence[Reading] = ()
    """In the order of ``spec.metrics``; unused when `needs_metrics` says so."""
    rivals: Sequence[tuple[str, str]] = ()
    """Namespace and name of every autoscaler that selects some of these pods, this one included."""


class Condition(msgspec.Struct, frozen=True):
    """A condition as it is to be; when it last changed is the writer's to know."""

    type: str
    status: str
    reason: str
    message: str


class Told(msgspec.Struct, frozen=True):
    """An event."""

    type: str
    reason: str
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """The decision."""

    replicas: int | None
    """What to set the target to; None to leave it alone."""
    desired: int | None
    """For ``status.desiredReplicas``; None keeps what stands there."""
    conditions: tuple[Condition, ...]
    metrics: tuple[Object, ...] | None
    """For ``status.currentMetrics``; None when there are none to tell."""
    events: tuple[Told, ...]
    memory: Memory
    """As it is if the rescale, when there is one, succeeds."""
    reason: str = ""
    """Why it rescales."""


def needs_metrics(spec: Object, scale: Scale) -> bool:
    """Whether the metrics will be looked at; upstream asks for them only then."""
    return scale.replicas != 0 and spec.get("minReplicas", 1) <= scale.replicas <= spec["maxReplicas"]


def judge(hpa: Object, seen: Observation, memory: Memory, now: float, settings: Settings | None = None) -> Verdict:
    """Decide. `hpa` is the object with its defaults, `memory` what the last verdict left."""
    case = _Case(hpa, seen.scale, memory, now, settings or Settings())
    if not needs_metrics(hpa["spec"], seen.scale):
        return case.without_metrics()
    return case.by_metrics(seen)


class _Case:
    """One decision in the making."""

    def __init__(self, hpa: Object, scale: Scale, memory: Memory, now: float, settings: Settings) -> None:
        self.spec: Object = hpa["spec"]
        self.namespace: str = hpa["metadata"]["namespace"]
        self.scale = scale
        self.now = now
        self.settings = settings
        self.least: int = self.spec.get("minReplicas", 1)
        self.most: int = self.spec["maxReplicas"]
        self.memory = memory
        if memory.recommendations is None:
            first = (Moment(scale.replicas, now),)
            self.memory = msgspec.structs.replace(memory, recommendations=first)
        self.conditions: dict[str, Condition] = {}
        self.events: list[Told] = []
        self.note(
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )

    def note(self, kind: str, status: str, reason: str, message: str) -> None:
        self.conditions[kind] = Condition(kind, status, reason, message)

    # -- without looking at metrics ----------------------------------------------------------------------------

    def without_metrics(self) -> Verdict:
        current = self.scale.replicas
        if current == 0:
            said = "scaling is disabled since the replica count of the target is zero"
            self.note("ScalingActive", "False", "ScalingDisabled", said)
            return self.verdict(0, None, "")
        if current > self.most:
            return self.verdict(self.most, None, "Current number of replicas above Spec.MaxReplicas")
        return self.verdict(self.least, None, "Current number of replicas below Spec.MinReplicas")

    # -- by metrics --------------------------------------------------------------------------------------------

    def by_metrics(self, seen: Observation) -> Verdict:
        wrong = self.wrong_selector(seen.rivals)
        if wrong is not None:
            return self.failed(wrong, None)
        proposed, statuses, refused = self.proposals(seen)
        current = self.scale.replicas
        highest = _highest(proposed)
        wanted = highest.replicas if highest else 0
        if refused and (highest is None or wanted < current):
            first = refused[0]
            said = f"the HPA was unable to compute the replica count: {first.said}"
            self.note("ScalingActive", "False", first.reason, said)
            of = f"invalid metrics ({len(refused)} invalid out of {len(seen.readings)})"
            return self.failed(f"{of}, first error is: {first}", statuses)
        called = highest.name if highest else ""
        found = f"the HPA was able to successfully calculate a replica count from {called}"
        self.note("ScalingActive", "True", "ValidMetricFound", found)
        reason = _why(wanted, current, called if wanted > 0 else "")
        return self.verdict(self.limited(wanted), statuses, reason)

    def wrong_selector(self, rivals: Sequence[tuple[str, str]]) -> str | None:
        """What is wrong with the scale's selector, if anything."""
        if not self.scale.selector:
            said = "selector is required"
            self.events.append(Told("Warning", "SelectorRequired", said))
            self.note("ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector")
            return said
        if len(rivals) > 1:
            listed = " ".join(f"{namespace}/{name}" for namespace, name in rivals)
            said = f"pods by selector {self.scale.selector} are controlled by multiple HPAs: [{listed}]"
            self.events.append(Told("Warning", "AmbiguousSelector", said))
            self.note("ScalingActive", "False", "AmbiguousSelector", said)
            return said
        return None

    def proposals(
        self, seen: Observation
    ) -> tuple[list[sources.Proposal], tuple[Object, ...], list[sources.Refused]]:
        timing = Timing(self.settings.cpu_initialization, self.settings.readiness_delay)
        situation = Situation(self.scale.replicas, self.scale.current, seen.pods, self.tolerance(), timing, self.now)
        proposed: list[sources.Proposal] = []
        refused: list[sources.Refused] = []
        statuses: list[Object] = []
        for metric, reading in zip(self.spec["metrics"], seen.readings, strict=True):
            try:
                proposed.append(sources.proposal(metric, reading, situation, self.namespace))
                statuses.append(proposed[-1].status)
            except sources.Refused as refusal:
                refused.append(refusal)
                statuses.append({"type": ""})
                self.events.append(Told("Warning", refusal.reason, refusal.said))
        return proposed, tuple(statuses), refused

    def tolerance(self) -> Tolerance:
        """The controller's, unless the behavior has its own."""
        behavior = self.spec.get("behavior") or {}
        own = [(behavior.get(side) or {}).get("tolerance") for side in ("scaleDown", "scaleUp")]
        down, up = (self.settings.tolerance if part is None else parse_quantity(part) for part in own)
        return Tolerance(down, up)

    def limited(self, desired: int) -> int:
        """The desired number within rates and bounds, with the conditions that say so."""
        wish = limits.Wish(self.scale.replicas, desired, self.least, self.most)
        rules = self.rules()
        if rules is None:
            window = self.settings.downscale_stabilization
            outcome = limits.simple(self.memory, wish, window, self.now)
        else:
            outcome = limits.behaved(self.memory, wish, rules, self.now)
        self.memory = outcome.memory
        self.note("AbleToScale", "True", *outcome.able)
        self.note("ScalingLimited", "True" if outcome.held else "False", *outcome.limit)
        return outcome.replicas

    def rules(self) -> tuple[limits.Rules, limits.Rules] | None:
        """The behavior, up and down; the window for going down may be left to the controller."""
        behavior = self.spec.get("behavior")
        if behavior is None:
            return None
        down = {"stabilizationWindowSeconds": self.settings.downscale_stabilization, **behavior["scaleDown"]}
        return behavior["scaleUp"], down

    # -- the end -----------------------------------------------------------------------------------------------

    def failed(self, error: str, statuses: tuple[Object, ...] | None) -> Verdict:
        """Hold: replicas and desired replicas stay as they are."""
        self.events.append(Told("Warning", "FailedComputeMetricsReplicas", error))
        return Verdict(None, None, tuple(self.conditions.values()), statuses, tuple(self.events), self.memory)

    def verdict(self, desired: int, statuses: tuple[Object, ...] | None, reason: str) -> Verdict:
        current = self.scale.replicas
        if desired == current:
            conditions = tuple(self.conditions.values())
            return Verdict(None, current, conditions, statuses, tuple(self.events), self.memory)
        said = f"the HPA controller was able to update the target scale to {desired}"
        self.note("AbleToScale", "True", "SucceededRescale", said)
        self.events.append(Told("Normal", "SuccessfulRescale", f"New size: {desired}; reason: {reason}"))
        memory = limits.rescaled(self.memory, current, desired, self.rules(), self.now)
        conditions = tuple(self.conditions.values())
        return Verdict(desired, desired, conditions, statuses, tuple(self.events), memory, reason)


def _highest(proposed: Sequence[sources.Proposal]) -> sources.Proposal | None:
    """The first of the highest; a proposal of none gives way to any later one."""
    best: sources.Proposal | None = None
    for proposal in proposed:
        if best is None or best.replicas == 0 or proposal.replicas > best.replicas:
            best = proposal
    return best


def _why(wanted: int, current: int, called: str) -> str:
    if wanted > current:
        return f"{called} above target"
    return "All metrics below target" if wanted < current else ""
