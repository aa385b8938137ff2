"""A journal's records out of its files, as far as they go."""

from collections.abc import Iterator
from pathlib import Path

from scaler.errors import Invalid, Problem
from scaler.history.journal import SUFFIX, Record, decode, first
from scaler.history.members import Damage, lines


def records(data: bytes) -> Iterator[Record | Damage]:
    """One file: its header first, then the rest; Invalid when it is none of ours, or of another version."""
    begun = False
    count = 0
    for line in lines(data):
        if isinstance(line, Damage):
            yield line
            continue
        count += 1
        if not begun:
            yield first(line)
            begun = True
            continue
        try:
            yield decode(line)
        except Invalid as wrong:
            yield Damage(count, str(wrong))
    if not begun:
        yield Damage(0, "there is not one whole line in it")


def files(place: Path) -> list[Path]:
    """The files of a folder, oldest first, or the one file; Invalid when there is none."""
    found = [place] if place.is_file() else sorted(place.glob(f"*{SUFFIX}"))
    if not found:
        raise Invalid([Problem(str(place), f"holds no journal: there is no file that ends in {SUFFIX}")])
    return found
