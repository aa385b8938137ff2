"""Scenes play out as clusters do: what an HPA does, what it costs, and that nothing is left to chance."""

import numpy as np
import pytest

from scaler.sim.backtest.play import play
from scaler.sim.backtest.run import Prices
from scaler.sim.backtest.scene import Load, Nature, Queue
from tests.horizontal.objects import scaled_object, subject
from tests.sim.backtest.scenes import DAY, GIB, HOUR, MINUTE, START, constant, daily, load, scene, workload


def test_an_hpa_holds_usage_at_its_target() -> None:
    run = play(scene(constant(4.0)), "hpa")
    assert run.series.replicas[-1] == 8
    assert run.series.used[-1] == pytest.approx(4.0)


def test_an_hpa_follows_a_daily_load() -> None:
    run = play(scene(daily(1.0, 8.0)), "hpa")
    noon, midnight = run.series.times.searchsorted([START + DAY / 2, START + DAY - 60])
    assert run.series.replicas[noon] == pytest.approx(16, abs=1)
    assert run.series.replicas[midnight] == pytest.approx(2, abs=1)


def test_nothing_moves_when_nobody_acts() -> None:
    run = play(scene(daily(1.0, 8.0)), "as-it-is")
    assert set(run.series.replicas) == {2.0}
    assert run.events == ()


def test_the_cost_is_what_was_requested() -> None:
    score = play(
        scene(constant(1.0, days=2), workload=workload(replicas=2, cpu=1000, memory=2 * GIB)), "as-it-is"
    ).score(Prices(core=1.0, gib=0.5))
    assert score.core_hours == pytest.approx(2 * 48)
    assert score.gib_hours == pytest.approx(4 * 48)
    assert score.cost == pytest.approx(2 * 48 + 0.5 * 4 * 48)
    assert score.days == pytest.approx(2.0)


def test_a_demand_beyond_the_limits_is_saturation() -> None:
    of = load(np.repeat([1.0, 3.0, 1.0], 60))
    score = play(scene(of, workload=workload(limit=1000)), "as-it-is").score()
    assert score.saturated_minutes == pytest.approx(60, abs=1)
    assert score.served == pytest.approx(4.0, abs=0.1)


def test_the_same_seed_plays_the_same_run_and_another_does_not() -> None:
    stormy = scene(daily(1.0, 8.0, 0.2), nature=Nature(noise=0.1, jitter=0.2, skew=0.1, lost=0.1))
    one, again, other = (play(stormy, "hpa", seed=seed) for seed in (7, 7, 8))
    assert (one.series.used == again.series.used).all()
    assert one.events == again.events
    assert (one.series.used != other.series.used).any()


def test_all_policies_meet_the_same_load() -> None:
    noisy = scene(constant(2.0, 0.1), nature=Nature(noise=0.1))
    assert (play(noisy, "hpa").series.demand == play(noisy, "as-it-is").series.demand).all()


def test_an_hpa_that_sees_nothing_holds() -> None:
    of = load(np.repeat([4.0, 0.5], 60))
    run = play(scene(of, nature=Nature(blind=((HOUR - 60, 3 * HOUR),))), "hpa")
    assert run.series.replicas[-1] == 8


def test_minutes_play_like_quarter_minutes() -> None:
    fine, coarse = (play(scene(daily(1.0, 8.0)), "hpa", step=step).score() for step in (15.0, 60.0))
    assert coarse.core_hours == pytest.approx(fine.core_hours, rel=0.02)


def test_gaps_in_a_load_are_crossed_straight() -> None:
    cores = np.full(120, np.nan)
    cores[0], cores[60] = 1.0, 3.0
    run = play(scene(load(cores)), "as-it-is")
    assert run.series.demand[30 * 4] == pytest.approx(2.0, abs=0.01)
    assert run.series.demand[-1] == 3.0


def test_a_load_too_short_or_a_step_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than one step"):
        play(scene(Load(START, 1.0, np.ones(5))), "hpa")
    with pytest.raises(ValueError, match="1 to 300 seconds"):
        play(scene(constant(1.0)), "hpa", step=900)


def test_a_queue_wakes_its_workload_and_lets_it_sleep() -> None:
    arrivals = np.zeros(360)
    arrivals[60:120] = 10.0
    queue = Queue(arrivals, rate=1.0, cores=0.5, visible=("s0-queue",))
    of = Load(START, MINUTE, np.zeros(360), queue=queue)
    scaled = scaled_object(minReplicaCount=0, maxReplicaCount=20, cooldownPeriod=300, pollingInterval=30)
    asleep = workload(replicas=0)
    run = play(scene(of, workload=asleep, hpa=None, subject=subject(of=scaled)), "hpa")
    hour = int(HOUR / 15)
    assert set(run.series.replicas[: hour - 4]) == {0.0}
    assert run.series.replicas.max() >= 10
    assert run.series.backlog.max() > 0
    assert run.series.replicas[-1] == 0
    assert run.series.backlog[-1] == 0
