"""Text of rows, as people have it."""

from pathlib import Path

import numpy as np
import pytest

from scaler.errors import Invalid
from scaler.history.files import read
from scaler.history.recorded import Recorded

nan = np.nan


@pytest.fixture
def table(tmp_path: Path):
    def written(text: str, name: str = "web.csv") -> tuple[Recorded, ...]:
        path = tmp_path / name
        path.write_text(text)
        return read(path)

    return written


def values(found: Recorded) -> list[float]:
    return found.series.values.tolist()


def test_a_time_and_a_value_need_no_header(table) -> None:
    (found,) = table("0,1.5\n60,2\n120,2.5\n")
    assert (found.name, found.metric, found.unit, found.dated) == ("web", "value", "", False)
    assert found.series.times.tolist() == [0, 60, 120]
    assert values(found) == [1.5, 2, 2.5]


def test_each_column_is_a_series_and_may_say_its_unit(table) -> None:
    cpu, memory, more = table("time,cpu,memory (MiB),heap_bytes\n0,0.5,100,7\n60,0.6,110,8\n")
    assert [(one.metric, one.unit) for one in (cpu, memory, more)] == [
        ("cpu", ""),
        ("memory", "MiB"),
        ("heap", "bytes"),
    ]
    assert values(memory) == [100, 110]


def test_names_make_series_of_their_own(table) -> None:
    found = table("time,namespace,container,cpu\n0,shop,web,1\n0,shop,api,2\n60,shop,web,3\n")
    assert {one.name: values(one) for one in found} == {"shop/web": [1, 3], "shop/api": [2]}


def test_a_row_may_be_one_value_of_a_metric(table) -> None:
    cpu, memory = table("time,series,metric,value,unit\n0,web,cpu,1,cores\n0,web,memory,2,GiB\n60,web,cpu,3,cores\n")
    assert (cpu.name, cpu.metric, cpu.unit, values(cpu)) == ("web", "cpu", "cores", [1, 3])
    assert (memory.metric, memory.unit, values(memory)) == ("memory", "GiB", [2])


@pytest.mark.parametrize(
    ("text", "seconds", "remarks"),
    [
        ("2026-01-31T08:00:00Z", 1769846400.0, ()),
        ("2026-01-31T09:00:00.5+01:00", 1769846400.5, ()),
        ("2026-01-31 08:00:00", 1769846400.0, ("times name no zone: taken for UTC",)),
        ("1769846400000", 1769846400.0, ("times are in milliseconds: divided by 1000",)),
        ("1769846400.25", 1769846400.25, ()),
    ],
)
def test_times_are_read_as_people_and_programs_write_them(
    table, text: str, seconds: float, remarks: tuple[str, ...]
) -> None:
    (found,) = table(f"time,value\n{text},1\n")
    assert found.series.times.tolist() == [seconds]
    assert found.dated
    assert found.remarks == remarks


def test_of_two_columns_the_second_is_the_value_whatever_it_is_called(table) -> None:
    (found,) = table("time,workload\n0,1\n60,2\n")
    assert (found.metric, values(found)) == ("workload", [1, 2])


def test_semicolons_and_tabs_part_columns_too(table) -> None:
    assert values(table("time;value\n0;1\n60;2\n")[0]) == [1, 2]
    assert values(table("time\tvalue\n0\t1\n60\t2\n")[0]) == [1, 2]


def test_empty_cells_and_words_for_nothing_are_missing(table) -> None:
    (found,) = table("time,value\n0,1\n60,\n120,NaN\n180,null\n240,5\n")
    np.testing.assert_array_equal(found.series.values, [1, nan, nan, nan, 5])
    assert found.notes == ("3 samples are missing (empty, NaN or infinite)",)


def test_quantities_are_numbers_too(table) -> None:
    cpu, memory = table("time,cpu,memory\n0,250m,64Mi\n")
    assert values(cpu) == [0.25]
    assert values(memory) == [64 * 2**20]


def test_blank_lines_and_a_byte_order_mark_are_passed_over(table) -> None:
    assert values(table("\ufeff\ntime,value\n\n0,1\n\n60,2\n\n")[0]) == [1, 2]


def test_disorder_is_mended_and_told(table) -> None:
    (found,) = table("time,value\n60,2\n0,1\n60,3\n120,-1\n")
    assert found.series.times.tolist() == [0, 60, 120]
    np.testing.assert_array_equal(found.series.values, [1, 3, nan])
    assert len(found.notes) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "web.csv: is empty"),
        ("\n\n", "web.csv: is empty"),
        ("time,value\n", "web.csv: holds no series"),
        ("time,value\nsoon,1\n", r"web.csv:2: 'soon' is no time: seconds, or as in 2026-01-31T08:00:00Z"),
        ("time,value\n0,1\n60,many\n", r"web.csv:3: value: 'many' is no number; write it as 1234.5"),
        ("time;value\n0;1,5\n", r"web.csv:2: value: '1,5' is no number"),
        ("time,value\n0,1,2\n", r"web.csv:2: has 3 columns where the first line has 2"),
        ("\n\ntime,value\n\n0,x\n", "web.csv:5: value: 'x' is no number"),
        ("0,1,2\n60,1,2\n", "web.csv:1: without a header a row has two columns, a time and a value; this one has 3"),
        ("time,namespace,pod\n0,x,y\n", "web.csv:1: names no column of values"),
        ("time,value\n0,\n60,\n", "web.csv: value: has no value that is known"),
        ("time,value\n0,-1\n60,-2\n120,3\n", "web.csv: value: 2 of 3 values are negative; .* differences"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_line(table, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        table(text)


def test_every_wrong_line_is_told_up_to_ten(table) -> None:
    with pytest.raises(Invalid) as refused:
        table("time,value\n" + "x,1\n" * 30)
    assert [one.path.rpartition(":")[2] for one in refused.value.problems] == [str(line) for line in range(2, 12)]


def test_a_long_file_is_read_whole(table) -> None:
    (found,) = table("time,value\n" + "".join(f"{k * 60},{k}\n" for k in range(20_000)))
    assert values(found) == list(range(20_000))
