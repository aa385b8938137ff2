"""From what a VerticalPodAutoscaler names to the pods it means: a selector, or why there is none.

The kinds that every cluster has are read from lean copies, each followed from the first object on that names it; all
others are asked for their scale, and remembered for minutes. The target must be the topmost of its controllers: what
stands above it would make pods of another size. Source: upstream's target selector fetcher.
"""

import asyncio
import logging
from collections.abc import Collection

from scaler.api.meta import Kind, Raw
from scaler.api.selector import Selector, selector_from
from scaler.api.verticalpodautoscaler import TargetRef
from scaler.errors import ApiError, Invalid
from scaler.kube.connection import Connection
from scaler.kube.controllers import RESOURCES, Controllers
from scaler.kube.discovery import Discovery, Unknown
from scaler.kube.informer import Informer
from scaler.vertical.conditions import Trouble
from scaler.vertical.pods import Owner
from scaler.vertical.targets import Controller

log = logging.getLogger("scaler.targets")


class _Meta(Kind, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    owner_references: tuple[Owner, ...] = ()


class _TemplateMeta(Kind, frozen=True, gc=False):
    labels: dict[str, str] = {}


class _Template(Kind, frozen=True, gc=False):
    metadata: _TemplateMeta = _TemplateMeta()


class _JobSpec(Kind, frozen=True, gc=False):
    template: _Template = _Template()


class _JobTemplate(Kind, frozen=True, gc=False):
    spec: _JobSpec = _JobSpec()


class _Spec(Kind, frozen=True, gc=False):
    selector: Raw | None = None
    template: _Template = _Template()
    job_template: _JobTemplate = _JobTemplate()


class Workload(Kind, frozen=True, gc=False):
    """A workload, as far as its pods are to be found."""

    metadata: _Meta = _Meta()
    spec: _Spec = _Spec()

    @property
    def controller(self) -> Controller | None:
        """Its own controller."""
        for owner in self.metadata.owner_references:
            if owner.controller:
                return Controller(owner.kind, owner.name, owner.api_version)
        return None


Found = Selector | Trouble


class Targets:
    """Whose pods are meant; the copies are followed by `run`."""

    def __init__(self, connection: Connection, namespaces: Collection[str] = ()) -> None:
        self._connection = connection
        self._namespaces = namespaces
        self._discovery = Discovery(connection)
        self._controllers = Controllers(connection, self._discovery)
        self._copies: dict[str, Informer[Workload]] = {}
        self._begun: asyncio.Queue[Informer[Workload]] = asyncio.Queue()
        self._selectors: dict[tuple[str, str, str], tuple[str, Selector]] = {}
        self._last: dict[tuple[str, Controller], Selector] = {}

    async def run(self) -> None:
        """Follow the kinds that are asked about, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                copy = await self._begun.get()
                group.create_task(copy.run(), name=copy.resource.plural)

    async def find(self, namespace: str, target: TargetRef | None) -> Found:
        """The pods of a target, by its selector."""
        if target is None:
            return Trouble("NoTarget", "spec.targetRef is missing: kind and name of the workload to size")
        wanted = Controller(target.kind, target.name, target.api_version)
        try:
            found = await self._find(namespace, wanted)
        except ApiError as error:
            return self._unreadable(namespace, wanted, error)
        if isinstance(found, Selector):
            self._last[namespace, wanted] = found
        return found

    def _unreadable(self, namespace: str, target: Controller, error: ApiError) -> Found:
        """What was known goes on: an API server that cannot say is no reason to lose pods."""
        log.warning("%s %s of namespace %s cannot be read: %s", target.kind, target.name, namespace, error)
        known = self._last.get((namespace, target))
        return known if known is not None else Trouble("TargetUnreadable", f"{target.kind} {target.name}: {error}")

    async def _find(self, namespace: str, target: Controller) -> Found:
        if not target.well_known:
            return await self._by_scale(namespace, target)
        copy = await self._copy(target.kind)
        workload = copy.get(namespace, target.name)
        if workload is None:
            return Trouble("TargetNotFound", f"{target.kind} {target.name} does not exist in namespace {namespace}")
        above = await self._above(namespace, target) if workload.controller else None
        return above or self._selector(target, workload)

    async def _above(self, namespace: str, target: Controller) -> Trouble | None:
        """Why its controllers stand in the way, if they do; None when there is no such above it."""
        way = await self._controllers.topmost(namespace, target)
        if way.problem:
            return Trouble("NotTopmost", way.problem)
        top = way.topmost
        if top is None or (top.kind, top.name) == (target.kind, target.name):
            return None
        words = f"{target.kind} {target.name} is controlled by {top.kind} {top.name}: name that one as the target"
        return Trouble("NotTopmost", words)

    async def _by_scale(self, namespace: str, target: Controller) -> Found:
        above = await self._above(namespace, target)
        if above is not None:
            return above
        found = await self._discovery.resolve(target.api_version, target.kind)
        if isinstance(found, Unknown):
            return Trouble("UnknownKind" if found.cause == "no-kind" else "NoScale", found.why)
        selector = await self._controllers.selector(namespace, target)
        if self._controllers.recall(namespace, target).topmost is None:
            return Trouble("TargetNotFound", f"{target.kind} {target.name} does not exist in namespace {namespace}")
        if selector is None or selector.nothing:
            words = f"the scale of {target.kind} {target.name} has no status.selector, which says whose its pods are"
            return Trouble("NoSelector", words)
        return selector

    async def _copy(self, kind: str) -> Informer[Workload]:
        copy = self._copies.get(kind)
        if copy is None:
            copy = Informer(self._connection, RESOURCES[kind], Workload, namespaces=self._namespaces)
            self._copies[kind] = copy
            self._begun.put_nowait(copy)
        await copy.synced.wait()
        return copy

    def _selector(self, target: Controller, workload: Workload) -> Found:
        place = (target.kind, workload.metadata.namespace, workload.metadata.name)
        version, known = self._selectors.get(place, ("", None))
        if known is not None and version == workload.metadata.resource_version:
            return known
        try:
            found = _selector_of(target.kind, workload)
        except Invalid as wrong:
            return Trouble("NoSelector", f"{target.kind} {target.name}: {wrong}")
        if found.nothing or not found.requirements:
            words = f"{target.kind} {target.name} has no labels that tell its pods from others: give its template one"
            return Trouble("NoSelector", words)
        self._selectors[place] = (workload.metadata.resource_version, found)
        return found


def _selector_of(kind: str, workload: Workload) -> Selector:
    spec = workload.spec
    if kind == "CronJob":
        return selector_from({"matchLabels": spec.job_template.spec.template.metadata.labels})
    if kind == "Job":
        return selector_from({"matchLabels": spec.template.metadata.labels})
    if kind == "ReplicationController":
        return selector_from({"matchLabels": spec.selector or {}})
    return selector_from(spec.selector)
