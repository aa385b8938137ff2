"""Builds the triggers of an object, and builds them again when what they were built from has changed.

A trigger is built from its text, the credentials it refers to and the environment of its target's container. The
triggers themselves know how (`scaler.triggers.assembly`); here stands only when, and who uses which source.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec

from scaler.actions import Tell
from scaler.api.scaledobject import ScaledObject
from scaler.errors import ApiError
from scaler.horizontal import events
from scaler.horizontal.readings import TriggerPlan
from scaler.loops.objects import Tracked, authentications
from scaler.loops.sources import Sources
from scaler.triggers.assembly import assemble
from scaler.triggers.built import Answer, BuiltTrigger, unexpected
from scaler.triggers.connections import Connections
from scaler.triggers.lookup import Access, World

log = logging.getLogger("scaler.builder")


class Builder:
    """Builds, and keeps the count of who uses which source."""

    def __init__(
        self,
        world: World,
        connections: Connections,
        sources: Sources[Answer],
        *,
        access: Access,
        timeout: float,
        tell_unexpected: Callable[[Tell], None] | None = None,
    ) -> None:
        """`tell_unexpected` gets an event for each trigger parameter that nobody reads."""
        self._world = world
        self._connections = connections
        self._sources = sources
        self._access = access
        self._timeout = timeout
        self._tell_unexpected = tell_unexpected
        self.on_new_plans: Callable[[Tracked], None] = lambda _tracked: None
        """Told when triggers that were built again offer other metrics than before."""

    async def build(self, tracked: Tracked) -> tuple[TriggerPlan, ...]:
        """The plans of the object's triggers, building those that are not built from what stands there now."""
        wanted = (tracked.scaled.metadata.generation, self._credentials(tracked))
        if tracked.built_from != wanted or not complete(tracked):
            self._replace(tracked, await self._built(tracked))
            if self._tell_unexpected is not None and tracked.built_from != wanted:
                _tell_each(tracked.scaled, self._tell_unexpected)
            tracked.built_from = wanted
        return tuple(trigger.plan for trigger in tracked.triggers)

    async def rebuild(self, tracked: Tracked, failed: Sequence[int]) -> None:
        """Build those triggers again: secrets or environment may have changed; the others stay as they are."""
        if not _refreshable(tracked, failed):
            return
        subject = tracked.subject
        try:
            fresh = await self._built(tracked)
        except ApiError as error:  # what failed stays failed; the next check tries again
            extra = {"namespace": tracked.key[0], "scaledObject": tracked.key[1], "error": str(error)}
            log.warning("triggers were not built again", extra=extra)
            return
        if subject is None or tracked.subject is not subject:
            return
        mixed = tuple(
            new if new.plan.index in failed else old for old, new in zip(tracked.triggers, fresh, strict=True)
        )
        self._replace(tracked, mixed)
        plans = tuple(trigger.plan for trigger in mixed)
        if plans != subject.triggers:  # the HPA asks for other metrics now
            tracked.subject = msgspec.structs.replace(subject, triggers=plans)
            self.on_new_plans(tracked)

    def void(self, tracked: Tracked) -> None:
        """What was built for the object must not be used again."""
        tracked.built_from = None

    def drop(self, tracked: Tracked) -> None:
        """The object is gone."""
        self._replace(tracked, ())

    async def _built(self, tracked: Tracked) -> tuple[BuiltTrigger, ...]:
        triggers = await assemble(tracked.scaled, self._world, self._access, self._timeout)
        for trigger in triggers:
            if trigger.dynamic:
                await trigger.specs(self._connections)
            for warning in trigger.warnings:
                extra = {"namespace": tracked.key[0], "scaledObject": tracked.key[1], "problem": str(warning)}
                log.warning("a trigger was built with a doubt", extra=extra)
        return triggers

    def _replace(self, tracked: Tracked, triggers: tuple[BuiltTrigger, ...]) -> None:
        for old, new in zip(tracked.triggers, triggers, strict=False):
            _keep_metrics(old, new)
        for trigger in triggers:
            if trigger.polled:
                self._sources.use(trigger.source)
        for trigger in tracked.triggers:
            if trigger.polled:
                self._sources.leave(trigger.source)
        tracked.triggers = triggers

    def _credentials(self, tracked: Tracked) -> tuple[object, ...]:
        return tuple(
            None if found is None else (found.metadata.uid, found.metadata.generation)
            for found in (self._world.authentication(*ref) for ref in authentications(tracked))
        )


def _tell_each(scaled: ScaledObject, tell: Callable[[Tell], None]) -> None:
    for index, entry in enumerate(scaled.spec.triggers):
        for problem in unexpected(index, entry):
            tell(events.unexpected(scaled, str(problem)))


def complete(tracked: Tracked) -> bool:
    """Whether every trigger was built and every one that asks its server for its metrics has got them."""
    return bool(tracked.triggers) and all(
        not trigger.plan.problem and (not trigger.dynamic or trigger.plan.metrics) for trigger in tracked.triggers
    )


def _keep_metrics(old: BuiltTrigger, new: BuiltTrigger) -> None:
    """One that was built before and cannot be now keeps its metrics: their failures count, and a fallback engages."""
    if new.plan.problem and not new.plan.metrics and old.plan.type == new.plan.type:
        new.plan = msgspec.structs.replace(new.plan, metrics=old.plan.metrics)


def _refreshable(tracked: Tracked, failed: Sequence[int]) -> bool:
    """Whether building again may help: with what the cluster says, or what the source says of itself."""
    return any(
        built.refreshable or built.dynamic or not built.polled
        for built in tracked.triggers
        if built.plan.index in failed
    )
