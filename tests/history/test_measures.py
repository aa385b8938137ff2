"""Units are what a file or a person says, never a guess."""

import numpy as np
import pytest

from scaler.errors import Invalid
from scaler.history.measures import amounts, measure, resource
from scaler.history.series import Series


def series(*values: float) -> Series:
    return Series(np.arange(float(len(values))) * 60, np.array(values))


def converted(
    metric: str, unit: str, *values: float, given: dict[str, str] | None = None, **capacity: str
) -> list[float]:
    return amounts(series(*values), metric, unit, given or {}, capacity).values.tolist()


@pytest.mark.parametrize(
    ("metric", "unit", "value", "amount"),
    [
        ("cpu", "cores", 0.5, 0.5),
        ("cpu", "", 0.5, 0.5),
        ("cpu", "millicores", 500, 0.5),
        ("container_cpu_usage", "m", 500, 0.5),
        ("cpu", "nanocores", 5e8, 0.5),
        ("memory", "bytes", 1e9, 1e9),
        ("memory", "MiB", 512, 512 * 2**20),
        ("mem", "Mi", 512, 512 * 2**20),
        ("memory", "GB", 2, 2e9),
        ("demand_cpu", "cores demanded (pool total)", 3, 3),
    ],
)
def test_amounts_come_in_cores_and_bytes(metric: str, unit: str, value: float, amount: float) -> None:
    assert converted(metric, unit, value) == [pytest.approx(amount)]


def test_a_share_needs_to_be_told_of_what() -> None:
    assert converted("cpu", "%", 50, cpu="16") == [8]
    assert converted("memory", "% of the largest machine", 25, memory="64Gi") == [16 * 2**30]
    with pytest.raises(Invalid, match=r"cpu: is a share \(%\), and of what is not said; .*--capacity cpu=16"):
        converted("cpu", "%", 50)
    with pytest.raises(Invalid, match=r"--capacity cpu=much: .* is not a quantity"):
        converted("cpu", "%", 50, cpu="much")
    with pytest.raises(Invalid, match="must be more than 0"):
        converted("cpu", "%", 50, cpu="0")


def test_what_a_person_says_wins_over_the_file() -> None:
    assert converted("workload", "unlabelled", 2, given={"workload": "cores"}) == [2]
    assert converted("memory", "bytes", 5, given={"memory": "MiB"}) == [5 * 2**20]


@pytest.mark.parametrize(
    ("metric", "unit", "values", "words"),
    [
        (
            "cpu",
            "jiffies",
            (1,),
            r"its unit 'jiffies' is none that I know; .*--unit cpu=UNIT, UNIT being cores, milli",
        ),
        ("cpu", "MiB", (1,), r"cpu: 'MiB' does not measure cpu; say --unit cpu=UNIT"),
        ("cpu", "", (250, 9000), r"reaches 9,000 cores, .* in millicores\? Say --unit cpu=m"),
        ("memory", "", (250, 900), r"never exceeds 900 bytes, .* in MiB or GiB\? Say --unit memory=MiB"),
    ],
)
def test_a_unit_that_cannot_be_right_is_refused_with_what_to_say(
    metric: str, unit: str, values: tuple[float, ...], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        converted(metric, unit, *values)


def test_whoever_says_the_unit_is_believed() -> None:
    assert converted("cpu", "", 9000, given={"cpu": "cores"}) == [9000]
    assert converted("memory", "", 900, given={"memory": "bytes"}) == [900]


def test_missing_values_say_nothing_about_the_unit() -> None:
    assert np.isnan(converted("memory", "", np.nan)).all()
    assert converted("memory", "", 0) == [0]


@pytest.mark.parametrize(
    ("metric", "unit", "found"),
    [
        ("cpu", "", "cpu"),
        ("memory_usage", "", "memory"),
        ("requests", "", ""),
        ("load", "cores", "cpu"),
        ("rss", "", "memory"),
    ],
)
def test_a_metric_is_of_cpu_or_memory_by_its_name_or_its_unit(metric: str, unit: str, found: str) -> None:
    assert resource(metric, unit) == found


def test_units_that_nobody_knows_are_none() -> None:
    assert measure("furlongs") is None
    assert measure("") is None
