"""The one plan: each rule, and the failure that it prevents."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.together import standing
from scaler.together.judge import Case, Plan, Pods, judge
from scaler.together.load import Replicas, Usage, load, weight
from scaler.together.metrics import Metric
from scaler.together.setpoints import SetPoint
from scaler.together.sizes import Sizing
from scaler.together.standing import Memory, Standing
from scaler.vertical.amounts import Bounds

NOW = 1_000_000.0
HOUR, DAY = 3600.0, 86400.0
GIB = 2**30
CPU = {"cpu": Metric("cpu", utilization=50)}
POINTS = {"cpu": SetPoint(50, 1000)}
LONG_AGO = Memory(Standing({"cpu": 500}, {"cpu": NOW - 2 * DAY, "memory": NOW - 2 * DAY}), led={"cpu": NOW - 2 * DAY})


def bounds(cpu: int, memory: int = GIB) -> Bounds:
    return Bounds(*({"cpu": cpu, "memory": memory} for _ in range(4)))


def case(
    *,
    used: int,
    pods: int,
    rule: int,
    request: int = 1000,
    least: int = 2,
    most: int = 10,
    peak: int = 0,
    **fields: Any,
) -> Case:
    """One container; `used` is what all pods use together, millicores."""
    given = {
        "metrics": CPU,
        "points": POINTS,
        "replicas": Replicas(pods, least, most),
        "usage": Usage(pods, {"app": {"cpu": used, "memory": pods * GIB // 2}}),
        "pods": Pods({"app": {"cpu": request, "memory": GIB}}),
        "sizings": {"app": Sizing(bounds(rule), {"cpu": peak, "memory": GIB // 2})},
        "published": {"app": bounds(request)},
        "history": 3.0,
    }
    return Case(**{**given, **fields})


def cpu(plan: Plan) -> int:
    return plan.recommendation["app"].target["cpu"]


def why(plan: Plan) -> str:
    return plan.splits[0].why


def test_coupling_begins_with_what_pods_hold_and_moves_nothing() -> None:
    plan = judge(case(used=2000, pods=4, rule=580), Memory(), NOW)
    assert (cpu(plan), why(plan)) == (1000, "begins")
    assert plan.memory.standing.scale_points == {"cpu": 500}
    assert not plan.hold


def test_free_between_the_bounds_the_request_goes_to_the_edge_of_its_band() -> None:
    leading = msgspec.structs.replace(LONG_AGO, led={"cpu": NOW})
    assert cpu(judge(case(used=2000, pods=4, rule=580), leading, NOW)) == 625
    assert cpu(judge(case(used=2000, pods=4, rule=5000, request=700), leading, NOW)) == 1000
    assert cpu(judge(case(used=2000, pods=4, rule=740), leading, NOW)) == 740


def test_pinned_at_the_least_replicas_pods_get_what_vpas_rule_says() -> None:
    plan = judge(case(used=400, pods=2, rule=240), LONG_AGO, NOW)
    assert (cpu(plan), why(plan)) == (240, "moves")


def test_an_evening_at_the_least_replicas_is_no_reason_to_leave_the_band() -> None:
    led = msgspec.structs.replace(LONG_AGO, led={"cpu": NOW - 8 * HOUR})
    assert cpu(judge(case(used=400, pods=2, rule=240), led, NOW)) == 625


def test_pinned_at_the_most_replicas_pods_grow_beyond_the_band() -> None:
    plan = judge(case(used=15000, pods=10, rule=1800), LONG_AGO, NOW)
    assert cpu(plan) == 1800
    assert plan.splits[0].stand == "short"


def test_pods_that_were_sized_down_are_scaled_out_before_they_are_full() -> None:
    small = case(used=500, pods=2, rule=250, request=250)
    assert judge(small, LONG_AGO, NOW).memory.standing.scale_points == {"cpu": 225}


def test_pods_that_were_sized_up_are_not_left_half_empty() -> None:
    large = case(used=9000, pods=10, rule=2000, request=2000)
    assert judge(large, LONG_AGO, NOW).memory.standing.scale_points == {"cpu": 1000}


def test_replicas_are_held_at_what_the_smallest_pod_bears_until_all_are_resized() -> None:
    growing = case(used=15000, pods=10, rule=3000)
    plan = judge(growing, LONG_AGO, NOW)
    assert cpu(plan) == 3000
    assert plan.memory.standing.scale_points == {"cpu": 500}
    assert plan.hold


def test_a_small_difference_is_not_worth_a_restart() -> None:
    plan = judge(case(used=15000, pods=10, rule=1090), LONG_AGO, NOW)
    assert (cpu(plan), why(plan)) == (1000, "fits")


def moved_at(at: float) -> Memory:
    changed = Standing({"cpu": 500}, {"cpu": at, "memory": at})
    return msgspec.structs.replace(LONG_AGO, standing=changed)


def test_requests_fall_once_a_day_and_rise_once_an_hour() -> None:
    down, up = case(used=400, pods=2, rule=240), case(used=9000, pods=9, rule=2000, request=640)
    assert why(judge(down, moved_at(NOW - DAY + 60), NOW)) == "moved-lately"
    assert why(judge(down, moved_at(NOW - DAY), NOW)) == "moves"
    assert why(judge(up, moved_at(NOW - HOUR + 60), NOW)) == "moved-lately"
    assert why(judge(up, moved_at(NOW - HOUR), NOW)) == "moves"


def test_requests_wait_while_replicas_move_but_not_for_ever() -> None:
    moving = case(used=400, pods=2, rule=240, replicas=Replicas(2, 2, 10, scaled_at=NOW - 60))
    waiting = judge(moving, LONG_AGO, NOW)
    assert (cpu(waiting), why(waiting)) == (1000, "replicas-move")
    patient = msgspec.structs.replace(LONG_AGO, due={"cpu": NOW - 6 * HOUR})
    assert why(judge(moving, patient, NOW)) == "moves"


def test_pods_that_cannot_be_more_wait_for_nothing_quiet() -> None:
    moving = case(used=15000, pods=10, rule=2000, replicas=Replicas(10, 2, 10, scaled_at=NOW - 60))
    assert why(judge(moving, LONG_AGO, NOW)) == "moves"


def test_without_a_day_of_history_nothing_gets_smaller() -> None:
    assert why(judge(case(used=400, pods=2, rule=240, history=0.9), LONG_AGO, NOW)) == "too-little-history"


def test_without_usage_nothing_moves() -> None:
    plan = judge(case(used=400, pods=2, rule=240, usage=None), LONG_AGO, NOW)
    assert (cpu(plan), why(plan)) == (1000, "unseen")


def test_replicas_may_not_fall_while_a_resize_gets_on() -> None:
    memory = judge(case(used=400, pods=2, rule=240), LONG_AGO, NOW).memory
    rolling = case(used=400, pods=2, rule=240, published={"app": bounds(240)})
    at = NOW
    for astray in (2, 1):
        at += 60
        plan = judge(msgspec.structs.replace(rolling, pods=Pods({"app": {"cpu": 240}}, astray)), memory, at)
        memory = plan.memory
        assert plan.hold
    assert not judge(msgspec.structs.replace(rolling, pods=Pods({"app": {"cpu": 240}}, 0)), memory, at + 60).hold
    assert not judge(msgspec.structs.replace(rolling, pods=Pods({"app": {"cpu": 240}}, 1)), memory, at + 901).hold


def test_nobody_is_held_for_a_vpa_that_resizes_no_running_pods() -> None:
    initial = msgspec.structs.replace(
        case(used=400, pods=2, rule=240), pods=Pods({"app": {"cpu": 1000}}, 2, acts=False)
    )
    assert not judge(initial, LONG_AGO, NOW).hold


def test_memory_is_never_below_what_the_biggest_pod_needs_and_rises_at_once() -> None:
    mean = {"memory": Metric("memory", utilization=50)}
    points = {"memory": SetPoint(50, GIB)}
    hot = Sizing(bounds(500, GIB // 2), {"memory": 3 * GIB})
    now_moved = Memory(Standing({"memory": GIB // 2}, {"memory": NOW - 1}))
    plan = judge(case(used=400, pods=2, rule=500, metrics=mean, points=points, sizings={"app": hot}), now_moved, NOW)
    assert plan.recommendation["app"].target["memory"] >= 3 * GIB


def test_memory_is_safe_where_only_cpu_is_shared_too() -> None:
    hot = Sizing(bounds(1000, GIB // 2), {"memory": GIB})
    plan = judge(case(used=2000, pods=4, rule=1000, sizings={"app": hot}), LONG_AGO, NOW)
    assert plan.recommendation["app"].target["memory"] >= GIB


def test_what_vpa_alone_would_say_stays_beside_it() -> None:
    plan = judge(case(used=2000, pods=4, rule=580), LONG_AGO, NOW)
    assert plan.recommendation["app"].uncapped == {"cpu": 580, "memory": GIB}


def test_the_users_bounds_hold() -> None:
    capped = {"app": Sizing(bounds(240), least={"cpu": 400}, most={"cpu": 600})}
    assert cpu(judge(case(used=400, pods=2, rule=240, sizings=capped), LONG_AGO, NOW)) == 400
    capped = {"app": Sizing(bounds(2000), least={"cpu": 400}, most={"cpu": 600})}
    assert cpu(judge(case(used=15000, pods=10, rule=0, request=300, sizings=capped), LONG_AGO, NOW)) == 600


def test_containers_that_vpa_leaves_alone_keep_their_part_of_the_band() -> None:
    held = Pods({"app": {"cpu": 600, "memory": GIB}, "proxy": {"cpu": 400, "memory": GIB}})
    usage = Usage(4, {"app": {"cpu": 1600, "memory": GIB}, "proxy": {"cpu": 400, "memory": GIB}})
    leading = msgspec.structs.replace(LONG_AGO, led={"cpu": NOW})
    shared = msgspec.structs.replace(
        case(used=0, pods=4, rule=100), pods=held, usage=usage, published={"app": bounds(600)}
    )
    assert cpu(judge(shared, leading, NOW)) == 225


def test_a_passing_scale_out_is_no_reason_for_smaller_pods() -> None:
    usage = Usage(8, {"app": {"cpu": 1000, "memory": GIB}})
    found = load(CPU, POINTS, Replicas(8, 2, 10), usage)
    assert found.pods == 2
    assert weight(found, usage, "cpu", exactly=False) == 4.0
    assert weight(found, usage, "memory", exactly=False) == 1.0


def test_another_metric_that_asks_for_more_leaves_slack_not_small_pods_asked_for() -> None:
    usage = Usage(8, {"app": {"cpu": 1000, "memory": GIB}})
    found = load(CPU, POINTS, Replicas(8, 2, 10, elsewhere=8), usage)
    assert found.stands == {"cpu": "slack"}
    assert weight(found, usage, "cpu", exactly=False) == 1.0


def test_a_restart_ratchets_nothing() -> None:
    """Whatever is forgotten, the request does not move for it, and the scale point is what the object says."""
    for used, pods in ((400, 2), (2000, 4), (15000, 10)):
        settled = case(used=used, pods=pods, rule=1000)
        before = judge(settled, LONG_AGO, NOW)
        again = judge(settled, Memory(standing.read(standing.written(before.memory.standing))), NOW + 60)
        assert again.recommendation == before.recommendation
        assert again.memory.standing == before.memory.standing


@given(
    used=st.integers(0, 50000),
    pods=st.integers(1, 20),
    rule=st.integers(25, 20000),
    request=st.integers(25, 20000),
    peak=st.integers(0, 20000),
    since=st.floats(0, 3 * DAY),
    history=st.floats(0, 8),
)
def test_no_plan_contradicts_its_rules(  # noqa: PLR0917 - what hypothesis gives
    used: int, pods: int, rule: int, request: int, peak: int, since: float, history: float
) -> None:
    judged = case(used=used, pods=pods, rule=rule, request=request, peak=peak, history=history, most=20)
    plan = judge(judged, moved_at(NOW - since), NOW)
    moved = cpu(plan) != request
    assert not moved or since >= HOUR
    assert cpu(plan) >= request or (since >= DAY and history >= 1)
    point = plan.memory.standing.scale_points["cpu"]
    assert point <= max(request * 0.9, 1)
    assert point >= min(500, min(request, cpu(plan)) * 0.5 - 1, request * 0.9 - 1)
    assert plan.hold == (moved or plan.memory.standing.rolling)


@pytest.mark.parametrize("broken", [None, "", "{", '{"scalePoints": 5}', '{"changed": {"cpu": "yesterday"}}'])
def test_a_broken_annotation_begins_anew(broken: str | None) -> None:
    assert standing.read(broken) == Standing()
