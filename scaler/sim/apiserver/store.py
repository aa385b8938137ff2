"""Where objects live: one counter of versions, one table a resource, and a log of what happened to each.

Stored objects are never changed in place, so they may be handed out. The store knows keys, versions and order;
what may be written is the registry's business.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace (empty for cluster-wide objects) and name."""

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"

encode = msgspec.json.Encoder().encode


class Stored:
    """One version of one object, with its JSON made once for everybody who asks."""

    __slots__ = ("_json", "object", "version")

    def __init__(self, obj: Object, version: int) -> None:
        self.object = obj
        self.version = version
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        if self._json is None:
            self._json = encode(self.object)
        return self._json


class Event:
    """What happened to one object: `before` is what it was, None for a new one."""

    __slots__ = ("before", "key", "now", "type")

    def __init__(self, kind: str, key: Key, now: Stored, before: Stored | None) -> None:
        self.type = kind
        self.key = key
        self.now = now
        self.before = before

    @property
    def version(self) -> int:
        return self.now.version


Observer = Callable[["Table", Event], None]


class Table:
    """The objects of one resource and the log of their changes."""

    def __init__(self, name: str, floor: int, remembered: int) -> None:
        self.name = name
        """As in ``deployments.apps``."""
        self.objects: dict[Key, Stored] = {}
        self.log: list[Event] = []
        self.floor = floor
        """Changes up to this version are forgotten; who asks from before it is told so."""
        self.remembered = remembered
        self.dropped = False
        """The resource is served no more."""
        self._sorted: list[Key] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def ordered(self) -> list[Key]:
        """In the order of a list: by namespace, then name."""
        if self._sorted is None:
            self._sorted = sorted(self.objects)
        return self._sorted

    def since(self, version: int) -> Iterator[Event]:
        """What happened after that version; the caller has compared it to `floor`."""
        start = bisect_right(self.log, version, key=lambda event: event.version)
        return iter(self.log[start:])

    async def changed(self) -> None:
        """Return after the next change."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        finally:
            if future in self._waiting:
                self._waiting.remove(future)

    def wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def note(self, event: Event) -> None:
        """Enter one change, forgetting the oldest when there are far too many."""
        if event.type == DELETED:
            del self.objects[event.key]
        else:
            self.objects[event.key] = event.now
        if event.type != MODIFIED:
            self._sorted = None
        self.log.append(event)
        if len(self.log) > 2 * self.remembered:
            self.floor = self.log[-self.remembered - 1].version
            del self.log[: -self.remembered]
        self.wake()


class Store:
    """All tables, under one counter of versions."""

    def __init__(self, remembered: int = 10_000) -> None:
        self.version = 1
        self.tables: dict[str, Table] = {}
        self.observers: list[Observer] = []
        """Called at once, in the order of changes, before anyone is told of them."""
        self.remembered = remembered

    def table(self, name: str) -> Table:
        """The table of that name, made when there is none yet."""
        if name not in self.tables:
            self.tables[name] = Table(name, self.version, self.remembered)
        return self.tables[name]

    def drop(self, name: str) -> None:
        """Forget a table whose resource is served no more; its watchers wake to find it gone."""
        table = self.tables.pop(name, None)
        if table is not None:
            table.dropped = True
            table.wake()

    def put(self, table: Table, key: Key, obj: Object) -> Stored:
        """Store a new object or a new version of one; `obj` is given its resourceVersion and is ours from now on."""
        before = table.objects.get(key)
        stored = self._stamped(obj)
        self._tell(table, Event(ADDED if before is None else MODIFIED, key, stored, before))
        return stored

    def remove(self, table: Table, key: Key) -> Stored:
        """Remove an object; its last version carries the version of the removal."""
        before = table.objects[key]
        stored = self._stamped({**before.object, "metadata": {**before.object["metadata"]}})
        self._tell(table, Event(DELETED, key, stored, before))
        return stored

    def _stamped(self, obj: Object) -> Stored:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        return Stored(obj, self.version)

    def _tell(self, table: Table, event: Event) -> None:
        table.note(event)
        for observer in self.observers:
            observer(table, event)
