"""The garbage collector: what nobody owns any more goes, and owners wait for theirs when asked to.

Source: background, foreground and orphan deletion of the API concepts.
"""

from collections.abc import Iterable

from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import FOREGROUND, ORPHAN, DeleteOptions
from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table

Place = tuple[str, str, str]
"""Table, namespace and name."""


class Garbage:
    """Reconciles ownership. Its keys are a table's name and namespace and name, joined by a slash."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._alive: dict[str, Place] = {}
        """Where each uid is."""
        self._owned: dict[str, dict[Place, None]] = {}
        """What names each uid as an owner."""

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        place = (table.name, *event.key)
        obj = event.now.object
        uid, owners = obj["metadata"]["uid"], _owners(obj)
        if event.before is not None:
            for owner in _owners(event.before.object):
                self._owned.get(owner["uid"], {}).pop(place, None)
        if event.type == DELETED:
            self._alive.pop(uid, None)
            yield from (_key(dependent) for dependent in self._owned.get(uid, ()))
            yield from (_key(self._alive[owner["uid"]]) for owner in owners if owner["uid"] in self._alive)
            return
        self._alive[uid] = place
        for owner in owners:
            self._owned.setdefault(owner["uid"], {})[place] = None
        if owners or _is_waiting(obj):
            yield _key(place)

    async def reconcile(self, key: Key) -> float | None:
        name, (namespace, _, own) = key[0], key[1].partition("/")
        served = self._served(name)
        stored = self.registry.peek(served, (namespace, own)) if served else None
        if served is None or stored is None:
            return None
        obj = stored.object
        if _is_waiting(obj):
            await self._let_go(served, obj)
        elif _owners(obj) and not any(owner["uid"] in self._alive for owner in _owners(obj)):
            await self._delete(served, obj, "Background")
        return None

    async def _let_go(self, served: Served, obj: Object) -> None:
        """Bring about what a finalizer of ours waits for, and take it away then."""
        finalizers = obj["metadata"]["finalizers"]
        if ORPHAN in finalizers:
            for dependent, found in self._dependents(obj):
                await self._disown(dependent, found, obj)
            await self._remove_finalizer(served, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            waited_for = False
            for dependent, found in self._dependents(obj):
                if not found["metadata"].get("deletionTimestamp"):
                    await self._delete(dependent, found, "Foreground")
                waited_for = waited_for or any(
                    owner["uid"] == obj["metadata"]["uid"] and owner.get("blockOwnerDeletion")
                    for owner in _owners(found)
                )
            if not waited_for or not self._dependents(obj):
                await self._remove_finalizer(served, obj, FOREGROUND)

    def _dependents(self, obj: Object) -> list[tuple[Served, Object]]:
        found = []
        for name, namespace, own in list(self._owned.get(obj["metadata"]["uid"], ())):
            served = self._served(name)
            stored = self.registry.peek(served, (namespace, own)) if served else None
            if served is not None and stored is not None:
                found.append((served, stored.object))
        return found

    async def _delete(self, served: Served, obj: Object, policy: str) -> None:
        meta = obj["metadata"]
        options = DeleteOptions(propagation_policy=policy, preconditions={"uid": meta["uid"]})
        if not meta.get("deletionTimestamp"):
            await deletion.delete(self.registry, served, (meta.get("namespace", ""), meta["name"]), options)

    async def _disown(self, served: Served, obj: Object, owner: Object) -> None:
        meta = obj["metadata"]

        def disowned(now: Object) -> Object:
            kept = [one for one in _owners(now) if one["uid"] != owner["metadata"]["uid"]]
            return {**now, "metadata": {**now["metadata"], "ownerReferences": kept or None}}

        await self.registry.update(served, (meta.get("namespace", ""), meta["name"]), disowned)

    async def _remove_finalizer(self, served: Served, obj: Object, finalizer: str) -> None:
        meta = obj["metadata"]

        def without(now: Object) -> Object:
            kept = [name for name in now["metadata"].get("finalizers") or () if name != finalizer]
            return {**now, "metadata": {**now["metadata"], "finalizers": kept or None}}

        await self.registry.update(served, (meta.get("namespace", ""), meta["name"]), without)

    def _served(self, table: str) -> Served | None:
        return next((served for served in self.registry.served.values() if served.resource.table == table), None)


def _owners(obj: Object) -> list[Object]:
    return obj["metadata"].get("ownerReferences") or []


def _is_waiting(obj: Object) -> bool:
    meta = obj["metadata"]
    return bool(meta.get("deletionTimestamp")) and not {FOREGROUND, ORPHAN}.isdisjoint(meta.get("finalizers") or ())


def _key(place: Place) -> Key:
    return place[0], f"{place[1]}/{place[2]}"
