"""No data is never zero: what a source may do wrong, the state it is shown in, and replicas that stay."""

from collections.abc import Callable

import pytest

from tests.e2e.side_by_side import scenario
from tests.e2e.source import Knob
from tests.e2e.stage import Stage, trigger

STRICT = {"kube-scaler.dev/no-data": "strict"}
BRISK = {"pollingInterval": 1, "cooldownPeriod": 2}

FAULTS: dict[str, Callable[[Knob], None]] = {
    "answers-500": lambda load: load.fails(500),
    "answers-401": lambda load: load.says(0, token="nobody has it"),
    "answers-html": lambda load: load.babbles(),
    "answers-nothing": lambda load: load.babbles(""),
    "has-no-such-value": lambda load: load.babbles('{"other": 0}'),
    "says-null": lambda load: load.babbles('{"value": null}'),
    "says-nan": lambda load: load.babbles('{"value": "NaN"}'),
    "is-cut-off": lambda load: load.babbles('{"value": 0'),
    "hangs": lambda load: load.hangs(),
}


@pytest.mark.parametrize("fault", FAULTS)
@scenario
def test_replicas_are_held_through_every_fault_and_go_to_zero_on_a_fresh_zero_only(stage: Stage, fault: str) -> None:
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), annotations=STRICT, **BRISK)
    stage.until_condition("TriggerData", "True", "Fresh")
    stage.until_replicas(2)
    FAULTS[fault](load)
    stage.until_condition("TriggerData", "False", "Error")
    stage.stays(2, 8)
    assert "s0-metric-api-value" in stage.message("TriggerData")
    load.says(0)
    stage.until_condition("TriggerData", "True", "Fresh")
    stage.until_replicas(0)


@scenario
def test_a_source_that_flaps_never_takes_the_workload_down(stage: Stage) -> None:
    """Every other answer fails, and the good ones are of a load that lasts."""
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), annotations=STRICT, **BRISK)
    stage.until_replicas(2)
    for _ in range(6):
        load.fails()
        stage.until_condition("TriggerData", "False", "Error")
        load.says(10)
        stage.until_condition("TriggerData", "True", "Fresh")
    assert stage.replica_history()[-1] == 2
    assert 0 not in stage.replica_history()[1:]


@scenario
def test_first_the_replicas_are_held_then_the_fallback_stands_in(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=20)
    fallback = {"failureThreshold": 3, "replicas": 6}
    stage.scaled_object(trigger(load, 5), annotations=STRICT, fallback=fallback, **BRISK)
    stage.until_replicas(4)
    load.fails()
    stage.until_condition("Fallback", "True", "FallbackExists")
    stage.until_replicas(6)
    assert stage.replica_history()[-2:] == [4, 6]
    assert stage.condition("TriggerData") == ("False", "Error")


@scenario
def test_one_unreadable_source_of_two_keeps_the_other_ones_zero_from_counting(stage: Stage) -> None:
    stage.deployment()
    one, other = stage.source("one", 10), stage.source("other", 0)
    stage.scaled_object(trigger(one, 5), trigger(other, 5), annotations=STRICT, **BRISK)
    stage.until_replicas(2)
    other.fails()
    one.says(0)
    stage.until_condition("TriggerData", "False", "Error")
    stage.stays(stage.replicas() or 0, 8)
    assert "1 fresh" in stage.message("TriggerData")
    assert stage.replicas()
    other.says(0)
    stage.until_replicas(0)


@scenario
def test_explain_and_the_metrics_name_the_state_that_the_status_names(stage: Stage) -> None:
    stage.deployment()
    load = stage.source(value=10)
    stage.scaled_object(trigger(load, 5), annotations=STRICT, **BRISK)
    stage.until_replicas(2)
    load.fails(503)
    stage.until_condition("TriggerData", "False", "Error")
    told = stage.scaler("explain", "so/web")
    assert "error" in told
    assert "503" in told
    stage.until(lambda: state_in_metrics(stage) == {"error"}, "the metrics to name the error")


def state_in_metrics(stage: Stage) -> set[str]:
    pages = [program.metrics() for program in stage.installation.programs if program.name.startswith("operator")]
    mine = [
        line
        for line in "\n".join(pages).splitlines()
        if line.startswith("kube_scaler_trigger_data{") and f'namespace="{stage.namespace}"' in line
    ]
    return {line.partition('state="')[2].partition('"')[0] for line in mine}
