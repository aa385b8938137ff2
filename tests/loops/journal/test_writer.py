"""Observations become files; a place that fails costs what it must and no more, and never keeps anybody waiting."""

import logging
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from scaler.history.journal import Check, Header, Lost, Snapshot
from scaler.history.members import Damage
from scaler.history.records import files, records
from scaler.horizontal.readings import Memory, Policy, Reading, Scale
from scaler.loops.journal import writer as writers
from scaler.loops.journal.lines import Observation
from scaler.loops.journal.places import Folder
from scaler.loops.journal.writer import QUEUE, Journal, Limits, name_of
from tests.horizontal.objects import NOW, subject
from tests.processes import wait_until

SUBJECT = subject()
FOLDER_SIZE = 1 << 30


def seen(number: int) -> Observation:
    reading = Reading(0, "s0-queue", float(number), number > 0, NOW + number, latency=0.001 * number)
    return Observation(("shop", "web"), NOW + number, SUBJECT, Scale(3), (reading,), Memory(), Memory(), rule="idle")


def journal(place: object, **limits: float) -> Journal:
    return Journal(place, writer="pod-1", policy=Policy(), now=lambda: NOW, limits=Limits(**limits))


def folder(path: Path, **bounds: float) -> Folder:
    return Folder(path, **{"size": FOLDER_SIZE, "age": 1e9, "file_size": 1 << 20, "now": time.time, **bounds})


def everything(path: Path) -> list[object]:
    return [record for file in files(path) for record in records(file.read_bytes())]


def numbers(path: Path) -> list[int]:
    return [int(record.readings[0].value) for record in everything(path) if isinstance(record, Check)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PAUSE", 0.02)


def test_what_is_observed_stands_in_the_file_in_its_order(tmp_path: Path) -> None:
    writing = journal(folder(tmp_path))
    writing.start()
    for number in range(5000):
        writing.observe(seen(number))
    writing.end(10)
    told = everything(tmp_path)
    assert isinstance(told[0], Header)
    assert isinstance(told[1], Snapshot)
    assert numbers(tmp_path) == list(range(5000))
    assert (writing.counts.written, writing.counts.lost, writing.waiting) == (5000, 0, 0)
    assert writing.counts.bytes == sum(file.stat().st_size for file in files(tmp_path))


def test_a_file_is_ended_at_its_size_and_the_next_one_explains_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PART", 100)
    ticks = iter(range(10_000_000))
    writing = Journal(
        folder(tmp_path), writer="pod-1", policy=Policy(), now=lambda: NOW + next(ticks), limits=Limits(size=4096)
    )
    writing.start()
    for number in range(2000):
        writing.observe(seen(number))
    writing.end(10)
    names = [file.name for file in files(tmp_path)]
    assert len(names) > 3
    assert numbers(tmp_path) == list(range(2000))
    for file in files(tmp_path):
        first, second, *_ = records(file.read_bytes())
        assert isinstance(first, Header)
        assert isinstance(second, Snapshot)


def test_the_oldest_files_make_room_and_nothing_else_is_touched(tmp_path: Path) -> None:
    strangers = tmp_path / "budget.xlsx"
    strangers.write_bytes(b"x" * 5000)
    for number in range(6):
        (tmp_path / name_of(NOW + number, "pod-1")).write_bytes(b"x" * 1000)
    place = folder(tmp_path, size=5000, file_size=1000)
    place.trim()
    assert [file.name for file in files(tmp_path)] == [name_of(NOW + number, "pod-1") for number in range(2, 6)]
    assert strangers.exists()


def test_files_that_are_too_old_are_removed(tmp_path: Path) -> None:
    (tmp_path / name_of(NOW, "pod-1")).touch()
    folder(tmp_path, age=3600.0, now=lambda: time.time() + 3000).trim()
    assert len(files(tmp_path)) == 1
    folder(tmp_path, age=3600.0, now=lambda: time.time() + 4000).trim()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_yet_loses_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    place = tmp_path / "volume"
    place.write_text("in the way")
    writing = journal(folder(place))
    writing.start()
    for number in range(100):
        writing.observe(seen(number))
    wait_until(lambda: writing.trouble, "the journal to fail")
    time.sleep(0.2)
    place.unlink()
    wait_until(lambda: writing.counts.written == 100, "the journal to go on")
    writing.end(10)
    assert numbers(place) == list(range(100))
    assert [record.message for record in caplog.records] == [
        "the journal cannot be written now; judging goes on without it",
        "the journal is written again",
    ]
    assert writing.counts.lost == 0


@contextmanager
def full_disk_at(size: int) -> Iterator[None]:
    """No file of this process may grow beyond: the system refuses the write, as that of a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_costs_what_was_on_its_way_and_the_journal_confesses_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    ticks = iter(range(10_000_000))
    monkeypatch.setattr(writers, "PART", 50)
    writing = Journal(folder(tmp_path), writer="pod-1", policy=Policy(), now=lambda: NOW + next(ticks))
    with full_disk_at(2000):
        writing.start()
        for number in range(500):
            writing.observe(seen(number))
        wait_until(lambda: writing.counts.lost, "something to be lost")
        wait_until(lambda: writing.waiting == 0, "the queue to be taken")
    for number in range(500, 600):
        writing.observe(seen(number))
    writing.end(10)
    told = everything(tmp_path)
    kept = set(numbers(tmp_path))
    assert writing.counts.lost + writing.counts.written == 600
    assert set(range(500, 600)) <= kept
    assert len(kept) >= writing.counts.written
    lost = [record for record in told if isinstance(record, Lost)]
    assert sum(record.count for record in lost) >= writing.counts.lost
    assert all(record.why for record in lost)
    assert any(isinstance(record, Damage) for record in told)
    assert caplog.records[0].message == "the journal cannot be written now; judging goes on without it"
    assert caplog.records[-1].message == "the journal is written again"


class Stuck:
    """A place that never answers."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def settle(self) -> None:
        pass

    def given_up(self) -> int:
        return 0

    def open(self, name: str) -> object:
        self.let_go.wait()
        raise OSError("it was stuck")


def test_a_place_that_hangs_keeps_nobody_waiting_and_the_loss_is_counted() -> None:
    place = Stuck()
    writing = journal(place)
    writing.start()
    many = [seen(number) for number in range(QUEUE + 1000)]
    for one in many:
        writing.observe(one)  # returns, or this test does not end
    writing.end(0.1)
    assert writing.waiting == QUEUE
    place.let_go.set()
    wait_until(lambda: writing.counts.lost >= 1000, "the loss to be counted")


def test_names_sort_by_time_and_hold_no_path(tmp_path: Path) -> None:
    early, late = name_of(NOW, "../../etc/x y"), name_of(NOW + 0.5, "a")
    assert early < late
    assert "/" not in early
    assert early == "scaler-19700112T134640.000Z-..-..-etc-x-y.jsonl.gz"


def test_a_check_of_one_metric_takes_less_than_a_hundred_bytes(tmp_path: Path) -> None:
    """Many objects, real numbers in their last digit; the figure itself is the bench's."""
    writing = journal(folder(tmp_path))
    writing.start()
    count = 0
    for turn in range(20):
        for index in range(200):
            named = msgspec.structs.replace(
                SUBJECT.scaled, metadata=msgspec.structs.replace(SUBJECT.scaled.metadata, name=f"w{index}")
            )
            about = msgspec.structs.replace(SUBJECT, scaled=named)
            at = NOW + 30 * turn + index * 0.14916
            one = seen(count % 97)
            reading = msgspec.structs.replace(one.readings[0], at=at - 0.00123456 * (index + 1), latency=at % 0.01)
            writing.observe(
                msgspec.structs.replace(one, key=("shop", f"w{index}"), subject=about, at=at, readings=(reading,))
            )
            count += 1
    writing.end(10)
    assert writing.counts.written == count
    assert writing.counts.bytes / count < 100
