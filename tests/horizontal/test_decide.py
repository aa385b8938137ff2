"""Every row of the decision table, and every branch of a row."""

import pytest

from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.readings import Memory, NoScale, Policy
from tests.horizontal.objects import CREATED, NOW, condition, cpu, failed, judge, metric, read, subject, trigger

IDLE = {"minReplicaCount": 2, "maxReplicaCount": 4, "idleReplicaCount": 0}
LONG_AGO = Memory(last_active=NOW - 301)
FALLBACK = {"fallback": {"failureThreshold": 3, "replicas": 2}}
ZERO = {"fallback": {"failureThreshold": 3, "replicas": 0}}
PAUSE_IN = {"autoscaling.keda.sh/paused-scale-in": "true"}
PAUSE_OUT = {"autoscaling.keda.sh/paused-scale-out": "true"}
FORCE = {"autoscaling.keda.sh/force-activation": "true"}
STRICT = {"kube-scaler.dev/no-data": "strict"}

# case, spec, annotations, readings, memory, replicas now; rule, replicas set, Active, Ready
# fmt: off
ACTIVE = [
    ("from zero to one", {}, {}, [read(3)], None, 0, "activate", 1),
    ("from zero to the minimum", {"minReplicaCount": 3}, {}, [read(3)], None, 0, "activate", 3),
    ("from idle to the minimum", IDLE, {}, [read(3)], None, 0, "activate", 2),
    ("from between idle and the minimum", IDLE, {}, [read(3)], None, 1, "activate", 2),
    ("below the minimum without idle is the HPA's", {"minReplicaCount": 3}, {}, [read(3)], None, 1, "active", None),
    ("scaling out is paused at zero", {}, PAUSE_OUT, [read(3)], None, 0, "scale-out-paused", None),
    ("scaling out is paused at idle", IDLE, PAUSE_OUT, [read(3)], None, 0, "scale-out-paused", None),
    ("a pause of scaling in does not hold activation", {}, PAUSE_IN, [read(3)], None, 0, "activate", 1),
    ("running, the HPA moves it", {}, {}, [read(3)], None, 5, "active", None),
    ("forced from zero", {}, FORCE, [read(0)], None, 0, "activate", 1),
    ("forced from idle", IDLE, FORCE, [read(0)], None, 0, "activate", 2),
    ("forced while running", {}, FORCE, [read(0)], LONG_AGO, 5, "active", None),
]
# fmt: on


@pytest.mark.parametrize("case", ACTIVE, ids=lambda case: case[0])
def test_active_rows(case):
    _, spec, annotations, readings, memory, replicas, rule, to = case
    evaluation = judge(subject(annotations=annotations, **spec), *readings, replicas=replicas, memory=memory)
    assert (evaluation.decision.rule, evaluation.decision.replicas) == (rule, to)
    assert condition(evaluation, "Active") == ("True", "ScalerActive")
    assert condition(evaluation, "Ready") == ("True", "ScaledObjectReady")
    assert evaluation.memory.active is True


# fmt: off
INACTIVE = [
    ("to zero from any number", {}, {}, [read(0)], LONG_AGO, 7, "deactivate", 0, "ScalerNotActive"),
    ("to zero at once when it was never active", {}, {}, [read(0)], None, 7, "deactivate", 0, "ScalerNotActive"),
    ("to idle", IDLE, {}, [read(0)], LONG_AGO, 4, "deactivate", 0, "ScalerNotActive"),
    ("to an idle above zero", {**IDLE, "idleReplicaCount": 1}, {}, [read(0)], LONG_AGO, 4, "deactivate", 1, "ScalerNotActive"),
    ("cooling down", {}, {}, [read(0)], Memory(last_active=NOW - 299), 7, "cooldown", None, "ScalerCooldown"),
    ("the very end of the cooldown still cools", {}, {}, [read(0)], Memory(last_active=NOW - 300), 7, "cooldown", None, "ScalerCooldown"),
    ("a cooldown of its own", {"cooldownPeriod": 10}, {}, [read(0)], Memory(last_active=NOW - 11), 7, "deactivate", 0, "ScalerNotActive"),
    ("a cooldown of zero", {"cooldownPeriod": 0}, {}, [read(0)], Memory(last_active=NOW - 1), 7, "deactivate", 0, "ScalerNotActive"),
    ("initial cooldown", {"initialCooldownPeriod": 20000}, {}, [read(0)], None, 1, "cooldown", None, "ScalerCooldown"),
    ("past the initial cooldown", {"initialCooldownPeriod": 9000}, {}, [read(0)], None, 1, "deactivate", 0, "ScalerNotActive"),
    ("the initial cooldown ends with the first activity", {"initialCooldownPeriod": 20000}, {}, [read(0)], LONG_AGO, 1, "deactivate", 0, "ScalerNotActive"),
    ("scaling in is paused", {}, PAUSE_IN, [read(0)], LONG_AGO, 7, "scale-in-paused", None, "ScalerNotActive"),
    ("scaling in to idle is paused", IDLE, PAUSE_IN, [read(0)], LONG_AGO, 4, "scale-in-paused", None, "ScalerNotActive"),
    ("a pause of scaling out does not hold deactivation", {}, PAUSE_OUT, [read(0)], LONG_AGO, 7, "deactivate", 0, "ScalerNotActive"),
    ("N to the minimum is the HPA's", {"minReplicaCount": 1}, {}, [read(0)], LONG_AGO, 7, "idle", None, "ScalerNotActive"),
    ("up to the minimum at once", {"minReplicaCount": 3}, {}, [read(0)], Memory(last_active=NOW), 1, "raise-to-minimum", 3, "ScalerNotActive"),
    ("idle leaves what is at idle", IDLE, {}, [read(0)], LONG_AGO, 0, "idle", None, "ScalerNotActive"),
    ("nothing to do at zero", {}, {}, [read(0)], LONG_AGO, 0, "idle", None, "ScalerNotActive"),
    ("not forced when the annotation says false", {}, {"autoscaling.keda.sh/force-activation": "false"}, [read(0)], LONG_AGO, 0, "idle", None, "ScalerNotActive"),
]
# fmt: on


@pytest.mark.parametrize("case", INACTIVE, ids=lambda case: case[0])
def test_inactive_rows(case):
    _, spec, annotations, readings, memory, replicas, rule, to, reason = case
    evaluation = judge(subject(annotations=annotations, **spec), *readings, replicas=replicas, memory=memory)
    assert (evaluation.decision.rule, evaluation.decision.replicas) == (rule, to)
    assert evaluation.decision.reason == reason
    assert condition(evaluation, "Active") == ("False", reason)
    assert condition(evaluation, "Ready") == ("True", "ScaledObjectReady")


TWO = (trigger(0), trigger(1))
# fmt: off
FAILING = [
    ("some active, some failed", {}, {}, [read(3, 0), failed(1)], 5, "partial-error", None, ("Unknown", "PartialTriggerError")),
    ("activation goes on beside a failure", {}, {}, [read(3, 0), failed(1)], 0, "activate", 1, ("Unknown", "PartialTriggerError")),
    ("held until the fallback engages", FALLBACK, {}, [read(0, 0), failed(1)], 5, "hold-for-fallback", None, ("True", "ScaledObjectReady")),
    ("held without a fallback", {}, {}, [read(0, 0), failed(1)], 5, "error", None, ("False", "TriggerError")),
    ("not even raised to the minimum", {"minReplicaCount": 3}, {}, [read(0, 0), failed(1)], 1, "error", None, ("False", "TriggerError")),
    ("held at zero", {}, {}, [failed(0), failed(1)], 0, "error", None, ("False", "TriggerError")),
    ("an explicit fallback of 0 lets it go", ZERO, {}, [read(0, 0), failed(1)], 5, "deactivate", 0, ("True", "ScaledObjectReady")),
    ("an explicit fallback of 0 cools down, too", {**ZERO, "cooldownPeriod": 400}, {}, [read(0, 0), failed(1)], 5, "cooldown", None, ("True", "ScaledObjectReady")),
    ("unless strict", ZERO, STRICT, [read(0, 0), failed(1)], 5, "stale-zero", None, ("True", "ScaledObjectReady")),
    ("replicas 0 that keep what is there hold", {"fallback": {"failureThreshold": 3, "replicas": 0, "behavior": "currentReplicas"}}, {}, [read(0, 0), failed(1)], 5, "hold-for-fallback", None, ("True", "ScaledObjectReady")),
    ("nor does the higher of both lead to zero", {"fallback": {"failureThreshold": 3, "replicas": 0, "behavior": "currentReplicasIfHigher"}}, {}, [read(0, 0), failed(1)], 5, "hold-for-fallback", None, ("True", "ScaledObjectReady")),
    ("the lower of both and 0 is an explicit 0", {"fallback": {"failureThreshold": 3, "replicas": 0, "behavior": "currentReplicasIfLower"}}, {}, [read(0, 0), failed(1)], 5, "deactivate", 0, ("True", "ScaledObjectReady")),
]
# fmt: on


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case[0])
def test_failing_rows(case):
    _, spec, annotations, readings, replicas, rule, to, ready = case
    judged = subject(*TWO, annotations=annotations, **spec)
    evaluation = judge(judged, *readings, replicas=replicas, memory=LONG_AGO)
    assert (evaluation.decision.rule, evaluation.decision.replicas) == (rule, to)
    assert condition(evaluation, "Ready") == ready


def test_replicas_that_cannot_be_read_end_the_check():
    evaluation = evaluate(subject(), [read(3)], NoScale("deployments.apps is forbidden"), Memory(), Policy(), NOW)
    assert evaluation.decision.rule == "unreadable-scale"
    assert condition(evaluation, "Ready") == ("False", "ErrorGettingCurrentReplicas")
    assert [one.type for one in evaluation.conditions] == ["Ready"]
    assert evaluation.metrics["s0-queue"].value == 3
    assert evaluation.memory.active is None


@pytest.mark.parametrize(
    "annotations", [{"autoscaling.keda.sh/paused": "true"}, {"autoscaling.keda.sh/paused-replicas": "4"}]
)
def test_a_paused_object_is_left_alone(annotations):
    evaluation = judge(subject(annotations=annotations), read(3), replicas=0)
    assert (evaluation.decision.rule, evaluation.decision.replicas) == ("paused", None)
    assert evaluation.conditions == ()


def test_cpu_and_memory_alone_are_always_active():
    evaluation = judge(subject(cpu(0), cpu(1, kind="memory")), replicas=0)
    assert evaluation.decision.rule == "activate"
    assert evaluation.active_triggers == ("cpu", "memory")


def test_cpu_beside_another_trigger_activates_nothing():
    evaluation = judge(subject(cpu(0), trigger(1)), read(0, 1), replicas=3, memory=LONG_AGO)
    assert evaluation.decision.rule == "deactivate"


def test_a_trigger_that_could_not_be_built_is_an_error_and_the_others_go_on():
    judged = subject(trigger(0), trigger(1, problem="metadata.queueURL is missing"))
    busy = judge(judged, read(12), replicas=0)
    assert (busy.decision.rule, busy.decision.replicas) == ("activate", 1)
    quiet = judge(judged, read(0), replicas=3, memory=LONG_AGO)
    assert quiet.decision.rule == "error"
    assert condition(quiet, "Ready") == ("False", "ScaledObjectCheckFailed")


# -- when the cooldown counts from -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "replicas", "refreshed"),
    [
        ([read(3, 0), read(0, 1)], 5, True),
        ([read(3, 0), read(0, 1)], 0, True),
        ([read(3, 0), failed(1)], 0, True),
        ([read(3, 0), failed(1)], 5, False),
        ([read(0, 0), read(0, 1)], 5, False),
        ([failed(0), failed(1)], 5, False),
    ],
)
def test_only_healthy_active_checks_move_the_last_active_time(readings, replicas, refreshed):
    before = Memory(last_active=NOW - 100)
    after = judge(subject(*TWO), *readings, replicas=replicas, memory=before).memory
    assert after.last_active == (NOW if refreshed else NOW - 100)


def test_the_last_active_time_is_in_whole_seconds_and_never_early():
    after = judge(subject(), read(3), replicas=1, now=NOW + 0.2).memory
    assert after.last_active == NOW + 1


def test_a_paused_scale_out_does_not_count_as_activity():
    after = judge(subject(annotations=PAUSE_OUT), read(3), replicas=0, memory=LONG_AGO).memory
    assert after.last_active == LONG_AGO.last_active


def test_a_cooldown_says_when_it_ends():
    decision = judge(subject(), read(0), replicas=7, memory=Memory(last_active=NOW - 100)).decision
    assert decision.until == NOW + 200
    assert "1970-01-12T13:50:00Z" in decision.message


def test_an_initial_cooldown_counts_from_creation():
    judged = subject(initialCooldownPeriod=20_000)
    decision = judge(judged, read(0), replicas=1).decision
    assert decision.until == judged.scaled.metadata.created + 20_000
    assert judged.scaled.metadata.created == CREATED


# -- activation to the demand ----------------------------------------------------------------------------------

DEMAND = {"kube-scaler.dev/activate-to": "demand"}


@pytest.mark.parametrize(
    ("readings", "spec", "to"),
    [
        ([read(50, 0), read(0, 1)], {}, 10),
        ([read(50, 0), read(51, 1)], {}, 11),
        ([read(2, 0), read(0, 1)], {}, 1),
        ([read(2, 0), read(0, 1)], {"minReplicaCount": 3}, 3),
        ([read(5000, 0), read(0, 1)], {}, 100),
        ([read(5000, 0), read(0, 1)], {"maxReplicaCount": 20}, 20),
        ([read(50, 0), failed(1)], {}, 10),
    ],
)
def test_activation_to_the_demand_sets_what_the_readings_ask_for(readings, spec, to):
    assert judge(subject(*TWO, annotations=DEMAND, **spec), *readings).decision.replicas == to


def test_activation_to_the_demand_of_a_whole_value_is_per_first_replica():
    judged = subject(trigger(0, metric(0, 2, "Value")), annotations=DEMAND)
    assert judge(judged, read(8)).decision.replicas == 4


def test_the_annotation_beats_the_installation_for_activation():
    policy = Policy(activate_to="demand")
    assert judge(subject(), read(50), policy=policy).decision.replicas == 10
    minimum = subject(annotations={"kube-scaler.dev/activate-to": "minimum"})
    assert judge(minimum, read(50), policy=policy).decision.replicas == 1


# -- strict semantics of missing data --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "rule"),
    [
        (read(0), "deactivate"),
        (read(0, at=NOW - 60), "deactivate"),
        (read(0, at=NOW - 61), "stale-zero"),
        (read(0, assumed=True), "stale-zero"),
        (failed(), "error"),
    ],
)
def test_strict_goes_to_zero_on_a_fresh_zero_only(reading, rule):
    assert judge(subject(annotations=STRICT), reading, replicas=3, memory=LONG_AGO).decision.rule == rule


def test_strict_does_not_hold_above_zero():
    judged = subject(annotations=STRICT, **{**IDLE, "idleReplicaCount": 1})
    assert judge(judged, read(0, assumed=True), replicas=3, memory=LONG_AGO).decision.replicas == 1


def test_upstream_takes_an_assumed_zero_for_a_zero():
    assert judge(subject(), read(0, assumed=True), replicas=3, memory=LONG_AGO).decision.replicas == 0


def test_the_status_names_strict_semantics_and_nothing_else():
    def ready(judged, **more):
        return judge(judged, read(0), **more).conditions[0].message

    assert "strict" in ready(subject(annotations=STRICT))
    assert "strict" in ready(subject(), policy=Policy(no_data="strict"))
    assert "strict" not in ready(subject())
    assert "strict" not in ready(
        subject(annotations={"kube-scaler.dev/no-data": "upstream"}), policy=Policy(no_data="strict")
    )


def test_an_explicit_fallback_of_0_is_named_while_it_decides():
    evaluation = judge(subject(**ZERO), failed(), replicas=3, memory=LONG_AGO)
    assert "fallback.replicas is 0" in evaluation.decision.message
    assert "fallback of 0 replicas" in evaluation.conditions[0].message
    healthy = judge(subject(**ZERO), read(0), replicas=3, memory=LONG_AGO)
    assert "fallback" not in healthy.decision.message
    assert "fallback" not in healthy.conditions[0].message


# -- the arithmetic --------------------------------------------------------------------------------------------


def test_the_steps_show_the_arithmetic_and_who_won():
    evaluation = judge(subject(*TWO, maxReplicaCount=8), read(12, 0), read(50.5, 1), replicas=3)
    assert [(step.what, step.gives) for step in evaluation.decision.steps] == [
        ("s0-queue", "12 / 5 = 3"),
        ("s1-queue", "50.5 / 5 = 11"),
        ("most", "11, by s1-queue"),
        ("bounds", "between 1 and 8: 8"),
    ]


def test_the_steps_show_tolerance_failures_and_what_the_hpa_reads_itself():
    judged = subject(trigger(0), trigger(1), cpu(2))
    gives = {step.what: step.gives for step in judge(judged, read(16), failed(1), replicas=3).decision.steps}
    assert gives["s0-queue"] == "16 / 5 = 4 (within the HPA's tolerance of 3)"
    assert gives["s1-queue"] == "no value: connection refused"
    assert gives["cpu"] == "the HPA reads it itself"


def test_the_steps_of_a_whole_value_multiply():
    judged = subject(trigger(0, metric(0, 2, "Value")))
    assert judge(judged, read(8), replicas=8).decision.steps[0].gives == "8 x 8 / 2 = 32"
