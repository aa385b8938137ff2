"""What upstream answers, case by case: the one reader of those cases for every test of the vertical half.

The cases stand in a file of their own. `VPA_VECTORS` names one, plain or gzipped; else the whole collection is read
from a folder beside the checkout; where that is absent, the copy that lies here has the groups that were made by
running upstream's code on inputs of ours, and `test_vectors` says aloud what is left out.

A subject's test module has `PLAYERS`, by kind the function that plays a case of it, and plays them one test a case:

    @pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
    def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
        PLAYERS[case.kind](case)

`SUBJECTS` are those modules. A kind that none of them plays fails in `test_vectors`.
"""

import functools
import gzip
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vertical import BESIDE, COPY

SUBJECTS = tuple(
    f"tests.vertical.{path.stem}"
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if "\nPLAYERS" in path.read_text()
)
"""The modules that play cases, by their full name."""

AWAITED: frozenset[str] = frozenset({})
"""Kinds whose judgement is not here yet. Whoever plays one takes it out."""


class Case(msgspec.Struct, frozen=True):
    """One input and what upstream made of it; `name` is unique among all."""

    kind: str
    name: str
    test: str
    """Upstream's own name of the table it comes from; empty when upstream's code was run on an input of ours."""
    origin: str
    input: Any
    expected: Any

    @property
    def table(self) -> str:
        """Where the cases of one kind come in several shapes: what tells them apart."""
        return self.test or self.name.partition("/")[0]


def source() -> Path:
    """The file that is read."""
    given = os.environ.get("VPA_VECTORS", "")
    if given:
        return Path(given)
    return BESIDE if BESIDE.exists() else COPY


@functools.cache
def every() -> tuple[Case, ...]:
    """All cases of the file, in its order."""
    return tuple(
        Case(
            group["kind"],
            case["name"],
            group.get("test", ""),
            group["origin"],
            case.get("input"),
            case.get("expected"),
        )
        for group in _read(source())["groups"]
        for case in group["cases"]
    )


def cases(*kinds: str) -> list[Any]:
    """Those of the kinds as parameters of a test, named as upstream names them."""
    return [pytest.param(case, id=case.name) for case in every() if case.kind in kinds]


def kinds() -> dict[str, int]:
    """How many cases there are of each kind."""
    found: dict[str, int] = {}
    for case in every():
        found[case.kind] = found.get(case.kind, 0) + 1
    return found


def _read(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    return found
