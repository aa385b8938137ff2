"""What a ScaledObject's HPA carries beside a VPA, for every way in which they can meet."""

from typing import Any

import msgspec
import pytest

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.horizontal.hpa import hpa_differs, wanted_hpa
from scaler.horizontal.readings import Coupling, Policy, Subject
from scaler.together import setpoints, standing
from scaler.together.meeting import coupling_of, scaler_of
from scaler.together.metrics import Metric
from scaler.together.standing import Standing
from tests.horizontal.objects import DEPLOYMENT, cpu, scaled_object

POD = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}
TRIGGERS = (cpu(),)
SCALED = scaled_object(triggers=[{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}])


def vpa(
    name: str = "sizes", mode: str = "Recreate", annotations: dict[str, str] | None = None, **policy: Any
) -> VerticalPodAutoscaler:
    meta = {"name": name, "namespace": "shop", "annotations": annotations or {}}
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "updatePolicy": {"updateMode": mode},
        "resourcePolicy": {"containerPolicies": [{"containerName": "*", **policy}]},
    }
    return msgspec.convert({"metadata": meta, "spec": spec}, VerticalPodAutoscaler)


def body(coupling: Coupling | None) -> dict[str, Any]:
    return wanted_hpa(Subject(SCALED, TRIGGERS, DEPLOYMENT), Policy(), coupling)


def target(hpa: dict[str, Any]) -> dict[str, Any]:
    return hpa["spec"]["metrics"][0]["resource"]["target"]


def test_without_a_vpa_nothing_is_carried() -> None:
    assert coupling_of(SCALED, TRIGGERS, (), (), POD) is None
    assert target(body(None)) == {"type": "Utilization", "averageUtilization": 60}


def test_beside_a_vpa_the_hpa_holds_the_set_point_and_says_where_it_comes_from() -> None:
    found = coupling_of(SCALED, TRIGGERS, (), (vpa(),), POD)
    made = body(found)
    assert target(made) == {"type": "AverageValue", "averageValue": "600m"}
    assert made["metadata"]["annotations"][setpoints.ANNOTATION] == (
        '{"cpu":{"utilization":60,"reference":"1","setPoint":"600m"}}'
    )
    assert found is not None
    assert found.condition is not None
    assert (found.condition.status, found.condition.reason) == ("True", "Coupled")


def coupled_to(stands: Standing, pod: dict[str, Any] = POD) -> tuple[Coupling | None, dict[str, Any]]:
    before = body(coupling_of(SCALED, TRIGGERS, (), (vpa(),), POD))
    sizes = vpa(annotations={standing.ANNOTATION: standing.written(stands)})
    found = coupling_of(SCALED, TRIGGERS, (before,), (sizes,), pod)
    return found, body(found)


def test_it_holds_the_scale_point_that_the_recommender_judged_and_no_scale_in_while_a_resize_rolls() -> None:
    _, made = coupled_to(Standing({"cpu": 450}, {}, rolling=True, set_points={"cpu": 600}))
    assert target(made)["averageValue"] == "450m"
    assert made["spec"]["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    _, rested = coupled_to(Standing({"cpu": 450}, {}, set_points={"cpu": 600}))
    assert "behavior" not in rested["spec"]


def test_a_scale_point_for_another_set_point_means_nothing() -> None:
    _, made = coupled_to(Standing({"cpu": 450}, {}, set_points={"cpu": 500}))
    assert target(made)["averageValue"] == "600m"


def test_a_changed_template_moves_the_set_point() -> None:
    larger = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "2"}}}]}
    _, made = coupled_to(Standing(), larger)
    assert target(made)["averageValue"] == "1200m"


def test_the_vpa_gone_the_hpa_is_as_it_was() -> None:
    coupled = body(coupling_of(SCALED, TRIGGERS, (), (vpa(),), POD))
    assert hpa_differs(coupled, body(None))
    assert target(body(coupling_of(SCALED, TRIGGERS, (coupled,), (), POD)))["averageUtilization"] == 60


@pytest.mark.parametrize(
    ("vpas", "reason"),
    [
        ((vpa(mode="Off"),), "AdviceOnly"),
        ((vpa(controlledResources=["memory"]),), "NothingShared"),
        ((vpa(), vpa("other")), "SeveralVPAs"),
    ],
)
def test_other_meetings_leave_the_hpa_alone_and_say_so(vpas: tuple[VerticalPodAutoscaler, ...], reason: str) -> None:
    found = coupling_of(SCALED, TRIGGERS, (), vpas, POD)
    assert found is not None
    assert found.condition is not None
    assert found.condition.reason == reason
    assert target(body(found)) == {"type": "Utilization", "averageUtilization": 60}


def test_our_hpa_still_shares_what_its_set_points_name() -> None:
    made = body(coupling_of(SCALED, TRIGGERS, (), (vpa(),), POD))
    read = scaler_of(made)
    assert (read.origin, read.metrics, read.scaled_object) == ("generated", (Metric("cpu", utilization=60),), "web")


def test_a_users_hpa_is_his() -> None:
    resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    plain = {"metadata": {"name": "web"}, "spec": {"metrics": [{"type": "Resource", "resource": resource}]}}
    read = scaler_of(plain)
    assert (read.origin, read.metrics) == ("user", (Metric("cpu", utilization=50),))
