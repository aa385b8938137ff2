"""Set-points stand still while the user does, and stand on objects so that a restart reads them."""

from hypothesis import given
from hypothesis import strategies as st

from scaler.together.metrics import Metric, utilization_metrics, with_averages
from scaler.together.setpoints import SetPoint, kept, read, written

CPU = Metric("cpu", utilization=50)
APP = Metric("memory", "app", 70)


def test_a_set_point_is_the_target_of_what_the_template_requests() -> None:
    assert kept({}, [CPU], {"cpu": 1000}, {})["cpu"].amount == 500


def test_what_pods_were_given_since_moves_no_set_point() -> None:
    before = kept({}, [CPU], {"cpu": 1000}, {"cpu": 1000})
    assert kept(before, [CPU], {"cpu": 1000}, {"cpu": 250}) == before


def test_a_changed_template_or_target_takes_it_anew() -> None:
    before = {"cpu": SetPoint(50, 1000)}
    assert kept(before, [CPU], {"cpu": 2000}, {}) == {"cpu": SetPoint(50, 2000)}
    assert kept(before, [Metric("cpu", utilization=60)], {"cpu": 1000}, {}) == {"cpu": SetPoint(60, 1000)}


def test_a_template_without_requests_takes_it_from_pods_and_keeps_it() -> None:
    first = kept({}, [CPU], {}, {"cpu": 400})
    assert first == {"cpu": SetPoint(50, 400)}
    assert kept(first, [CPU], {}, {"cpu": 900}) == first
    assert kept({}, [CPU], {}, {}) == {}


def test_what_is_no_longer_shared_is_forgotten() -> None:
    assert kept({"cpu": SetPoint(50, 1000), "memory/app": SetPoint(70, 1000)}, [CPU], {"cpu": 1000}, {}) == {
        "cpu": SetPoint(50, 1000)
    }


@given(st.integers(1, 500), st.integers(1, 10**6), st.integers(1, 10**14))
def test_a_restart_reads_what_was_written(utilization: int, millicores: int, size: int) -> None:
    points = {"cpu": SetPoint(utilization, millicores), "memory/app": SetPoint(70, size)}
    assert read(written(points)) == points


def test_an_annotation_that_somebody_broke_is_none() -> None:
    for broken in (
        None,
        "",
        "{",
        '{"cpu": 5}',
        '{"gpu": {"utilization": 5, "reference": "1"}}',
        '{"cpu":{"utilization":5,"reference":"x"}}',
    ):
        assert read(broken) == {}


def test_people_can_read_the_annotation() -> None:
    assert written({"cpu": SetPoint(50, 1000)}) == '{"cpu":{"utilization":50,"reference":"1","setPoint":"500m"}}'


def metric(kind: str, field: str, target: dict, **source: str) -> dict:
    return {"type": kind, field: {**source, "target": target}}


METRICS = [
    metric("Resource", "resource", {"type": "Utilization", "averageUtilization": 50}, name="cpu"),
    metric("Resource", "resource", {"type": "AverageValue", "averageValue": "1Gi"}, name="memory"),
    metric(
        "ContainerResource",
        "containerResource",
        {"type": "Utilization", "averageUtilization": 70},
        name="memory",
        container="app",
    ),
    {
        "type": "External",
        "external": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "5"}},
    },
]


def test_only_what_is_held_against_requests_can_be_shared() -> None:
    assert utilization_metrics(METRICS) == (CPU, APP)


def test_absolute_targets_replace_those_that_are_coupled_and_no_others() -> None:
    changed = with_averages(METRICS, {"cpu": "500m", "memory/app": "700"})
    assert changed[0]["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "500m"}}
    assert changed[1] == METRICS[1]
    assert changed[2]["containerResource"]["target"] == {"type": "AverageValue", "averageValue": "700"}
    assert changed[3] == METRICS[3]
    assert utilization_metrics(METRICS) == (CPU, APP)
