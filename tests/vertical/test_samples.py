"""What metrics.k8s.io tells, taken or left out."""

from typing import Any

import msgspec
import pytest

from scaler.clock import to_rfc3339
from scaler.vertical.estimation import LARGEST
from scaler.vertical.roster import Crew, Roster
from scaler.vertical.samples import NO_SAMPLE, Usages, cpu_of, gather, size_of
from scaler.vertical.usage import Aggregates

NOW = 1767225600.0


@pytest.mark.parametrize(
    ("text", "millicores"),
    [
        ("0", 0), ("1n", 1), ("1000000n", 1), ("1000001n", 2), ("125600u", 126), ("250m", 250), ("2", 2000),
        ("1.5", 1500), ("2e3", 2000000), ("-5n", -1), ("-2", -1), ("", -1), ("n", -1), ("NaN", -1), ("1e999", -1),
        ("٣n", -1), ("9" * 30 + "n", LARGEST),
    ],
)  # fmt: skip
def test_cpu_is_whole_millicores_rounded_up(text: str, millicores: int) -> None:
    assert cpu_of(text) == millicores


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1Ki", 1024), ("307200Ki", 300 << 20), ("12345", 12345), ("1.5Mi", 1572864), ("128M", 128000000),
        ("-1Ki", -1), ("Ki", -1), ("lots", -1), ("9" * 40 + "Ki", LARGEST),
    ],
)  # fmt: skip
def test_memory_is_whole_bytes(text: str, size: int) -> None:
    assert size_of(text) == size


def roster(*containers: str) -> Roster:
    made = Roster(Aggregates())
    made.put_pod(("shop", "web"), Crew({"app": "web"}, containers or ("app",)), NOW)
    return made


def usages(*pods: dict[str, Any]) -> Any:
    whole = [{"metadata": {"name": "web", "namespace": "shop"}, "timestamp": to_rfc3339(NOW), **pod} for pod in pods]
    return msgspec.json.decode(msgspec.json.encode({"items": whole}), type=Usages).items


def used(name: str, cpu: str = "100m", memory: str = "1Mi") -> dict[str, Any]:
    return {"name": name, "usage": {"cpu": cpu, "memory": memory}}


def test_a_sample_comes_with_its_windows_end() -> None:
    batch = gather(usages({"containers": [used("app")]}), roster(), NOW)
    assert batch.times.tolist() == [NOW]
    assert (batch.millicores.tolist(), batch.sizes.tolist()) == ([100], [1 << 20])
    assert not batch.refused


def test_what_is_not_ours_is_counted_and_left_out() -> None:
    other = {"metadata": {"name": "other", "namespace": "shop"}, "containers": [used("app")]}
    batch = gather(usages({"containers": [used("app"), used("injected")]}, other), roster(), NOW)
    assert len(batch.rows) == 1
    assert batch.refused == {"unknown": 2}


@pytest.mark.parametrize("stamp", ["", "yesterday", to_rfc3339(NOW + 400), to_rfc3339(NOW - 9 * 86400)])
def test_a_time_that_cannot_be_right_is_left_out(stamp: str) -> None:
    batch = gather(usages({"timestamp": stamp, "containers": [used("app")]}), roster(), NOW)
    assert len(batch.rows) == 0
    assert batch.refused == {"time": 1}


def test_one_resource_that_cannot_be_read_leaves_the_other() -> None:
    batch = gather(usages({"containers": [used("app", cpu="much")]}), roster(), NOW)
    assert (batch.millicores.tolist(), batch.sizes.tolist()) == ([NO_SAMPLE], [1 << 20])
    assert batch.refused == {"quantity": 1}


def test_a_container_that_is_told_twice_counts_once_as_it_was_told_last() -> None:
    both = roster("app", "log")
    batch = gather(usages({"containers": [used("app", "1"), used("log"), used("app", "2")]}), both, NOW)
    assert sorted(batch.millicores.tolist()) == [100, 2000]
    assert batch.refused == {"twice": 1}


def test_nothing_is_told() -> None:
    assert len(gather([], roster(), NOW).rows) == 0
