"""What a check makes of its answer and its decision: conditions, events, actions, memory."""

import msgspec
import pytest

from scaler.actions import SetReplicas
from scaler.api.reasons import ALL
from scaler.api.scaledobject import Health
from scaler.horizontal.evaluate import outcome, scaling
from scaler.horizontal.readings import Evaluation, Memory
from tests.horizontal.objects import NOW, condition, cpu, failed, judge, read, subject, trigger

LONG_AGO = Memory(last_active=NOW - 301, active=True, fallback=False)
FALLBACK = {"failureThreshold": 0, "replicas": 6}
TWO = (trigger(0), trigger(1))


def told(evaluation):
    return [(one.type, one.reason) for one in evaluation.events]


# -- scaling and what came of it -------------------------------------------------------------------------------


def test_an_activation_becomes_an_action_and_then_an_event():
    judged = subject(*TWO)
    evaluation = judge(judged, read(3, 0), read(9, 1))
    assert scaling(judged, evaluation) == SetReplicas("apps", "v1", "deployments", "shop", "web", 1)
    event = outcome(judged, evaluation)
    assert (event.type, event.reason) == ("Normal", "KEDAScaleTargetActivated")
    assert "apps/v1.Deployment shop/web from 0 to 1" in event.message
    assert "s0-queue;s1-queue" in event.message


def test_a_forced_activation_says_so():
    judged = subject(annotations={"autoscaling.keda.sh/force-activation": "true"})
    assert "forced by annotation" in outcome(judged, judge(judged, read(0))).message


def test_a_deactivation_becomes_an_action_and_then_an_event():
    judged = subject()
    evaluation = judge(judged, read(0), replicas=7, memory=LONG_AGO)
    assert scaling(judged, evaluation).replicas == 0
    event = outcome(judged, evaluation)
    assert (event.type, event.reason) == ("Normal", "KEDAScaleTargetDeactivated")
    assert "from 7 to 0" in event.message


@pytest.mark.parametrize(
    ("readings", "replicas", "reason"),
    [(read(3), 0, "KEDAScaleTargetActivationFailed"), (read(0), 7, "KEDAScaleTargetDeactivationFailed")],
)
def test_a_scaling_that_failed_is_a_warning_with_the_reason(readings, replicas, reason):
    judged = subject()
    event = outcome(judged, judge(judged, readings, replicas=replicas, memory=LONG_AGO), "403 Forbidden: no")
    assert (event.type, event.reason) == ("Warning", reason)
    assert event.message.endswith("403 Forbidden: no")


def test_raising_to_the_minimum_is_told_only_when_it_fails():
    judged = subject(minReplicaCount=3)
    evaluation = judge(judged, read(0), replicas=1)
    assert scaling(judged, evaluation).replicas == 3
    assert outcome(judged, evaluation) is None
    assert outcome(judged, evaluation, "no").reason == "KEDAScaleTargetActivationFailed"


def test_nothing_to_do_is_no_action_and_no_event():
    judged = subject()
    evaluation = judge(judged, read(3), replicas=3)
    assert scaling(judged, evaluation) is None
    assert outcome(judged, evaluation) is None


# -- conditions ------------------------------------------------------------------------------------------------


def test_the_fallback_condition_follows_the_counts():
    judged = subject(fallback=FALLBACK)
    evaluation = judge(judged, failed(), replicas=2)
    assert condition(evaluation, "Fallback") == ("True", "FallbackExists")
    assert condition(evaluation, "Ready") == ("True", "ScaledObjectReady")
    assert condition(judge(judged, read(1), replicas=2), "Fallback") == ("False", "NoFallbackFound")


def test_a_failing_trigger_is_named_in_ready_with_its_reason():
    message = judge(subject(*TWO), read(3, 0), failed(1, "queue nightly is gone"), replicas=2).conditions[0].message
    assert "s1-queue: queue nightly is gone" in message
    held = judge(subject(), failed(0, "queue nightly is gone"), replicas=2).conditions[0].message
    assert "s0-queue: queue nightly is gone" in held
    assert "held" in held


def test_a_failure_keeps_its_first_words_while_it_lasts():
    judged = subject()
    first = judge(judged, failed(0, "timeout after 3001 ms, request 0a1b2c3d4e"), replicas=2)
    second = judge(judged, failed(0, "timeout after 2998 ms, request ffff000011"), replicas=2, memory=first.memory)
    assert second.conditions == first.conditions
    assert told(second) == []
    other = judge(judged, failed(0, "403 Forbidden"), replicas=2, memory=second.memory)
    assert "403 Forbidden" in other.conditions[0].message
    assert told(other) == [("Warning", "KEDAScalerFailed")]


def test_a_message_does_not_move_with_the_numbers():
    judged = subject()
    one = judge(judged, read(3), replicas=2)
    assert judge(judged, read(400), replicas=9, now=NOW + 30).conditions == one.conditions
    cooling = Memory(last_active=NOW - 10)
    first = judge(judged, read(0), replicas=2, memory=cooling)
    later = judge(judged, read(0), replicas=7, memory=first.memory, now=NOW + 30)
    assert later.conditions == first.conditions
    assert "after 1970-01-12T13:51:30Z" in next(one.message for one in later.conditions if one.type == "Active")
    strict = subject(annotations={"kube-scaler.dev/no-data": "strict"})
    held = judge(strict, read(0, assumed=True), replicas=2, memory=LONG_AGO)
    assert held.decision.rule == "stale-zero"
    assert judge(strict, read(0, assumed=True), replicas=7, memory=LONG_AGO).conditions == held.conditions


SCALING_ACTIVE = [
    ({"status": "True", "reason": "ValidMetricFound", "message": "fine"}, ("True", "HPAActive", "fine")),
    ({"status": "False", "reason": "ScalingDisabled", "message": "at zero"}, ("True", "ScalingDisabled", "at zero")),
    (
        {"status": "False", "reason": "FailedGetExternalMetric", "message": "no"},
        ("False", "FailedGetExternalMetric", "no"),
    ),
    ({"status": "False"}, ("False", "HPAMetricsUnavailable", "")),
    ({"status": "Unknown", "reason": "Odd"}, ("False", "Odd", "")),
]


@pytest.mark.parametrize(("said", "mirrored"), SCALING_ACTIVE)
def test_the_hpas_own_condition_is_mirrored(said, mirrored):
    hpa = {"status": {"conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingActive", **said}]}}
    found = judge(subject(), read(3), replicas=3, hpa=hpa).conditions[-1]
    assert (found.type, found.status, found.reason, found.message) == ("HPAActive", *mirrored)


def data(*readings, judged=None, **more):
    """The condition TriggerData after a check: status, reason, message."""
    found = judge(judged or subject(*TWO), *readings, **more).conditions
    return next(((one.status, one.reason, one.message) for one in found if one.type == "TriggerData"), None)


def test_fresh_data_of_every_trigger_is_said_in_the_same_words_at_every_check():
    later = [read(40, 0, at=NOW + 30), read(1, 1, at=NOW + 30)]
    assert data(read(3, 0), read(0, 1))[:2] == ("True", "Fresh")
    assert data(read(3, 0), read(0, 1)) == data(*later, now=NOW + 30)


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (failed(1, "queue nightly is gone"), "Error", "s1-queue error: queue nightly is gone; 1 fresh"),
        (read(0, 1, assumed=True), "Missing", "s1-queue missing: its source has no data"),
        (read(5, 1, at=NOW - 61), "Stale", "s1-queue stale: its last reading is too old"),
    ],
)
def test_data_that_is_none_is_named_with_its_metric(bad, reason, words):
    status, why, message = data(read(3, 0), bad)
    assert (status, why) == ("False", reason)
    assert message.startswith(words)


def test_the_worst_data_gives_the_reason_and_all_of_it_the_message():
    status, why, message = data(failed(0, "no answer"), read(0, 1, assumed=True))
    assert (status, why) == ("False", "Error")
    assert "s0-queue error: no answer" in message
    assert "s1-queue missing" in message


def test_nothing_is_said_of_data_that_only_the_hpa_reads():
    assert data(judged=subject(cpu(0)), replicas=2) is None


def test_a_trigger_that_cannot_be_built_has_no_data():
    status, why, message = data(judged=subject(trigger(0, problem="queueURL is required")))
    assert (status, why) == ("False", "Error")
    assert "queueURL is required" in message


@pytest.mark.parametrize(
    "hpa",
    [
        None,
        {},
        {"status": {}},
        {"status": {"conditions": None}},
        {"status": {"conditions": [{"type": "AbleToScale"}]}},
    ],
)
def test_an_hpa_that_cannot_be_seen_leaves_the_condition_as_it_was(hpa):
    assert "HPAActive" not in [one.type for one in judge(subject(), read(3), replicas=3, hpa=hpa).conditions]


# -- events on transitions only --------------------------------------------------------------------------------


def test_a_failure_is_told_once_and_a_new_one_again():
    judged = subject(*TWO)
    first = judge(judged, failed(0), read(0, 1), replicas=2)
    assert told(first) == [("Warning", "KEDAScalerFailed")]
    second = judge(judged, failed(0), failed(1), replicas=2, memory=first.memory)
    assert told(second) == [("Warning", "KEDAScalerFailed")]
    assert second.events[0].message.startswith("s1-queue")
    assert told(judge(judged, failed(0), failed(1), replicas=2, memory=second.memory)) == []


def test_a_fallback_is_told_when_it_engages_and_when_it_ends():
    judged = subject(fallback=FALLBACK)
    healthy = judge(judged, read(1), replicas=2)
    assert told(healthy) == []
    engaged = judge(judged, failed(), replicas=2, memory=healthy.memory)
    assert told(engaged) == [("Warning", "KEDAScalerFailed"), ("Normal", "ScaledObjectFallbackActivated")]
    assert told(judge(judged, failed(), replicas=2, memory=engaged.memory)) == []
    ended = judge(judged, read(1), replicas=2, memory=engaged.memory)
    assert told(ended) == [("Normal", "ScaledObjectFallbackDeactivated")]


def test_a_failed_formula_is_told_as_a_metric_source_that_failed():
    judged = subject(trigger(0, name="a"), advanced={"scalingModifiers": {"formula": "a / 0", "target": "2"}})
    assert told(judge(judged, read(1), replicas=2)) == [("Warning", "KEDAMetricSourceFailed")]


def test_a_restart_repeats_no_event():
    status = {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "TriggerError", "message": "s0-queue: connection refused"},
            {"type": "Active", "status": "False", "reason": "ScalerNotActive"},
            {"type": "Fallback", "status": "False", "reason": "NoFallbackFound"},
        ]
    }
    assert told(judge(subject(status=status), failed(), replicas=2, memory=Memory())) == []
    covered = {"conditions": [{"type": "Fallback", "status": "True", "reason": "FallbackExists"}]}
    memory = Memory(health={"s0-queue": Health(7, "Failing")})
    events = told(judge(subject(fallback=FALLBACK, status=covered), failed(), replicas=2, memory=memory))
    assert ("Normal", "ScaledObjectFallbackActivated") not in events
    ended = told(judge(subject(fallback=FALLBACK, status=covered), read(1), replicas=2, memory=memory))
    assert ended == [("Normal", "ScaledObjectFallbackDeactivated")]


def test_every_event_has_a_reason_of_the_closed_list_and_its_type():
    judged = subject(*TWO, fallback=FALLBACK)
    evaluation = judge(judged, failed(0), failed(1))
    events = [*evaluation.events, outcome(judged, evaluation), outcome(judged, evaluation, "no")]
    assert len(events) == 5
    assert all(ALL[event.reason].type == event.type for event in events)


def test_a_long_reason_fits_into_an_event():
    event = judge(subject(), failed(0, "x" * 5000), replicas=2).events[0]
    assert len(event.message) <= 1024


# -- the record ------------------------------------------------------------------------------------------------


def test_an_evaluation_survives_the_wire():
    judged = subject(
        trigger(0, name="a"),
        trigger(1, name="b"),
        advanced={"scalingModifiers": {"formula": "a + b", "target": "2"}},
        fallback=FALLBACK,
    )
    evaluation = judge(judged, read(3, 0), failed(1), replicas=2)
    assert msgspec.json.decode(msgspec.json.encode(evaluation), type=Evaluation) == evaluation


def test_what_was_in_force_is_recorded():
    annotations = {"kube-scaler.dev/no-data": "strict", "kube-scaler.dev/activate-to": "demand"}
    evaluation = judge(subject(annotations=annotations), read(3))
    assert (evaluation.no_data, evaluation.activate_to) == ("strict", "demand")
    plain = judge(subject(), read(3))
    assert (plain.no_data, plain.activate_to) == ("upstream", "minimum")
