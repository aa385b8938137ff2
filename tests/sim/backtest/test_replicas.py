"""All pods at once ask for what upstream's rules ask for pod by pod."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scaler.sim.autoscaling import calculations
from scaler.sim.autoscaling.calculations import CannotCompute, Container, Pod, Sample, Situation, Timing, Tolerance
from scaler.sim.backtest import replicas
from scaler.sim.backtest.replicas import Sight

NOW = 10_000.0
TIMING = Timing()
TOLERANCE = Tolerance()

times = st.sampled_from([NOW - 5000, NOW - 400, NOW - 299, NOW - 60, NOW - 31, NOW - 10, NOW])
pods = st.tuples(times, st.booleans(), times, st.integers(0, 2000), st.integers(1, 2000), st.booleans())


def one_by_one(rows: list[tuple], utilization: bool, target: int, wanted: int, resource: str) -> int | str:
    seen = [
        Pod(f"p{n}", "Running", False, started, ready, since, (Container("app", {resource: request}),))
        for n, (started, ready, since, _, request, _) in enumerate(rows)
    ]
    samples = {f"p{n}": Sample(row[3], NOW - 30, 30.0) for n, row in enumerate(rows) if row[5]}
    situation = Situation(wanted, len(rows), seen, TOLERANCE, TIMING, NOW)
    try:
        if utilization:
            return calculations.by_utilization(situation, samples, target, resource).replicas
        return calculations.by_average(situation, samples, target, resource).replicas
    except CannotCompute as error:
        return str(error)


def at_once(rows: list[tuple], utilization: bool, target: int, wanted: int, resource: str) -> int | str:
    started, ready, since, values, requests, known = (np.array(column) for column in zip(*rows, strict=True))
    sight = Sight(wanted, started, ready, since, known, NOW - 30, 30.0, NOW)
    unready = replicas.doubtful(sight, TIMING) if resource == "cpu" else np.zeros(len(rows), dtype=bool)
    try:
        return replicas.asked(sight, values, requests if utilization else None, target, TOLERANCE, unready)
    except CannotCompute as error:
        return str(error)


@given(
    st.lists(pods, min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from([1, 30, 50, 80, 100, 150, 500]),
    st.integers(1, 15),
    st.sampled_from(["cpu", "memory"]),
)
def test_arrays_of_pods_ask_for_what_single_pods_do(
    rows: list[tuple], utilization: bool, target: int, wanted: int, resource: str
) -> None:
    case = (rows, utilization, target, wanted, resource)
    assert at_once(*case) == one_by_one(*case)
