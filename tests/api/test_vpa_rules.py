"""What is refused of a VerticalPodAutoscaler, and what is said of it."""

from typing import Any

import msgspec
import pytest

from scaler.api import vpa_rules
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import Problem

TARGET = {"kind": "Deployment", "name": "web"}


def vpa(name: str = "web", annotations: dict[str, str] | None = None, **spec: Any) -> VerticalPodAutoscaler:
    metadata = {"name": name, "annotations": annotations or {}}
    return msgspec.convert({"metadata": metadata, "spec": {"targetRef": TARGET, **spec}}, VerticalPodAutoscaler)


def policy(**fields: Any) -> VerticalPodAutoscaler:
    return vpa(resourcePolicy={"containerPolicies": [{"containerName": "main", **fields}]})


def only(problems: list[Problem]) -> Problem:
    (found,) = problems
    return found


BOOST = "spec.startupBoost.cpu"
POLICY = "spec.resourcePolicy.containerPolicies[0]"


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        (vpa(updatePolicy={}), "spec.updatePolicy.updateMode", "is required where there is an updatePolicy"),
        (
            vpa(updatePolicy={"updateMode": "Off", "minReplicas": 0}),
            "spec.updatePolicy.minReplicas",
            "write 1 or more",
        ),
        (vpa(recommenders=[{"name": "a"}, {"name": "b"}]), "spec.recommenders", "names a, b: only one"),
        (policy(containerName=""), f"{POLICY}.containerName", "is required"),
        (
            policy(minAllowed={"cpu": "2"}, maxAllowed={"cpu": 1}),
            f"{POLICY}.minAllowed.cpu",
            "2 is above maxAllowed.cpu 1",
        ),
        (policy(minAllowed={"cpu": "0.5m"}), f"{POLICY}.minAllowed.cpu", "whole millicores"),
        (policy(maxAllowed={"memory": "1500m"}), f"{POLICY}.maxAllowed.memory", "whole bytes"),
        (policy(maxAllowed={"memory": "-1Gi"}), f"{POLICY}.maxAllowed.memory", "-1Gi is negative"),
        (policy(minAllowed={"cpu": "lots"}), f"{POLICY}.minAllowed.cpu", '"lots" is no quantity'),
        (policy(controlledResources=["cpu", "gpu"]), f"{POLICY}.controlledResources[1]", '"gpu" cannot be sized'),
        (
            policy(mode="Off", controlledValues="RequestsAndLimits"),
            f"{POLICY}.controlledValues",
            "contradicts mode Off",
        ),
        (policy(oomBumpUpRatio="0.9"), f"{POLICY}.oomBumpUpRatio", "0.9 is less than 1"),
        (policy(oomMinBumpUp="-1"), f"{POLICY}.oomMinBumpUp", "-1 is less than 0"),
        (vpa(startupBoost={"cpu": {"type": "Factor", "factor": 0}}), f"{BOOST}.factor", "write 1 or more"),
        (vpa(startupBoost={"cpu": {"type": "Factor"}}), f"{BOOST}.factor", "is required beside type Factor"),
        (vpa(startupBoost={"cpu": {"type": "Quantity"}}), f"{BOOST}.quantity", "is required beside type Quantity"),
        (vpa(startupBoost={"cpu": {"type": "Quantity", "quantity": "-1"}}), f"{BOOST}.quantity", "-1 is negative"),
        (vpa(startupBoost={"cpu": {"type": ""}}), f"{BOOST}.type", "write Factor or Quantity"),
        (
            vpa(annotations={"kube-scaler.dev/disruption-budgets": '[{"pods": "many"}]'}),
            "metadata.annotations[kube-scaler.dev/disruption-budgets][0].pods",
            "must be a number of pods",
        ),
        (
            vpa(annotations={"kube-scaler.dev/resize-pending-period": "soon"}),
            "metadata.annotations[kube-scaler.dev/resize-pending-period]",
            "is not a duration",
        ),
        (
            vpa(annotations={"kube-scaler.dev/limits": "none"}),
            "metadata.annotations[kube-scaler.dev/limits]",
            '"none" is none of ratio, equal, no-cpu',
        ),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(wrong: VerticalPodAutoscaler, path: str, words: str) -> None:
    problem = only(vpa_rules.refusals(wrong))
    assert problem.path == path
    assert words in problem.message


def test_a_new_object_needs_a_target_and_an_old_one_may_go_on_without() -> None:
    bare = msgspec.convert({"metadata": {"name": "a"}, "spec": {}}, VerticalPodAutoscaler)
    assert only(vpa_rules.refusals(bare)).path == "spec.targetRef"
    assert vpa_rules.refusals(bare, bare) == []


def test_all_problems_are_told_at_once() -> None:
    wrong = vpa(updatePolicy={"minReplicas": -1}, recommenders=[{"name": "a"}, {"name": "b"}])
    assert len(vpa_rules.refusals(wrong)) == 3


@pytest.mark.parametrize(
    "good",
    [
        vpa(),
        vpa(updatePolicy={"updateMode": "InPlace", "evictAfterOOMSeconds": 5}),
        policy(controlledResources=[]),
        policy(minAllowed={"cpu": 1}, maxAllowed={"cpu": "1000m"}),
        policy(maxAllowed={"nvidia.com/gpu": "1"}),
        policy(oomBumpUpRatio=1, oomMinBumpUp=0),
        vpa(startupBoost={"cpu": {"type": "Factor", "factor": 1}}),
        vpa(annotations={"kube-scaler.dev/limits": "equal", "kube-scaler.dev/init-containers": "all"}),
    ],
)
def test_what_works_is_let_through(good: VerticalPodAutoscaler) -> None:
    assert vpa_rules.refusals(good) == []


def test_a_closed_gate_lets_through_what_was_there() -> None:
    boosted = vpa(startupBoost={"cpu": {"type": "Factor", "factor": 2}})
    assert "CPUStartupBoost" in only(vpa_rules.refusals(boosted, vpa(), frozenset())).message
    assert (
        vpa_rules.refusals(boosted, policy(startupBoost={"cpu": {"type": "Factor", "factor": 3}}), frozenset()) == []
    )


@pytest.mark.parametrize(
    ("odd", "path"),
    [
        (vpa(updatePolicy={"updateMode": "Auto"}), "spec.updatePolicy.updateMode"),
        (
            vpa(resourcePolicy={"containerPolicies": [{"containerName": "a"}, {"containerName": "a"}]}),
            "spec.resourcePolicy.containerPolicies[1].containerName",
        ),
        (
            vpa(
                updatePolicy={
                    "updateMode": "Off",
                    "evictionRequirements": [{"resources": ["gpu"], "changeRequirement": "TargetHigherThanRequests"}],
                }
            ),
            "spec.updatePolicy.evictionRequirements[0].resources",
        ),
    ],
)
def test_what_does_not_do_what_it_seems_to_is_remarked_on(odd: VerticalPodAutoscaler, path: str) -> None:
    assert only(vpa_rules.warnings(odd)).path == path
    assert vpa_rules.refusals(odd) == []


def test_a_second_object_on_one_workload_is_remarked_on() -> None:
    mine = vpa("mine")
    others = [mine, vpa("theirs"), vpa("elsewhere", targetRef={"kind": "StatefulSet", "name": "web"})]
    assert "is sized by VerticalPodAutoscaler theirs already" in only(vpa_rules.neighbours(mine, others)).message
