"""The numbers are the recommender's own, and what is amiss is told."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scaler.advice.judging import Policy, judge, resource_amounts
from scaler.advice.learning import Learning
from scaler.advice.subjects import Advice, Facts
from scaler.history.usage import ContainerUsage
from scaler.vertical.estimation import Estimation
from scaler.vertical.history import UsageHistory
from tests.advice.usages import BEGIN, DAY, MIB, WEB, usage


def judged(
    *usages: ContainerUsage,
    facts: Facts | None = None,
    requests: dict[str, float] | None = None,
    kills: tuple[float, ...] = (),
) -> Advice:
    (one,) = all_judged(*usages, facts=facts, requests=requests, kills=kills)
    return one


def all_judged(
    *usages: ContainerUsage,
    facts: Facts | None = None,
    requests: dict[str, float] | None = None,
    kills: tuple[float, ...] = (),
    step: float = 60.0,
) -> tuple[Advice, ...]:
    learning = Learning(BEGIN, max(one.last for one in usages))
    for one in usages:
        learning.add(WEB, one, requests or {}, kills)
    known = {(WEB, one.container.container): facts or Facts() for one in usages}
    return judge(learning, known, Policy(), step)


def test_a_flat_usage_gives_upstreams_numbers() -> None:
    one = judged(usage(0.1, 300 * MIB))
    assert one.bounds.target == {"cpu": 126, "memory": 380258472}
    assert one.percentiles == {"cpu": 110, "memory": 330659541}
    assert one.bounds.lower["cpu"] == 125
    assert one.bounds.upper["cpu"] == 252
    assert one.confidence == pytest.approx(1, rel=0.01)


@settings(max_examples=30)
@example(seed=344, days=0.75)
@given(seed=st.integers(0, 10_000), days=st.floats(0.1, 4))
def test_a_history_is_judged_as_if_each_sample_had_come_by_itself(seed: int, days: float) -> None:
    random = np.random.default_rng(seed)
    count = round(days * DAY / 60) + 1
    cpu, memory = np.round(random.gamma(2, 0.2, count), 3), np.round(random.gamma(5, 60 * MIB, count))
    one = judged(usage(cpu, memory, days=days))
    alone = UsageHistory()
    for at, cores, size in zip(BEGIN + 60 * np.arange(count), cpu, memory, strict=True):
        alone.add_cpu(at, cores + 1e-9)  # it cuts to whole millicores, and a float may lie just below its own
        alone.add_memory(at, size)
    assert one.bounds == alone.recommend()


def test_containers_of_a_pod_share_its_minimum() -> None:
    app, sidecar = all_judged(usage(0.001, MIB), usage(0.001, MIB, container="sidecar"))
    assert app.bounds.target == sidecar.bounds.target == {"cpu": 12, "memory": 125 * 2**20}
    assert app.siblings == 2


def test_pods_of_one_workload_count_together() -> None:
    one = judged(usage(0.1, 300 * MIB, pod="web-1"), usage(1.0, 900 * MIB, pod="web-2"))
    assert (one.pods, one.replicas) == (2, 2)
    assert one.bounds.target["cpu"] > 1000
    assert one.samples == 2 * 1441


def test_pods_that_are_gone_count_for_usage_but_are_not_paid_for() -> None:
    one = judged(usage(0.1, MIB, pod="old", days=0.5), usage(0.1, MIB, pod="new"))
    assert (one.pods, one.replicas) == (2, 1)
    assert judged(usage(0.1, MIB), facts=Facts(replicas=7)).replicas == 7


def test_a_value_of_five_minutes_stands_for_five_samples() -> None:
    coarse, fine = judged(usage(0.1, 300 * MIB, step=300)), judged(usage(0.1, 300 * MIB))
    assert coarse.samples == pytest.approx(fine.samples, abs=5)
    assert coarse.bounds.target == fine.bounds.target


def test_a_kill_raises_the_memory_of_its_day() -> None:
    asked = {"memory": 300 * MIB}
    killed = judged(
        usage(0.1, 280 * MIB, days=0.5),
        requests=asked,
        kills=(BEGIN + 3600,),
        facts=Facts(kills={"web-1": (BEGIN + 3600,)}),
    )
    alone = UsageHistory()
    for at in np.arange(0, 0.5 * DAY + 1, 60):
        alone.add_cpu(BEGIN + at, 0.1)
        if at < 3600:
            alone.add_memory(BEGIN + at, 280 * MIB)
    alone.record_oom(BEGIN + 3600, 300 * MIB)
    for at in np.arange(3600, 0.5 * DAY + 1, 60):
        alone.add_memory(BEGIN + at, 280 * MIB)
    assert killed.bounds == alone.recommend()
    assert killed.bounds.target["memory"] > 400 * MIB
    assert killed.risks[0] == "killed"


@pytest.mark.parametrize(
    ("facts", "risks"),
    [
        (Facts(requests={"cpu": 500, "memory": 400 << 20}), ()),
        (Facts(requests={"cpu": 500, "memory": 400 << 20}, limits={"memory": 310 << 20}), ("above-limit",)),
        (Facts(requests={"cpu": 500, "memory": 400 << 20}, throttled=0.2), ("throttled",)),
        (Facts(requests={"cpu": 500, "memory": 400 << 20}, throttled=0.01), ()),
        (Facts(requests={"cpu": 500}), ("no-request",)),
        (Facts(asked=False), ()),
        (Facts(requests={"cpu": 500, "memory": 400 << 20}, kills={"web-1": (BEGIN,)}), ("killed",)),
    ],
)
def test_what_is_amiss_is_told(facts: Facts, risks: tuple[str, ...]) -> None:
    assert judged(usage(0.1, 300 * MIB), facts=facts).risks == risks


def test_usage_above_the_request_is_amiss() -> None:
    facts = Facts(requests={"cpu": 50, "memory": 400 << 20})
    one = judged(usage(0.1, 300 * MIB), facts=facts, requests={"cpu": 0.05, "memory": 400 * MIB})
    assert one.risks == ("above-request",)
    assert (one.courses["cpu"].over, one.courses["memory"].over) == (1.0, 0.0)


def test_limits_follow_in_their_ratio() -> None:
    facts = Facts(requests={"cpu": 100, "memory": 200 << 20}, limits={"memory": 400 << 20})
    assert judged(usage(0.1, 300 * MIB), facts=facts).limits == {"memory": 2 * 380258472}


def test_where_only_memory_was_seen_cpu_is_the_minimum() -> None:
    one = judged(usage(np.nan, 300 * MIB))
    assert (one.samples, one.confidence) == (0, 0)
    assert one.bounds.target["cpu"] == 25
    assert one.courses["cpu"].weights.size == 0


def test_the_picture_keeps_the_peak_and_the_mean() -> None:
    cpu = np.full(1441, 0.1)
    cpu[700] = 3.0
    course = judged(usage(cpu, MIB)).courses["cpu"]
    assert np.nanmax(course.high) == course.peak == 3.0
    assert np.nanmin(course.low) == pytest.approx(0.1)
    assert np.nanmax(course.mean) < 0.5
    assert course.edges[0] <= 0.1
    assert len(course.edges) == len(course.weights) + 1


def test_nothing_gives_nothing() -> None:
    assert judge(Learning(0, 1), {}, Policy()) == ()


def test_percentile_and_margin_are_the_users_to_choose() -> None:
    learning = Learning(BEGIN, BEGIN + DAY)
    learning.add(WEB, usage(0.1, 300 * MIB), {})
    (one,) = judge(learning, {}, Policy(Estimation(margin=0.0)))
    assert one.bounds.target["cpu"] == 110


def test_amounts_are_whole() -> None:
    assert resource_amounts({"cpu": 0.25, "memory": 1.5}) == {"cpu": 250, "memory": 2}
    assert resource_amounts({"cpu": 0.0}) == {}
