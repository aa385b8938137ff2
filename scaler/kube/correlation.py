"""Which events are worth writing: repeats become a count, many of a kind become one, and a flood is cut off.

The rules and their numbers are those of client-go, so that users see what they are used to:

=========  =================================================================================
same       object, type, reason and message: the count of the event rises (within 10 minutes)
similar    the 11th message of one object, type and reason within 10 minutes, and all further
           ones, share one event, "(combined from similar events): ..."
flood      an object may have 25 events at once, and another every 5 minutes; the rest is lost
=========  =================================================================================

It writes nothing: `scaler.kube.events` does. What is remembered is bounded: the least recent is forgotten.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

from scaler.actions import Tell
from scaler.api.meta import ObjectRef

WINDOW = 600.0
"""Seconds in which events are taken together."""
SIMILAR = 10
"""Messages of one kind that are told apart within the window."""
BURST = 25.0
"""Events an object may have at once."""
REFILL = 1.0 / 300.0
"""Events a second after that."""
REMEMBERED = 4096
"""Entries of each memory."""

COMBINED = "(combined from similar events): "

V = TypeVar("V")


class Event(msgspec.Struct, frozen=True):
    """One event to write."""

    tell: Tell
    name: str
    """Of the Event object."""
    first: float
    """Epoch seconds."""
    last: float
    count: int
    """1 for one that is to be created; one that is counted up exists already."""


class _Bucket(msgspec.Struct):
    """How many more events an object may have."""

    tokens: float
    at: float


class _Group(msgspec.Struct):
    """The messages of one kind."""

    messages: set[str]
    at: float


class Correlator:
    """Remembers what was told lately. Times are epoch seconds, handed in."""

    def __init__(self) -> None:
        self._written: _Recent[Event] = _Recent()
        self._groups: _Recent[_Group] = _Recent()
        self._buckets: _Recent[_Bucket] = _Recent()
        self._last_stamp = 0

    def correlate(self, tell: Tell, now: float) -> Event | None:
        """The event to write for it, None in a flood."""
        tell, key = self._grouped(tell, now)
        known = self._written.get(key)
        if known is not None and now - known.last <= WINDOW:
            event = Event(tell, known.name, known.first, now, known.count + 1)
        else:
            event = Event(tell, self._name(tell.ref, now), now, now, 1)
        self._written.put(key, event)
        return event if self._may_pass(tell.ref, now) else None

    def _grouped(self, tell: Tell, now: float) -> tuple[Tell, Hashable]:
        kind = (tell.ref, tell.type, tell.reason)
        group = self._groups.get(kind)
        if group is None or now - group.at > WINDOW:
            group = _Group(set(), now)
        self._groups.put(kind, group)
        group.at = now
        if tell.message in group.messages or len(group.messages) < SIMILAR:
            group.messages.add(tell.message)
            return tell, (kind, tell.message)
        return msgspec.structs.replace(tell, message=COMBINED + tell.message), kind

    def _may_pass(self, ref: ObjectRef, now: float) -> bool:
        bucket = self._buckets.get(ref) or _Bucket(BURST, now)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * REFILL)
        bucket.at = now
        self._buckets.put(ref, bucket)
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True

    def _name(self, ref: ObjectRef, now: float) -> str:
        """As client-go names them, by the nanosecond; never the same twice."""
        self._last_stamp = max(self._last_stamp + 1, int(now * 1e9))
        return f"{ref.name[:230]}.{self._last_stamp:x}"


class _Recent(Generic[V]):
    """The values of the keys used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        return self._kept.get(key)

    def put(self, key: Hashable, value: V) -> None:
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
