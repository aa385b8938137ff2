"""Text of rows: a time and one or more values, as CSV, with semicolons or with tabs.

    time,value                                        one series
    time,cpu,memory (MiB)                             a series a column; a unit in brackets, or as in memory_bytes
    time,namespace,workload,container,cpu,memory      a series of each for every name
    time,series,metric,value                          a row a value

Times are seconds (of the epoch, or since the beginning), milliseconds of the epoch, or RFC 3339. Without a header the
columns are a time and a value. An empty cell is a missing value.
"""

import csv
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from scaler.errors import Invalid, Problem
from scaler.history.measures import measure
from scaler.history.recorded import Recorded
from scaler.history.series import mended
from scaler.quantity import parse_quantity

MOST_PROBLEMS = 10
_TIMES = {"time", "timestamp", "@timestamp", "date", "datetime", "at", "t", "seconds", "epoch", "ts"}
_NAMES = {"namespace", "workload", "deployment", "pod", "container", "series", "series_id", "name", "instance", "id"}
_NOTHING = {"", "nan", "null", "none", "n/a", "na", "-", "undefined"}
_DATED = 1e8
"""Seconds from here on are of the epoch (1973); less counts from an unknown beginning."""
_MILLISECONDS = 1e11
"""From here on a time can only be meant in milliseconds (as seconds it would be the year 5138)."""
_BRACKETS = re.compile(r"(?P<metric>[^(\[]+?)\s*[(\[](?P<unit>[^)\]]+)[)\]]")


class _Column(msgspec.Struct, frozen=True):
    """A column of values."""

    at: int
    metric: str
    unit: str


class _Layout(msgspec.Struct, frozen=True):
    """What stands where."""

    width: int
    time: int
    names: tuple[int, ...]
    values: tuple[_Column, ...]
    metric: int | None = None
    """The column that names the metric, where each row has one value."""
    unit: int | None = None


class _Times:
    """Reads times, and remembers how they were written."""

    def __init__(self) -> None:
        self.milliseconds = self.zoneless = False

    def read(self, text: str) -> float:
        """Seconds; ValueError when it is no time."""
        try:
            seconds = float(text)
        except ValueError:
            return self._date(text)
        if not math.isfinite(seconds):
            raise ValueError(text)
        if abs(seconds) >= _MILLISECONDS:
            self.milliseconds = True
            seconds /= 1000.0
        return seconds

    def _date(self, text: str) -> float:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            self.zoneless = True
            when = when.replace(tzinfo=UTC)
        return when.timestamp()

    @property
    def remarks(self) -> tuple[str, ...]:
        said = (
            (self.milliseconds, "times are in milliseconds: divided by 1000"),
            (self.zoneless, "times name no zone: taken for UTC"),
        )
        return tuple(words for holds, words in said if holds)


def read(path: Path) -> tuple[Recorded, ...]:
    """Every series of the file. Raises Invalid."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(path, file)
    except UnicodeDecodeError as error:
        raise Invalid([Problem(str(path), f"is no UTF-8 text ({error.reason}); save it as UTF-8")]) from error
    except csv.Error as error:
        raise Invalid([Problem(str(path), f"is no CSV: {error}")]) from error


def _read(path: Path, file: Iterator[str]) -> tuple[Recorded, ...]:
    blank, first = next(((at, line) for at, line in enumerate(file) if line.strip()), (0, ""))
    if not first:
        raise Invalid([Problem(str(path), "is empty")])
    rows = csv.reader(itertools.chain([first], file), delimiter=max(",;\t", key=first.count))
    head = next(rows)
    table = _Table(path, _layout(path, head))
    if not _is_header(head):
        table.row(blank + 1, head)
    for cells in rows:
        table.row(blank + rows.line_num, cells)
        if len(table.problems) >= MOST_PROBLEMS:
            break
    return table.series()


def _is_header(cells: Sequence[str]) -> bool:
    """Whether none of the cells is a time."""
    return not any(map(_is_time, cells))


def _is_time(text: str) -> bool:
    try:
        _Times().read(text.strip())
    except ValueError:
        return False
    return True


# -- the head --------------------------------------------------------------------------------------------------


def _layout(path: Path, head: Sequence[str]) -> _Layout:
    if not _is_header(head):
        return _headless(path, head)
    names = [cell.strip() for cell in head]
    lower = [name.lower() for name in names]
    time = next((at for at, name in enumerate(lower) if name in _TIMES), 0)
    metric = lower.index("metric") if "metric" in lower and "value" in lower else None
    unit = lower.index("unit") if metric is not None and "unit" in lower else None
    ids = tuple(at for at, name in enumerate(lower) if name in _NAMES and at != time)
    taken = {time, metric, unit, *ids}
    values = tuple(_column(at, name) for at, name in enumerate(names) if at not in taken and name)
    if not values and len(names) == 2 and ids:  # a time and one more: whatever it is called, it is the value
        values, ids = (_column(ids[0], names[ids[0]]),), ()
    if not values:
        words = "names no column of values; the first line should be as in: time,cpu,memory (MiB)"
        raise Invalid([Problem(f"{path}:1", words, ",".join(head))])
    return _Layout(len(head), time, ids, values, metric, unit)


def _headless(path: Path, head: Sequence[str]) -> _Layout:
    if len(head) != 2:
        words = f"without a header a row has two columns, a time and a value; this one has {len(head)}"
        raise Invalid([Problem(f"{path}:1", f"{words}. A header is as in: time,cpu,memory (MiB)", ",".join(head))])
    return _Layout(2, 0, (), (_Column(1, "value", ""),))


def _column(at: int, name: str) -> _Column:
    """``memory (MiB)`` and ``memory_bytes`` say their unit."""
    bracketed = _BRACKETS.fullmatch(name)
    if bracketed:
        return _Column(at, bracketed["metric"], bracketed["unit"])
    stem, _, last = name.rpartition("_")
    if stem and last.lower() not in {"cpu", "m", "b", "n"} and measure(last) is not None:
        return _Column(at, stem, last)
    return _Column(at, name, "")


# -- the body --------------------------------------------------------------------------------------------------


class _Table:
    """The rows, put to the series that they belong to."""

    def __init__(self, path: Path, layout: _Layout) -> None:
        self.path, self.layout, self.times = path, layout, _Times()
        self.found: dict[tuple[str, str, str], tuple[list[float], list[float]]] = {}
        self.problems: list[Problem] = []

    def series(self) -> tuple[Recorded, ...]:
        """All of them; Invalid when a row was wrong."""
        if self.problems:
            raise Invalid(self.problems)
        return tuple(self._recorded(key, *columns) for key, columns in self.found.items())

    def row(self, number: int, cells: Sequence[str]) -> None:
        """Take one in; an empty one is passed over."""
        layout = self.layout
        if not any(cell.strip() for cell in cells):
            return
        if len(cells) != layout.width:
            self._wrong(number, f"has {len(cells)} columns where the first line has {layout.width}", ",".join(cells))
            return
        text = cells[layout.time].strip()
        try:
            at = self.times.read(text)
        except ValueError:
            self._wrong(number, f"{text!r} is no time: seconds, or as in 2026-01-31T08:00:00Z", text)
            return
        name = "/".join(cells[place].strip() for place in layout.names) or self.path.stem
        for column in layout.values:
            value = self._value(number, column, cells[column.at].strip())
            metric = column.metric if layout.metric is None else cells[layout.metric].strip()
            unit = column.unit if layout.unit is None else cells[layout.unit].strip()
            times, values = self.found.setdefault((name, metric, unit), ([], []))
            times.append(at)
            values.append(value)

    def _value(self, number: int, column: _Column, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            if text.lower() in _NOTHING:
                return math.nan
        try:
            return parse_quantity(text)
        except ValueError:
            self._wrong(
                number, f"{column.metric}: {text!r} is no number; write it as 1234.5, or leave it empty", text
            )
            return math.nan

    def _wrong(self, number: int, words: str, value: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(f"{self.path}:{number}", words, value))

    def _recorded(self, key: tuple[str, str, str], times: list[float], values: list[float]) -> Recorded:
        series, mending = mended(np.array(times), np.array(values))
        dated = bool(len(series)) and float(series.times[0]) >= _DATED
        return Recorded(*key, dated, series, mending, self.times.remarks)
