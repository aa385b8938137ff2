"""Between zero, idle, minimum and maximum: the figures of upstream's own end-to-end suite."""

import pytest

from tests.controlplane.api import Object
from tests.e2e.side_by_side import scenario
from tests.e2e.stage import SCALED_OBJECTS, Stage, trigger


@pytest.mark.parametrize(("kind", "wanted"), [("AverageValue", 4), ("Value", 10)])
@scenario
def test_the_metric_type_says_whether_a_target_is_for_each_pod_or_for_all(
    stage: Stage, kind: str, wanted: int
) -> None:
    """Value 8, target 2, 8 replicas: 8/2 = 4, or 8 x 8/2 = 32, which the maximum cuts to 10."""
    stage.deployment(replicas=8)
    stage.until_pods(8)
    load = stage.source(value=8)
    stage.scaled_object(trigger(load, 2, metricType=kind), minReplicaCount=1, maxReplicaCount=10, pollingInterval=5)
    stage.until_replicas(wanted)
    stage.stays(wanted, 6)


@scenario
def test_an_idle_workload_skips_the_replicas_below_its_minimum(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=0)
    stage.scaled_object(
        trigger(load, 10),
        idleReplicaCount=0,
        minReplicaCount=2,
        maxReplicaCount=4,
        pollingInterval=5,
        cooldownPeriod=10,
    )
    stage.until_condition("Active", "False", "ScalerNotActive")
    stage.stays(0, 6)
    load.says(5)
    stage.until_replicas(2)
    stage.stays(2, 6)
    load.says(100)
    stage.until_replicas(4)
    load.says(0)
    stage.until_replicas(0)
    assert 1 not in stage.replica_history()


@scenario
def test_an_annotation_activates_without_load(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(
        trigger(stage.source(value=0), 10),
        idleReplicaCount=0,
        minReplicaCount=2,
        maxReplicaCount=5,
        pollingInterval=5,
        cooldownPeriod=5,
    )
    stage.until_ready()
    stage.annotate(force_activation="true")
    stage.until_replicas(2)
    stage.stays(2, 10)
    stage.annotate(force_activation=None)
    stage.until_replicas(0)


@scenario
def test_a_new_object_is_given_its_initial_cooldown(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.scaled_object(
        trigger(stage.source(value=0), 10), initialCooldownPeriod=120, cooldownPeriod=5, pollingInterval=5
    )
    stage.until_ready()
    stage.stays(1, 90)
    stage.until_condition("Active", "False", "ScalerCooldown")
    stage.until_replicas(0, timeout=60)


@scenario
def test_nothing_moves_between_two_polls_however_often_the_hpa_looks(stage: Stage) -> None:
    """Polling 75: 60 s after the metric changed, in either direction, there is no movement; within 120 s there is."""
    stage.deployment()
    load = stage.source(value=0)
    stage.scaled_object(trigger(load, 10), maxReplicaCount=1, pollingInterval=75, cooldownPeriod=1)
    stage.until(lambda: load.asked, "the first check")
    stage.until_condition("Active", "False", "ScalerNotActive")
    load.says(10)
    stage.stays(0, 60)
    stage.until_replicas(1, timeout=60)
    load.says(0)
    stage.stays(1, 60)
    stage.until_replicas(0, timeout=60)


@scenario
def test_the_cooldown_holds_replicas_after_the_last_active_check(stage: Stage) -> None:
    """Polling 5, cooldown 75: held for 60 s after the load is gone, then to zero within 60 s."""
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 10), maxReplicaCount=1, pollingInterval=5, cooldownPeriod=75)
    stage.until_replicas(1)
    load.says(0)
    stage.stays(1, 60)
    assert stage.condition("Active") == ("False", "ScalerCooldown")
    stage.until_replicas(0, timeout=60)
    stage.until_condition("Active", "False", "ScalerNotActive")


@scenario
def test_activation_is_strictly_above_its_threshold(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=20)
    stage.scaled_object(
        trigger(load, 10, metadata={"activationTargetValue": "20"}), pollingInterval=1, cooldownPeriod=1
    )
    stage.until_condition("Active", "False", "ScalerNotActive")
    stage.stays(0, 5)
    load.says(21)
    stage.until_replicas(3)


@scenario
def test_below_a_minimum_of_two_there_is_no_rest_and_no_cooldown(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.scaled_object(
        trigger(stage.source(value=0), 10),
        minReplicaCount=2,
        maxReplicaCount=5,
        pollingInterval=1,
        cooldownPeriod=300,
    )
    stage.until_replicas(2)
    stage.stays(2, 5)


@scenario
def test_an_active_object_reaches_its_minimum_and_the_hpa_the_rest(stage: Stage) -> None:
    """Zero to minReplicaCount is ours, from there it is the HPA's; the largest of two triggers wins."""
    stage.deployment()
    first, second = stage.source("first", 30), stage.source("second", 8)
    stage.scaled_object(
        trigger(first, 10), trigger(second, 2), idleReplicaCount=0, minReplicaCount=2, pollingInterval=1
    )
    stage.until_replicas(4)
    assert stage.replica_history()[:2] == [0, 2]
    first.says(50)
    stage.until_replicas(5)


@pytest.mark.parametrize(
    ("formula", "load", "wanted"),
    [
        pytest.param("metrics_api + kw_trig", 0, 0, id="not-above-activation"),
        pytest.param("metrics_api + kw_trig", 3, 3, id="sum"),
        pytest.param("metrics_api + kw_trig", 2, 2, id="smaller-sum"),
        pytest.param("count([kw_trig,metrics_api],{#>1}) > 1 ? 5 : 0", 0, 0, id="count-below"),
        pytest.param("count([kw_trig,metrics_api],{#>1}) > 1 ? 5 : 0", 2, 3, id="count-above"),
    ],
)
@scenario
def test_a_formula_makes_one_metric_of_two_triggers(stage: Stage, formula: str, load: int, wanted: int) -> None:
    """Two pods counted and a figure read; target 2, activation above 2."""
    stage.deployment()
    stage.deployment("counted", replicas=2)
    stage.until_pods(2, "counted")
    stage.scaled_object(*composed(stage, load), **modified(formula))
    stage.until_ready()
    stage.until(lambda: stage.status().get("compositeScalerName") == "composite-metric", "the composite metric")
    stage.until_replicas(wanted)
    stage.stays(wanted, 5)


@scenario
def test_a_formula_without_its_source_falls_back_and_recovers(stage: Stage) -> None:
    """3+2 = 5 asks for 3 replicas at target 2; the source gone, the fallback's 5; 2+2 = 4 asks for 2."""
    stage.deployment()
    stage.deployment("counted", replicas=2)
    stage.until_pods(2, "counted")
    triggers = composed(stage, 3)
    load = stage.source("load", None)
    stage.scaled_object(
        *triggers, **modified("metrics_api + kw_trig"), fallback={"failureThreshold": 3, "replicas": 5}
    )
    stage.until_replicas(3)
    load.fails()
    stage.until_replicas(5)
    stage.until_condition("Fallback", "True", "FallbackExists")
    load.says(2)
    stage.until_replicas(2)
    stage.until_condition("Fallback", "False", "NoFallbackFound")
    assert 0 not in stage.replica_history()[1:]


@scenario
def test_a_changed_formula_counts_at_once(stage: Stage) -> None:
    stage.deployment()
    stage.deployment("counted", replicas=2)
    stage.until_pods(2, "counted")
    stage.scaled_object(*composed(stage, 3), **modified("metrics_api + kw_trig"))
    stage.until_replicas(3)
    stage.change(advanced={"scalingModifiers": {"formula": "(metrics_api + kw_trig) * 2"}})
    stage.until_replicas(5)


def composed(stage: Stage, load: int) -> tuple[Object, Object]:
    """A trigger that counts pods and one that reads the source, named for a formula."""
    counting = {
        "type": "kubernetes-workload",
        "name": "kw_trig",
        "metadata": {"podSelector": "app=counted", "value": "1"},
    }
    return counting, trigger(stage.source(value=load), 1, name="metrics_api")


def modified(formula: str) -> Object:
    modifiers = {"formula": formula, "target": "2", "activationTarget": "2"}
    return {
        "advanced": {"scalingModifiers": modifiers},
        "pollingInterval": 2,
        "cooldownPeriod": 2,
        "maxReplicaCount": 10,
    }


@scenario
def test_a_new_object_costs_seven_writes_at_most(stage: Stage) -> None:
    """Finalizer and label in one, the HPA, the status, three events; upstream needs twenty."""
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=0), 10), pollingInterval=2)
    stage.until_ready()
    stage.until_condition("HPAActive", "True", "ScalingDisabled")
    stage.wait(8)
    writes = [f"{write['verb']} {write['objectRef']['resource']}" for write in stage.our_writes()]
    assert len(writes) <= 7, writes
    assert sum("events" in write for write in writes) == 3, writes


@scenario
def test_an_unchanged_active_object_is_written_once_a_minute_at_most(stage: Stage) -> None:
    """lastActiveTime advances in memory."""
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=5), 10), pollingInterval=1)
    stage.until_replicas(1)
    stage.until_condition("HPAActive", "True", "HPAActive")
    stage.wait(10)
    before = len(stage.our_writes())
    stage.wait(45)
    assert len(stage.our_writes()) <= before + 1
    assert stage.scaled() == stage.api.get(f"{stage.within(SCALED_OBJECTS)}/web")
