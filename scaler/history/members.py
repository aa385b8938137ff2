"""Lines out of gzip members, as far as they go: a file that was cut off or damaged gives what is whole in it.

A member that is broken costs itself only: reading goes on at the next one. Whether what is missing matters is for the
reader to say, so damage is a value among the lines.
"""

import zlib
from collections.abc import Iterator

import msgspec

_BEGINNING = b"\x1f\x8b\x08"
"""Of every gzip member."""
_PIECE = 1 << 15
"""Packed bytes that are unpacked at a time."""


class Damage(msgspec.Struct, frozen=True):
    """A place where lines are missing."""

    after: int
    """Whole lines before it."""
    why: str


def lines(data: bytes) -> Iterator[bytes | Damage]:
    """The lines of all members, without their ends."""
    count, at = 0, 0
    while 0 <= at < len(data):
        member = _Member(data, at)
        for line in member.lines():
            count += 1
            yield line
        if member.why:
            yield Damage(count, member.why)
        at = member.end


class _Member:
    """One member; `end` and `why` are known once its lines were taken."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self.end = at
        """Where the next member begins; -1 for nowhere."""
        self.why = ""
        """What is wrong with this one."""

    def lines(self) -> Iterator[bytes]:
        rest = b""
        for piece in self._pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest and not self.why:
            self.why = "its last line is not whole"

    def _pieces(self) -> Iterator[bytes]:
        unpacking = zlib.decompressobj(wbits=31)
        at = self._at
        try:
            while not unpacking.eof:
                if at >= len(self._data):
                    self._unended()
                    return
                yield unpacking.decompress(self._data[at : at + _PIECE])
                at += _PIECE
        except zlib.error as wrong:
            self.why = f"it is damaged ({wrong})"
            self.end = self._data.find(_BEGINNING, self._at + 1)
            return
        self.end = min(at, len(self._data)) - len(unpacking.unused_data)

    def _unended(self) -> None:
        """A damaged head can make a member swallow those behind it: where one more begins, reading goes on there."""
        self.end = self._data.find(_BEGINNING, self._at + 1)
        self.why = "it ends in the middle: it is still being written, or its writer was ended"
        if self.end >= 0:
            self.why = "it is damaged (it does not end where the next begins)"
