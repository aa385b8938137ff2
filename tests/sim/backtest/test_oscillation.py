"""No load, bound, delay or gap in the data makes the two axes oscillate: a day each of random weather.

`tests/bench` plays ten thousand of them (`make bench BENCH=oscillation`); here are two hundred and those kept.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from scaler.sim.backtest.oscillation import oscillation, turns
from scaler.sim.backtest.play import play
from tests.sim.backtest.weather import played, reference, weather

RUNS = 200
KEPT = (6, 8, 18, 27, 40, 43, 54)
"""Numbers of scenes in which the axes oscillate when each acts for itself."""
MINUTE = 60.0


def judged(number: int) -> tuple[str, bool]:
    """What oscillates, and whether requests moved at all."""
    why, run = played(number, MINUTE)
    return why and f"scene {number}: {why}", any(event.kind == "requests" for event in run.events)


@pytest.mark.slow
def test_nothing_oscillates_in_any_weather() -> None:
    numbers = sorted({*range(RUNS), *KEPT})
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as cores:
        found = list(cores.map(judged, numbers, chunksize=10))
    assert [why for why, _ in found if why] == []
    assert sum(moved for _, moved in found) > RUNS / 2


@pytest.mark.parametrize("number", KEPT)
def test_each_for_itself_they_do_and_it_is_noticed(number: int) -> None:
    """Without this the test above could not fail."""
    scene = weather(number)
    naive = play(scene, "naive", seed=number, step=MINUTE)
    assert oscillation(naive, play(reference(scene), "hpa", seed=number, step=MINUTE))


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([5, 5, 5], 0),
        ([1, 2, 3, 4], 0),
        ([1, 3, 1], 1),
        ([1, 3, 1, 3, 1], 3),
        ([3, 1, 3], 1),
        ([10, 10.5, 10, 10.5, 10], 0),
        ([10, 11.5, 11.2, 11.6, 12], 0),
        ([10, 20, 15, 10, 20, 20, 10], 3),
    ],
)
def test_a_turn_is_a_way_there_and_back(values: list[float], count: int) -> None:
    assert turns(np.array(values, dtype=float), 0.1) == count


def test_a_single_replica_back_and_forth_is_no_swing() -> None:
    assert turns(np.array([2.0, 3.0, 2.0, 3.0, 2.0]), 0.25, least=1.0) == 0
    assert turns(np.array([2.0, 4.0, 2.0, 4.0, 2.0]), 0.25, least=1.0) == 3
