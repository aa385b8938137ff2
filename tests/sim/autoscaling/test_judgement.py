"""What an autoscaler decides over time; the words and steps that both servers share are in tests/conformance."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scaler.sim.autoscaling.calculations import Container, Pod, Sample
from scaler.sim.autoscaling.judgement import Observation, Scale, Settings, Verdict, judge, needs_metrics
from scaler.sim.autoscaling.limits import Memory
from scaler.sim.autoscaling.sources import Samples, Silence, Totals, quantity, selector_text

T0 = 1_000_000.0


def hpa(
    behavior: dict[str, Any] | None = None, *, least: int = 1, most: int = 20, target: str = "5"
) -> dict[str, Any]:
    metric = {"metric": {"name": "depth"}, "target": {"type": "AverageValue", "averageValue": target}}
    spec: dict[str, Any] = {
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "External", "external": metric}],
    }
    return {
        "metadata": {"name": "h", "namespace": "ns"},
        "spec": {**spec, **({"behavior": behavior} if behavior else {})},
    }


UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
DOWN = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


class Player:
    """One autoscaler whose target obeys at once."""

    def __init__(self, autoscaler: dict[str, Any], replicas: int = 1) -> None:
        self.autoscaler = autoscaler
        self.replicas = replicas
        self.memory = Memory()
        self.now = T0

    def judge(self, depth: float | None, after: float = 15.0) -> Verdict:
        self.now += after
        reading = Silence("no") if depth is None else Totals([round(depth * 1000)])
        seen = Observation(Scale(self.replicas, self.replicas, "app=web"), (), [reading])
        verdict = judge(self.autoscaler, seen, self.memory, self.now, Settings())
        self.memory = verdict.memory
        self.replicas = verdict.replicas if verdict.replicas is not None else self.replicas
        return verdict

    def play(self, *depths: float, every: float = 15.0) -> list[int]:
        found = []
        for depth in depths:
            self.judge(depth, every)
            found.append(self.replicas)
        return found


def reason(verdict: Verdict, kind: str) -> tuple[str, str]:
    return next((one.status, one.reason) for one in verdict.conditions if one.type == kind)


def test_it_may_double_or_reach_four_in_a_step() -> None:
    assert Player(hpa()).play(500, 500, 500, 500, 500) == [4, 8, 16, 20, 20]


def test_it_goes_down_when_the_window_has_passed() -> None:
    player = Player(hpa(), 10)
    assert player.play(50) == [10]
    assert player.play(*[5] * 19) == [10] * 19
    verdict = player.judge(5, 14)
    assert reason(verdict, "AbleToScale") == ("True", "ScaleDownStabilized")
    assert player.play(5, 5) == [1, 1]


def test_the_highest_recommendation_of_the_window_holds() -> None:
    player = Player(hpa(), 10)
    player.play(50)
    player.play(30, every=150)
    assert player.play(10, every=160) == [6]


def test_a_window_of_its_own_takes_the_place_of_the_default() -> None:
    player = Player(hpa({"scaleUp": UP, "scaleDown": {**DOWN, "stabilizationWindowSeconds": 60}}), 10)
    assert player.play(50, 5, 5, 5) == [10, 10, 10, 10]
    assert player.play(5, 5) == [1, 1]


def test_the_window_up_takes_the_lowest() -> None:
    player = Player(hpa({"scaleUp": {**UP, "stabilizationWindowSeconds": 30}, "scaleDown": DOWN}), 2)
    assert player.play(10, 100) == [2, 2]
    assert player.play(15, 15, 15) == [3, 3, 3]


def test_a_policy_counts_what_was_done_in_its_period() -> None:
    rules = {**UP, "policies": [{"type": "Pods", "value": 3, "periodSeconds": 60}]}
    player = Player(hpa({"scaleUp": rules, "scaleDown": DOWN}))
    assert player.play(100, 100, 100, 100) == [4, 4, 4, 4]
    verdict = player.judge(100)
    assert reason(verdict, "AbleToScale") == ("True", "SucceededRescale")
    assert player.replicas == 7


def test_scaling_the_other_way_counts_against_the_start_of_the_period() -> None:
    rules = {**UP, "policies": [{"type": "Pods", "value": 4, "periodSeconds": 600}]}
    player = Player(hpa({"scaleUp": rules, "scaleDown": DOWN}), 5)
    assert player.play(45, 10, 100) == [9, 2, 9]


def test_percents_round_up_going_up_and_down_going_down() -> None:
    few = {"policies": [{"type": "Percent", "value": 10, "periodSeconds": 1}]}
    player = Player(hpa({"scaleUp": {**UP, **few}, "scaleDown": {**DOWN, **few}}, most=100), 5)
    assert player.play(500, 500) == [6, 7]
    assert player.play(0, 0) == [6, 5]


def test_a_metric_that_fails_changes_nothing() -> None:
    player = Player(hpa(), 3)
    verdict = player.judge(None)
    assert verdict.replicas is None
    assert verdict.desired is None
    assert reason(verdict, "ScalingActive") == ("False", "FailedGetExternalMetric")
    assert verdict.metrics == ({"type": ""},)
    assert [told.reason for told in verdict.events] == ["FailedGetExternalMetric", "FailedComputeMetricsReplicas"]


def test_metrics_are_asked_for_only_when_they_decide() -> None:
    spec = hpa(least=2, most=5)["spec"]
    assert [needs_metrics(spec, Scale(count, count, "")) for count in (0, 1, 2, 5, 6)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def pods(count: int, request: int = 1000, **more: Any) -> list[Pod]:
    container = Container("main", {"cpu": request})
    about: dict[str, Any] = {"started": T0 - 1000, "ready": True, "ready_since": T0 - 990, **more}
    return [Pod(f"p{number}", containers=[container], **about) for number in range(count)]


def cpu(utilization: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {
        "metadata": {"name": "h", "namespace": "ns"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 100,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def wanted(found: list[Pod], values: dict[str, int], utilization: int = 50) -> tuple[int | None, Any]:
    """Replicas wished for, and the current metric."""
    samples = Samples({name: Sample(value, T0, 1) for name, value in values.items()})
    scale = Scale(len(found), len(found), "app=web")
    verdict = judge(cpu(utilization), Observation(scale, found, [samples]), Memory(), T0)
    assert verdict.metrics
    return verdict.desired, verdict.metrics[0].get("resource", {}).get("current")


def test_utilization_is_of_the_requests() -> None:
    assert wanted(pods(4), {f"p{number}": 900 for number in range(4)}) == (
        8,
        {"averageUtilization": 90, "averageValue": "900m"},
    )


def test_a_pod_that_waits_counts_as_idle_going_up() -> None:
    found = [*pods(3), Pod("late", "Pending", containers=[Container("main", {"cpu": 1000})])]
    values = {f"p{number}": 1000 for number in range(3)}
    assert wanted(found, values)[0] == 6


def test_a_pod_that_waits_does_not_count_going_down() -> None:
    found = [*pods(3), Pod("late", "Pending", containers=[Container("main", {"cpu": 1000})])]
    assert wanted(found, {f"p{number}": 200 for number in range(3)})[0] == 4, "ceil(3 * 0.4) is held by the window"


def test_a_pod_without_metrics_is_assumed_at_the_worst() -> None:
    found = pods(4)
    up, current = wanted(found, {f"p{number}": 1000 for number in range(3)})
    assert up == 6
    assert current == {"averageUtilization": 100, "averageValue": "1"}
    held, _ = wanted(found, {f"p{number}": 450 for number in range(3)})
    assert held == 4


def test_it_never_turns_round_for_what_it_assumes() -> None:
    """Three at 60 of 50 percent ask for more, the fourth assumed idle for less: nothing is done."""
    assert wanted(pods(4), {f"p{number}": 600 for number in range(3)})[0] == 4


def test_pods_that_go_or_failed_do_not_count() -> None:
    found = [*pods(2), Pod("failed", "Failed"), Pod("going", deleted=True)]
    found[2:] = [Pod(one.name, one.phase, one.deleted, containers=found[0].containers) for one in found[2:]]
    assert wanted(found, {"p0": 1000, "p1": 1000, "going": 5000, "failed": 5000})[0] == 4


def test_young_cpu_is_not_believed() -> None:
    fresh = pods(2, started=T0 - 20, ready_since=T0 - 0.5)
    assert wanted(fresh, {"p0": 5000, "p1": 5000}) == (None, None)
    settled = pods(2, started=T0 - 20, ready_since=T0 - 5)
    assert wanted(settled, {"p0": 1000, "p1": 1000})[0] == 4


def test_a_missing_request_is_named() -> None:
    found = [Pod("p0", started=T0 - 1000, ready=True, containers=[Container("main")])]
    samples = Samples({"p0": Sample(1, T0, 1)})
    verdict = judge(cpu(50), Observation(Scale(1, 1, "app=web"), found, [samples]), Memory(), T0)
    said = next(one.message for one in verdict.conditions if one.type == "ScalingActive")
    assert said.endswith("failed to get cpu utilization: missing request for cpu in container main of Pod p0")


def test_quantities_are_spelled_as_upstream() -> None:
    assert [quantity(value) for value in (0, 1, 1500, 1000, 2_000_000)] == ["0", "1m", "1500m", "1", "2k"]


def test_selectors_are_printed_as_upstream() -> None:
    assert selector_text(None) == "nil"
    text = selector_text({"matchLabels": {"b": "2", "a": "1"}})
    assert (
        text
        == "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},}"
    )


@given(st.lists(st.integers(0, 2000), max_size=30), st.integers(1, 5), st.integers(5, 50))
def test_whatever_comes_it_keeps_to_its_bounds_and_its_pace(depths: list[int], least: int, most: int) -> None:
    player = Player(hpa(least=least, most=most), least)
    for depth in depths:
        before = player.replicas
        player.judge(depth)
        assert least <= player.replicas <= most
        assert player.replicas <= max(2 * before, 4)
