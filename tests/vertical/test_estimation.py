"""The chain from percentiles to target and bounds, with its roundings."""

from typing import Any

import numpy as np
import pytest

from scaler.vertical.buckets import CPU, MEMORY
from scaler.vertical.estimation import (
    LARGEST,
    Estimation,
    amounts,
    confidence,
    confidence_factor,
    estimate,
    scaled,
    with_margin,
)
from scaler.vertical.histograms import Histograms
from scaler.vertical.sizing import Evidence, Rounding, Rules, bounds, estimates, sizes
from tests.vertical import vectors
from tests.vertical.samples import DAY, add, one, percentiles, rows


def play_chain(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    interval, margin = told["confidenceIntervalSeconds"], told["safetyMargin"]
    count = rows(told["cpuSampleCount"])
    sure = confidence(one(0.0), one(told["historySeconds"]), count, interval)
    assert sure.tolist() == [expected["confidence"]]
    for resource, base, minimum in (
        ("cpu", told["basePercentile"]["cpuMillicores"], told["minCpuMillicores"]),
        ("memory", told["basePercentile"]["memoryBytes"], told["minMemoryBytes"]),
    ):
        after = with_margin(rows(base), margin)
        assert after.tolist() == [expected["afterMargin"][resource]]
        for name, multiplier, exponent in (("lowerBeforeMin", 0.001, -2), ("upperBeforeMin", 1.0, 1)):
            if expected[name][resource] is not None:
                bare = scaled(after, confidence_factor(sure, multiplier, exponent))
                assert bare.tolist() == [expected[name][resource]]
        found = estimate(rows(base, base, base)[None, :], sure, rows(minimum), margin)
        assert found.tolist() == [[expected[name][resource] for name in ("target", "lower", "upper")]]


def play_estimator(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    if "cpuPercentile" in told:
        close = pytest.approx
        for buckets, samples, share, value in (
            (CPU, "cpuSamples", "cpuPercentile", expected["cpuCores"]),
            (MEMORY, "memorySamples", "memoryPercentile", expected["memoryBytes"]),
        ):
            histograms = Histograms(buckets, DAY, 1)
            add(histograms, told[samples])
            assert percentiles(histograms, [told[share]]) == [close(value, rel=expected["relativeTolerance"])]
        return
    for resource, base, factor in (("cpu", "baseCpuCores", 1000.0), ("memory", "baseMemoryBytes", 1.0)):
        if base in told:
            found = play_base(told, amounts(one(told[base] * factor)), resource)
            for name, unit in (
                (
                    ("cpuMillicores", 1),
                    ("cpuCores", 1000),
                )
                if resource == "cpu"
                else (("memoryBytes", 1),)
            ):
                if name in expected:
                    assert found == pytest.approx(expected[name] * unit, rel=1e-4)


def play_base(told: dict[str, Any], base: Any, resource: str) -> float:
    if "margin" in told:
        return float(with_margin(base, told["margin"])[0])
    if "history" not in told:
        least = told["minCpuCores"] * 1000 if resource == "cpu" else told["minMemoryBytes"]
        return float(max(base[0], least))
    times = [sample["unix"] for sample in told["history"]] or [0.0]
    count = rows(len(told["history"]))
    interval = told.get("confidenceIntervalSeconds", DAY)
    sure = confidence(one(times[0]), one(times[-1]), count, interval)
    return float(scaled(base, confidence_factor(sure, told["multiplier"], told["exponent"]))[0])


def play_pod_recommender(case: vectors.Case) -> None:
    told, expected = case.input, case.expected
    if "containers" in told:
        how = Estimation(minimum_cpu=told["minCpuMillicores"], minimum_memory=told["minMemoryMb"])
        minimum = how.minimum(told["containers"])
        shown = np.array([[[told["baseCpuMillicores"], int(told["baseMemoryBytes"])]] * 3])
        found = estimates(Evidence(shown, one(0), one(0), rows(1)), np.array([minimum]), how)
        assert found[0, 0].tolist() == list(expected["perContainer"].values())
        return
    controlled = np.array([[resource in told["controlledResources"] for resource in ("cpu", "memory")]])
    rules = Rules(controlled, rows(0, 0)[None], rows(0, 0)[None], controlled[:, 0] & False)
    found = sizes(np.ones((1, 3, 2), np.int64), rules, Rounding())
    assert sorted(bounds(found[0], controlled[0]).target) == sorted(expected["resourcesPresent"])


PLAYERS = {
    "estimator_chain": play_chain,
    "estimator": play_estimator,
    "pod_recommender": play_pod_recommender,
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_what_is_no_amount_becomes_one() -> None:
    found = amounts(np.array([-1.0, np.nan, np.inf, 1.9, 1e300]))
    assert found.tolist() == [0, 0, LARGEST, 1, LARGEST]


def test_a_pods_minimum_is_shared_by_its_containers() -> None:
    assert Estimation().minimum(1) == (25, 262144000)
    assert Estimation().minimum(3) == (8, 87381333)


def test_sizes_are_rounded_up_before_the_policy_and_the_policys_maximum_wins() -> None:
    estimated = np.array([[[1234, 1_000_001], [10, 10], [9999, 10**9]]])
    no = np.array([False])
    rules = Rules(np.array([[True, True]]), rows(500, 0)[None], rows(2000, 900_000)[None], no)
    found = bounds(sizes(estimated, rules, Rounding(100, 4096))[0], np.array([True, True]))
    assert found.target == {"cpu": 1300, "memory": 900_000}
    assert found.lower == {"cpu": 500, "memory": 4096}
    assert found.upper == {"cpu": 2000, "memory": 900_000}
    assert found.uncapped == {"cpu": 1300, "memory": 1_003_520}
    whole = sizes(estimated, rules._replace(whole_cores=~no), Rounding())
    assert whole[0, :, 0].tolist() == [2000, 1000, 2000, 2000]
