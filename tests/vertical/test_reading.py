"""From a VerticalPodAutoscaler as its user wrote it to rules."""

from typing import Any

import pytest

from scaler.api.disruption_budgets import Budget
from scaler.errors import Invalid
from scaler.vertical.amounts import Bounds
from scaler.vertical.reading import rules_of
from scaler.vertical.rules import Boost, ContainerRules, Requirement, Rules
from tests.vertical.pod_side import vpa_of


def rules(annotations: dict[str, str] | None = None, status: Any = None, **spec: Any) -> Rules:
    metadata = {"namespace": "shop", "name": "web", "annotations": annotations or {}}
    return rules_of(vpa_of({"metadata": metadata, "spec": spec, "status": status}))


def test_what_is_not_said_is_vpas_default() -> None:
    assert rules() == Rules("shop", "web", "Recreate")


@pytest.mark.parametrize(("written", "mode"), [("Auto", "Recreate"), ("Off", "Off"), ("InPlace", "InPlace")])
def test_auto_is_an_old_name(written: str, mode: str) -> None:
    assert rules(updatePolicy={"updateMode": written}).mode == mode


def test_a_containers_own_policy_is_not_merged_with_that_of_all() -> None:
    found = rules(
        resourcePolicy={
            "containerPolicies": [
                {"containerName": "*", "minAllowed": {"cpu": "100m"}, "controlledValues": "RequestsOnly"},
                {
                    "containerName": "app",
                    "maxAllowed": {"memory": 1024},
                    "controlledResources": ["memory"],
                    "mode": "Off",
                },
            ]
        }
    )
    assert found.of("app") == ContainerRules(off=True, maximum={"memory": 1024}, controlled=("memory",))
    assert found.of("other") == ContainerRules(minimum={"cpu": 100}, requests_only=True)


def test_a_boost_of_a_container_goes_before_that_of_the_object() -> None:
    policies = [{"containerName": "app", "startupBoost": {"cpu": {"type": "Quantity", "quantity": "1"}}}]
    cpu = {"type": "Factor", "factor": 3, "durationSeconds": 60}
    found = rules(startupBoost={"cpu": cpu}, resourcePolicy={"containerPolicies": policies})
    assert found.of("app").boost == Boost("Quantity", quantity=1000)
    assert found.of("other").boost == Boost("Factor", 3, seconds=60.0)
    assert found.boosts


def test_the_update_policy_is_read() -> None:
    found = rules(
        updatePolicy={
            "updateMode": "InPlaceOrRecreate",
            "minReplicas": 1,
            "evictAfterOOMSeconds": 30,
            "evictionRequirements": [{"resources": ["cpu"], "changeRequirement": "TargetHigherThanRequests"}],
        }
    )
    assert (found.min_replicas, found.quick_oom) == (1, 30)
    assert found.requirements == (Requirement(("cpu",), "TargetHigherThanRequests"),)


def test_the_recommendation_is_counted() -> None:
    one = {"containerName": "app", "target": {"cpu": "126m", "memory": "250Mi"}, "lowerBound": {"cpu": "25m"}}
    found = rules(status={"recommendation": {"containerRecommendations": [one]}})
    assert found.recommendation == {"app": Bounds({"cpu": 126, "memory": 262144000}, {"cpu": 25})}
    assert rules(status={"recommendation": {}}).recommendation == {}
    assert rules().recommendation is None


def test_our_annotations_are_read() -> None:
    found = rules(
        {
            "kube-scaler.dev/limits": "no-cpu",
            "kube-scaler.dev/init-containers": "sidecars",
            "kube-scaler.dev/disruption-budgets": '[{"pods": "10%"}]',
            "kube-scaler.dev/resize-pending-period": "90s",
        }
    )
    assert found.others.limits == "no-cpu"
    assert found.init_containers == "sidecars"
    assert found.budgets == (Budget(10, percent=True),)
    assert found.pending_period == 90.0


@pytest.mark.parametrize(
    ("annotation", "value", "says"),
    [("disruption-budgets", "[{}]", "must be a number of pods"), ("resize-pending-period", "soon", "not a duration")],
)
def test_budgets_that_cannot_be_read_keep_all_pods_where_they_are(annotation: str, value: str, says: str) -> None:
    assert says in rules({f"kube-scaler.dev/{annotation}": value}).problem


def test_a_quantity_that_is_none_is_named_with_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        rules(resourcePolicy={"containerPolicies": [{"containerName": "app", "minAllowed": {"cpu": "lots"}}]})
    assert str(refused.value).startswith('spec.resourcePolicy.containerPolicies[app].minAllowed: "lots" is not')
