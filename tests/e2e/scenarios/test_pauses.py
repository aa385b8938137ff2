"""Everything that pauses, and what comes back afterwards."""

import pytest

from tests.e2e.side_by_side import scenario
from tests.e2e.stage import Stage, trigger

QUICK = {"pollingInterval": 2, "cooldownPeriod": 2, "maxReplicaCount": 5}


@pytest.mark.parametrize("text", ["true", "yes, please"], ids=["true", "unparsable"])
@scenario
def test_a_pause_freezes_the_replicas_and_takes_the_hpa_away(stage: Stage, text: str) -> None:
    """What cannot be parsed pauses, too: upstream's rule."""
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), **QUICK)
    stage.until_replicas(2)
    stage.annotate(paused=text)
    stage.until_condition("Paused", "True", "ScaledObjectPaused")
    stage.until(lambda: stage.hpa() is None, "the HPA to go")
    stage.until_event("ScaledObjectPaused")
    stage.wait(1)
    asked = len(load.asked)
    load.says(25)
    stage.stays(2, 6)
    assert len(load.asked) == asked, "a paused object asks nothing"
    stage.annotate(paused=None)
    stage.until_condition("Paused", "False", "ScaledObjectUnpaused")
    stage.until_replicas(5)
    stage.until_event("ScaledObjectUnpaused")


@scenario
def test_a_pause_that_says_false_is_none(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=10), 5), annotations=paused(paused="false"), **QUICK)
    stage.until_replicas(2)
    stage.until(lambda: stage.condition("Paused")[0] == "False", "Paused=False")


@pytest.mark.parametrize("beside", [{}, {"paused": "true"}, {"paused": "false"}], ids=["alone", "true", "false"])
@scenario
def test_a_pause_at_a_number_sets_it_first(stage: Stage, beside: dict[str, str]) -> None:
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), **QUICK)
    stage.until_replicas(2)
    stage.annotate(paused_replicas="4", **beside)
    stage.until_replicas(4)
    stage.until(lambda: stage.status().get("pausedReplicaCount") == 4, "status.pausedReplicaCount")
    stage.until(lambda: stage.hpa() is None, "the HPA to go")
    load.says(0)
    stage.stays(4, 6)
    stage.annotate(paused_replicas="0")
    stage.until_replicas(0)
    load.says(15)
    stage.stays(0, 4)
    stage.annotate(paused_replicas=None, paused=None)
    stage.until_replicas(3)
    stage.until(lambda: "pausedReplicaCount" not in stage.status(), "status.pausedReplicaCount to go")


@scenario
def test_a_pause_at_a_number_stands_against_a_write_that_was_on_its_way(stage: Stage) -> None:
    """The HPA controller repeats a write that was refused because we were quicker; here somebody does as it would."""
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=10), 5), **QUICK)
    stage.until_replicas(2)
    stage.annotate(paused_replicas="4")
    stage.until_replicas(4)
    for stale in (7, 1):
        stage.scale("web", stale)
        stage.until_replicas(stale)
        stage.until_replicas(4)


@scenario
def test_zero_stands_against_a_write_that_was_on_its_way_without_waiting_for_the_next_check(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), pollingInterval=3600, cooldownPeriod=1)
    stage.until_replicas(2)
    load.says(0)
    stage.wait(2)  # the cooldown
    stage.change(maxReplicaCount=6)  # a changed object is checked at once
    stage.until_replicas(0)
    stage.scale("web", 3)
    stage.until_replicas(3)
    stage.until_replicas(0)


@scenario
def test_an_object_can_begin_its_life_paused(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.scaled_object(trigger(stage.source(value=20), 5), annotations=paused(paused_replicas="2"), **QUICK)
    stage.until_replicas(2)
    stage.stays(2, 4)
    assert stage.hpa() is None
    stage.annotate(paused_replicas=None)
    stage.until_replicas(4)


@scenario
def test_a_number_that_is_none_pauses_and_is_named(stage: Stage) -> None:
    stage.deployment(replicas=1)
    stage.scaled_object(trigger(stage.source(value=20), 5), annotations=paused(paused_replicas="many"), **QUICK)
    stage.until_condition("Ready", "False", "ScaledObjectCheckFailed")
    assert "many" in stage.message("Ready")
    assert "autoscaling.keda.sh/paused-replicas" in stage.message("Ready")
    stage.stays(1, 4)


@scenario
def test_a_pause_of_scaling_in_lets_the_workload_grow_and_not_shrink(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=5)
    stage.scaled_object(trigger(load, 5), annotations=paused(paused_scale_in="true"), **QUICK)
    stage.until_replicas(1)
    stage.until_condition("Paused", "True", "ScaledObjectPaused")
    load.says(25)
    stage.until_replicas(5)
    load.says(10)
    stage.stays(5, 6)
    load.says(0)
    stage.stays(5, 8)
    stage.annotate(paused_scale_in=None)
    stage.until_replicas(0)


@scenario
def test_a_pause_of_scaling_out_lets_the_workload_shrink_and_not_grow(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=15)
    stage.scaled_object(trigger(load, 5), **QUICK)
    stage.until_replicas(3)
    stage.annotate(paused_scale_out="true")
    stage.until_condition("Paused", "True", "ScaledObjectPaused")
    load.says(25)
    stage.stays(3, 6)
    load.says(10)
    stage.until_replicas(2)
    load.says(0)
    stage.until_settled(0)
    load.says(25)
    stage.stays(0, 6)
    stage.annotate(paused_scale_out=None)
    stage.until_replicas(5)


def paused(**annotations: str) -> dict[str, str]:
    return {f"autoscaling.keda.sh/{key.replace('_', '-')}": text for key, text in annotations.items()}
