"""Buckets, histograms and their decay: upstream's numbers to the last bit, and what upstream has no case of."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.api.verticalpodautoscaler import HistogramCheckpoint
from scaler.clock import from_rfc3339
from scaler.vertical import buckets
from scaler.vertical.checkpoints import load_histogram, stored
from scaler.vertical.decay import power_of_two
from scaler.vertical.histograms import Groups, Histograms, ends
from tests.vertical import vectors
from tests.vertical.samples import DAY, add, each, one, options, percentiles, rows, together


def plain(given: Any, count: int = 1) -> Histograms:
    return Histograms(options(given), DAY, count)


def stored_as(given: dict[str, Any]) -> HistogramCheckpoint:
    return msgspec.convert(given, HistogramCheckpoint)


def play_buckets(case: vectors.Case) -> None:
    told = case.input
    made = buckets.exponential(told["firstBucketSize"], told["maxValue"], told["ratio"])
    assert made.starts.tolist() == case.expected["bucketStart"]
    assert made.count == case.expected["numBuckets"]
    assert made.epsilon == told["epsilon"]


def play_find_bucket(case: vectors.Case) -> None:
    found = options(case.input["options"]).find(np.array(case.input["values"], dtype=float))
    assert found.tolist() == case.expected["bucket"]


def play_options(case: vectors.Case) -> None:
    made = options(case.input["options"])
    assert made.count == case.expected["numBuckets"]
    assert made.find(np.array(case.input["findBucketOf"], dtype=float)).tolist() == case.expected["bucket"]
    assert made.starts[case.input["startOf"]].tolist() == pytest.approx(case.expected["start"])


def play_histogram(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    histograms = plain(told["options"], 2)
    if "checkpoint" in told:
        play_load(histograms, told["checkpoint"], expected)
    elif "a" in told:
        add(histograms, told["a"], 0)
        add(histograms, told["b"], 1)
        wanted = plain(told["options"])
        add(wanted, expected["equalsHistogramOf"])
        assert histograms.merged(together(0, 1)).weights.tolist() == wanted.weights.tolist()
    elif "steps" in told:
        assert [step(histograms, one_step) for one_step in told["steps"]] == expected["isEmptyAfterEachStep"]
    elif "isEmptyBeforeSave" in expected:
        add(histograms, told["samples"])
        load_histogram(histograms, 1, stored(histograms.merged(each(0)), 0))
        assert histograms.empty(rows(0, 1)).tolist() == [False, False]
    else:
        add(histograms, told["samples"])
        play_answers(histograms, told, expected)


def play_load(histograms: Histograms, checkpoint: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    if expected.get("error"):
        if checkpoint is not None:  # what is absent is the reading model's business
            with pytest.raises(ValueError, match=r"bucket|totalWeight"):
                load_histogram(histograms, 0, stored_as(checkpoint))
        return
    load_histogram(histograms, 0, stored_as(checkpoint or {}))
    assert histograms.totals[0] == expected["totalWeight"]
    assert {str(at): weight for at, weight in enumerate(histograms.weights[0]) if weight} == expected["weights"]


def step(histograms: Histograms, told: dict[str, Any]) -> bool:
    if told["op"] != "none":
        change = histograms.add if told["op"] == "add" else histograms.subtract
        change(rows(0), one(told["value"]), told["weight"], histograms.references[:1])
    return bool(histograms.empty(rows(0))[0])


def play_answers(histograms: Histograms, told: dict[str, Any], expected: dict[str, Any]) -> None:
    if "percentiles" in told:
        assert percentiles(histograms, told["percentiles"]) == pytest.approx(expected["values"])
    else:
        found = stored(histograms.merged(each(0)), 0)
        assert (found.total_weight, found.bucket_weights) == (expected["totalWeight"], expected["bucketWeights"])


def play_decaying(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    histograms = Histograms(options(told["options"]), told["halfLifeSeconds"], 2)
    if "checkpoint" in told:
        load_histogram(histograms, 0, stored_as(told["checkpoint"]))
        assert histograms.references[0] == from_rfc3339(expected["referenceTimestamp"])
        assert not histograms.empty(rows(0))[0]
    elif "a" in told:
        add(histograms, told["a"], 0)
        add(histograms, told["b"], 1)
        wanted = Histograms(histograms.buckets, histograms.half_life, 1)
        add(wanted, expected["equalsHistogramOf"])
        merged = histograms.merged(together(0, 1))
        assert merged.weights == pytest.approx(wanted.merged(each(0)).weights, rel=1e-12)
    elif "values" in expected:
        add(histograms, told["samples"])
        assert percentiles(histograms, told["percentiles"]) == expected["values"]
    else:
        play_decayed(histograms, told, expected)


def play_decayed(histograms: Histograms, told: dict[str, Any], expected: dict[str, Any]) -> None:
    add(histograms, told["samples"])
    lowest, highest = ends(histograms.weights[:1], histograms.buckets.epsilon)
    assert (lowest[0], highest[0]) == (expected["minBucket"], expected["maxBucket"])
    assert histograms.empty(rows(0))[0] == expected["isEmpty"]
    assert histograms.totals[0] == expected["totalWeight"]
    assert histograms.references[0] == from_rfc3339(expected["referenceTimestamp"])
    assert percentiles(histograms, told["percentiles"]) == expected["percentileValues"]
    found = stored(histograms.merged(each(0)), 0)
    assert found == stored_as(expected["checkpoint"])
    load_histogram(histograms, 1, found)
    assert percentiles(histograms, told["percentiles"], each(1)) == expected["percentileValuesAfterReload"]


def play_merge(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    histograms = Histograms(options(told["options"]), told["halfLifeSeconds"], 2)
    for row, which in enumerate("ab"):
        add(histograms, told[which], row)
        assert histograms.references[row] == from_rfc3339(told[f"{which}ReferenceBefore"])
    merged = histograms.merged(together(0, 1))
    assert merged.totals.tolist() == [expected["totalWeight"]]
    assert merged.references.tolist() == [from_rfc3339(expected["referenceTimestamp"])]
    assert percentiles(histograms, told["percentiles"], together(0, 1)) == expected["percentileValues"]


def play_rounding(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    histograms = Histograms(buckets.CPU, told["halfLifeSeconds"], 1)
    add(histograms, [{"value": 1.0, "weight": told["weight"], "unix": told["firstSampleUnix"]}])
    assert histograms.references.tolist() == [expected["referenceUnix"]]
    assert histograms.totals.tolist() == [expected["totalWeight"]]


PLAYERS = {
    "histogram_buckets": play_buckets,
    "histogram_find_bucket": play_find_bucket,
    "histogram_options": play_options,
    "histogram": play_histogram,
    "decaying_histogram": play_decaying,
    "decaying_histogram_merge": play_merge,
    "decay_reference_rounding": play_rounding,
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_whole_bytes_and_millicores_lie_where_upstream_puts_them() -> None:
    """Seen by running upstream's arithmetic on the values beside every edge: only at these do naive ones differ."""
    assert buckets.CPU.find(np.array([0.009, 0.010, 0.011])).tolist() == [0, 1, 1]
    sizes = np.array([9999999, 10000000, 20499999, 20500000, 20500001, 31525000, 31525001, 43101249, 43101250], float)
    assert buckets.MEMORY.find(sizes).tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 4]


def test_powers_of_two_are_rounded_as_upstreams_language_rounds() -> None:
    """Values of Go 1.26's math.Exp2; numpy's differ in the last bit in all but the first line."""
    assert power_of_two(np.array([0.0, 1.0, -1.0, 100.0])).tolist() == [1.0, 2.0, 0.5, 2.0**100]
    assert power_of_two(one(0.5)).tolist() == [1.414213562373095]
    assert power_of_two(one(62.727992198019365)).tolist() == [7.638484811063378e18]
    assert power_of_two(one(-44.298475636778235)).tolist() == [4.6220013834950964e-14]


SAMPLES = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0.0, 50.0), st.integers(0, 60 * 24 * 300)), min_size=1, max_size=60
)


@given(SAMPLES)
def test_a_batch_counts_as_its_samples_one_by_one(samples: list[tuple[int, float, int]]) -> None:
    """Also where references move half-way through it."""
    batch, single = (Histograms(buckets.CPU, 3600.0, 4) for _ in range(2))
    where, values, minutes = (np.array(column) for column in zip(*samples, strict=True))
    times = 1.7e9 + minutes * 60.0
    batch.add(where, values.astype(float), 0.1, times)
    for at in range(len(samples)):
        single.add(where[at : at + 1], values[at : at + 1].astype(float), 0.1, times[at : at + 1])
    assert batch.weights.tolist() == single.weights.tolist()
    assert batch.totals.tolist() == single.totals.tolist()
    assert batch.references.tolist() == single.references.tolist()


@given(SAMPLES)
def test_rows_and_groups_know_nothing_of_each_other(samples: list[tuple[int, float, int]]) -> None:
    all_rows = Histograms(buckets.CPU, DAY, 4)
    for row in range(4):
        mine = [{"value": value, "weight": 0.1, "unix": minute * 60} for at, value, minute in samples if at == row]
        alone = Histograms(buckets.CPU, DAY, 1)
        add(all_rows, mine, row)
        add(alone, mine)
        assert percentiles(all_rows, (0.5, 0.9), each(row)) == percentiles(alone, (0.5, 0.9))
    groups = Groups(rows(0, 1, 2, 3), rows(0, 1, 3))
    found = all_rows.percentiles(groups, (0.5, 0.9)).tolist()
    assert found == [percentiles(all_rows, (0.5, 0.9), one_) for one_ in (each(0), together(1, 2), each(3))]


def test_more_groups_than_are_worked_on_at_a_time() -> None:
    count = 5000
    histograms = Histograms(buckets.CPU, DAY, count)
    histograms.add(np.arange(count), np.full(count, 1.0), 0.1, np.full(count, 1e9))
    assert set(histograms.percentiles(each(*range(count)), (0.9,))[:, 0]) == {1.0162813885540904}
