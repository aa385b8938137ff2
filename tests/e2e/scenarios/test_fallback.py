"""A source that cannot be read, and the figure that stands in for it."""

import pytest

from tests.controlplane.api import Object
from tests.e2e.side_by_side import scenario
from tests.e2e.stage import Stage, trigger

ROLLOUTS = "/apis/argoproj.io/v1alpha1/rollouts"
BEHAVIOURS = [("static", 3), ("currentReplicas", 4), ("currentReplicasIfHigher", 4), ("currentReplicasIfLower", 3)]
"""From 4 replicas with a fallback of 3: to what."""


@pytest.mark.parametrize("threshold", [1, 3])
@pytest.mark.parametrize(("behavior", "wanted"), BEHAVIOURS)
@scenario
def test_without_its_source_a_deployment_has_the_replicas_of_its_fallback(
    stage: Stage, behavior: str, wanted: int, threshold: int
) -> None:
    stage.deployment()
    load = stage.source(value=20)
    stage.scaled_object(trigger(load, 5), **falling_back(behavior, threshold))
    stage.until_replicas(4)
    stage.until_condition("Fallback", "False", "NoFallbackFound")
    load.fails()
    stage.until_condition("Fallback", "True", "FallbackExists")
    stage.until_replicas(wanted)
    stage.stays(wanted, 6)
    stage.until_event("ScaledObjectFallbackActivated")
    load.says(10)
    stage.until_replicas(2)
    stage.until_condition("Fallback", "False", "NoFallbackFound")
    stage.until_event("ScaledObjectFallbackDeactivated")
    assert 0 not in stage.replica_history()[1:]


@pytest.mark.parametrize(("behavior", "wanted"), BEHAVIOURS)
@scenario
def test_without_its_source_a_rollout_has_the_replicas_of_its_fallback(
    stage: Stage, behavior: str, wanted: int
) -> None:
    """Another kind with a scale subresource, and no controller of it: its status is ours to say."""
    rollout(stage, replicas=0)
    load = stage.source(value=20)
    target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}
    stage.scaled_object(trigger(load, 5), target=target, **falling_back(behavior, threshold=3))
    stage.until(lambda: rolled(stage) == 4, "4 replicas of the rollout", 60)
    load.fails()
    stage.until_condition("Fallback", "True", "FallbackExists")
    stage.until(lambda: rolled(stage) == wanted, f"{wanted} replicas of the rollout")
    load.says(10)
    stage.until(lambda: rolled(stage) == 2, "2 replicas of the rollout")


@scenario
def test_a_fallback_raises_a_workload_from_zero(stage: Stage) -> None:
    stage.deployment()
    load = stage.source()
    load.fails()
    stage.scaled_object(trigger(load, 5), **falling_back("static", threshold=3))
    stage.until_replicas(3)
    load.says(5)
    stage.until_replicas(1)
    load.says(0)
    stage.until_replicas(0)


@scenario
def test_a_fallback_holds_for_a_metric_of_all_pods_too(stage: Stage) -> None:
    """Metric type Value: the HPA multiplies by the ready pods, the fallback's value divides by them."""
    stage.deployment(replicas=2)
    stage.until_pods(2)
    load = stage.source(value=20)
    stage.scaled_object(
        trigger(load, 20, metricType="Value"), **{**falling_back("static", threshold=3), "minReplicaCount": 1}
    )
    stage.until_condition("HPAActive", "True", "HPAActive")
    stage.stays(2, 5)
    load.fails()
    stage.until_replicas(3)
    stage.wait(5)  # until the HPA and the fallback count the same pods as ready
    stage.until_replicas(3)
    stage.stays(3, 6)
    load.says(10)
    stage.until_replicas(1)


@scenario
def test_a_formula_is_told_what_is_missing_and_chooses_itself(stage: Stage) -> None:
    """`primary ?? secondary ?? 8` at target 2: 16 asks for 8; without primary 12 for 6; without both 8 for 4."""
    stage.deployment()
    primary, secondary = stage.source("primary", 16), stage.source("secondary", 12)
    stage.scaled_object(
        trigger(primary, 1, name="primary"),
        trigger(secondary, 1, name="secondary"),
        advanced={"scalingModifiers": {"formula": "primary ?? secondary ?? 8", "target": "2"}},
        **{**falling_back("scalingModifiers", threshold=3, replicas=5), "maxReplicaCount": 10},
    )
    stage.until_replicas(8, timeout=60)
    primary.fails()
    stage.until_replicas(6)
    secondary.fails()
    stage.until_replicas(4)
    stage.stays(4, 6)
    primary.says(16)
    secondary.says(12)
    stage.until_replicas(8, timeout=60)


@scenario
def test_an_explicit_fallback_of_zero_lets_the_workload_rest_and_says_so(stage: Stage) -> None:
    """Upstream's rule: the one way in which an error ends at zero, and the status names it."""
    stage.deployment()
    load = stage.source(value=20)
    stage.scaled_object(trigger(load, 5), **falling_back("static", threshold=1, replicas=0))
    stage.until_replicas(4)
    load.fails()
    stage.until_condition("Fallback", "True", "FallbackExists")
    stage.until_settled(0)
    assert "fallback of 0 replicas is in force" in stage.message("Ready")
    load.says(20)
    stage.until_replicas(4)


def falling_back(behavior: str, threshold: int, replicas: int = 3) -> Object:
    return {
        "maxReplicaCount": 5,
        "pollingInterval": 2,
        "cooldownPeriod": 3,
        "fallback": {"failureThreshold": threshold, "replicas": replicas, "behavior": behavior},
    }


def rollout(stage: Stage, replicas: int) -> None:
    path = stage.within(ROLLOUTS)
    made = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas},
    }
    stage.api.create(path, made)
    stage.api.patch(f"{path}/web/status", {"status": {"HPAReplicas": 4, "selector": "app=web"}})


def rolled(stage: Stage) -> int:
    return int(stage.api.get(f"{stage.within(ROLLOUTS)}/web")["spec"]["replicas"])
