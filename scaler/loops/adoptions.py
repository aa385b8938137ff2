"""Users' own HPAs that ask to be adopted: judged by `scaler.together.adoption`, written where that differs.

The HPAs and VPAs are those that the operator follows anyway; an HPA that never asked costs one look at its
annotations. Whoever leads writes; the others only keep in mind what is to be looked at.
"""

import logging
from typing import Protocol

from scaler.actions import ApplyHpa
from scaler.api.meta import Raw
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import ApiError, Invalid
from scaler.loops.arrivals import asks as asks_of
from scaler.loops.board import Key
from scaler.loops.checks import Hands
from scaler.loops.hpas import HpaCopy, place
from scaler.loops.reconciler import LOOK_AT_TEMPLATE
from scaler.loops.workqueue import WorkQueue
from scaler.together.adoption import adoption, asks, concerns

log = logging.getLogger("scaler.adoptions")

UNKNOWN = 2.0
"""Seconds until another look, while it is not known yet which VPAs there are."""
WORKERS = 4


class World(Protocol):
    """What is looked at."""

    def hpa(self, namespace: str, name: str) -> HpaCopy | None: ...

    def hpas_on(self, target: str) -> list[HpaCopy]: ...

    async def hpa_now(self, namespace: str, name: str) -> Raw | None: ...

    async def vpas_on(self, target: str) -> tuple[VerticalPodAutoscaler, ...] | None: ...

    async def template_of(self, namespace: str, api_version: str, kind: str, name: str) -> Raw | None: ...

    def wrote_hpa(self, body: Raw) -> None: ...


class Adoptions:
    """The work queue of HPAs that are to be adopted, or were."""

    def __init__(self, world: World, hands: Hands) -> None:
        self._world = world
        self._hands = hands
        self.queue: WorkQueue[Key] = WorkQueue(self._look, self._failed, workers=WORKERS)

    def hpa(self, old: HpaCopy | None, new: HpaCopy | None) -> None:
        """One was made, changed or deleted: it, and those on the same workload, are looked at."""
        if old is not None and new is not None and new.same_wish(old):
            return
        if new is None and old is not None:
            self.queue.forget(old.key)
        for target in {copy.target for copy in (old, new) if copy is not None}:
            self._woken(target)

    def vpa(self, old: VerticalPodAutoscaler | None, new: VerticalPodAutoscaler | None) -> None:
        """One was made, changed or deleted; what it recommends is no matter here."""
        if old is not None and new is not None and asks_of(old) == asks_of(new):
            return
        for there in (old, new):
            ref = there.spec.target_ref if there is not None else None
            if there is not None and ref is not None:
                self._woken(place(there.metadata.namespace, ref.kind, ref.name))

    def _woken(self, target: str) -> None:
        for copy in self._world.hpas_on(target):
            if concerns(copy.metadata.annotations):
                self.queue.add(copy.key)

    async def _look(self, key: Key) -> float | None:
        copy = self._world.hpa(*key)
        if copy is None or not concerns(copy.metadata.annotations):
            return None
        wishes = asks(copy.metadata.annotations)
        vpas = await self._world.vpas_on(copy.target) if wishes else ()
        if vpas is None:  # to take them for none would give back what is to be held again a moment later
            return UNKNOWN
        template = await self._template(copy) if vpas else None
        try:
            if self._wanted(copy, copy.manifest(), vpas, template) is not None:
                await self._write(copy, vpas, template)
        except Invalid as error:
            log.warning("an HPA is left as it is", extra=_named(key) | {"error": str(error)})
            return None
        return LOOK_AT_TEMPLATE if vpas else None

    async def _template(self, copy: HpaCopy) -> Raw | None:
        ref = copy.manifest()["spec"].get("scaleTargetRef") or {}
        version, kind, name = (str(ref.get(field, "")) for field in ("apiVersion", "kind", "name"))
        return await self._world.template_of(copy.metadata.namespace, version, kind, name)

    def _wanted(
        self, copy: HpaCopy, hpa: Raw, vpas: tuple[VerticalPodAutoscaler, ...], template: Raw | None
    ) -> Raw | None:
        others = [other.manifest() for other in self._world.hpas_on(copy.target) if other.key != copy.key]
        return adoption(hpa, others, vpas, (template or {}).get("spec"))

    async def _write(self, copy: HpaCopy, vpas: tuple[VerticalPodAutoscaler, ...], template: Raw | None) -> None:
        """Judge what the API server has now, for that is what is replaced: our copy is late, and is not all of it."""
        now = await self._world.hpa_now(*copy.key)
        body = self._wanted(copy, now, vpas, template) if now is not None else None
        if now is None or body is None:
            return
        held = body["metadata"]["annotations"].keys() - (now["metadata"].get("annotations") or {}).keys()
        why = "a user's HPA is adopted" if held else "an adopted HPA is brought up to date, or given back"
        done = await self._hands.carry_out(ApplyHpa(*copy.key, body, now, theirs=True), why)
        written = getattr(done, "body", None)
        if written is not None:
            self._world.wrote_hpa(written)

    def _failed(self, key: Key, error: Exception) -> None:
        extra = _named(key) | {"error": str(error)}
        if isinstance(error, ApiError):
            log.warning("an HPA was not adopted or given back; it is tried again", extra=extra)
        else:
            log.error("an HPA was not judged", extra=extra, exc_info=error)


def _named(key: Key) -> dict[str, str]:
    return {"namespace": key[0], "hpa": key[1]}
