"""Pods work, wait, are replaced and die as a cluster's do."""

import numpy as np
import pytest

from scaler.sim.backtest.fleet import CPU, MEMORY, Fleet, shape
from scaler.sim.backtest.scene import Container, MemoryUse, Nature, Workload
from tests.sim.backtest.scenes import GIB

GIVEN = shape([{"cpu": 500, "memory": GIB}], [{}])
CAPPED = shape([{"cpu": 500, "memory": GIB}], [{"cpu": 500, "memory": GIB}])


def fleet(memory: MemoryUse | None = None, nature: Nature | None = None, pods: int = 4, given=GIVEN) -> Fleet:
    container = Container("app", {}, memory=memory or MemoryUse())
    made = Fleet(Workload(pods, (container,)), nature or Nature(), np.random.default_rng(1))
    made.add(pods, given, 0.0, 0.0)
    return made


def test_pods_share_the_load_evenly() -> None:
    pods = fleet()
    happened = pods.step(2.0, None, 15.0)
    assert happened.used == pytest.approx(2.0)
    assert pods.cpu[:, 0] == pytest.approx([500.0] * 4)
    assert happened.short == 0.0


def test_what_is_asked_beyond_a_limit_is_throttled_and_short() -> None:
    pods = fleet(given=CAPPED)
    happened = pods.step(3.0, None, 15.0)
    assert happened.used == pytest.approx(2.0)
    assert happened.short == pytest.approx(1.0)


def test_what_is_asked_beyond_a_request_without_a_limit_is_given_but_not_sure() -> None:
    happened = fleet().step(3.0, None, 15.0)
    assert happened.used == pytest.approx(3.0)
    assert happened.short == pytest.approx(1.0)


def test_uneven_pods_still_get_the_whole_load() -> None:
    pods = fleet(nature=Nature(skew=0.3, jitter=0.2))
    assert pods.step(2.0, None, 15.0).used == pytest.approx(2.0)
    assert pods.cpu.max() > 550
    assert pods.cpu.min() < 450


def test_a_new_pod_works_only_after_its_start() -> None:
    pods = fleet()
    pods.reconcile(6, GIVEN, 100.0)
    assert pods.step(2.0, None, 115.0).ready == 4
    assert pods.step(2.0, None, 120.0).ready == 6


def test_the_youngest_go_first_and_the_unready_before_them() -> None:
    pods = fleet()
    pods.reconcile(5, GIVEN, 100.0)
    pods.reconcile(6, GIVEN, 200.0)
    pods.reconcile(5, GIVEN, 205.0)
    assert pods.ids.tolist() == [0, 1, 2, 3, 4]
    pods.reconcile(3, GIVEN, 300.0)
    assert len(pods) == 3
    assert 4 not in pods.ids


def test_a_rollout_replaces_every_pod_and_keeps_three_quarters_at_work() -> None:
    pods = fleet(pods=8)
    pods.roll_out(100.0)
    least = 8
    for now in np.arange(100.0, 400.0, 15.0):
        pods.reconcile(8, GIVEN, now)
        assert len(pods) <= 10
        least = min(least, pods.step(1.0, None, now + 15).ready)
    assert (pods.born >= 100.0).all()
    assert len(pods) == 8
    assert least >= 6


def test_a_single_pod_is_rolled_out_without_a_gap() -> None:
    pods = fleet(pods=1)
    pods.roll_out(100.0)
    ready = []
    for now in np.arange(100.0, 200.0, 15.0):
        pods.reconcile(1, GIVEN, now)
        ready.append(pods.step(0.1, None, now + 15).ready)
    assert min(ready) == 1
    assert pods.ids.tolist() == [1]


def test_memory_follows_load_and_age_and_ends_the_container_beyond_its_limit() -> None:
    pods = fleet(MemoryUse(base=0.5 * GIB, per_core=GIB, leak=0.0), given=CAPPED)
    assert pods.step(1.2, None, 15.0).at_risk == 0
    assert pods.step(1.7, None, 30.0).at_risk == 4
    happened = pods.step(2.4, None, 45.0)
    assert happened.killed == 4
    assert pods.killed == [(pod, 0, float(GIB)) for pod in range(4)]
    assert pods.step(2.4, None, 50.0).ready == 0
    assert pods.step(0.4, None, 66.0).ready == 4


def test_a_container_that_is_killed_again_and_again_waits_longer() -> None:
    pods = fleet(MemoryUse(base=2.0 * GIB), given=CAPPED, pods=1)
    kills = [now for now in np.arange(15.0, 1500.0, 15.0) if pods.step(0.1, None, now).killed]
    assert np.diff(kills)[:6].tolist() == sorted(np.diff(kills)[:6].tolist())
    assert np.diff(kills)[-1] >= 300


def test_a_recorded_memory_is_shared_by_pods_that_work() -> None:
    pods = fleet()
    assert pods.step(1.0, 2.0 * GIB, 15.0).memory == pytest.approx(2.0 * GIB)


def test_a_resize_changes_running_pods_and_nothing_else() -> None:
    pods = fleet()
    larger = shape([{"cpu": 700, "memory": 2 * GIB}], [{}])
    pods.resize(np.array([True, False, False, True]), larger)
    assert pods.requests[:, 0, CPU].tolist() == [700, 500, 500, 700]
    assert pods.requests[:, 0, MEMORY].tolist() == [2 * GIB, GIB, GIB, 2 * GIB]
    assert pods.born.tolist() == [0.0] * 4
