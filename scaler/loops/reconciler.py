"""Brings the world to what an object asks for: observe, judge (`horizontal.lifecycle`), act, then let it be polled.

Statuses and events wait until no object waits for its HPA: after a start with a thousand new objects everything
scales before everything is told.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from scaler.actions import Action, ApplyHpa, DeleteHpa, PatchMetadata, SetReplicas, Tell, WriteStatus
from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.horizontal.lifecycle import not_reconciled, reconcile
from scaler.horizontal.pauses import paused
from scaler.horizontal.plans import LOOK_AGAIN, Observed, Plan, Resolved, Unresolved
from scaler.horizontal.readings import Coupling, Policy, TriggerPlan
from scaler.horizontal.status import status_write
from scaler.loops.board import Board, Key
from scaler.loops.builder import complete
from scaler.loops.checks import Hands
from scaler.loops.objects import Objects, Tracked, without_status
from scaler.loops.poller import Poller
from scaler.loops.workqueue import WorkQueue
from scaler.together.meeting import coupling_of

log = logging.getLogger("scaler.reconciler")

STATUS_PAUSE = 0.3
"""Seconds a status waits for the first check of a new object, so that one write tells both."""
WORTH_TELLING = 3
"""Failures in a row from which the user is told; an API server that hiccups is not his business."""
LOOK_AT_TEMPLATE = 300.0
"""Seconds between two looks at what a workload's template requests, where a VPA sizes its pods: nobody tells us."""
STATUS_PATIENCE = 5.0
"""Seconds a status waits, at most, for objects that still have no HPA."""


class World(Protocol):
    """What reconciling looks at."""

    async def target(self, scaled: ScaledObject) -> Resolved | Unresolved:
        """The workload; ApiError when that could not be found out."""
        ...

    async def requests(self, scaled: ScaledObject) -> tuple[Raw | None, tuple[Raw, ...]]:
        """The spec of its pods (None when it has none) and the LimitRanges of its namespace."""
        ...

    def hpas(self, scaled: ScaledObject) -> tuple[Raw, ...]:
        """HPAs by its name, its former name, or on its target."""
        ...

    def vpas(self, scaled: ScaledObject) -> tuple[VerticalPodAutoscaler, ...]:
        """Those that size its workload."""
        ...

    async def pod_template(self, scaled: ScaledObject) -> Raw | None:
        """spec.template of its workload; None when there is none."""
        ...

    def wrote_hpa(self, body: Raw) -> None:
        """A body that the API server has just returned: newer than what is watched."""
        ...

    def deleted_hpa(self, namespace: str, name: str) -> None:
        """One that was just deleted."""
        ...


class Reconciler:
    """The work queue of objects, and that of their statuses."""

    def __init__(
        self,
        *,
        objects: Objects,
        world: World,
        hands: Hands,
        tell: Callable[[Tell], None],
        build: Callable[[Tracked], Awaitable[tuple[TriggerPlan, ...]]],
        drop: Callable[[Tracked], None],
        poller: Poller,
        board: Board,
        policy: Policy,
        clock: Clock,
        workers: int,
    ) -> None:
        self._objects = objects
        self._world = world
        self._hands = hands
        self._tell = tell
        self._build = build
        self._drop = drop
        self._poller = poller
        self._board = board
        self._policy = policy
        self._clock = clock
        self._starting: set[Key] = set()
        self.on_scaling: Callable[[Tracked, SetReplicas], None] = lambda _tracked, _action: None
        """Told before a workload is set."""
        self.on_forgotten: Callable[[Tracked], None] = lambda _tracked: None
        self.queue: WorkQueue[Key] = WorkQueue(self._reconcile, self._failed, workers=workers)
        self.statuses: WorkQueue[Key] = WorkQueue(self._write_status, self._status_failed, workers=workers)

    def start(self) -> None:
        """Act on every object that is known; their first checks are spread over the first seconds."""
        for tracked in self._objects:
            self._starting.add(tracked.key)
            self.queue.add(tracked.key)
        self.queue.start()
        self.statuses.start()

    async def stop(self) -> None:
        """Stop acting; what was begun with the API server is finished there or not at all."""
        for tracked in self._objects:
            self._poller.stop(tracked)
        await asyncio.gather(self.queue.stop(), self.statuses.stop())

    def status_wanted(self, tracked: Tracked) -> None:
        """Write the object's status if it differs from what was written last."""
        if tracked.wanted != tracked.present:
            self.statuses.add_later(tracked.key, STATUS_PAUSE)

    def forget(self, key: Key) -> None:
        """The object is gone from the cluster, or no longer ours."""
        tracked = self._objects.remove(key)
        self.queue.forget(key)
        self.statuses.forget(key)
        self._starting.discard(key)
        if tracked is None:
            return
        self._poller.stop(tracked)
        self._drop(tracked)
        self.on_forgotten(tracked)
        self._board.remove(key)
        for other in self._objects.rivals(tracked):  # they may have been refused because of it
            self.queue.add(other.key)

    async def _reconcile(self, key: Key) -> float | None:
        tracked = self._objects.get(key)
        if tracked is None:
            return None
        observed = await self._observe(tracked)
        plan = reconcile(observed)
        await self._carry_out(tracked, plan)
        if self._objects.get(key) is not tracked:  # deleted, or made anew, meanwhile
            return None
        if plan.gone:
            self._poller.stop(tracked)
            self._board.remove(key)
            return None
        tracked.wanted = plan.status
        self._poll(tracked, plan)
        self.status_wanted(tracked)
        if plan.look_again is None and tracked.triggers and not complete(tracked):
            return LOOK_AGAIN  # a Secret may come, an external scaler may start
        if plan.look_again is None and observed.coupling is not None:
            return LOOK_AT_TEMPLATE
        return plan.look_again

    async def _observe(self, tracked: Tracked) -> Observed:
        scaled = tracked.scaled
        alive = scaled.metadata.deletion_timestamp is None
        target = await self._world.target(scaled)
        triggers = await self._build(tracked) if alive and not paused(scaled) else ()
        hpas = self._world.hpas(scaled)
        coupling = await self._coupling(scaled, triggers, hpas) if triggers else None
        reads_requests = any(plan.resource is not None for plan in triggers) and tracked.subject is None
        pod_spec, limit_ranges = await self._world.requests(scaled) if reads_requests else (None, ())
        return Observed(
            scaled=msgspec.structs.replace(scaled, status=tracked.wanted),
            target=target,
            triggers=triggers,
            hpas=hpas,
            others=tuple(other.scaled for other in self._objects.rivals(tracked)),
            policy=self._policy,
            pod_spec=pod_spec,
            limit_ranges=limit_ranges,
            polled_generation=tracked.polled_for[0] if tracked.polled_for else None,
            coupling=coupling,
        )

    async def _coupling(
        self, scaled: ScaledObject, triggers: tuple[TriggerPlan, ...], hpas: tuple[Raw, ...]
    ) -> Coupling | None:
        """What a VPA on the same workload makes of the HPA."""
        vpas = self._world.vpas(scaled)
        if not vpas:
            return None
        template = await self._world.pod_template(scaled)
        return coupling_of(scaled, triggers, hpas, vpas, (template or {}).get("spec"))

    async def _carry_out(self, tracked: Tracked, plan: Plan) -> None:
        for problem in plan.problems:
            log.warning("not ready", extra=_named(tracked) | {"problem": str(problem)})
        told: list[Tell] = []
        for action in plan.actions:
            if isinstance(action, Tell):
                told.append(action)
            elif not isinstance(action, WriteStatus):  # the status queue writes what `wanted` says
                await self._act(tracked, action, leaving=plan.gone)
        for event in told:
            self._tell(event)

    async def _act(self, tracked: Tracked, action: Action, *, leaving: bool) -> None:
        if isinstance(action, SetReplicas) and not leaving:
            self.on_scaling(tracked, action)
        try:
            done = await self._hands.carry_out(action)
        except ApiError:
            if leaving and isinstance(action, SetReplicas):  # a deletion must never hang on a restore
                log.exception("replicas were not restored", extra=_named(tracked))
                return
            raise
        body = getattr(done, "body", None)
        if isinstance(action, PatchMetadata) and body is not None:
            self._objects.replace(tracked, without_status(msgspec.convert(body, ScaledObject)))
        elif isinstance(action, ApplyHpa) and body is not None:
            self._world.wrote_hpa(body)
        elif isinstance(action, DeleteHpa):
            self._world.deleted_hpa(action.namespace, action.name)

    def _poll(self, tracked: Tracked, plan: Plan) -> None:
        if not plan.polls or plan.subject is None:
            tracked.subject = None
            self._poller.stop(tracked)
            self._board.remove(tracked.key)
            return
        tracked.subject = plan.subject
        if tracked.poll is None or tracked.polled_for != tracked.asks:
            self._poller.start(tracked, spread=tracked.key in self._starting)
        self._starting.discard(tracked.key)

    async def write_statuses(self) -> None:
        """Write every status that is due, before leaving; one that fails is left to the next leader."""
        due = [tracked for tracked in self._objects if tracked.wanted != tracked.present]
        for result in await asyncio.gather(*(self._put_status(tracked) for tracked in due), return_exceptions=True):
            if isinstance(result, Exception):
                log.warning("a status was not written", extra={"error": str(result)})

    async def _write_status(self, key: Key) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.queue.calm(), STATUS_PATIENCE)
        tracked = self._objects.get(key)
        if tracked is not None:
            await self._put_status(tracked)

    async def _put_status(self, tracked: Tracked) -> None:
        wanted = tracked.wanted
        write = status_write(tracked.scaled, tracked.present, wanted)
        if write is not None:
            await self._hands.carry_out(write)
        tracked.present = wanted

    def _failed(self, key: Key, error: Exception) -> None:
        _log_failure("reconciling failed", key, error)
        tracked = self._objects.get(key)
        if tracked is None or not isinstance(error, ApiError) or self.queue.failures(key) < WORTH_TELLING:
            return
        tracked.wanted, told = not_reconciled(tracked.scaled, tracked.wanted, str(error))
        self.status_wanted(tracked)
        if told is not None:
            self._tell(told)

    def _status_failed(self, key: Key, error: Exception) -> None:
        _log_failure("the status was not written", key, error)


def _named(tracked: Tracked) -> dict[str, str]:
    return {"namespace": tracked.key[0], "scaledObject": tracked.key[1]}


def _log_failure(what: str, key: Key, error: Exception) -> None:
    extra = {"namespace": key[0], "scaledObject": key[1], "error": str(error)}
    if isinstance(error, ApiError):
        log.warning(what, extra=extra)
    else:
        log.error(what, extra=extra, exc_info=error)
