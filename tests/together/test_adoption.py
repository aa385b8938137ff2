"""A user's own HPA is adopted when he asks, follows his edits, and is given back exactly; else it is not touched."""

import copy
from typing import Any

import pytest

from scaler.api.scaledobject import ADOPT, ADOPTED
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import Invalid
from scaler.horizontal.hpa import filled
from scaler.together import setpoints, standing
from scaler.together.adoption import adoption
from scaler.together.meeting import scaler_of
from scaler.together.metrics import Metric
from scaler.together.setpoints import SetPoint
from scaler.together.standing import Standing
from tests.together.test_meeting import POD, vpa

Hpa = dict[str, Any]
HALF = {"type": "Utilization", "averageUtilization": 50}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "5"}},
}
FILLED = filled({})
"""The behaviour that the API server makes of any."""


def cpu(target: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def users(*metrics: dict[str, Any], asks: str | None = "true", name: str = "web", **spec: Any) -> Hpa:
    """As kubectl applied it, and as it stands."""
    annotations = {"team": "shop"} | ({ADOPT: asks} if asks is not None else {})
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": "u1",
            "annotations": annotations,
            "labels": {"a": "b"},
            "generateName": "we",
        },
        "spec": {"scaleTargetRef": reference, "maxReplicas": 9, "metrics": list(metrics or (cpu(HALF),)), **spec},
    }


def judged(hpa: Hpa, *vpas: VerticalPodAutoscaler, others: tuple[Hpa, ...] = (), pod: Any = POD) -> Hpa:
    """What it is brought to; itself when nothing is to be done. It must be settled then."""
    before = copy.deepcopy(hpa)
    found = adoption(hpa, others, vpas, pod)
    assert hpa == before
    if found is None:
        return hpa
    assert adoption(found, others, vpas, pod) is None
    return found


def target(hpa: Hpa) -> dict[str, Any]:
    found: dict[str, Any] = hpa["spec"]["metrics"][0]["resource"]["target"]
    return found


def no_longer_asked(hpa: Hpa) -> Hpa:
    left = {name: text for name, text in hpa["metadata"]["annotations"].items() if name != ADOPT}
    return {**hpa, "metadata": {**hpa["metadata"], "annotations": left}}


def resizing(point: int = 500) -> VerticalPodAutoscaler:
    stands = Standing({"cpu": point}, {}, rolling=True, set_points={"cpu": 500})
    return vpa(annotations={standing.ANNOTATION: standing.written(stands)})


def test_it_holds_the_set_point_and_everything_else_is_his() -> None:
    theirs = users(QUEUE, cpu(HALF))
    held = judged(theirs, vpa())
    assert held["spec"]["metrics"] == [QUEUE, cpu({"type": "AverageValue", "averageValue": "500m"})]
    assert held["spec"] | {"metrics": 0} == theirs["spec"] | {"metrics": 0}
    assert setpoints.read(held["metadata"]["annotations"][setpoints.ANNOTATION]) == {"cpu": SetPoint(50, 1000)}
    assert held["metadata"] | {"annotations": 0} == theirs["metadata"] | {"annotations": 0}
    assert held["metadata"]["annotations"]["team"] == "shop"


@pytest.mark.parametrize("asks", [None, "false", "True", ""])
def test_not_asked_it_is_not_touched(asks: str | None) -> None:
    assert adoption(users(asks=asks), (), (vpa(),), POD) is None


def test_one_that_is_made_for_a_scaled_object_is_not_looked_at_here() -> None:
    owned = users()
    owned["metadata"]["ownerReferences"] = [{"kind": "ScaledObject", "name": "web", "controller": True}]
    assert adoption(owned, (), (vpa(),), POD) is None


def test_one_that_is_being_deleted_is_left() -> None:
    leaving = users()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert adoption(leaving, (), (vpa(),), POD) is None


def test_it_is_given_back_exactly_when_he_stops_asking_though_nobody_remembers_but_the_hpa() -> None:
    theirs = users(QUEUE, cpu(HALF), behavior={**(FILLED or {}), "scaleUp": {"selectPolicy": "Min"}})
    held = judged(theirs, resizing(450))
    assert held["spec"]["metrics"][1]["resource"]["target"]["averageValue"] == "450m"
    assert judged(no_longer_asked(held), resizing(450)) == no_longer_asked(theirs)
    stopped = {**held["metadata"]["annotations"], ADOPT: "no"}
    back = judged({**held, "metadata": {**held["metadata"], "annotations": stopped}}, resizing(450))
    assert back["spec"] == theirs["spec"]
    assert back["metadata"]["annotations"] == {"team": "shop", ADOPT: "no"}


@pytest.mark.parametrize(
    "vpas",
    [
        (),
        (vpa(mode="Off"),),
        (vpa(controlledResources=["memory"]),),
        (vpa(), vpa("other")),
    ],
)
def test_it_is_given_back_when_no_vpa_or_no_single_one_acts_on_what_it_holds(
    vpas: tuple[VerticalPodAutoscaler, ...],
) -> None:
    assert judged(judged(users(), vpa()), *vpas) == users()
    assert adoption(users(), (), vpas, POD) is None


def test_beside_another_hpa_it_is_given_back() -> None:
    assert judged(judged(users(), vpa()), vpa(), others=(users(asks=None, name="second"),)) == users()


def test_no_scale_in_while_a_resize_rolls_and_his_own_rules_afterwards() -> None:
    rolling = judged(users(), resizing())
    assert rolling["spec"]["behavior"] == {"scaleDown": {"selectPolicy": "Disabled"}}
    stands = filled(rolling["spec"]["behavior"])  # as the API server keeps it
    rested = judged({**rolling, "spec": {**rolling["spec"], "behavior": stands}}, vpa())
    assert "behavior" not in rested["spec"]
    assert judged(no_longer_asked(rested), vpa()) == no_longer_asked(users())


@pytest.mark.parametrize("policy", ["Min", "Max", "Disabled"])
def test_his_rules_for_scaling_in_come_back(policy: str) -> None:
    rules = {**(FILLED or {}), "scaleDown": {**(FILLED or {})["scaleDown"], "selectPolicy": policy}}
    theirs = users(behavior=rules)
    rolling = judged(theirs, resizing())
    assert rolling["spec"]["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    assert judged(rolling, vpa())["spec"]["behavior"] == rules


def test_what_he_says_of_scaling_in_meanwhile_stays() -> None:
    rolling = judged(users(), resizing())
    edited = {**(FILLED or {}), "scaleUp": {"selectPolicy": "Min"}, "scaleDown": {"selectPolicy": "Disabled"}}
    rested = judged({**rolling, "spec": {**rolling["spec"], "behavior": edited}}, vpa())
    assert rested["spec"]["behavior"] == {**edited, "scaleDown": {"selectPolicy": "Max"}}


def edited(hpa: Hpa, *metrics: dict[str, Any]) -> Hpa:
    return {**hpa, "spec": {**hpa["spec"], "metrics": list(metrics)}}


def test_another_utilization_meanwhile_is_his_new_wish_and_takes_the_set_point_anew() -> None:
    held = judged(users(), vpa())
    wish = cpu({"type": "Utilization", "averageUtilization": 70})
    again = judged(edited(held, wish), vpa())
    assert target(again) == {"type": "AverageValue", "averageValue": "700m"}
    assert judged(no_longer_asked(again), vpa()) == no_longer_asked(users(wish))


def test_the_same_applied_again_is_held_again_at_the_same_set_point() -> None:
    held = judged(users(), vpa())
    assert judged(edited(held, cpu(HALF)), vpa()) == held


def test_an_absolute_target_of_his_own_meanwhile_is_left_to_stand() -> None:
    held = judged(users(), vpa())
    his = cpu({"type": "AverageValue", "averageValue": "800m"})
    assert judged(edited(held, his), vpa()) == users(his)


def test_a_metric_that_he_adds_meanwhile_stays_and_ours_are_still_known() -> None:
    held = judged(users(), vpa())
    more = edited(held, QUEUE, *held["spec"]["metrics"])
    assert judged(more, vpa()) == more
    assert judged(no_longer_asked(more), vpa()) == no_longer_asked(users(QUEUE, cpu(HALF)))


def test_a_changed_template_moves_the_set_point_and_pods_that_were_resized_do_not() -> None:
    held = judged(users(), vpa())
    assert judged(held, vpa(), pod=POD) == held
    larger = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "2"}}}]}
    assert target(judged(held, vpa(), pod=larger))["averageValue"] == "1"


def test_containers_and_memory_are_held_too() -> None:
    source = {"name": "memory", "container": "app", "target": {"type": "Utilization", "averageUtilization": 75}}
    theirs = users({"type": "ContainerResource", "containerResource": source}, cpu(HALF))
    held = judged(theirs, vpa())
    assert held["spec"]["metrics"][0]["containerResource"]["target"]["averageValue"] == str(768 * 1024**2)
    assert judged(no_longer_asked(held), vpa()) == no_longer_asked(theirs)


def test_where_the_template_requests_nothing_there_is_nothing_to_hold() -> None:
    assert adoption(users(), (), (vpa(),), {"containers": [{"name": "app"}]}) is None


def test_two_targets_for_the_same_are_both_left() -> None:
    twice = users(cpu(HALF), cpu({"type": "Utilization", "averageUtilization": 60}))
    assert adoption(twice, (), (vpa(),), POD) is None


def test_a_broken_memory_of_what_he_wrote_is_an_error_that_says_what_to_do() -> None:
    held = judged(users(), vpa())
    held["metadata"]["annotations"][ADOPTED] = '{"targets": 5}'
    with pytest.raises(Invalid, match=r"kube-scaler.dev/adopted.*write its spec anew and remove this annotation"):
        adoption(held, (), (vpa(),), POD)
    assert scaler_of(held).metrics == ()


def test_the_recommender_reads_his_wish_from_it_whether_he_still_asks_or_not() -> None:
    held = judged(users(), vpa())
    read = scaler_of(held)
    assert (read.origin, read.metrics) == ("adopted", (Metric("cpu", utilization=50),))
    left = scaler_of(no_longer_asked(held))
    assert (left.origin, left.metrics) == ("user", (Metric("cpu", utilization=50),))


def test_people_can_read_what_is_kept() -> None:
    assert judged(users(), resizing())["metadata"]["annotations"][ADOPTED] == (
        '{"targets":{"cpu":{"was":{"averageUtilization":50,"type":"Utilization"},"wrote":"500m"}},'
        '"held":{"selectPolicy":"Max","given":false}}'
    )
