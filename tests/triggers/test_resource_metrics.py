"""cpu and memory: described for the HPA, never polled."""

import pytest

from scaler.horizontal.readings import ResourceSpec
from scaler.triggers.connections import Connections
from tests.triggers.building import NOW, built, good, said


def test_a_percentage_of_the_request() -> None:
    plan = good("cpu", {"value": "80"}, metric_type="Utilization").plan
    assert plan.resource == ResourceSpec("cpu", "Utilization", "80")
    assert plan.metrics == ()


def test_a_quantity_of_one_container() -> None:
    given = {"value": "1.5Gi", "containerName": "app"}
    plan = good("memory", given, metric_type="AverageValue").plan
    assert plan.resource == ResourceSpec("memory", "AverageValue", "1.5Gi", "app")


async def test_nothing_is_polled(io: Connections) -> None:
    trigger = good("cpu", {"value": "80"}, metric_type="Utilization")
    assert not trigger.polled
    assert await trigger.read(io, NOW) == []


@pytest.mark.parametrize(
    ("given", "metric_type", "problem"),
    [
        ({"value": "80"}, "", "metricType: of cpu must be Utilization or AverageValue"),
        ({"value": "80"}, "Value", "metricType: of cpu must be Utilization or AverageValue"),
        ({"value": "80%"}, "Utilization", "metadata.value: of metricType Utilization must be a whole percent"),
        ({"value": "0"}, "Utilization", "metadata.value: of metricType Utilization must be a whole percent above 0"),
        ({"value": "1GB"}, "AverageValue", 'metadata.value: "1GB" is not a quantity'),
        ({"value": "-1"}, "AverageValue", "metadata.value: must be more than 0"),
        ({"value": "80", "type": "Utilization"}, "Utilization", "metadata.type: is not read any more: write it as"),
        ({}, "Utilization", "metadata.value: is required: give it here"),
    ],
)
def test_refuses_with_the_place_and_the_remedy(given: dict[str, str], metric_type: str, problem: str) -> None:
    (only,) = said(built("cpu", given, metric_type=metric_type))
    assert only.startswith(problem)
