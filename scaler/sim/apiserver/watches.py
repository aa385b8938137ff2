"""Following a resource: what a selection of objects goes through from some version on.

An object that stops matching the selection is told as deleted, one that begins to match as added. Who follows too
slowly, or asks from too far back, is refused (410) and starts again with a list.
"""

from collections.abc import Callable, Iterator

import msgspec

from scaler.sim.apiserver import refusals, selectors
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.store import ADDED, DELETED, MODIFIED, Event, Object, Stored, Table

Change = tuple[str, Stored]
"""ADDED, MODIFIED or DELETED, and the object as it is now (or last was)."""


class Selection(msgspec.Struct, frozen=True):
    """Which objects of a resource a list or a watch is about."""

    namespace: str = ""
    labels: selectors.Matches | None = None
    fields: Callable[[Object], bool] | None = None

    @property
    def everything(self) -> bool:
        return not self.namespace and self.labels is None and self.fields is None

    def matches(self, obj: Object) -> bool:
        meta = obj["metadata"]
        if self.namespace and meta.get("namespace") != self.namespace:
            return False
        if self.labels is not None and not self.labels(meta.get("labels") or {}):
            return False
        return self.fields is None or self.fields(obj)


def selection(served: Served, namespace: str, labels: str = "", fields: str = "") -> Selection:
    """From the query of a request; raises 400 for what cannot be read."""
    by_fields = selectors.field_selector(fields, served.resource.fields) if fields else None
    return Selection(namespace, selectors.label_selector(labels) if labels else None, by_fields)


class Watch:
    """A place in a table's log, moving forward."""

    def __init__(self, table: Table, chosen: Selection, version: int) -> None:
        self.table = table
        self.chosen = chosen
        self.version = version
        """Everything up to here has been told."""

    def behind(self) -> bool:
        return bool(self.table.log) and self.table.log[-1].version > self.version

    def pending(self) -> Iterator[Change]:
        """What has happened since the last time; raises 410 when some of it is forgotten."""
        if self.version < self.table.floor:
            raise refusals.too_old(self.version, self.table.floor)
        events = list(self.table.since(self.version))
        if events:
            self.version = events[-1].version
        for event in events:
            change = self._told(event)
            if change is not None:
                yield change

    def _told(self, event: Event) -> Change | None:
        if self.chosen.everything:
            return event.type, event.now
        now = event.type != DELETED and self.chosen.matches(event.now.object)
        before = event.before is not None and self.chosen.matches(event.before.object)
        if now:
            return (MODIFIED if before else ADDED), event.now
        if not before or event.before is None:
            return None
        return DELETED, _last_seen(event.before.object, event.now)


def _last_seen(before: Object, now: Stored) -> Stored:
    """The object as it last matched, under the version at which it stopped to."""
    metadata = {**before["metadata"], "resourceVersion": str(now.version)}
    return Stored({**before, "metadata": metadata}, now.version)
