"""Where the journal's files go: a folder on a volume, or a bucket. A port with its two sides.

Called from the journal's own thread only. OSError says that a place does not take what it is given now.
"""

import asyncio
import io
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Protocol

from scaler.errors import Unreadable
from scaler.history.journal import SUFFIX

NAME = "scaler-*" + SUFFIX
"""The files that are ours; nothing else in a folder is ever touched."""
UPLOAD_SECONDS = 30.0
"""How long the bucket may take for one object."""
AGAIN, AGAIN_AT_MOST = 5.0, 60.0
"""Seconds until a bucket that refused is asked again: doubled each time, up to."""
UNSENT = 4
"""Files that wait in memory for a bucket that does not answer; the oldest gives way."""


class File(Protocol):
    """One file under way."""

    def write(self, data: bytes) -> object: ...

    def flush(self) -> object:
        """What was written is safe from the end of this process, where the place can do that."""
        ...

    def close(self) -> object: ...


class Place(Protocol):
    """Where files go."""

    def open(self, name: str) -> File:
        """Begin a file."""
        ...

    def finish(self, file: File, records: int) -> None:
        """It is whole. After an OSError `settle` goes on with it."""
        ...

    def settle(self) -> None:
        """Do what is left to do."""
        ...

    def given_up(self) -> int:
        """The records that could be kept no longer, since the last call."""
        ...


class Folder:
    """A folder with bounds: the oldest files make room for the newest."""

    def __init__(self, path: Path, *, size: int, age: float, file_size: int, now: Callable[[], float]) -> None:
        self._path = path
        self._size = size
        self._age = age
        self._file_size = file_size
        self._now = now

    def open(self, name: str) -> File:
        self._path.mkdir(parents=True, exist_ok=True)
        self.trim()
        return (self._path / name).open("xb")

    def finish(self, file: File, records: int) -> None:  # noqa: ARG002 - the port's
        file.close()

    def settle(self) -> None:
        """Nothing is ever left."""

    def given_up(self) -> int:
        return 0

    def trim(self) -> None:
        """Remove files that are too old, then the oldest until one more fits."""
        files = [(path, path.stat()) for path in sorted(self._path.glob(NAME))]
        total = sum(about.st_size for _, about in files)
        for path, about in files:
            too_old = self._now() - about.st_mtime > self._age
            if too_old or total > self._size - self._file_size:
                path.unlink(missing_ok=True)
                total -= about.st_size


class Bucket:
    """A bucket: a file is put there when it is whole, and waits in memory until then."""

    def __init__(
        self, put: Callable[[str, bytes], Awaitable[object]], loop: asyncio.AbstractEventLoop, prefix: str = ""
    ) -> None:
        """`put` stores an object under a key, on `loop`; it raises Unreadable."""
        self._put = put
        self._loop = loop
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._unsent: deque[tuple[str, bytes, int]] = deque()
        self._given_up = 0
        self._pause, self._not_before = AGAIN, 0.0
        self._refusal: OSError | None = None

    def open(self, name: str) -> File:
        return _Growing(self._prefix + name)

    def finish(self, file: File, records: int) -> None:
        assert isinstance(file, _Growing)
        self._unsent.append((file.key, file.getvalue(), records))
        while len(self._unsent) > UNSENT:
            self._given_up += self._unsent.popleft()[2]
        self.settle()

    def given_up(self) -> int:
        given_up, self._given_up = self._given_up, 0
        return given_up

    def settle(self) -> None:
        """Send everything that is whole, unless the bucket refused a moment ago."""
        if self._refusal is not None and time.monotonic() < self._not_before:
            raise self._refusal
        while self._unsent:
            key, data, _ = self._unsent[0]
            self._upload(key, data)
            self._unsent.popleft()
        self._pause, self._refusal = AGAIN, None

    def _upload(self, key: str, data: bytes) -> None:
        putting = asyncio.run_coroutine_threadsafe(self._bounded(key, data), self._loop)
        try:
            putting.result()
        except (Unreadable, TimeoutError, CancelledError) as refused:  # cancelled: the program ends
            why = str(refused) or f"the bucket did not answer within {UPLOAD_SECONDS:g} s"
            self._refusal = OSError(why)
            self._not_before = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, AGAIN_AT_MOST)
            raise self._refusal from refused

    async def _bounded(self, key: str, data: bytes) -> None:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await self._put(key, data)


class _Growing(io.BytesIO):
    """A file in memory."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
