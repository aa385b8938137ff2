"""The scenarios of upstream's end-to-end suite, check by check, with their exact numbers.

What the HPA would make of a metric is its own arithmetic (`scaler.horizontal.arithmetic`) within the HPA's bounds.
"""

import pytest

from scaler.horizontal.arithmetic import desired
from scaler.horizontal.demand import specs
from scaler.horizontal.hpa import wanted_hpa
from scaler.horizontal.readings import Memory, Policy, Scale
from tests.horizontal.objects import NOW, failed, judge, metric, read, subject, trigger


def hpa_wants(judged, evaluation, replicas, ready=None):
    """Replicas that the HPA sets, of all metrics with a value; None when it has none."""
    spec = wanted_hpa(judged, Policy())["spec"]
    asked = [
        desired(one, evaluation.metrics[one.name].value, Scale(replicas, ready))
        for one in specs(judged)
        if evaluation.metrics[one.name].value is not None
    ]
    return min(max(*asked, spec["minReplicas"]), spec["maxReplicas"]) if asked else None


@pytest.mark.parametrize(("kind", "replicas"), [("AverageValue", 4), ("Value", 10)])
def test_value_metric_type(kind, replicas):
    judged = subject(trigger(0, metric(0, 2, kind)), maxReplicaCount=10)
    evaluation = judge(judged, read(8), replicas=8, ready=8)
    assert hpa_wants(judged, evaluation, 8, 8) == replicas
    assert desired(metric(0, 2, kind), 8, Scale(8, 8)) == {"AverageValue": 4, "Value": 32}[kind]


def test_idle_replicas():
    spec = {
        "minReplicaCount": 2,
        "maxReplicaCount": 4,
        "idleReplicaCount": 0,
        "pollingInterval": 5,
        "cooldownPeriod": 10,
    }
    judged = subject(**spec)
    assert judge(judged, read(0), replicas=2).decision.replicas == 0
    active = judge(judged, read(7), replicas=0)
    assert active.decision.replicas == 2
    assert hpa_wants(judged, judge(judged, read(50), replicas=2), 2) == 4
    cooling = judge(judged, read(0), replicas=4, memory=active.memory, now=NOW + 10)
    assert cooling.decision.rule == "cooldown"
    gone = judge(judged, read(0), replicas=4, memory=active.memory, now=NOW + 15)
    assert (gone.decision.rule, gone.decision.replicas) == ("deactivate", 0)


def test_force_activation():
    spec = {"minReplicaCount": 2, "maxReplicaCount": 5, "idleReplicaCount": 0, "cooldownPeriod": 10}
    forced = subject(annotations={"autoscaling.keda.sh/force-activation": "true"}, **spec)
    on = judge(forced, read(0), replicas=0)
    assert on.decision.replicas == 2
    off = judge(subject(**spec), read(0), replicas=2, memory=on.memory, now=NOW + 11)
    assert off.decision.replicas == 0


def test_initial_delay_cooldownperiod():
    judged = subject(initialCooldownPeriod=120, cooldownPeriod=5)
    created = judged.scaled.metadata.created
    for second in (0, 30, 60, 90, 120):
        assert judge(judged, read(0), replicas=1, now=created + second).decision.rule == "cooldown"
    assert judge(judged, read(0), replicas=1, now=created + 121).decision.replicas == 0


def test_polling_cooldown_so():
    judged = subject(maxReplicaCount=1, pollingInterval=5, cooldownPeriod=75)
    memory = judge(judged, read(3), replicas=1).memory
    for second in range(5, 80, 5):
        evaluation = judge(judged, read(0), replicas=1, memory=memory, now=NOW + second)
        assert evaluation.decision.rule == "cooldown"
        memory = evaluation.memory
    assert judge(judged, read(0), replicas=1, memory=memory, now=NOW + 80).decision.replicas == 0


MODIFIERS = {"formula": "metrics_api + kw_trig", "target": "2", "activationTarget": "2"}


def modified(formula="metrics_api + kw_trig", fallback=None, activation="2"):
    given = {"formula": formula, "target": "2", "activationTarget": activation}
    spec = {} if fallback is None else {"fallback": fallback}
    plans = (trigger(0, name="kw_trig"), trigger(1, name="metrics_api"))
    return subject(*plans, advanced={"scalingModifiers": given}, maxReplicaCount=10, **spec)


def test_scaling_modifiers():
    judged = modified()
    assert judge(judged, read(0, 0), read(2, 1), replicas=0).decision.rule == "idle"
    three = judge(judged, read(2, 0), read(3, 1), replicas=0)
    assert three.decision.replicas == 1
    assert hpa_wants(judged, judge(judged, read(2, 0), read(3, 1), replicas=1), 1) == 3
    two = judge(judged, read(2, 0), read(2, 1), replicas=5)
    assert hpa_wants(judged, two, 5) == 2


def test_scaling_modifiers_fall_back():
    judged = modified(fallback={"failureThreshold": 3, "replicas": 5})
    memory = Memory()
    for _ in range(3):
        evaluation = judge(judged, read(2, 0), failed(1), replicas=3, memory=memory)
        assert evaluation.decision.rule == "hold-for-fallback"
        assert hpa_wants(judged, evaluation, 3) is None
        memory = evaluation.memory
    evaluation = judge(judged, read(2, 0), failed(1), replicas=3, memory=memory)
    assert hpa_wants(judged, evaluation, 3) == 5
    assert evaluation.decision.rule == "active"


def test_scaling_modifiers_that_count():
    judged = modified("count([kw_trig, metrics_api], {# > 1}) > 1 ? 5 : 0", activation="")
    assert judge(judged, read(0, 0), read(3, 1), replicas=0).decision.rule == "idle"
    both = judge(judged, read(2, 0), read(3, 1), replicas=1)
    assert hpa_wants(judged, both, 1) == 3


def test_fallback_in_the_formula():
    given = {"formula": "primary ?? secondary ?? 8", "target": "2"}
    fallback = {"failureThreshold": 3, "replicas": 4, "behavior": "scalingModifiers"}
    plans = (trigger(0, name="primary"), trigger(1, name="secondary"))
    judged = subject(*plans, advanced={"scalingModifiers": given}, fallback=fallback, maxReplicaCount=10)

    def settled(*readings):
        memory = Memory()
        for _ in range(4):
            evaluation = judge(judged, *readings, replicas=8, memory=memory)
            memory = evaluation.memory
        return hpa_wants(judged, evaluation, 8)

    assert settled(read(16, 0), read(12, 1)) == 8
    assert settled(failed(0), read(12, 1)) == 6
    assert settled(failed(0), failed(1)) == 4
    assert settled(read(16, 0), read(12, 1)) == 8


# behavior, present replicas, ready or None for AverageValue -> replicas that the HPA sets in the end
FALLBACKS = [
    ("static", 4, "AverageValue", 3),
    ("currentReplicas", 4, "AverageValue", 4),
    ("currentReplicasIfHigher", 4, "AverageValue", 4),
    ("currentReplicasIfLower", 4, "AverageValue", 3),
    ("static", 4, "Value", 3),
    ("currentReplicas", 4, "Value", 4),
]


@pytest.mark.parametrize(("behavior", "replicas", "kind", "settled"), FALLBACKS)
@pytest.mark.parametrize("threshold", [1, 3])
def test_fallback(behavior, replicas, kind, settled, threshold):
    fallback = {"failureThreshold": threshold, "replicas": 3, "behavior": behavior}
    judged = subject(trigger(0, metric(0, 5, kind)), fallback=fallback, maxReplicaCount=5)
    memory = Memory()
    for _ in range(threshold):
        evaluation = judge(judged, failed(), replicas=replicas, ready=replicas, memory=memory)
        assert hpa_wants(judged, evaluation, replicas, replicas) is None
        assert evaluation.decision.rule == "hold-for-fallback"
        memory = evaluation.memory
    evaluation = judge(judged, failed(), replicas=replicas, ready=replicas, memory=memory)
    assert hpa_wants(judged, evaluation, replicas, replicas) == settled
    restored = judge(judged, read(20), replicas=settled, ready=settled, memory=evaluation.memory)
    assert restored.metrics["s0-queue"].value == 20
    assert not restored.fallback


def test_fallback_from_zero():
    judged = subject(fallback={"failureThreshold": 3, "replicas": 3}, maxReplicaCount=5)
    memory = Memory()
    for _ in range(3):
        evaluation = judge(judged, failed(), replicas=0, memory=memory)
        assert evaluation.decision.replicas is None
        memory = evaluation.memory
    awake = judge(judged, failed(), replicas=0, memory=memory)
    assert (awake.decision.rule, awake.decision.replicas) == ("activate", 1)
    assert hpa_wants(judged, judge(judged, failed(), replicas=1, memory=awake.memory), 1) == 3
