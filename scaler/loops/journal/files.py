"""A journal's file under way: JSON lines, packed in gzip members.

Within a member what was written so far can be unpacked after every flush, so that a killed writer costs seconds. A
new member is begun from time to time, so that a damaged one costs no more than itself.
"""

import zlib
from collections.abc import Sequence

import msgspec

from scaler.history.journal import Record
from scaler.loops.journal.places import File

LEVEL = 3
"""Of packing. Measured on checks of one metric: 1 gives 32.0 bytes each in 1.0 us, 3 gives 31.6 in 1.1, 6 gives 28.0
in 2.2, 9 gives 27.5 in 6.0."""
MEMBER_SIZE, MEMBER_AGE = 1 << 20, 60.0
"""Bytes of lines, and seconds, after which a member is ended."""
AT_A_TIME = 128
"""Records encoded at once: some ten microseconds in which nobody else runs Python."""

_encode = msgspec.json.Encoder().encode_lines


class Packed:
    """Writes records to a file; OSError is the file's."""

    def __init__(self, file: File, now: float) -> None:
        self.file = file
        self.opened = now
        self.size = 0
        """Bytes in the file."""
        self.records = 0
        """Observations in it, as far as its writer counts them."""
        self._packing: zlib._Compress | None = None
        self._begun = now
        self._lines = 0
        self._told = 0

    def write(self, records: Sequence[Record]) -> None:
        """Records, of which some may still be in memory until the next flush."""
        for begin in range(0, len(records), AT_A_TIME):
            lines = _encode(records[begin : begin + AT_A_TIME])
            if self._packing is None:
                self._packing = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
            self._lines += len(lines)
            self._put(self._packing.compress(lines))

    def flush(self, now: float) -> None:
        """Everything so far can be read from the file."""
        if self._packing is None:
            return
        if self._lines >= MEMBER_SIZE or now - self._begun >= MEMBER_AGE:
            self.end()
            self._begun = now
        else:
            self._put(self._packing.flush(zlib.Z_SYNC_FLUSH))
        self.file.flush()

    def news(self) -> int:
        """Bytes put into the file since this was asked last."""
        grown, self._told = self.size - self._told, self.size
        return grown

    def end(self) -> None:
        """End the member; the file is whole then."""
        if self._packing is not None:
            self._put(self._packing.flush())
        self._packing, self._lines = None, 0

    def _put(self, data: bytes) -> None:
        if data:
            self.file.write(data)
            self.size += len(data)
