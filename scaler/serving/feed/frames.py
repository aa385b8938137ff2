"""What goes over the feed: a message is a list of frames, msgpack. Both sides must be of one version.

From the leader: Hello, then Entries until Complete (the snapshot), then Entries as they change, Beats, a Looked for
each Look and an Explained for each Explain. From the replica: Looks and Explains.
"""

import msgspec

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import BoardEntry

PROTOCOL = "scaler.board.v2"
"""The WebSocket's subprotocol: another version is refused at once instead of misread."""
PATH = "/feed"
HEARTBEAT = 2.0
"""Seconds between two signs of life from the leader."""
SILENCE = 6.0
"""Seconds without one after which a replica looks for another connection."""
PACE = 0.001
"""Seconds between two messages of one side: a message costs more than what is in it, and a busy feed sends fewer."""
PIECE = 500
"""Entries a message of the snapshot, about a millisecond's work: the polls of others must not wait for it."""
LARGEST = 64 * 2**20
"""Bytes of one message; thousands of times what is needed."""


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One thing that is said."""


class Hello(Frame, frozen=True, tag=1):
    """The leader's first word."""

    holder: str
    """Who it is, as in the Lease."""
    now: float
    """Epoch seconds on its clock."""


class Entries(Frame, frozen=True, tag=2):
    """Objects as the board has them now."""

    entries: tuple[BoardEntry, ...]


class Complete(Frame, frozen=True, tag=3):
    """The snapshot is over: the replica now has all that the leader has."""


class Beat(Frame, frozen=True, tag=4):
    """The leader is there."""

    now: float


class Looked(Frame, frozen=True, tag=5):
    """What came of a look."""

    id: int
    answer: MetricAnswer | None
    """None when the leader knows no such object or metric."""
    why: str = ""


class Look(Frame, frozen=True, tag=6):
    """Look again at a metric, now.

    It carries no deadline: the leader's own time-outs end every look, and who asked stops waiting by himself.
    """

    id: int
    namespace: str
    name: str
    metric: str


class Explained(Frame, frozen=True, tag=7):
    """Why an object has the replicas it has."""

    id: int
    document: bytes | None
    """JSON, as it is told; None when there is nothing to explain."""
    why: str = ""


class Explain(Frame, frozen=True, tag=8):
    """Explain an object, as of its last check."""

    id: int
    namespace: str
    name: str


FromLeader = Hello | Entries | Complete | Beat | Looked | Explained
FromReplica = Look | Explain

encode = msgspec.msgpack.Encoder().encode
decode_from_leader = msgspec.msgpack.Decoder(list[FromLeader]).decode
decode_from_replica = msgspec.msgpack.Decoder(list[FromReplica]).decode
