"""A file of another version, of somebody else, or none at all."""

import gzip
from pathlib import Path

import msgspec
import pytest

from scaler.errors import Invalid
from scaler.history.journal import FORMAT, Header, Lost, Snapshot
from scaler.history.members import Damage
from scaler.history.records import files, records
from tests.horizontal.objects import subject

HEADER = Header(format=FORMAT, at=1.0)


def packed(*lines: object) -> bytes:
    return gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def test_a_file_gives_its_header_and_its_records() -> None:
    told = (HEADER, Snapshot(object="shop/web", at=2.0, subject=subject()), Lost(at=3.0, count=4, why="full"))
    assert tuple(records(packed(*told))) == told


def test_another_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        Invalid, match=r"format 7 .* written by version 9.9; this program reads format 1: read it with"
    ):
        list(records(packed({"kind": "journal", "format": 7, "program": "9.9", "what": ["ever"]})))


@pytest.mark.parametrize("line", [{"kind": "check"}, {"usage": 1}, [1, 2], "text"])
def test_what_is_no_journal_is_told_so(line: object) -> None:
    with pytest.raises(Invalid, match="is no journal: its first line should be an object with kind journal"):
        list(records(packed(line)))


def test_a_line_that_is_no_record_costs_itself_only() -> None:
    lost = Lost(at=3.0, count=4, why="full")
    header, wrong, after = records(packed(HEADER, {"kind": "check", "at": "noon"}, lost))
    assert (header, after) == (HEADER, lost)
    assert isinstance(wrong, Damage)
    assert "is no record of a journal" in wrong.why


def test_a_newer_field_is_no_reason_to_stop() -> None:
    assert list(records(packed({"kind": "journal", "format": 1, "at": 1.0, "mood": "good"}))) == [HEADER]


def test_an_empty_file_is_told() -> None:
    assert list(records(b"")) == [Damage(0, "there is not one whole line in it")]


def test_files_come_oldest_first_and_a_folder_without_any_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no journal: there is no file that ends in"):
        files(tmp_path)
    names = ["scaler-20260102T000000.000Z-b.jsonl.gz", "scaler-20260101T000000.000Z-c.jsonl.gz"]
    for name in (*names, "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in files(tmp_path)] == sorted(names)
    assert files(tmp_path / names[0]) == [tmp_path / names[0]]
