"""The journal's format: what the operator saw and what it decided, one JSON object a line.

    journal   first in every file: the format, who wrote it, the policy that everything was judged by
    object    a ScaledObject as it was judged from here on, with its triggers as they were built
    check     a poll: what was read, what the workload had, what was remembered, and the decision
    look      a read of the HPA that looked again: what it showed
    lost      here observations are missing, and why

A file explains itself: an object stands in it before its first check. A check names only what changed since the one
before it in the file: the memory it was judged with unless that is what the check before handed on, and the HPA's
words unless they are the same. `scaler.history.replay` puts them together again, exactly.

Values are those of `scaler.horizontal.readings`, field for field, so a reader finds the words of `explain`. Times are
epoch seconds. A field at its default is left out. Nothing secret is in it: credentials are no part of a judgement.
"""

import msgspec

from scaler import __version__
from scaler.api.meta import Raw
from scaler.errors import Invalid, Problem
from scaler.horizontal.readings import Failure, Memory, NoScale, Policy, Reading, Scale, Subject

FORMAT = 1
"""Raised when an older reader would misunderstand; a field more is no reason."""
SUFFIX = ".jsonl.gz"


class _Record(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """Any line."""


class Header(_Record, frozen=True, tag="journal", kw_only=True):
    """The first line of a file."""

    format: int
    at: float
    program: str = __version__
    writer: str = ""
    """Which operator, as in the Lease."""
    policy: Policy = Policy()


class Snapshot(_Record, frozen=True, tag="object", kw_only=True):
    """An object as it is judged from here on."""

    object: str
    """``namespace/name``."""
    at: float
    subject: Subject


class Check(_Record, frozen=True, tag="check", kw_only=True):
    """A poll."""

    object: str
    at: float
    scale: Scale | NoScale
    readings: tuple[Reading | Failure, ...] = ()
    memory: Memory | msgspec.UnsetType = msgspec.UNSET
    """What it was judged with; left out when that is what the object's record before this one led to."""
    hpa: Raw | msgspec.UnsetType | None = msgspec.UNSET
    """What the object's HPA said of itself, as far as it is judged; left out when it still says the same."""
    rule: str
    """The row of the decision table."""
    replicas: int | None = None
    """What the workload was set to, if it was."""


class Look(_Record, frozen=True, tag="look", kw_only=True):
    """A read that looked again: only the triggers behind one metric were asked."""

    object: str
    at: float
    metric: str
    scale: Scale | NoScale
    readings: tuple[Reading | Failure, ...] = ()
    memory: Memory | msgspec.UnsetType = msgspec.UNSET


class Lost(_Record, frozen=True, tag="lost", kw_only=True):
    """Observations that were not written."""

    at: float
    count: int
    why: str


Record = Header | Snapshot | Check | Look | Lost


class _Kind(msgspec.Struct, frozen=True):
    """As much of a first line as every version of the format has."""

    kind: str = ""
    format: int = 0
    program: str = "?"


_decode = msgspec.json.Decoder(Record).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode


def first(line: bytes) -> Header:
    """The header of a file, from its first line; Invalid says what the file is instead."""
    try:
        kind = _decode_kind(line)
    except msgspec.MsgspecError:
        kind = _Kind()
    if kind.kind != "journal":
        raise Invalid([Problem("", "is no journal: its first line should be an object with kind journal")])
    if kind.format != FORMAT:
        words = f"is in format {kind.format} of the journal, written by version {kind.program}; this program reads"
        raise Invalid([Problem("", f"{words} format {FORMAT}: read it with a program of that version")])
    header = decode(line)
    assert isinstance(header, Header)
    return header


def decode(line: bytes) -> Record:
    """One line; Invalid says what is wrong with it."""
    try:
        record: Record = _decode(line)
    except msgspec.MsgspecError as wrong:
        raise Invalid([Problem("", f"is no record of a journal: {wrong}")]) from wrong
    return record
