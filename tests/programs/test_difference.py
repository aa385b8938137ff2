"""What differs, what does not, and what it costs: values in, values out."""

import copy

import pytest

from scaler.horizontal.hpa import wanted_hpa
from scaler.horizontal.readings import Failure, Memory, NoScale, Policy, Scale
from scaler.programs.difference import Case, Difference, Prices, Sized, replicas_line, requests_lines, summary
from scaler.vertical.amounts import Bounds
from tests.horizontal import objects as make

PRICES = Prices(core=1.0, gib=0.5)
POD = {"cpu": 500, "memory": 1 << 30}
A_POD = (0.5 + 0.5) * 730


def case(value: float | None, replicas: int | None, **more: object) -> Case:
    subject = make.subject(maxReplicaCount=8)
    reading = make.read(value) if value is not None else make.failed()
    scale = NoScale("it is gone") if replicas is None else Scale(replicas)
    hpa = wanted_hpa(subject, Policy()) | {"status": {"desiredReplicas": replicas or 0}}
    given = {"memory": Memory(), "now": make.NOW, "hpa": hpa, "pod": POD, **more}
    return Case(subject=subject, readings=(reading,), scale=scale, **given)


def test_between_one_and_many_the_same_hpa_decides() -> None:
    line = replicas_line(case(30.0, 4), Policy(), PRICES)
    assert (line.theirs, line.ours, line.same, line.monthly) == (4, 4, True, 0.0)
    assert "ours would be the same HPA" in line.why


def test_an_hpa_of_another_version_of_keda_is_the_same_one() -> None:
    there = case(30.0, 4)
    hpa = copy.deepcopy(there.hpa)
    assert hpa is not None
    hpa["metadata"]["labels"]["app.kubernetes.io/version"] = "2.20.2"
    assert replicas_line(case(30.0, 4, hpa=hpa), Policy(), PRICES).same


def test_where_our_hpa_would_be_another_its_metrics_are_asked() -> None:
    hpa = copy.deepcopy(case(30.0, 4).hpa)
    assert hpa is not None
    hpa["spec"]["maxReplicas"], hpa["status"]["desiredReplicas"] = 100, 12
    line = replicas_line(case(60.0, 12, hpa=hpa), Policy(), PRICES)
    assert (line.theirs, line.ours) == (12, 8)
    assert line.monthly == pytest.approx(-4 * A_POD)
    none = replicas_line(case(30.0, 4, hpa=None), Policy(), PRICES)
    assert "there is no HPA yet, and its metrics ask for 6" in none.why


def test_to_zero_and_from_it_is_ours_to_decide() -> None:
    up = replicas_line(case(30.0, 0), Policy(), PRICES)
    assert (up.now, up.theirs, up.ours, up.rule) == (0, 0, 1, "activate")
    assert up.monthly == pytest.approx(A_POD)
    straight = replicas_line(case(30.0, 0), Policy(activate_to="demand"), PRICES)
    assert straight.ours == 6
    down = replicas_line(case(0.0, 4), Policy(), PRICES)
    assert (down.theirs, down.ours, down.rule) == (4, 0, "deactivate")


def test_a_failure_holds_and_a_workload_that_cannot_be_read_is_no_guess() -> None:
    held = replicas_line(case(None, 4), Policy(), PRICES)
    assert (held.ours, held.rule, held.same) == (4, "error", True)
    assert isinstance(case(None, 4).readings[0], Failure)
    unknown = replicas_line(case(30.0, None), Policy(), PRICES)
    assert (unknown.ours, unknown.monthly, unknown.why) == (None, 0.0, "nothing is done: it is gone")


def sized(**more: object) -> Sized:
    given = {
        "requested": {"main": POD, "sidecar": {"cpu": 10}},
        "theirs": {"main": {"cpu": 1000, "memory": 1 << 30}},
        "ours": {"main": Bounds(target={"cpu": 250, "memory": 1 << 30}, uncapped={"cpu": 200, "memory": 1 << 30})},
        "samples": {"main": 1234},
        **more,
    }
    return Sized(namespace="shop", name="web", workload="Deployment/web", replicas=2, **given)


def test_requests_are_set_beside_each_other_with_their_prices() -> None:
    (line,) = requests_lines(sized(), PRICES)
    assert (line.container, line.same) == ("main", False)
    assert line.why == "1,234 samples; cpu capped by its policy"
    assert line.monthly_now == pytest.approx(2 * A_POD)
    assert line.monthly_ours - line.monthly_theirs == pytest.approx(-0.75 * 730 * 2)
    assert Difference((), (line,)).monthly == pytest.approx(-0.75 * 730 * 2)
    assert summary(Difference((), (line,))) == {
        "replicas_same": 0,
        "replicas_other": 0,
        "requests_same": 0,
        "requests_other": 1,
    }


def test_who_recommends_nothing_is_named_and_costs_nothing() -> None:
    (ours,) = requests_lines(sized(theirs={}), PRICES)
    assert "VPA recommends nothing yet" in ours.why
    (theirs,) = requests_lines(sized(ours={}), PRICES)
    assert "no usage is known to us yet" in theirs.why
    assert Difference((), (ours, theirs)).monthly == 0


def test_a_hundredth_is_no_difference() -> None:
    close = Bounds(target={"cpu": 1009, "memory": 1 << 30}, uncapped={"cpu": 1009, "memory": 1 << 30})
    (line,) = requests_lines(sized(ours={"main": close}), PRICES)
    assert line.same
