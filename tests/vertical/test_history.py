"""The usage of one container by itself."""

import math

import pytest

from scaler.vertical.amounts import Bounds
from scaler.vertical.history import UsageHistory

START = 1767225600.0
"""2026-01-01T00:00:00Z"""
MIB = 1024 * 1024


def steady(minutes: int, cores: float = 0.1, size: float = 300 * MIB) -> UsageHistory:
    history = UsageHistory()
    for minute in range(minutes):
        history.add_cpu(START + minute * 60, cores)
        history.add_memory(START + minute * 60, size)
    return history


def test_a_flat_signal_has_upstreams_numbers_from_its_first_sample_on() -> None:
    first = steady(1).recommend()
    assert first.target == first.uncapped == {"cpu": 126, "memory": 380258472}
    assert first.upper["cpu"] == 10**14
    assert steady(2).recommend().upper["cpu"] == 181566
    day = steady(1441).recommend()
    assert (day.lower["cpu"], day.upper["cpu"]) == (125, 252)


def test_without_a_sample_the_minimum_counts() -> None:
    nothing = UsageHistory().recommend()
    assert nothing == Bounds(*[{"cpu": 25, "memory": 250 * MIB}] * 4)
    assert UsageHistory().recommend(containers=2).target == {"cpu": 12, "memory": 125 * MIB}


def test_a_policy_caps_all_but_the_uncapped_target() -> None:
    found = steady(60).recommend(min_allowed={"cpu": 200}, max_allowed={"memory": 256 * MIB})
    assert found.target == {"cpu": 200, "memory": 256 * MIB}
    assert found.uncapped == {"cpu": 126, "memory": 380258472}


def test_asking_half_way_changes_nothing() -> None:
    asked = UsageHistory()
    for minute in range(300):
        asked.add_cpu(START + minute * 60, 0.1)
        asked.add_memory(START + minute * 60, 300 * MIB)
        if minute % 7 == 0:
            asked.recommend()
    assert asked.recommend() == steady(300).recommend()


def test_what_is_no_usage_is_not_counted() -> None:
    history = steady(60)
    for minute, wrong in enumerate((-1.0, math.nan)):
        history.add_cpu(START + 3600 + minute, wrong)
        history.add_memory(START + 3600 + minute, wrong)
    history.add_cpu(START, 50.0)
    history.add_memory(START, 5e10)
    assert history.recommend() == steady(60).recommend()
    history.add_cpu(START + 3700, math.inf)
    assert history.recommend().target["memory"] == steady(60).recommend().target["memory"]


@pytest.mark.parametrize(("requested", "used", "needed"), [(300, 200, 400), (1000, 200, 1200), (100, 1000, 1200)])
def test_a_container_killed_for_memory_needs_more_than_it_had_or_used(requested: int, used: int, needed: int) -> None:
    history = UsageHistory()
    history.add_memory(START, used * MIB)
    assert history.record_oom(START + 30, requested * MIB)
    assert history.containers.oom_peak[history.container] == pytest.approx(needed * MIB, abs=1)
    assert history.recommend().target["memory"] > needed * MIB
    assert not history.record_oom(START - 2 * 86400, requested * MIB)
