"""The board: the latest answers of each object, the one truth that everybody is told.

The poll loop and the "look again" of a read write it; the external metrics API answers from it and feeds copies
of it to other processes. It judges nothing, keeps no history and does no I/O.
"""

from collections.abc import Callable, Iterator

import msgspec

from scaler.horizontal.readings import MetricAnswer

Key = tuple[str, str]
"""Namespace and name of a ScaledObject."""

Listener = Callable[["BoardEntry"], None]
"""Is told of each change at once, on the loop; a removal comes as an entry that is gone."""


class BoardEntry(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one object now."""

    namespace: str
    name: str
    metrics: dict[str, MetricAnswer] = {}
    """By metric name: all that the HPA may ask for (``composite-metric`` when there is a formula)."""
    cached: frozenset[str] = frozenset()
    """Metrics that a read takes as they are (useCachedMetrics); the others are looked at again."""
    polling: float = 30.0
    """Seconds between two checks; says how old an answer may grow in health."""
    evaluated_at: float = 0.0
    """Epoch seconds of the check or look that wrote this."""
    gone: bool = False
    """The object is no more; only ever seen by listeners."""

    @property
    def key(self) -> Key:
        return (self.namespace, self.name)


class Board:
    """The entries of all objects, in memory; for one event loop."""

    def __init__(self) -> None:
        self._entries: dict[Key, BoardEntry] = {}
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[BoardEntry]:
        """The entries as they are written; do not change the board meanwhile."""
        return iter(self._entries.values())

    def get(self, key: Key) -> BoardEntry | None:
        """The object's entry, or None when it was never evaluated."""
        return self._entries.get(key)

    def publish(self, entry: BoardEntry) -> None:
        """Put an object's entry in the place of its former one."""
        if entry.gone:
            self.remove(entry.key)
            return
        self._entries[entry.key] = entry
        self._tell(entry)

    def remove(self, key: Key) -> None:
        """Forget an object; one that is not here is no error."""
        if self._entries.pop(key, None) is not None:
            self._tell(BoardEntry(*key, gone=True))

    def snapshot(self) -> list[BoardEntry]:
        """All entries, as of now."""
        return list(self._entries.values())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Be told of every change from now on; call what is returned to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, entry: BoardEntry) -> None:
        for listener in tuple(self._listeners):
            listener(entry)
