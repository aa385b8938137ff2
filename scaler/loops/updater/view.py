"""What there is, as the updater sees it: pods, their controllers, what sizes them, what their namespace allows."""

import asyncio
import logging

import msgspec

from scaler.api.meta import ObjectRef
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import ApiError, Invalid
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import LIMIT_RANGES, PODS, VPAS
from scaler.loops.updater.workloads import Workloads
from scaler.vertical.limit_ranges import NO_RANGES, LimitRange, Ranges, ranges_of
from scaler.vertical.moving import is_live
from scaler.vertical.pods import SizedPod
from scaler.vertical.reading import rules_of
from scaler.vertical.rules import Rules
from scaler.vertical.scope import Scope
from scaler.vertical.targets import Controller

log = logging.getLogger("scaler.updater")

Key = tuple[str, str]
"""Namespace and name."""
Place = tuple[str, str, str]
"""Namespace, kind and name of a workload."""


class Sizer(msgspec.Struct, frozen=True):
    """One VerticalPodAutoscaler, read."""

    ref: ObjectRef
    created: float
    rules: Rules

    @property
    def key(self) -> Key:
        """Which it is."""
        return (self.ref.namespace, self.ref.name)


class View:
    """Copies of everything that judgement takes."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.scope = scope
        where = (scope.only,) if scope.only else ()
        self.pods: Informer[SizedPod] = Informer(
            connection,
            PODS,
            SizedPod,
            namespaces=where,
            fields="spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed",
        )
        self.vpas: Informer[VerticalPodAutoscaler] = Informer(
            connection, VPAS, VerticalPodAutoscaler, namespaces=where
        )
        self.ranges: Informer[LimitRange] = Informer(
            connection,
            LIMIT_RANGES,
            LimitRange,
            namespaces=where,
            indexes={"namespace": lambda one: (one.metadata.namespace,)},
        )
        self.workloads = Workloads(connection, where)
        self._sizers: dict[Place, dict[str, Sizer]] = {}
        self._by_key: dict[Key, Sizer] = {}
        self._merged: dict[str, Ranges] = {}
        self.vpas.on_change(self._vpa_changed)
        self.ranges.on_change(self._range_changed)

    async def run(self) -> None:
        """Follow it all, for ever."""
        async with asyncio.TaskGroup() as group:
            for copy in (self.vpas, self.ranges, self.pods):
                group.create_task(copy.run(), name=copy.resource.plural)
            group.create_task(self.workloads.run(), name="workloads")

    async def synced(self) -> None:
        """Return once all that there is has been seen."""
        await self.vpas.synced.wait()
        await self.ranges.synced.wait()
        await self.pods.synced.wait()
        await self.workloads.synced()

    async def sized(self) -> dict[Key, tuple[Sizer, list[SizedPod]]]:
        """The live pods of each object; of several objects on one workload the oldest counts, as for the webhook."""
        found: dict[Key, tuple[Sizer, list[SizedPod]]] = {}
        owners: dict[tuple[str, str, str], Sizer | None] = {}
        for pod in list(self.pods.objects.values()):
            owner, namespace = pod.owner, pod.metadata.namespace
            if owner is None or not is_live(pod) or not self.scope.covers(namespace):
                continue
            place = (namespace, owner.kind, owner.name)
            if place not in owners:
                owners[place] = self._strongest(namespace, await self.workloads.topmost(namespace, owner))
            sizer = owners[place]
            if sizer is not None and await self._selects(sizer, pod):
                found.setdefault(sizer.key, (sizer, []))[1].append(pod)
        return found

    def sizer(self, key: Key) -> Sizer | None:
        """One object as it is now."""
        return self._by_key.get(key)

    def allowed(self, namespace: str) -> Ranges:
        """What the LimitRanges of a namespace allow together."""
        found = self._merged.get(namespace)
        if found is None:
            there = sorted(self.ranges.select("namespace", namespace), key=lambda one: one.metadata.name)
            found = self._merged[namespace] = ranges_of(there) if there else NO_RANGES
        return found

    def _strongest(self, namespace: str, topmost: Controller | None) -> Sizer | None:
        there = self._sizers.get((namespace, topmost.kind, topmost.name)) if topmost is not None else None
        return min(there.values(), key=lambda one: (one.created, one.ref.name)) if there else None

    async def _selects(self, sizer: Sizer, pod: SizedPod) -> bool:
        """A kind that is not Kubernetes' own may control more pods than its scale means."""
        target = self.vpas.objects[sizer.key].spec.target_ref if sizer.key in self.vpas.objects else None
        if target is None:
            return False
        topmost = Controller(target.kind, target.name, target.api_version)
        if topmost.well_known:
            return True
        try:
            selector = await self.workloads.controllers.selector(pod.metadata.namespace, topmost)
        except ApiError:
            return False
        return selector is None or selector.matches(pod.metadata.labels)

    def _vpa_changed(self, old: VerticalPodAutoscaler | None, new: VerticalPodAutoscaler | None) -> None:
        if old is not None:
            self._by_key.pop((old.metadata.namespace, old.metadata.name), None)
            place = _place(old)
            there = self._sizers.get(place) if place else None
            if place and there:
                there.pop(old.metadata.name, None)
                if not there:
                    del self._sizers[place]
        place = _place(new) if new is not None else None
        if new is None or place is None:
            return
        try:
            rules = rules_of(new)
        except Invalid as wrong:
            rules = Rules(new.metadata.namespace, new.metadata.name, problem=str(wrong))
            log.warning("a VerticalPodAutoscaler cannot be read", extra={"vpa": str(new.ref), "why": str(wrong)})
        sizer = Sizer(new.ref, new.metadata.created, rules)
        self._sizers.setdefault(place, {})[new.metadata.name] = self._by_key[sizer.key] = sizer

    def _range_changed(self, old: LimitRange | None, new: LimitRange | None) -> None:
        changed = new or old
        if changed is not None:
            self._merged.pop(changed.metadata.namespace, None)


def _place(vpa: VerticalPodAutoscaler) -> Place | None:
    target = vpa.spec.target_ref
    if target is None or not vpa.spec.sizes_new_pods or vpa.metadata.deletion_timestamp:
        return None
    return vpa.metadata.namespace, target.kind, target.name
