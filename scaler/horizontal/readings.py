"""The values that horizontal judgement is made of: what was seen, what is remembered, what is decided.

Times are epoch seconds. **No data is never zero**: a trigger either shows a `Reading` or a `Failure`.
"""

from typing import Literal

import msgspec

from scaler.actions import Tell
from scaler.api.meta import Condition, Raw
from scaler.api.scaledobject import GroupVersionKindResource, Health, ScaledObject

MetricType = Literal["AverageValue", "Value", "Utilization"]


class MetricSpec(msgspec.Struct, frozen=True):
    """One external metric that a trigger offers to the HPA."""

    name: str
    """As the HPA asks for it: ``s0-aws-sqs-work``."""
    target: float
    """What one replica should stand for (AverageValue), or the whole (Value)."""
    metric_type: MetricType = "AverageValue"
    activation: float = 0.0
    """The trigger is active strictly above it; shown by explain."""


class ResourceSpec(msgspec.Struct, frozen=True):
    """A cpu or memory trigger: the HPA reads it itself, nobody polls it."""

    resource: Literal["cpu", "memory"]
    metric_type: MetricType
    """Utilization (percent of the request) or AverageValue (a quantity)."""
    value: str
    """As the user wrote it: whole percent, or a quantity."""
    container: str = ""


class Coupling(msgspec.Struct, frozen=True):
    """What a VPA on the same workload makes of the HPA, judged elsewhere (`scaler.together`)."""

    averages: dict[str, str] = {}
    """Absolute targets a pod instead of utilisations: quantities by ``cpu``, or ``cpu/app`` for one container."""
    hold: bool = False
    """Replicas may not fall."""
    annotations: dict[str, str] = {}
    """For the HPA."""
    condition: Condition | None = None
    """For the object."""


class TriggerPlan(msgspec.Struct, frozen=True):
    """One trigger, built: what it offers, before it is read."""

    index: int
    """Position in spec.triggers."""
    type: str
    name: str = ""
    metrics: tuple[MetricSpec, ...] = ()
    """External metrics; empty for cpu and memory, and for a trigger that could not be built."""
    resource: ResourceSpec | None = None
    cached: bool = False
    """useCachedMetrics: a read of the HPA does not look again."""
    problem: str = ""
    """Why it could not be built; it then counts as an error at every check."""


class Reading(msgspec.Struct, frozen=True, tag=True):
    """What one metric of a trigger showed."""

    trigger: int
    """Index of the trigger."""
    metric: str
    """`MetricSpec.name`."""
    value: float
    active: bool
    """Whether its trigger is active (strictly above its activation threshold, unless the type has its own rule)."""
    at: float
    """When it was read."""
    latency: float = 0.0
    """Seconds the source took."""
    assumed: bool = False
    """The source had no data, and the trigger's parameters take that for this value (ignoreNullValues)."""


class Failure(msgspec.Struct, frozen=True, tag=True):
    """A metric that could not be read."""

    trigger: int
    metric: str
    """`MetricSpec.name`; empty when the trigger could not even be built."""
    why: str
    at: float


class Subject(msgspec.Struct, frozen=True):
    """The object under judgement with its triggers built and its target resolved."""

    scaled: ScaledObject
    triggers: tuple[TriggerPlan, ...]
    target: GroupVersionKindResource


class Scale(msgspec.Struct, frozen=True, tag=True):
    """What the workload has now."""

    replicas: int
    """spec.replicas of the target (1 when it says nothing)."""
    ready: int | None = None
    """Pods Running and Ready; None when not asked or not known. Only the fallback of a Value metric needs it."""


class NoScale(msgspec.Struct, frozen=True, tag=True):
    """Stands where a `Scale` would, when the workload's /scale could not be read."""

    why: str


class Memory(msgspec.Struct, frozen=True):
    """What one check hands to the next; kept in status, so that a restart forgets nothing."""

    last_active: float | None = None
    """The last check with an active trigger."""
    health: dict[str, Health] = {}
    """Failures in a row by metric; only while a valid fallback exists."""
    active: bool | None = None
    """What the last check said; None before the first since the start, which then compares with the status."""
    fallback: bool | None = None
    """Whether the last check was in fallback; None before the first since the start."""
    failing: dict[str, str] = {}
    """What failed at the last check, and why as first seen: messages stay steady while a failure lasts."""


class MetricAnswer(msgspec.Struct, frozen=True):
    """What the HPA is told for one metric: a value, or why there is none."""

    metric: str
    at: float
    value: float | None = None
    error: str = ""
    fallback: bool = False
    """The value is a substitute, because the source could not be read."""


class Step(msgspec.Struct, frozen=True):
    """One line of an explanation: what was looked at, and what came of it."""

    what: str
    gives: str


Rule = Literal[
    "unreadable-scale",
    "paused",
    "activate",
    "scale-out-paused",
    "partial-error",
    "active",
    "hold-for-fallback",
    "error",
    "deactivate",
    "scale-in-paused",
    "cooldown",
    "stale-zero",
    "raise-to-minimum",
    "idle",
]
"""The rows of the decision table in `scaler.horizontal.decide`, by name."""


class Decision(msgspec.Struct, frozen=True):
    """What to do with the workload, and why: one record for condition, event, log line and explanation."""

    replicas: int | None
    """Set the workload to this many; None leaves it as it is."""
    rule: Rule
    """The row of the decision table that matched."""
    reason: str
    """CamelCase, as in the Active condition."""
    message: str
    """One sentence for a person."""
    steps: tuple[Step, ...] = ()
    """The arithmetic, in order."""
    until: float | None = None
    """When this decision would change with no new reading (the end of a cooldown)."""


class Variable(msgspec.Struct, frozen=True):
    """One trigger as a formula sees it."""

    name: str
    value: float | None
    """None when the trigger is beyond its failures and the fallback's behaviour is scalingModifiers."""


class Composite(msgspec.Struct, frozen=True):
    """How the composite metric came about."""

    formula: str
    variables: tuple[Variable, ...] = ()
    value: float | None = None
    """The result, cut to milli-units; None when there is none."""
    error: str = ""
    """Why there is none."""
    fallback: bool = False
    """The value is the fallback's, the formula did not decide."""


class Evaluation(msgspec.Struct, frozen=True):
    """The one answer of a check: the HPA is told `metrics`, the hands do `decision`."""

    at: float
    metrics: dict[str, MetricAnswer]
    decision: Decision
    memory: Memory
    active_triggers: tuple[str, ...] = ()
    """Metric names of the active triggers."""
    readings: tuple[Reading | Failure, ...] = ()
    """What it was judged from."""
    conditions: tuple[Condition, ...] = ()
    """The conditions that this check sets (the others stay)."""
    activity: dict[str, bool] = {}
    """status.triggersActivity."""
    events: tuple[Tell, ...] = ()
    """What to tell the user, on transitions only; what the scaling itself came to is `evaluate.outcome`'s."""
    scale: Scale | NoScale | None = None
    """What the workload had."""
    composite: Composite | None = None
    """How the formula was computed, if there is one."""
    fallback: bool = False
    """Some metric is beyond its failures, and the fallback's figure stands for it."""
    no_data: Literal["upstream", "strict"] = "upstream"
    """Which semantics of missing data judged."""
    activate_to: Literal["minimum", "demand"] = "minimum"
    """Where activation goes."""
    recommendation_only: bool = False
    """None of it is carried out."""


class Policy(msgspec.Struct, frozen=True):
    """Installation-wide choices that judgement obeys; an object's annotation may override each."""

    no_data: Literal["upstream", "strict"] = "upstream"
    """strict: to zero only on a fresh zero of every trigger."""
    activate_to: Literal["minimum", "demand"] = "minimum"
    """demand: activation goes straight to what the readings ask for."""
    recommendation_only: bool = False
    """What is judged is not carried out."""
    version: str = "0.1.0"
    """For the HPA's app.kubernetes.io/version label."""


HpaBody = Raw
