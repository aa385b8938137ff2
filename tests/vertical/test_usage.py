"""Samples of cpu, peaks of memory, and containers that were killed for memory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.vertical.buckets import Buckets
from scaler.vertical.histograms import Histograms
from scaler.vertical.series import add_cpu_series, add_memory_series
from scaler.vertical.usage import DAY, Aggregates, Containers, MemoryRules
from tests.vertical import vectors
from tests.vertical.samples import one, rows


class Spied(Histograms):
    """Histograms that tell what is done to them."""

    def __init__(self, buckets: Buckets, half_life: float) -> None:
        super().__init__(buckets, half_life)
        self.done: list[dict[str, Any]] = []

    def add(self, rows: Any, values: Any, weight: Any, times: Any) -> None:
        self._note("add", values, weight, times)
        super().add(rows, values, weight, times)

    def subtract(self, rows: Any, values: Any, weight: Any, times: Any) -> None:
        self._note("subtract", values, weight, times)
        super().subtract(rows, values, weight, times)

    def _note(self, how: str, values: Any, weight: float, times: Any) -> None:
        self.done += [
            {"op": how, "value": value, "weight": weight, "unix": time}
            for value, time in zip(values.tolist(), times.tolist(), strict=True)
        ]


class One:
    """One container, spied on."""

    def __init__(self, rules: MemoryRules) -> None:
        self.aggregates = Aggregates()
        self.cpu = self.aggregates.cpu = Spied(self.aggregates.cpu.buckets, DAY)
        self.memory = self.aggregates.memory = Spied(self.aggregates.memory.buckets, DAY)
        self.containers = Containers(self.aggregates)
        self.row = self.containers.new(self.aggregates.new(0.0, rules))

    def happen(self, event: dict[str, Any]) -> bool:
        if event["event"] == "oom":
            return self.containers.record_oom(self.row, event["unix"], event["amount"])
        add = self.containers.add_cpu if event["event"] == "cpu" else self.containers.add_memory
        return bool(add(rows(self.row), one(event["unix"]), rows(event["amount"]))[0])


def rules_of(told: dict[str, Any]) -> MemoryRules:
    return MemoryRules(
        told.get("memoryAggregationIntervalSeconds") or told["intervalSeconds"],
        told.get("intervalCount", 8),
        told["oomBumpUpRatio"],
        told["oomMinBumpUpBytes"],
    )


def play_sequence(case: vectors.Case) -> None:
    container = One(rules_of(case.input))
    taken = []
    for number, event in enumerate(case.input["events"]):
        before = len(container.cpu.done), len(container.memory.done)
        taken.append(container.happen(event))
        if "perEvent" in case.expected:
            play_step(container, before, taken[-1], case.expected["perEvent"][number])
    if "accepted" in case.expected:
        assert taken == case.expected["accepted"]
    if "cpuOps" in case.expected:
        assert container.cpu.done == [
            {"op": each["op"], "value": each["cores"], "weight": each["weight"], "unix": each["unix"]}
            for each in case.expected["cpuOps"]
        ]
    if "memoryOps" in case.expected:
        assert container.memory.done == [
            {"op": each["op"], "value": each["amount"], "weight": each["weight"], "unix": each["unix"]}
            for each in case.expected["memoryOps"]
        ]


def play_step(container: One, before: tuple[int, int], taken: bool, expected: dict[str, Any]) -> None:
    done = [
        {"op": each["op"], "resource": resource, "unix": each["unix"], "amount": round(each["value"] * factor, 6)}
        for resource, spied, known, factor in (
            ("cpu", container.cpu, before[0], 1000),
            ("memory", container.memory, before[1], 1),
        )
        for each in spied.done[known:]
    ]
    assert taken == expected["accepted"]
    assert done == expected["histogramOps"]
    held = container.containers
    assert max(held.peak[container.row], held.oom_peak[container.row]) == expected["maxMemoryPeak"]
    if expected["memoryWindowEndUnix"]:
        assert held.window_end[container.row] == expected["memoryWindowEndUnix"]


PLAYERS = {"container_sample_sequence": play_sequence}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


SERIES = st.lists(st.tuples(st.integers(-3, 400), st.integers(-2, 60)), min_size=1, max_size=80)


def columns(aggregates: Aggregates, containers: Containers) -> list[Any]:
    """All there is, to compare to the last bit."""
    tables: list[tuple[Any, tuple[str, ...]]] = [
        (aggregates, ("first", "last", "count")),
        (aggregates.cpu, ("weights", "totals", "references")),
        (aggregates.memory, ("weights", "totals", "references")),
        (containers, ("cpu_seen", "memory_seen", "window_end", "peak", "oom_peak")),
    ]
    return [getattr(table, name)[:2].tolist() for table, names in tables for name in names]


@given(st.lists(SERIES, min_size=1, max_size=3), st.booleans())
def test_a_series_counts_as_its_samples_one_by_one(parts: list[list[tuple[int, int]]], oom: bool) -> None:
    """In an aggregate that has another container's weights, where taking back and counting again leaves roundings."""
    results = []
    for at_once in (True, False):
        aggregates = Aggregates()
        containers = Containers(aggregates)
        shared = aggregates.new(0.0, MemoryRules(interval=7 * 3600.0))
        row, other = containers.new(shared), containers.new(shared)
        containers.add_memory(rows(other), one(1.7e9 + 1234), rows(40_000_000))
        for part in parts:
            hours, amounts = (np.array(column) for column in zip(*part, strict=True))
            times = 1.7e9 + hours * 1200.0
            if at_once:
                add_cpu_series(containers, row, times, amounts * 50)
                add_memory_series(containers, row, times, amounts * 5_000_000)
            else:
                for time, amount in zip(times.tolist(), amounts.tolist(), strict=True):
                    containers.add_cpu(rows(row), one(time), rows(amount * 50))
                    containers.add_memory(rows(row), one(time), rows(amount * 5_000_000))
            if oom:
                containers.record_oom(row, times[-1], 90_000_000)
        results.append(columns(aggregates, containers))
    assert results[0] == results[1]


def test_many_containers_add_to_one_aggregate() -> None:
    aggregates = Aggregates()
    containers = Containers(aggregates)
    shared, alone = aggregates.new(0.0, MemoryRules()), aggregates.new(0.0, MemoryRules())
    numbers = rows(*(containers.new(shared if at % 2 else alone) for at in range(200)))
    taken = containers.add_cpu(numbers, np.full(200, 1e9), np.where(np.arange(200) < 4, -1, 250))
    assert taken.sum() == 196
    assert aggregates.count[[shared, alone]].tolist() == [98, 98]


def test_rows_of_containers_that_went_are_used_again() -> None:
    aggregates = Aggregates()
    containers = Containers(aggregates)
    shared = aggregates.new(0.0, MemoryRules())
    first = containers.new(shared)
    containers.add_memory(rows(first), one(1e9), rows(5))
    containers.drop(first)
    second = containers.new(shared)
    assert second == first
    assert containers.peak[second] == 0
    assert containers.rows.used == 1


def test_an_aggregate_is_kept_for_eight_days_after_its_last_sample_or_while_it_is_new() -> None:
    aggregates = Aggregates()
    containers = Containers(aggregates)
    seen, unseen = aggregates.new(0.0, MemoryRules()), aggregates.new(0.0, MemoryRules())
    containers.add_cpu(rows(containers.new(seen)), one(DAY), rows(100))
    both, nobody, live = rows(seen, unseen), np.array([False, False]), np.array([True, True])
    assert aggregates.expired(both, 7.9 * DAY, live).tolist() == [False, False]
    assert aggregates.expired(both, 7.9 * DAY, nobody).tolist() == [False, True]
    assert aggregates.expired(both, 8.5 * DAY, live).tolist() == [False, True]
    assert aggregates.expired(both, 9.0 * DAY, live).tolist() == [True, True]
