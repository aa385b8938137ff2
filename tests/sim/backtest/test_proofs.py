"""Both axes on one workload, proven in simulated time: naively they spiral, together they settle, and it pays.

With noise, uneven pods, delays, lost samples, resizes that take time and some that nodes have no room for, rollouts.
"""

import functools
import itertools

import numpy as np
import pytest

from scaler.sim.backtest.play import play
from scaler.sim.backtest.run import Run, Score
from scaler.sim.backtest.scene import Floats, Load, Nature, Policy, Scene
from tests.sim.backtest.scenes import DAY, HOUR, constant, daily, hpa, scene, vpa, workload

STORMY = Nature(
    noise=0.03,
    jitter=0.05,
    skew=0.03,
    delay=30.0,
    lost=0.02,
    resize=30.0,
    infeasible=0.2,
    rollouts=(30 * HOUR, 70 * HOUR),
)
DAYS = 4.0
MINUTE = 60.0


def both(of: Load, *, request: int, least: int, most: int, start: int, limited: bool = True) -> Scene:
    """An HPA at 50 % and a VPA on a workload that requests so many millicores."""
    made = workload(replicas=start, cpu=request, limit=request if limited else None, startup=60.0)
    return scene(of, workload=made, hpa=hpa(least=least, most=most), vpa=vpa(), nature=STORMY)


def replica_changes(run: Run, since: float) -> int:
    begin = run.series.times[0] + since
    return sum(event.kind == "replicas" and event.at > begin for event in run.events)


def request_changes(run: Run, since: float) -> int:
    begin = run.series.times[0] + since
    return sum(event.kind == "requests" and event.at > begin for event in run.events)


# -- constant load ---------------------------------------------------------------------------------------------


@functools.cache
def steady(policy: Policy) -> Run:
    return play(both(constant(4.0, DAYS), request=1000, least=2, most=40, start=3), policy, step=MINUTE)


def test_naively_the_axes_feed_each_other_until_replicas_are_at_their_most_or_pods_at_their_least() -> None:
    """The counterexample: the load never changes, and for days both axes do."""
    run = steady("naive")
    daily_replicas = run.series.replicas.reshape(int(DAYS), -1).mean(axis=1)
    daily_requests = run.series.request.reshape(int(DAYS), -1).mean(axis=1)
    assert (np.diff(daily_replicas) > 0).all()
    assert (np.diff(daily_requests) < 0).all()
    assert run.series.replicas[-1] > 2.5 * 8
    assert run.series.request[-1] < 0.5 * 625
    assert request_changes(run, 0) >= 5


def test_together_they_settle_under_a_constant_load() -> None:
    run = steady("together")
    settled = 2 * DAY
    assert replica_changes(run, settled) <= (DAYS - 2) * 24
    assert request_changes(run, settled) <= DAYS - 2
    assert run.series.replicas[-1] == pytest.approx(8, abs=1)
    assert run.series.request[-1] == pytest.approx(625, rel=0.1)


def test_together_they_settle_hour_by_hour() -> None:
    run = steady("together")
    moved = [
        event.at for event in run.events if event.kind == "replicas" and event.at > run.series.times[0] + 2 * DAY
    ]
    assert all(late - early >= HOUR for early, late in itertools.pairwise(moved))


# -- a request four times too large or too small, at both pins and between -----------------------------------------

PINS = {"least": 0.3, "free": 0.5, "most": 0.6}
"""The share of its request that a pod would use at the pin, with the HPA alone."""
CASES = [(request, pin) for request in (4000, 250) for pin in PINS]


@functools.cache
def pinned(request: int, pin: str, policy: Policy) -> Run:
    cores = 8 * PINS[pin] * request / 1000
    least, most = {"least": (8, 30), "free": (2, 30), "most": (2, 8)}[pin]
    start = 3 if pin == "free" else 8
    of = both(constant(cores, DAYS), request=request, least=least, most=most, start=start)
    return play(of, policy, step=MINUTE)


@pytest.mark.parametrize(("request_", "pin"), CASES)
def test_it_costs_less_than_the_hpa_alone(request_: int, pin: str) -> None:
    together, alone = (pinned(request_, pin, policy).score() for policy in ("together", "hpa"))
    assert together.cost < alone.cost
    assert together.core_hours < 0.95 * alone.core_hours


@pytest.mark.parametrize(("request_", "pin"), [case for case in CASES if case[1] != "free"])
def test_at_a_pin_the_request_ends_at_vpas_rule(request_: int, pin: str) -> None:
    """VPA alone on as many pods says what its rule is for the usage that is held there."""
    together, rule = pinned(request_, pin, "together"), pinned(request_, pin, "vpa")
    assert together.series.replicas[-1] == rule.series.replicas[-1] == 8
    assert together.series.request[-1] == pytest.approx(rule.series.request[-1], rel=0.1)


@pytest.mark.parametrize("request_", [4000, 250])
def test_free_the_request_ends_at_the_edge_of_its_band(request_: int) -> None:
    run = pinned(request_, "free", "together")
    assert run.series.request[-1] == pytest.approx(request_ * 0.5 * 1.25, rel=0.1)
    assert run.series.scale_point[-1] == pytest.approx(request_ * 0.5)
    assert run.series.replicas[-1] == pytest.approx(8, abs=1)


@pytest.mark.parametrize(("request_", "pin"), CASES)
def test_both_axes_have_moved_and_rest(request_: int, pin: str) -> None:
    run = pinned(request_, pin, "together")
    assert request_changes(run, 0) >= 1
    assert request_changes(run, 2 * DAY) <= DAYS - 2
    assert replica_changes(run, 2 * DAY) <= (DAYS - 2) * 24
    if pin == "free":
        assert replica_changes(run, 0) >= 1


def test_pods_that_starve_at_the_most_replicas_are_given_what_they_need() -> None:
    """Four times too small, with nowhere to go for the HPA: it saturates for ever, and both together do not."""
    of = both(constant(8.0, DAYS), request=250, least=2, most=8, start=2)
    alone, together = (play(of, policy, step=MINUTE).score(since=DAY) for policy in ("hpa", "together"))
    assert alone.saturated_minutes > 0.99 * (DAYS - 1) * 1440
    assert together.saturated_minutes < 0.01 * (DAYS - 1) * 1440


# -- daily load ------------------------------------------------------------------------------------------------


@functools.cache
def day_after_day(policy: Policy) -> Run:
    return play(both(daily(1.5, 6.0, 5), request=1000, least=2, most=20, start=6), policy, step=MINUTE)


def settled(run: Run) -> tuple[Score, Floats, Floats]:
    rows = run.series.times > run.series.times[0] + 2 * DAY
    return run.score(since=2 * DAY), run.series.replicas[rows], run.series.request[rows]


def test_replicas_follow_a_daily_load_and_requests_stand_still() -> None:
    run = day_after_day("together")
    _, replicas, requests = settled(run)
    demand = run.series.demand[-len(replicas) :]
    assert np.corrcoef(replicas, demand)[0, 1] > 0.97
    assert replicas.max() >= 2.5 * replicas.min()
    middle = (requests.max() + requests.min()) / 2
    assert requests.max() <= 1.1 * middle
    assert request_changes(run, 0) >= 1


def test_a_daily_load_costs_no_more_than_with_the_better_single_axis_and_saturates_no_more() -> None:
    together, replicas_only, sizes_only = (settled(day_after_day(policy))[0] for policy in ("together", "hpa", "vpa"))
    assert together.cost <= min(replicas_only.cost, sizes_only.cost)
    assert together.saturated_minutes <= min(replicas_only.saturated_minutes, sizes_only.saturated_minutes)
    assert together.ooms == 0


def test_a_restart_of_the_recommender_changes_nothing_in_the_long_run() -> None:
    """What stands in annotations is enough: a world that forgets everything else every six hours ends the same."""
    of = both(constant(4.0, DAYS), request=1000, least=2, most=40, start=3)
    forgetful = play(of, "together", step=MINUTE, forget=6 * HOUR)
    assert forgetful.series.request[-1] == pytest.approx(steady("together").series.request[-1], rel=0.1)
    assert forgetful.series.replicas[-1] == pytest.approx(8, abs=1)
    assert request_changes(forgetful, 2 * DAY) <= DAYS - 2
