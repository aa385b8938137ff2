"""No case of upstream's goes unplayed, and what is left out is said."""

import gzip
import importlib
import json
from pathlib import Path

import pytest

from tests.vertical import BESIDE, COPY, vectors


def played() -> set[str]:
    return {kind for name in vectors.SUBJECTS for kind in importlib.import_module(name).PLAYERS}


@pytest.mark.parametrize("kind", sorted(vectors.kinds()))
def test_a_kind_of_case_has_a_player(kind: str) -> None:
    assert kind in played() | vectors.AWAITED, f"nobody plays the {vectors.kinds()[kind]} cases of kind {kind}"


def test_no_kind_is_awaited_that_is_played() -> None:
    assert not played() & vectors.AWAITED


def test_no_two_cases_share_a_name() -> None:
    names = [case.name for case in vectors.every()]
    assert len(names) == len(set(names))


def test_the_copy_holds_only_what_upstreams_code_answered_to_inputs_of_ours() -> None:
    groups = json.loads(gzip.decompress(COPY.read_bytes()))["groups"]
    assert {group["origin"] for group in groups} == {"executed-upstream-code"}
    assert sum(len(group["cases"]) for group in groups) == 626


def test_a_plain_file_reads_as_a_gzipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    plain = tmp_path / "plain.json"
    plain.write_bytes(gzip.decompress(COPY.read_bytes()))
    read = []
    request.addfinalizer(vectors.every.cache_clear)
    for path in (plain, COPY):
        monkeypatch.setenv("VPA_VECTORS", str(path))
        vectors.every.cache_clear()
        read.append(vectors.every())
    assert read[0] == read[1] != ()


def test_how_many_cases_there_were(capfd: pytest.CaptureFixture[str]) -> None:
    """The summary, on the terminal past pytest's capture."""
    counted = vectors.kinds()
    awaited = sum(count for kind, count in counted.items() if kind in vectors.AWAITED)
    absent = "" if vectors.source() != COPY else f"; LEFT OUT: upstream's own tables are not at {BESIDE}"
    with capfd.disabled():
        print(f"\nupstream cases of {vectors.source().name}: {sum(counted.values())}, {awaited} awaited{absent}")
    assert counted
