"""A trigger of an object, built from its entry in spec.triggers: what loops poll and judgement plans with.

Building never raises for what a user wrote, and asking never raises for what a source did: both become values that
name the place, the value and the remedy. Resolving secrets is not done here, see `scaler.triggers.assembly`.
"""

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import Any, TypeVar

import msgspec

from scaler.api.scaledobject import TriggerSpec
from scaler.errors import Problem, Unreadable
from scaler.horizontal.metric_names import metric_name
from scaler.horizontal.readings import Failure, MetricSpec, MetricType, Reading, TriggerPlan
from scaler.triggers.advice import absent_variables, unknown, warnings
from scaler.triggers.connections import Connections
from scaler.triggers.contract import Assumed, BuildContext, Shown, Trigger
from scaler.triggers.parameters import Given, Role, declared, known_here, read, usual_path
from scaler.triggers.types import TYPES

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """What a question to a source came to, the same for all triggers that ask it."""

    shown: Shown | float | None
    """None when it failed."""
    latency: float = 0.0
    """Seconds."""
    why: str = ""
    """Why it failed."""


class BuiltTrigger:
    """One trigger of one object, ready to be read; or why it cannot be."""

    __slots__ = ("_names", "_trigger", "notes", "plan", "problems", "refreshable", "source", "warnings")

    def __init__(
        self,
        plan: TriggerPlan,
        trigger: Trigger[Any] | None = None,
        notes: tuple[str, ...] = (),
        problems: tuple[Problem, ...] = (),
        warned: tuple[Problem, ...] = (),
        *,
        refreshable: bool = False,
    ) -> None:
        self.plan = plan
        self.problems = problems
        """Why it could not be built, at paths such as ``spec.triggers[0].metadata.queueURL``."""
        self.warnings = warned
        """What works and should not stay so."""
        self.refreshable = refreshable
        """Something came from a Secret, a ConfigMap or an identity: after a failure, build it anew."""
        self.source: Hashable = None if trigger is None else (plan.type, trigger.source())
        """The question as a value: equal for triggers that would hear the same."""
        self._trigger = trigger
        self.notes = notes
        """What was missing when secrets and environment were resolved; told with every failure."""
        self._names: tuple[str, ...] = ()

    @property
    def polled(self) -> bool:
        """False for cpu and memory, and for a trigger that could not be built."""
        return self._trigger is not None and self._trigger.polled

    @property
    def dynamic(self) -> bool:
        """Its source says which metrics there are: ask by `specs` before the HPA is made."""
        return self._trigger is not None and self._trigger.dynamic

    async def specs(self, io: Connections) -> TriggerPlan:
        """The plan, with the metrics that the source offers; its problem says why when it offers none."""
        if self._trigger is None or not self._trigger.dynamic:
            return self.plan
        try:
            offers = await _bounded(io, self._trigger, self._trigger.offers)
        except Unreadable as error:
            return msgspec.structs.replace(self.plan, problem=self._with_notes(error.why))
        self._names = tuple(offer.name for offer in offers)
        metrics = tuple(
            MetricSpec(f"s{self.plan.index}-{offer.name}", offer.target, _metric_type(self._trigger.entry))
            for offer in offers
        )
        self.plan = msgspec.structs.replace(self.plan, metrics=metrics, problem="")
        return self.plan

    async def ask(self, io: Connections) -> Answer:
        """Ask the source, within the trigger's timeout."""
        assert self._trigger is not None
        begun = perf_counter()
        try:
            shown = await _bounded(io, self._trigger, self._trigger.show)
        except Unreadable as error:
            return Answer(None, perf_counter() - begun, error.why)
        return Answer(shown, perf_counter() - begun)

    def readings(self, answer: Answer, at: float) -> list[Reading | Failure]:
        """What that answer says to this trigger, metric by metric."""
        if answer.shown is None:
            why = self._with_notes(answer.why)
            names = [metric.name for metric in self.plan.metrics] or [""]
            return [Failure(self.plan.index, name, why, at) for name in names]
        return list(self._readings(answer.shown, answer.latency, at))

    async def read(self, io: Connections, now: float) -> list[Reading | Failure]:
        """Ask and say what it means here; nothing for cpu and memory."""
        if self._trigger is None:
            return [Failure(self.plan.index, "", self.plan.problem, now)]
        return self.readings(await self.ask(io), now) if self.polled else []

    def _readings(self, shown: Shown | float, latency: float, at: float) -> Iterator[Reading | Failure]:
        index = self.plan.index
        if not isinstance(shown, Shown):
            (metric,) = self.plan.metrics
            active = shown > metric.activation
            yield Reading(index, metric.name, float(shown), active, at, latency, isinstance(shown, Assumed))
            return
        if not self.plan.metrics:
            yield Failure(index, "", self._with_notes(self.plan.problem or "the source offers no metric"), at)
        for metric, name in zip(self.plan.metrics, self._names, strict=True):
            value = shown.values.get(name)
            if value is None:
                why = self._with_notes(f"the source gave no value for the metric {name} that it offers")
                yield Failure(index, metric.name, why, at)
            else:
                yield Reading(index, metric.name, value, shown.active, at, latency)

    def _with_notes(self, why: str) -> str:
        return "; ".join((why, *self.notes))


def build(index: int, entry: TriggerSpec, context: BuildContext) -> BuiltTrigger:
    """Build one entry of spec.triggers."""
    cls = TYPES.get(entry.type)
    if cls is None:
        return _unbuilt(index, entry, context, [unknown_type(entry.type)])
    given = Given(entry.metadata, context.auth, context.env)
    context = msgspec.structs.replace(context, notes=(*context.notes, *absent_variables(given)))
    trigger, problems = _make(cls, entry, given, context)
    warned = () if cls.open_metadata else tuple(_placed(index, warnings(cls.parameters_type, given)))
    if trigger is None or problems or context.problems:
        return _unbuilt(index, entry, context, problems, warned)
    trigger.prepare()
    return BuiltTrigger(
        _plan(index, entry, trigger), trigger, context.notes, warned=warned, refreshable=context.refreshable
    )


def check(
    index: int, entry: TriggerSpec, *, as_metric_source: bool = False, auth: Mapping[str, str] | None = None
) -> list[Problem]:
    """Every problem that shows without a cluster: what an authentication may yet give counts as given.

    `auth` is what it gives, where that is known.
    """
    cls = TYPES.get(entry.type)
    if cls is None:
        return _placed(index, [unknown_type(entry.type)])
    given = Given(entry.metadata, {} if entry.authentication_ref is None else auth, None)
    context = BuildContext("", "", as_metric_source=as_metric_source)
    return _placed(index, _make(cls, entry, given, context)[1])


def planned(index: int, entry: TriggerSpec, *, as_metric_source: bool = False) -> TriggerPlan:
    """What a trigger offers, as far as its manifest alone says so: what only credentials give is taken as given."""
    cls = TYPES.get(entry.type)
    problems = [unknown_type(entry.type)]
    if cls is not None:
        context = BuildContext("", "", as_metric_source=as_metric_source)
        trigger, problems = _make(cls, entry, Given(entry.metadata, None, None), context)
        if trigger is not None and not problems:
            return _plan(index, entry, trigger)
    return TriggerPlan(index, entry.type, entry.name, problem="; ".join(map(str, problems)))


def advise(index: int, entry: TriggerSpec) -> list[Problem]:
    """Warnings that show without a cluster."""
    cls = TYPES.get(entry.type)
    if cls is None or cls.open_metadata:
        return []
    return _placed(index, warnings(cls.parameters_type, Given(entry.metadata, None, None)))


def unexpected(index: int, entry: TriggerSpec) -> list[Problem]:
    """The parameters of the trigger that nobody reads."""
    cls = TYPES.get(entry.type)
    return [] if cls is None or cls.open_metadata else _placed(index, unknown(cls.parameters_type, entry.metadata))


def unknown_type(name: str) -> Problem:
    """The problem of a trigger type that is not here."""
    near = difflib.get_close_matches(name, TYPES, n=3)
    meant = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(TYPES)}"
    return Problem("type", f"is not a trigger type of this build: {meant}", name)


def _make(
    cls: type[Trigger[Any]], entry: TriggerSpec, given: Given, context: BuildContext
) -> tuple[Trigger[Any] | None, list[Problem]]:
    parameters, problems = read(cls.parameters_type, given)
    if parameters is None:
        return None, [*problems, *_metric_type_problems(cls, entry)]
    trigger = cls(parameters, entry, context)
    beyond = [*trigger.problems(), *_metric_type_problems(cls, entry)]
    if not (problems or beyond):
        beyond = list(_target_problems(trigger))
    return trigger, problems + known_here(cls.parameters_type, beyond, given)


def _metric_type_problems(cls: type[Trigger[Any]], entry: TriggerSpec) -> Iterator[Problem]:
    if cls.polled and entry.metric_type not in {"", "AverageValue", "Value"}:
        hint = " (Utilization is for cpu and memory only)" if entry.metric_type == "Utilization" else ""
        yield Problem("metricType", f"must be AverageValue or Value{hint}", entry.metric_type)


def _target_problems(trigger: Trigger[Any]) -> Iterator[Problem]:
    """An HPA refuses a target that is not positive; a formula needs none."""
    if not trigger.polled or trigger.dynamic or trigger.context.as_metric_source:
        return
    places = [usual_path(known) for known in declared(trigger.parameters_type) if Role.TARGET in known.roles]
    path = places[0] if places else "metadata"
    if trigger.target is None:
        yield Problem(path, "is required, unless a formula of scalingModifiers uses the trigger")
    elif trigger.target <= 0:
        yield Problem(path, "must be more than 0: it is what one replica stands for", trigger.target)


def _metric_type(entry: TriggerSpec) -> MetricType:
    return "Value" if entry.metric_type == "Value" else "AverageValue"


def _plan(index: int, entry: TriggerSpec, trigger: Trigger[Any]) -> TriggerPlan:
    metrics: tuple[MetricSpec, ...] = ()
    if trigger.polled and not trigger.dynamic:
        name = metric_name(index, trigger.metric)
        metrics = (MetricSpec(name, trigger.target or 0.0, _metric_type(entry), trigger.activation),)
    return TriggerPlan(index, entry.type, entry.name, metrics, trigger.resource, entry.use_cached_metrics)


def _unbuilt(
    index: int, entry: TriggerSpec, context: BuildContext, problems: list[Problem], warned: tuple[Problem, ...] = ()
) -> BuiltTrigger:
    placed = (*_placed(index, problems), *_placed(index, context.problems))
    why = "; ".join([*map(str, placed), *context.notes])
    plan = TriggerPlan(index, entry.type, entry.name, cached=entry.use_cached_metrics, problem=why)
    return BuiltTrigger(plan, None, context.notes, placed, warned, refreshable=context.refreshable)


def _placed(index: int, problems: Iterable[Problem]) -> list[Problem]:
    """The problems at their places in the object; a parameter of the authentication has none there of its own."""
    placed = []
    for problem in problems:
        path, message = problem.path, problem.message
        if path.startswith("authentication."):
            path, message = "authenticationRef", f"parameter {path.partition('.')[2]} {message}"
        placed.append(Problem(f"spec.triggers[{index}].{path}", message, problem.value))
    return placed


async def _bounded(io: Connections, trigger: Trigger[Any], work: Callable[[Connections], Awaitable[T]]) -> T:
    """The work's result within the trigger's timeout; Unreadable for all that a source may do to us."""
    if trigger.library is not None:
        await io.ready(trigger.library)
    try:
        async with asyncio.timeout(trigger.timeout):
            return await work(io)
    except TimeoutError:
        raise Unreadable(
            f"{trigger.place} did not answer within {trigger.timeout:g} s: see whether it is up and reachable"
        ) from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise Unreadable(f"{trigger.place} gave an answer that makes no sense: {error}") from error
