"""Numpy archives of many series."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scaler.errors import Invalid
from scaler.history.files import read

nan = np.nan
SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces"


def archive(path: Path, **changes: Any) -> Path:
    fields: dict[str, Any] = {
        "series_id": np.array(["web", "web", "db"]),
        "metric": np.array(["cpu", "memory", "cpu"]),
        "unit": np.array(["cores", "bytes", "%"]),
        "start_epoch": np.array([1_700_000_000, 1_700_000_000, 0]),
        "t": np.array([0, 60, 120, 180]),
        "values": np.array([[1, 2, nan, 4], [5e8, 6e8, 7e8, 8e8], [nan, 10, 20, nan]], dtype=np.float32),
    } | changes
    file = path / "traces.npz"
    np.savez(file, **{name: value for name, value in fields.items() if value is not None})
    return file


def test_every_row_is_a_series_at_its_own_times(tmp_path: Path) -> None:
    web, memory, db = read(archive(tmp_path))
    assert (web.name, web.metric, web.unit, web.dated) == ("web", "cpu", "cores", True)
    assert web.series.times.tolist() == [1_700_000_000 + k for k in (0, 60, 120, 180)]
    assert web.notes == ("1 sample is missing (empty, NaN or infinite)",)
    assert (memory.unit, memory.notes) == ("bytes", ())
    assert (db.dated, db.series.times.tolist(), db.series.values.tolist()) == (False, [60, 120], [10, 20])
    assert db.notes == ()


def test_unit_and_start_may_be_left_out_and_a_row_without_values_is(tmp_path: Path) -> None:
    found = read(
        archive(tmp_path, unit=None, start_epoch=None, values=np.array([[1, 2, 3, 4.0], [nan] * 4, [1] * 4]))
    )
    assert [(one.name, one.metric, one.unit, one.dated) for one in found] == [
        ("web", "cpu", "", False),
        ("db", "cpu", "", False),
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"t": None}, "traces.npz: t: is missing; there is series_id, metric, unit, start_epoch, values; needed are"),
        ({"t": np.arange(3)}, r"traces.npz: t: must have 4 entries, as values has; it has \[3\]"),
        ({"t": np.array([0, 60, nan, 180])}, "traces.npz: t: must be seconds, each a finite number"),
        ({"values": np.zeros(4)}, r"values: must be numbers \[series, times\], not float64\[4\]"),
        ({"values": np.array([["a"] * 4] * 3)}, "values: must be numbers"),
        ({"metric": np.array([object()] * 3)}, "is no whole numpy archive of plain arrays"),
        ({"values": np.full((3, 4), nan)}, "holds no series"),
    ],
)
def test_an_archive_that_is_something_else_is_refused_at_its_field(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        read(archive(tmp_path, **changes))


def test_a_cut_off_archive_is_refused(tmp_path: Path) -> None:
    file = archive(tmp_path)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(Invalid, match="is no whole numpy archive"):
        read(file)


@pytest.mark.parametrize(
    ("content", "words"), [(b"\x93NUMPY\x01\x00", "is neither a numpy archive"), (b"a\xff,b\n", "is no UTF-8 text")]
)
def test_what_is_neither_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=words):
        read(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"gone.csv: cannot be read: No such file"):
        read(tmp_path / "gone.csv")


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the recorded traces of {SHARED} are not here: their reading is left out"
)
@pytest.mark.parametrize(
    ("name", "series"),
    [("gcd2011", 120), ("crane", 8), ("nab", 13), ("nasa_http", 1), ("cloud_cluster_capacity", 20)],
)
def test_recorded_traces_are_read(name: str, series: int) -> None:
    found = read(SHARED / f"{name}.npz")
    assert len(found) == series
    assert all(len(one.series) > 1000 for one in found)
