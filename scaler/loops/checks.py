"""A check of one object: read its triggers, judge, tell the board. For a poll, and for a read that looks again.

A poll decides and acts; a look only refreshes what the HPA is told, so that polls alone set the pace of decisions
(KEDA's rule). Both go through the same judgement and the same board: there is one truth.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from scaler.actions import Action, SetReplicas, Tell
from scaler.api.meta import ObjectRef
from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.horizontal.answer import answer, replaced
from scaler.horizontal.evaluate import evaluate, outcome, scaling
from scaler.horizontal.metric_names import COMPOSITE, spelling
from scaler.horizontal.readings import (
    Evaluation,
    Failure,
    Memory,
    MetricAnswer,
    NoScale,
    Policy,
    Reading,
    Scale,
    Subject,
)
from scaler.horizontal.status import ADVANCE, judged
from scaler.loops.board import Board, BoardEntry, Key
from scaler.loops.journal.lines import Observation
from scaler.loops.objects import Objects, Tracked
from scaler.loops.sources import Sources
from scaler.triggers.built import Answer, BuiltTrigger

log = logging.getLogger("scaler.checks")

ADVANCES = 2.0
"""Writes a second, of all objects together, that only let lastActiveTime advance.

Each comes back as a change of the object, and costs as much as three polls. Nothing rests on them: what was active
when an operator died counts as active until its successor has looked.
"""
SLACK = 0.1
"""Part of an interval: an answer this close to growing old is not taken for this interval's."""


class Hands(Protocol):
    """What carries out an action; raises ApiError when Kubernetes says no."""

    async def carry_out(self, action: Action, why: str = "") -> object: ...


class Scales(Protocol):
    """What tells how many replicas a workload has."""

    async def read(self, subject: Subject, *, ready: bool) -> Scale | NoScale: ...


class Checks:
    """Reads, judges and tells; keeps no object of its own."""

    def __init__(
        self,
        *,
        objects: Objects,
        board: Board,
        sources: Sources[Answer],
        ask: Callable[[BuiltTrigger], Awaitable[Answer]],
        rebuild: Callable[[Tracked, Sequence[int]], Awaitable[None]],
        scales: Scales,
        hands: Hands,
        tell: Callable[[Tell], None],
        policy: Policy,
        clock: Clock,
        status_interval: float = ADVANCE,
    ) -> None:
        """`status_interval` is the time between two writes of lastActiveTime while an object stays active."""
        self._objects = objects
        self._board = board
        self._sources = sources
        self._ask = ask
        self._rebuild = rebuild
        self._scales = scales
        self._hands = hands
        self._tell = tell
        self._policy = policy
        self._clock = clock
        self._status_interval = status_interval
        self.on_scaling: Callable[[Tracked, SetReplicas], None] = lambda _tracked, _action: None
        """Told before a workload is set."""
        self.on_evaluation: list[Callable[[Tracked, Evaluation], None]] = []
        """Told after each poll: the status queue, metrics, the demo."""
        self.on_look: list[Callable[[Tracked, Sequence[Reading | Failure]], None]] = []
        """Told what each look found: metrics."""
        self.on_observation: list[Callable[[Observation], None]] = []
        """Told of each poll and look as it was judged: the journal."""

    async def poll(self, tracked: Tracked) -> float | None:
        """One check with all its consequences.

        Returns when the shared answers among its readings grow old (epoch seconds), None when all were its own.
        """
        subject = tracked.subject
        if subject is None:
            return None
        interval = subject.scaled.spec.polling
        readings, shared_at = await self._read_all(tracked, max_age=interval * (1 - SLACK))
        scale = await self._scales.read(subject, ready=_needs_ready(subject, readings))
        current = tracked.subject
        if current is None or current.scaled is not subject.scaled:  # changed while we read: its new loop judges
            return None
        subject = current  # its triggers may have been built again
        now = self._clock.now()
        before = tracked.memory
        evaluation = evaluate(subject, readings, scale, before, self._policy, now, tracked.hpa)
        tracked.memory, tracked.readings, tracked.evaluation = evaluation.memory, readings, evaluation
        if self.on_observation:
            self._observed(_poll_seen(tracked, subject, scale, before, evaluation))
        self._publish(tracked, subject, evaluation.metrics, now)
        await self._act(tracked, subject, evaluation)
        tracked.wanted = judged(tracked.wanted, evaluation, advance=self._advance)
        for listener in self.on_evaluation:
            listener(tracked, evaluation)
        return None if shared_at is None else shared_at + interval

    @property
    def _advance(self) -> float:
        return max(self._status_interval, len(self._objects) / ADVANCES)

    async def look(self, namespace: str, name: str, metric: str) -> MetricAnswer:
        """What one metric shows now; LookupError names an object or metric that is not here."""
        tracked = self._objects.get((namespace, name))
        subject = tracked.subject if tracked else None
        if tracked is None or subject is None:
            raise LookupError(f"ScaledObject {namespace}/{name} is not being polled")
        metric = spelling(metric, [name for trigger in tracked.triggers for name in _names(trigger)])
        looked_at = _triggers_of(tracked, metric)
        if not looked_at:
            raise LookupError(f"ScaledObject {namespace}/{name} has no metric {metric}")
        fresh, _ = await self._read(looked_at, max_age=0.0)
        for listener in self.on_look:
            listener(tracked, fresh)
        scale = await self._scales.read(subject, ready=_needs_ready(subject, fresh))
        now = self._clock.now()
        readings = replaced(tracked.readings, fresh)
        counting = None if metric == COMPOSITE else {metric}
        before = tracked.memory
        answers = answer(subject, readings, scale, before, now, counting=counting)
        if self.on_observation:
            seen = Observation(tracked.key, now, subject, scale, fresh, before, answers.memory, metric=metric)
            self._observed(seen)
        if tracked.subject is subject:
            tracked.memory, tracked.readings = answers.memory, readings
            if _all_read(tracked, readings):  # else a new leader would replace what is known of the other metrics
                self._publish(tracked, subject, answers.metrics, now)
        found = answers.metrics.get(metric)
        if found is None:
            raise LookupError(f"ScaledObject {namespace}/{name} has no metric {metric}")
        return found

    async def _read_all(self, tracked: Tracked, max_age: float) -> tuple[tuple[Reading | Failure, ...], float | None]:
        """Every trigger once; those that failed are built again (secrets may have changed) and asked once more."""
        readings, shared_at = await self._read(tracked.triggers, max_age)
        failed = sorted({reading.trigger for reading in readings if isinstance(reading, Failure)})
        if not failed:
            return readings, shared_at
        await self._rebuild(tracked, failed)
        again, _ = await self._read([trigger for trigger in tracked.triggers if trigger.plan.index in failed], 0.0)
        return replaced(readings, again), shared_at

    async def _read(
        self, triggers: Sequence[BuiltTrigger], max_age: float
    ) -> tuple[tuple[Reading | Failure, ...], float | None]:
        polled = [trigger for trigger in triggers if trigger.plan.resource is None]
        if not polled:
            return (), None
        if len(polled) == 1:  # the common case is spared a task
            found = [await self._read_one(polled[0], max_age)]
        else:
            found = await asyncio.gather(*(self._read_one(trigger, max_age) for trigger in polled))
        shared = [at for _, at in found if at is not None]
        return tuple(reading for readings, _ in found for reading in readings), min(shared, default=None)

    async def _read_one(
        self, trigger: BuiltTrigger, max_age: float
    ) -> tuple[Sequence[Reading | Failure], float | None]:
        started = self._clock.now()
        if not trigger.polled:  # it could not be built, and says why
            return [Failure(trigger.plan.index, "", trigger.plan.problem, started)], None
        asked = await self._sources.ask(trigger.source, lambda: self._ask(trigger), max_age=max_age)
        return trigger.readings(asked.answer, asked.at), (asked.at if asked.at < started else None)

    def _publish(self, tracked: Tracked, subject: Subject, metrics: dict[str, MetricAnswer], now: float) -> None:
        self._board.publish(
            BoardEntry(
                namespace=tracked.key[0],
                name=tracked.key[1],
                metrics=metrics,
                cached=_cached(subject),
                polling=subject.scaled.spec.polling,
                evaluated_at=now,
            )
        )

    def _observed(self, seen: Observation) -> None:
        for listener in self.on_observation:
            listener(seen)

    async def _act(self, tracked: Tracked, subject: Subject, evaluation: Evaluation) -> None:
        action = scaling(subject, evaluation)
        error = ""
        if action is not None:
            self.on_scaling(tracked, action)
            try:
                await self._hands.carry_out(action, evaluation.decision.message)
            except ApiError as refused:
                error = str(refused)
                log.warning("scaling failed", extra=_named(subject.scaled.ref) | {"error": error})
        done = outcome(subject, evaluation, error)
        if done is not None:
            self._tell(done)
        for event in evaluation.events:
            level = logging.WARNING if event.type == "Warning" else logging.INFO
            log.log(level, event.message, extra=_named(subject.scaled.ref) | {"reason": event.reason})
            self._tell(event)


def _poll_seen(
    tracked: Tracked, subject: Subject, scale: Scale | NoScale, before: Memory, evaluation: Evaluation
) -> Observation:
    decision = evaluation.decision
    return Observation(
        tracked.key,
        evaluation.at,
        subject,
        scale,
        tracked.readings,
        before,
        evaluation.memory,
        tracked.hpa,
        decision.rule,
        decision.replicas,
    )


def entry_key(ref: ObjectRef) -> Key:
    """The board's key of an object."""
    return (ref.namespace, ref.name)


def _named(ref: ObjectRef) -> dict[str, str]:
    return {"namespace": ref.namespace, "scaledObject": ref.name}


def _all_read(tracked: Tracked, readings: Sequence[Reading | Failure]) -> bool:
    """Whether every trigger that has a source has been asked at least once."""
    read = {reading.trigger for reading in readings}
    return all(trigger.plan.index in read for trigger in tracked.triggers if trigger.plan.resource is None)


def _triggers_of(tracked: Tracked, metric: str) -> list[BuiltTrigger]:
    if metric == COMPOSITE and tracked.scaled.spec.advanced.scaling_modifiers.used:
        return [trigger for trigger in tracked.triggers if trigger.plan.resource is None]
    return [trigger for trigger in tracked.triggers if metric in _names(trigger)]


def _names(trigger: BuiltTrigger) -> list[str]:
    return [spec.name for spec in trigger.plan.metrics]


_NONE = frozenset[str]()


def _cached(subject: Subject) -> frozenset[str]:
    external = [plan for plan in subject.triggers if plan.resource is None]
    if not any(plan.cached for plan in external):
        return _NONE
    if subject.scaled.spec.advanced.scaling_modifiers.used:
        return frozenset({COMPOSITE}) if all(plan.cached for plan in external) else frozenset()
    return frozenset(spec.name for plan in external if plan.cached for spec in plan.metrics)


def _needs_ready(subject: Subject, readings: Sequence[Reading | Failure]) -> bool:
    """Counting ready pods costs a question; only a fallback of a Value metric needs the number."""
    if subject.scaled.spec.fallback is None or not any(isinstance(reading, Failure) for reading in readings):
        return False
    modifiers = subject.scaled.spec.advanced.scaling_modifiers
    if modifiers.used:
        return modifiers.metric_type == "Value"
    return any(spec.metric_type == "Value" for plan in subject.triggers for spec in plan.metrics)
