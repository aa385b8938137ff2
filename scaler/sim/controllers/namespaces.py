"""Namespaces: what each is born with, and how one that is deleted is emptied."""

from collections.abc import Iterable

from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table

LOOK_AGAIN = 0.5
"""Seconds until a namespace that still has something in it is looked at again."""


class Namespaces:
    """Reconciles Namespaces."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.namespaces = registry.kind("namespaces")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "namespaces" and event.type != DELETED:
            yield event.key

    async def reconcile(self, key: Key) -> float | None:
        namespace = self.registry.get(self.namespaces, key).object
        if not namespace["metadata"].get("deletionTimestamp"):
            await self._furnish(key[1])
            return None
        if await self._empty(key[1]):
            return LOOK_AGAIN
        await self.registry.update(self.namespaces, key, _finalized)
        return None

    async def _furnish(self, name: str) -> None:
        """A service account, and the authority of the server."""
        accounts = self.registry.kind("serviceaccounts")
        if self.registry.peek(accounts, (name, "default")) is None:
            await self.registry.create(accounts, name, {"metadata": {"name": "default"}})

    async def _empty(self, name: str) -> int:
        """Delete everything in it; how much is still there afterwards."""
        left = 0
        for served in list(self.registry.served.values()):
            if not served.resource.namespaced or served.group != served.resource.group:
                continue
            for stored in self.registry.list(served, name):
                key = (name, stored.object["metadata"]["name"])
                _, gone = await deletion.delete(
                    self.registry, served, key, DeleteOptions(propagation_policy="Background")
                )
                left += not gone
        return left


def _finalized(namespace: Object) -> Object:
    return {**namespace, "spec": {"finalizers": []}}
