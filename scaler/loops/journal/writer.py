"""The journal: takes observations from the loops without waiting, and writes them in a thread of its own.

Nothing that happens to a place reaches judging: a queue with a bound stands between. What cannot be written is
counted and told once, in the log and later in the journal itself, and writing goes on as soon as the place takes it.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from scaler.history.journal import FORMAT, SUFFIX, Header, Lost, Record
from scaler.horizontal.readings import Policy
from scaler.loops.journal.files import Packed
from scaler.loops.journal.lines import Lines, Observation
from scaler.loops.journal.places import Place

log = logging.getLogger("scaler.journal")

QUEUE = 20_000
"""Observations that wait for the thread: a minute of ten thousand objects."""
PART = 2_000
"""Observations written between two flushes: what a place that fails may cost."""
PAUSE = 3.0
"""Seconds between two turns of the thread: what the sudden end of this process may cost."""


class Limits(msgspec.Struct, frozen=True):
    """When a file is whole."""

    size: int = 64 << 20
    """Bytes, packed."""
    age: float = 3600.0
    """Seconds."""


class Counts(msgspec.Struct):
    """What became of observations, for the metrics."""

    written: int = 0
    lost: int = 0
    bytes: int = 0
    cpu: float = 0.0
    """Seconds that the thread has used."""


class Journal:
    """The queue and the thread behind it."""

    def __init__(
        self,
        place: Place,
        *,
        writer: str,
        policy: Policy,
        now: Callable[[], float],
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._place = place
        self._writer = writer
        self._policy = policy
        self._now = now
        self._limits = limits
        self._queue: deque[Observation] = deque()
        self._turned_away = 0
        """Observations that found the queue full; only the loop counts here."""
        self._confessed = 0
        """As many of them as the thread has seen."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._file: Packed | None = None
        self._lines = Lines()
        self._missing: Lost | None = None
        """What the next part has to confess."""
        self.trouble = ""
        """Why something could not be written at the last turn."""
        self.counts = Counts()

    @property
    def waiting(self) -> int:
        """Observations that the thread has not taken yet."""
        return len(self._queue)

    def start(self) -> None:
        """Write from now on what is observed."""
        self._thread.start()

    def observe(self, seen: Observation) -> None:
        """Note it; returns at once, whatever the place does."""
        if len(self._queue) < QUEUE:
            self._queue.append(seen)
        else:
            self._turned_away += 1

    def end(self, patience: float) -> None:
        """Write what is waiting and end; blocks until then, or for `patience` seconds."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.wait(PAUSE):
            self._turn()
            self.counts.cpu = time.thread_time()
        self._turn()
        self._tell(_why(self._finish))

    def _turn(self) -> None:
        settled, written = _why(self._place.settle), _why(self._write)
        self._tell(settled or written)

    def _write(self) -> None:
        turned_away = self._turned_away
        self._lose(turned_away - self._confessed, "more was observed than could be written")
        self._confessed = turned_away
        self._lose(self._place.given_up(), "the bucket took nothing for too long")
        while self._queue:
            if self._file is None:
                self._file = self._begin()
            self._write_part(self._file)
            if self._file.size >= self._limits.size:
                self._finish()
        if self._file is not None and self._now() - self._file.opened >= self._limits.age:
            self._finish()

    def _begin(self) -> Packed:
        now = self._now()
        file = Packed(self._place.open(name_of(now, self._writer)), now)
        self._lines = Lines()
        file.write([Header(format=FORMAT, at=now, writer=self._writer, policy=self._policy)])
        return file

    def _write_part(self, file: Packed) -> None:
        part = [self._queue.popleft() for _ in range(min(len(self._queue), PART))]
        records: list[Record] = [] if self._missing is None else [self._missing]
        for seen in part:
            records += self._lines.records(seen)
        try:
            file.write(records)
            file.flush(self._now())
        except OSError as refused:
            self._abandon(file)
            self._lose(len(part), str(refused))
            raise
        self._missing = None
        file.records += len(part)
        self.counts.written += len(part)
        self.counts.bytes += file.news()

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.end()
            except OSError:
                self._abandon(file)
                raise
            self.counts.bytes += file.news()
            self._place.finish(file.file, file.records)

    def _abandon(self, file: Packed) -> None:
        """What it holds so far stays; it can be read up to its last flush."""
        self._file = None
        with contextlib.suppress(OSError):
            file.file.close()

    def _lose(self, count: int, why: str) -> None:
        if count:
            already = 0 if self._missing is None else self._missing.count
            self._missing = Lost(at=self._now(), count=already + count, why=why)
            self.counts.lost += count

    def _tell(self, why: str) -> None:
        """Once when it begins, once when it is over."""
        if why and not self.trouble:
            log.error("the journal cannot be written now; judging goes on without it", extra={"error": why})
        elif self.trouble and not why:
            log.warning("the journal is written again", extra={"lost": self.counts.lost, "was": self.trouble})
        self.trouble = why


def name_of(at: float, writer: str) -> str:
    """The name of a file that begins at that time; names sort by it."""
    begun = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in writer)
    return f"scaler-{begun}Z-{safe}{SUFFIX}"


def _why(step: Callable[[], None]) -> str:
    """Why it did not go; empty when it did."""
    try:
        step()
    except OSError as refused:
        return str(refused) or type(refused).__name__
    return ""
