"""Checkpoints: written as upstream writes them, read as it reads them, and refused where they cannot be right."""

import re
from typing import Any

import msgspec
import numpy as np
import pytest

from scaler.api.verticalpodautoscaler import CheckpointStatus, HistogramCheckpoint
from scaler.clock import from_rfc3339
from scaler.vertical.checkpoints import learned, load
from scaler.vertical.usage import DAY, Aggregates, Containers, MemoryRules
from tests.vertical import vectors
from tests.vertical.samples import add, each, one, rows, together


class Pods:
    """Containers of one name, an aggregate each or one for all."""

    def __init__(self) -> None:
        self.aggregates = Aggregates()
        self.containers = Containers(self.aggregates)
        self.aggregate = self.aggregates.new(0.0, MemoryRules())
        self.rows: dict[str, int] = {}

    def use(self, pod: str, time: float, cpu: int, memory: int) -> None:
        row = self.rows.get(pod)
        if row is None:
            row = self.rows[pod] = self.containers.new(self.aggregate)
        self.containers.add_cpu(rows(row), one(time), rows(cpu))
        self.containers.add_memory(rows(row), one(time), rows(memory))

    def status(self, now: float) -> CheckpointStatus:
        return learned(self.containers, each(self.aggregate), now).status(0, now)


def play_write(case: vectors.Case) -> None:
    pods = Pods()
    for sample in case.input["samples"]:
        pods.use(sample["pod"], sample["unix"], sample["cpuMillicores"], sample["memoryBytes"])
    for pod, end in case.expected["memoryWindowEndUnixByPod"].items():
        assert pods.containers.window_end[pods.rows[pod]] == end
    status = msgspec.to_builtins(pods.status(case.input["nowUnix"]))
    status.pop("lastUpdateTime")
    expected = dict(case.expected["status"])
    expected.pop("lastUpdateTime")
    assert status == expected


def play_state(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    aggregates = Aggregates()
    containers = Containers(aggregates)
    row = aggregates.new(0.0, MemoryRules())
    if "version" in told:
        play_load(aggregates, row, told, expected)
    elif "cpuSamples" in told:
        for histograms, samples in ((aggregates.cpu, told["cpuSamples"]), (aggregates.memory, told["memorySamples"])):
            add(histograms, [sample | {"unix": from_rfc3339(sample["at"])} for sample in samples], row)
        aggregates.count[row] = told["totalSamplesCount"]
        aggregates.first[row], aggregates.last[row] = (
            from_rfc3339(told[name]) for name in ("firstSampleStart", "lastSampleStart")
        )
        status = learned(containers, each(row), 0.0).status(0, 0.0)
        assert (status.version, status.total_samples_count) == (expected["version"], expected["totalSamplesCount"])
        assert (status.first_sample_start, status.last_sample_start) == (
            told["firstSampleStart"],
            told["lastSampleStart"],
        )
        assert len(status.cpu_histogram.bucket_weights) == expected["cpuBucketCount"]
        assert len(status.memory_histogram.bucket_weights) == expected["memoryBucketCount"]
    elif "containers" in told:
        play_by_name(told, expected)
    else:
        play_expiry(aggregates, row, told, expected)


def play_load(aggregates: Aggregates, row: int, told: dict[str, Any], expected: dict[str, Any]) -> None:
    found = msgspec.convert(told, CheckpointStatus)
    if expected.get("error"):
        with pytest.raises(ValueError, match="version"):
            load(aggregates, row, found)
        return
    load(aggregates, row, found)
    assert aggregates.count[row] == expected["totalSamplesCount"]
    assert aggregates.cpu.empty(rows(row))[0] == expected["cpuEmpty"]
    assert aggregates.memory.empty(rows(row))[0] == expected["memoryEmpty"]


def play_by_name(told: dict[str, Any], expected: dict[str, Any]) -> None:
    aggregates = Aggregates()
    containers = Containers(aggregates)
    by_name: dict[str, list[int]] = {}
    for path, usage in told["containers"].items():
        row = aggregates.new(0.0, MemoryRules())
        by_name.setdefault(path.partition("/")[2], []).append(row)
        container = containers.new(row)
        containers.add_cpu(rows(container), one(1.0), rows(int(usage["cpuCores"] * 1000)))
        containers.add_memory(rows(container), one(1.0), rows(int(usage["memoryBytes"])))
    counts = {name: learned(containers, together(*found), 2.0).counts[0] for name, found in by_name.items()}
    assert counts == expected["totalSamplesCount"]


def play_expiry(aggregates: Aggregates, row: int, told: dict[str, Any], expected: dict[str, Any]) -> None:
    days = told.get("daysSinceLastSample") or told["daysSinceCreation"]
    aggregates.count[row] = told["totalSamplesCount"]
    aggregates.last[row] = 0.0
    found = [bool(aggregates.expired(rows(row), day * DAY, np.array([True]))[0]) for day in days]
    assert found == expected["expired"]


PLAYERS = {"checkpoint_write": play_write, "aggregate_state": play_state}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_what_was_written_is_read_back_within_its_resolution() -> None:
    pods = Pods()
    for minute in range(600):
        pods.use("a", 1e9 + minute * 60, 100 + minute, 10**8 + minute * 10**6)
    status = pods.status(1e9 + 3 * DAY)
    again = msgspec.json.decode(msgspec.json.encode(status), type=CheckpointStatus)
    row = pods.aggregates.new(0.0, MemoryRules())
    load(pods.aggregates, row, again)
    for histograms in (pods.aggregates.cpu, pods.aggregates.memory):
        found = histograms.percentiles(each(pods.aggregate, row), (0.5, 0.9, 0.95))
        assert found[0].tolist() == found[1].tolist()
    for name in ("first", "last", "count"):
        column = getattr(pods.aggregates, name)
        assert column[pods.aggregate] == column[row]


def test_the_running_peak_is_left_out_for_each_container_of_each_group() -> None:
    pods = Pods()
    for pod, size in (("a", 10**8), ("b", 10**9)):
        pods.use(pod, 1e9, 100, size)
    containers, aggregate = pods.containers, pods.aggregate
    twice = each(aggregate, aggregate)
    for group in range(2):
        running = learned(containers, twice, 1e9 + 60).status(group, 0.0)
        assert running.memory_histogram.bucket_weights == {}
        assert running.memory_histogram.total_weight == 0.0
        over = learned(containers, twice, 1e9 + DAY).status(group, 0.0)
        assert set(over.memory_histogram.bucket_weights.values()) == {10000}
    pods.containers.drop(pods.rows["a"])
    gone = learned(containers, twice, 1e9 + 60).status(1, 0.0)
    assert len(gone.memory_histogram.bucket_weights) == 1


GOOD = CheckpointStatus(version="v3", cpu_histogram=HistogramCheckpoint(bucket_weights={"3": 1}, total_weight=1.0))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"version": "v4"}, "its version is v4, and only v3 can be read"),
        ({"version": ""}, "its version is not given"),
        ({"cpuHistogram": {"bucketWeights": {"176": 1}}}, "bucket '176'; they are numbered 0 to 175"),
        ({"cpuHistogram": {"bucketWeights": {"-1": 1}}}, "bucket '-1'"),
        ({"cpuHistogram": {"bucketWeights": {"1": -5}}}, "bucketWeights.1 is -5"),
        ({"cpuHistogram": {"bucketWeights": {"1": "x"}}}, "bucketWeights.1 is 'x'"),
        ({"memoryHistogram": {"totalWeight": -1.0}}, "totalWeight is -1.0, and must be a number from 0"),
        ({"memoryHistogram": {"referenceTimestamp": "yesterday"}}, "'yesterday' is not an RFC 3339 time"),
        ({"firstSampleStart": "soon"}, "'soon' is not an RFC 3339 time"),
        ({"totalSamplesCount": -1}, "totalSamplesCount is -1"),
    ],
)
def test_a_checkpoint_that_cannot_be_right_is_refused_and_changes_nothing(wrong: dict[str, Any], words: str) -> None:
    aggregates = Aggregates()
    row = aggregates.new(0.0, MemoryRules())
    found = msgspec.convert({**msgspec.to_builtins(GOOD), **wrong}, CheckpointStatus)
    with pytest.raises(ValueError, match=re.escape(words)):
        load(aggregates, row, found)
    assert aggregates.count[row] == 0
    assert aggregates.cpu.empty(rows(row))[0]
    assert aggregates.cpu.totals[row] == aggregates.memory.totals[row] == 0.0
