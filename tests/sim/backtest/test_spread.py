"""Plays spread over processes give what they give alone, and an error ends them all."""

import pytest

from scaler.sim.backtest.play import play
from scaler.sim.backtest.scene import Policy
from scaler.sim.backtest.spread import Job, spread
from tests.sim.backtest.scenes import constant, scene

POLICIES: tuple[Policy, ...] = ("as-it-is", "hpa")


def test_each_job_gives_what_it_gives_alone() -> None:
    jobs = [Job(scene(constant(2.0, 0.05)), policy, seed=3) for policy in POLICIES]
    runs = dict(spread(jobs, cores=2))
    assert sorted(runs) == [0, 1]
    for number, run in runs.items():
        alone = play(scene(constant(2.0, 0.05)), POLICIES[number], seed=3)
        assert run.score() == alone.score()
        assert run.events == alone.events


def test_one_core_needs_no_other_process() -> None:
    jobs = [Job(scene(constant(2.0, 0.05)), policy) for policy in POLICIES]
    assert [number for number, _ in spread(jobs, cores=1)] == [0, 1]


def test_a_play_that_fails_ends_all_with_its_error() -> None:
    with pytest.raises(ValueError, match="a step is 1 to 300 seconds"):
        list(
            spread(
                [Job(scene(constant(2.0, 0.05)), "hpa"), Job(scene(constant(2.0, 0.05)), "hpa", step=0.1)], cores=2
            )
        )
