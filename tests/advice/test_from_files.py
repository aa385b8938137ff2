"""Recorded files, judged."""

from pathlib import Path

import numpy as np
import pytest

from scaler.advice import from_files
from scaler.advice.gathered import Gathered
from scaler.advice.judging import Policy, judge
from scaler.errors import Invalid
from scaler.vertical.usage import MemoryRules

DAY = 86400.0


def gathered(*paths: Path, units=None, capacity=None, requests=None) -> Gathered:
    return from_files.gather(
        paths,
        units=units or {},
        capacity=capacity or {},
        requests=requests or {},
        half_lives=(DAY, DAY),
        memory=MemoryRules(),
    )


def csv(path: Path, head: str, *rows: tuple[object, ...]) -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_cpu_and_memory_of_one_series_are_one_container(tmp_path: Path) -> None:
    rows = [(1_767_225_600 + k * 60, 0.1, 300) for k in range(1441)]
    found = gathered(
        csv(tmp_path / "web.csv", "time,cpu,memory (MiB)", *rows), requests={"cpu": "1", "memory": "1Gi"}
    )
    (one,) = judge(found.learning, found.facts, Policy(), found.step)
    assert one.bounds.target == {"cpu": 126, "memory": 380258472}
    assert (str(one.workload), one.container, one.facts.requests) == (
        "web/web",
        "web",
        {"cpu": 1000, "memory": 2**30},
    )
    assert found.dated
    assert found.notes == ()


def test_names_of_series_are_namespace_workload_and_container(tmp_path: Path) -> None:
    rows = [
        (k * 60, name, 0.1, "300Mi") for k in range(100) for name in ("shop/web/app", "shop/web/proxy", "mail/imap")
    ]
    found = gathered(csv(tmp_path / "x.csv", "time,series,cpu,memory", *rows))
    keys = [(str(workload), container) for workload, container in sorted(found.learning.learned)]
    assert keys == [("shop/web", "app"), ("shop/web", "proxy"), ("x/mail", "imap")]
    assert "times count from an unknown beginning: there are no dates" in found.notes


def test_what_was_mended_or_left_out_is_told(tmp_path: Path) -> None:
    rows = [(k * 60, 0.1 if k else -1, 5) for k in range(100)]
    found = gathered(csv(tmp_path / "web.csv", "time,cpu,requests", *rows))
    assert found.notes == (
        "web, cpu: 1 sample is negative: counted as missing",
        "times count from an unknown beginning: there are no dates",
        "left out, being neither cpu nor memory: requests",
        "there is no memory in it: its recommendation is the minimum only",
    )


def test_a_metric_of_another_name_is_taken_when_its_unit_is_said(tmp_path: Path) -> None:
    file = csv(tmp_path / "load.csv", "time,workload", *[(k * 60, 100) for k in range(100)])
    with pytest.raises(
        Invalid, match=r"nothing in it is called cpu or memory; there is workload. .*--unit workload=cores"
    ):
        gathered(file)
    found = gathered(file, units={"workload": "m"})
    (one,) = judge(found.learning, found.facts, Policy())
    assert one.bounds.target["cpu"] == 126


def test_every_unit_that_is_missing_is_asked_for_once(tmp_path: Path) -> None:
    names = [f"job{k}" for k in range(5)]
    np.savez(
        tmp_path / "t.npz",
        series_id=np.repeat(names, 2),
        metric=np.tile(["cpu", "memory"], 5),
        unit=np.array(["%"] * 10),
        t=np.arange(10) * 300,
        values=np.ones((10, 10)),
    )
    with pytest.raises(Invalid) as refused:
        gathered(tmp_path / "t.npz")
    assert [one.path for one in refused.value.problems] == ["cpu", "memory"]
    found = gathered(tmp_path / "t.npz", capacity={"cpu": "16", "memory": "64Gi"})
    assert len(found.learning.learned) == 5


def test_files_of_different_times_without_dates_begin_together(tmp_path: Path) -> None:
    one = csv(tmp_path / "a.csv", "time,cpu", *[(1_767_225_600 + k * 60, 0.1) for k in range(100)])
    two = csv(tmp_path / "b.csv", "time,cpu", *[(k * 60, 0.1) for k in range(100)])
    found = gathered(one, two)
    assert not found.dated
    assert (found.learning.begin, found.learning.end) == (0, 99 * 60)
