"""Numpy archives: many series on one time axis.

    series_id  [S]     whose it is
    metric     [S]     cpu, memory, requests, ...
    unit       [S]     may be left out
    start_epoch[S]     Unix seconds; 0 = not known; may be left out
    t          [T]     seconds since the start, growing
    values     [S, T]  NaN = missing, or past the end of a shorter series

Value k of series i was measured at start_epoch[i] + t[k]. No pickles: a file from elsewhere must not run anything.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from scaler.errors import Invalid, Problem
from scaler.history.recorded import Recorded
from scaler.history.series import mended

_NEEDED = ("series_id", "metric", "t", "values")


def read(path: Path) -> tuple[Recorded, ...]:
    """Every series of the archive. Raises Invalid."""
    fields = _fields(path)
    problems = [*_missing(path, fields), *_misshapen(path, fields)]
    if problems:
        raise Invalid(problems)
    return tuple(found for row in range(len(fields["values"])) if (found := _series(fields, row)) is not None)


def _fields(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        words = "is no whole numpy archive of plain arrays"
        raise Invalid([Problem(str(path), f"{words} ({error}); write it with numpy.savez")]) from error


def _missing(path: Path, fields: dict[str, Any]) -> list[Problem]:
    there = ", ".join(fields) or "nothing"
    return [
        Problem(f"{path}: {name}", f"is missing; there is {there}; needed are {', '.join(_NEEDED)}")
        for name in _NEEDED
        if name not in fields
    ]


def _misshapen(path: Path, fields: dict[str, Any]) -> list[Problem]:
    if not all(name in fields for name in _NEEDED):
        return []
    values, times = fields["values"], fields["t"]
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.number):
        return [
            Problem(f"{path}: values", f"must be numbers [series, times], not {values.dtype}{list(values.shape)}")
        ]
    wanted = {"series_id": values.shape[:1], "metric": values.shape[:1], "t": values.shape[1:]}
    wanted |= {name: values.shape[:1] for name in ("unit", "start_epoch") if name in fields}
    problems = [
        Problem(f"{path}: {name}", f"must have {shape[0]} entries, as values has; it has {list(fields[name].shape)}")
        for name, shape in wanted.items()
        if fields[name].shape != shape
    ]
    if not problems and not (np.issubdtype(times.dtype, np.number) and np.isfinite(times).all()):
        problems = [Problem(f"{path}: t", "must be seconds, each a finite number")]
    return problems


def _series(fields: dict[str, Any], row: int) -> Recorded | None:
    """One row, without the empty ends that the common axis gives it; None when nothing is known of it."""
    values = np.asarray(fields["values"][row], dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return None
    cut = slice(known[0], known[-1] + 1)
    start = float(fields["start_epoch"][row]) if "start_epoch" in fields else 0.0
    times = np.asarray(fields["t"], dtype=np.float64)[cut] + start
    series, mending = mended(times, values[cut])
    unit = str(fields["unit"][row]) if "unit" in fields else ""
    return Recorded(str(fields["series_id"][row]), str(fields["metric"][row]), unit, start != 0.0, series, mending)
