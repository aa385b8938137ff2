"""Why a workload has the replicas it has, in one value."""

import msgspec
import pytest

from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.explain import Explanation, explain
from scaler.horizontal.readings import Memory, NoScale, Policy
from tests.horizontal.objects import NOW, cpu, failed, judge, metric, read, subject, trigger

LONG_AGO = Memory(last_active=NOW - 301)


def explained(judged, *readings, now=NOW, hpa=None, **more):
    return explain(judge(judged, *readings, **more), judged, now, hpa)


def changes(explanation):
    return [change.what for change in explanation.changes]


def test_the_running_example_names_the_deciding_trigger_and_the_arithmetic():
    judged = subject(trigger(0), trigger(1, name="slow"), cpu(2), maxReplicaCount=8)
    given = explained(judged, read(12, 0, at=NOW - 3), read(51, 1, at=NOW - 90), replicas=3, now=NOW + 1)
    assert (given.target.kind, given.target.name, given.target.replicas) == ("apps/v1.Deployment", "web", 3)
    assert [(line.metric, line.freshness, line.age) for line in given.triggers] == [
        ("s0-queue", "fresh", 4),
        ("s1-queue", "stale", 91),
        ("cpu", "fresh", None),
    ]
    assert [(line.metric, line.value, line.target, line.desired) for line in given.hpa.metrics] == [
        ("s0-queue", 12, 5, 3),
        ("s1-queue", 51, 5, 11),
    ]
    assert (given.hpa.winner, given.hpa.asked, given.hpa.desired) == ("s1-queue", 11, 8)
    assert "maxReplicaCount 8 caps the 11 that are asked for" in given.blocks
    assert given.decision.rule == "active"
    assert "s1-queue above 16.5 asks for more than 3" in changes(given)
    assert "300 s without an active trigger take it to 0" in changes(given)


def test_what_cannot_be_read_is_told_apart_from_what_was_not():
    judged = subject(
        trigger(0),
        trigger(1, problem="metadata.queueURL is missing"),
        fallback={"failureThreshold": 3, "replicas": 2},
    )
    given = explained(judged, failed(0), replicas=3, memory=LONG_AGO)
    assert [(line.freshness, line.note, line.failures) for line in given.triggers] == [
        ("error", "connection refused", 1),
        ("error", "metadata.queueURL is missing", 0),
    ]
    assert "s0-queue cannot be read: connection refused" in given.blocks
    assert "trigger 1 cannot be built: metadata.queueURL is missing" in given.blocks
    assert "3 more failures of s0-queue in a row engage the fallback" in changes(given)
    missing = explain(msgspec.structs.replace(judge(judged, failed(0)), readings=()), judged, NOW)
    assert missing.triggers[0].freshness == "missing"


def test_an_assumed_value_is_marked():
    assert explained(subject(), read(0, assumed=True)).triggers[0].assumed


def test_a_cooldown_says_until_when():
    given = explained(subject(), read(0), replicas=3, memory=Memory(last_active=NOW - 100))
    change = next(change for change in given.changes if "takes it down" in change.what)
    assert change.at == NOW + 200
    assert "s0-queue above 0 activates it" in changes(given)
    assert "after 1970-01-12T13:50:00Z" in given.blocks[0]


@pytest.mark.parametrize("name", ["paused", "paused-replicas", "paused-scale-in", "paused-scale-out"])
def test_a_pause_names_the_annotation_to_remove(name):
    annotation = f"autoscaling.keda.sh/{name}"
    judged = subject(annotations={annotation: "1"})
    out = name == "paused-scale-out"
    given = explained(judged, read(3 if out else 0), replicas=0 if out else 3, memory=LONG_AGO)
    assert changes(given) == [f"removing the annotation {annotation}"]
    assert given.blocks


def test_a_formula_is_shown_with_its_values():
    modifiers = {"formula": "a + b", "target": "2", "activationTarget": "1"}
    judged = subject(trigger(0, name="a"), trigger(1, name="b"), advanced={"scalingModifiers": modifiers})
    given = explained(judged, read(3, 0), read(4.5, 1), replicas=2)
    assert (given.formula.formula, given.formula.substituted, given.formula.value) == ("a + b", "a = 3, b = 4.5", 7.5)
    assert given.formula.activation == 1
    assert given.hpa.winner == "composite-metric"
    assert given.hpa.desired == 4
    assert explained(subject(), read(3)).formula is None


def test_a_whole_value_and_the_tolerance_are_the_hpas():
    whole = subject(trigger(0, metric(0, 2, "Value")), maxReplicaCount=10)
    assert explained(whole, read(8), replicas=8, ready=6).hpa.metrics[0].desired == 24
    near = explained(subject(), read(16), replicas=3).hpa.metrics[0]
    assert (near.desired, near.within_tolerance) == (3, True)
    behavior = {"scaleUp": {"tolerance": "0.01"}}
    strict = subject(advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}})
    assert explained(strict, read(16), replicas=3).hpa.metrics[0].desired == 4


def test_at_zero_the_hpa_is_off():
    given = explained(subject(), read(50), replicas=0)
    assert (given.hpa.asked, given.hpa.desired) == (10, None)


def test_the_hpas_own_word_is_heard():
    said = {"type": "ScalingActive", "status": "False", "reason": "FailedGetExternalMetric", "message": "no"}
    hpa = {"status": {"desiredReplicas": 3, "conditions": [said]}}
    given = explained(subject(), read(3), replicas=3, hpa=hpa)
    assert given.hpa.own == 3
    assert "the HPA does not scale: FailedGetExternalMetric: no" in given.blocks


def test_the_semantics_in_force_are_named():
    annotations = {"kube-scaler.dev/no-data": "strict", "kube-scaler.dev/activate-to": "demand"}
    given = explained(subject(annotations=annotations), read(0, assumed=True), replicas=3, memory=LONG_AGO)
    assert (given.no_data, given.activate_to) == ("strict", "demand")
    assert "strict no-data semantics" in given.blocks[0]


def test_replicas_that_cannot_be_read_are_no_number():
    judged = subject()
    evaluation = evaluate(judged, [read(3)], NoScale("forbidden"), Memory(), Policy(), NOW)
    given = explain(evaluation, judged, NOW)
    assert given.target.replicas is None
    assert "forbidden" in given.blocks[0]


def test_an_explanation_survives_the_wire():
    given = explained(subject(trigger(0), cpu(1)), read(3), replicas=3)
    assert msgspec.json.decode(msgspec.json.encode(given), type=Explanation) == given
