"""Whose turn it is: when requests may change, and when replicas may not fall.

Replicas answer in seconds and follow the load; requests answer in days and follow the habit. A request moves only
when it is worth a restart (a tenth), not soon after the last move, and in a quiet moment of the replicas, so that no
disturbance is answered twice. While pods are resized, replicas may rise, for that is safe, and may not fall.
"""

from typing import Literal

import msgspec

from scaler.together.standing import Memory
from scaler.vertical.amounts import Resource

HOUR, DAY = 3600.0, 86400.0

WORTH = 0.1
"""A smaller change of a request than this share is none."""
RAISE_EVERY, LOWER_EVERY = HOUR, DAY
QUIET = 300.0
"""Seconds without a change of replicas before requests may move: the HPA's own window for scaling in."""
PATIENCE = 6 * HOUR
"""After so long a wait for a quiet moment there is none to come, and requests move without it."""
HISTORY = 1.0
"""Days of history before pods are made smaller; VPA's own confidence then is 1."""
STALLED = 900.0
"""A resize that does not get on for so long holds nobody any more: nobody may be resizing at all."""


Why = Literal[
    "moves", "fits", "unseen", "begins", "moved-lately", "replicas-move", "too-little-history", "resize-rolls"
]
"""Why requests move, or stay: a closed list."""


class Moment(msgspec.Struct, frozen=True):
    """What decides whether requests may change now."""

    now: float
    changed: float
    """When they last did."""
    scaled_at: float | None
    """When replicas last did."""
    due: float
    """Since when the change has been wanted."""
    short: bool
    """The most replicas are not enough: nothing but bigger pods can help, so nothing is waited for."""

    @property
    def quiet(self) -> bool:
        still = self.scaled_at is None or self.now - self.scaled_at >= QUIET
        return still or self.short or self.now - self.due >= PATIENCE


def raising(moment: Moment, resource: Resource) -> Why:
    """Whether requests may rise. Memory waits for nobody: the end of a pod does not, either."""
    if resource == "memory":
        return "moves"
    if moment.now - moment.changed < RAISE_EVERY:
        return "moved-lately"
    return "moves" if moment.quiet else "replicas-move"


def lowering(moment: Moment, *, history: float, rolling: bool, spare: bool) -> Why:
    """Whether requests may fall; `spare` says that more pods run than are asked for: these go first."""
    if history < HISTORY:
        return "too-little-history"
    if moment.now - moment.changed < LOWER_EVERY:
        return "moved-lately"
    if rolling:
        return "resize-rolls"
    waited = moment.now - moment.due >= PATIENCE
    if moment.short or (spare and not waited) or not moment.quiet:
        return "replicas-move"
    return "moves"


def rolled(memory: Memory, astray: int, now: float, *, begins: bool, acts: bool) -> Memory:
    """How far a resize has got: `astray` pods are not as they are to be, `begins` says that this has just changed.

    `acts` says whether anybody resizes pods that run.
    """
    if not acts or (not begins and astray == 0):
        rolling = False
        progress, left = 0.0, 0
    elif begins or not memory.astray or astray < memory.astray:
        rolling = True
        progress, left = now, astray
    else:
        rolling = now - memory.progress < STALLED
        progress, left = memory.progress, memory.astray
    standing = msgspec.structs.replace(memory.standing, rolling=rolling)
    return msgspec.structs.replace(memory, standing=standing, progress=progress, astray=left)
