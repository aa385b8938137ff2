"""CustomResourceDefinitions on their way out: first their objects go, then they."""

from collections.abc import Iterable

from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.builtin import CLEANUP
from scaler.sim.apiserver.definitions import NAME, resource_of
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table
from scaler.sim.controllers import owned

LOOK_AGAIN = 0.5
"""Seconds until a definition whose objects have finalizers is looked at again."""


class Definitions:
    """Reconciles CustomResourceDefinitions that are deleted. The real server does this itself."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions = registry.kind("customresourcedefinitions", "apiextensions.k8s.io")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == NAME and event.type != DELETED and event.now.object["metadata"].get("deletionTimestamp"):
            yield event.key

    async def reconcile(self, key: Key) -> float | None:
        definition = self.registry.get(self.definitions, key).object
        if not owned.condition(definition, "Terminating"):
            await self._announce(key, definition)
        if await self._empty(definition):
            return LOOK_AGAIN
        await self.registry.update(self.definitions, key, _released)
        return None

    async def _announce(self, key: Key, definition: Object) -> None:
        said = "CustomResource deletion is in progress"
        new = {"type": "Terminating", "status": "True", "reason": "InstanceDeletionInProgress", "message": said}
        conditions = owned.conditions(at(definition, "status.conditions") or (), [new], self.registry.clock.now())
        status = {**definition["status"], "conditions": conditions}
        await self.registry.update(self.definitions, key, owned.with_status(status), subresource="status")

    async def _empty(self, definition: Object) -> int:
        """Delete its objects; how many are still there afterwards."""
        resource = resource_of(definition)
        served = self.registry.kind(resource.plural, resource.group)
        left = 0
        for stored in self.registry.list(served):
            place = owned.key_of(stored.object)
            _, gone = await deletion.delete(self.registry, served, place, DeleteOptions())
            left += not gone
        return left


def _released(definition: Object) -> Object:
    meta = definition["metadata"]
    kept = [name for name in meta.get("finalizers") or () if name != CLEANUP]
    return {**definition, "metadata": {**meta, "finalizers": kept or None}}
