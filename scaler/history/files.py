"""Recorded series from files: numpy archives, and CSV as spreadsheets, scripts and dashboards export it."""

from pathlib import Path

from scaler.errors import Invalid, Problem
from scaler.history import archives, tables
from scaler.history.recorded import Recorded
from scaler.history.tables import MOST_PROBLEMS

_LARGEST = 2 << 30
"""Bytes of a file that are read."""


def read(path: Path) -> tuple[Recorded, ...]:
    """Every series of a file.

    Raises Invalid with every problem found, up to ten: each with its line or field, the value, what would be right.
    """
    found = archives.read(path) if _is_archive(path) else tables.read(path)
    if not found:
        raise Invalid([Problem(str(path), "holds no series")])
    hopeless = [problem for one in found for problem in _hopeless(path, one)]
    if hopeless:
        raise Invalid(hopeless[:MOST_PROBLEMS])
    return found


def _hopeless(path: Path, one: Recorded) -> list[Problem]:
    """What no mending makes a series of amounts."""
    count, negative = len(one.series) + one.mending.doubled, one.mending.negative
    field = f"{path}: {one.metric}" if one.name == path.stem else f"{path}: {one.name}: {one.metric}"
    if negative > count / 2:
        words = f"{negative:,} of {count:,} values are negative; are they differences? Amounts are wanted"
        return [Problem(field, words)]
    return [] if len(one.series.known) else [Problem(field, "has no value that is known")]


def _is_archive(path: Path) -> bool:
    """By its first bytes: names lie."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise Invalid([Problem(str(path), f"cannot be read: {error.strerror or error}")]) from error
    if size > _LARGEST:
        raise Invalid([Problem(str(path), f"is larger than {_LARGEST >> 30} GiB; cut it into several files", size)])
    if b"\0" in head and not head.startswith(b"PK"):
        words = "is neither a numpy archive (.npz) nor a text of rows (CSV)"
        raise Invalid([Problem(str(path), words)])
    return head.startswith(b"PK")
