"""What the HPA is told: values, errors, fallbacks and formulas, and how failures are counted."""

import pytest

from scaler.api.scaledobject import Health
from scaler.horizontal.answer import answer, replaced
from scaler.horizontal.readings import Failure, Memory, NoScale, Scale
from tests.horizontal.objects import NOW, cpu, failed, metric, read, subject, trigger

TWO = (trigger(0), trigger(1))
FALLBACK = {"failureThreshold": 3, "replicas": 6}


def failing(count, *metrics):
    return Memory(health={name: Health(count, "Failing") for name in metrics or ("s0-queue",)})


def answers(judged, *readings, replicas=4, ready=None, memory=None, counting=None):
    return answer(judged, readings, Scale(replicas, ready), memory or Memory(), NOW, counting=counting)


def test_a_reading_is_told_as_it_is_with_its_own_time():
    told = answers(subject(), read(12, at=NOW - 7)).metrics["s0-queue"]
    assert (told.value, told.error, told.at, told.fallback) == (12, "", NOW - 7, False)


def test_an_error_is_told_as_an_error():
    given = answers(subject(), failed())
    assert (given.metrics["s0-queue"].value, given.metrics["s0-queue"].error) == (None, "connection refused")
    assert given.failures == (failed(),)
    assert given.activity == {"s0-queue": False}


def test_what_nobody_read_is_a_failure():
    given = answers(subject(*TWO), read(1))
    assert given.metrics["s1-queue"].error == "it has not been read yet"
    assert [failure.metric for failure in given.failures] == ["s1-queue"]


def test_a_failure_of_a_whole_trigger_stands_for_each_of_its_metrics():
    judged = subject(trigger(0, metric(0), metric(7)))
    given = answers(judged, Failure(0, "", "the server is gone", NOW))
    assert {told.error for told in given.metrics.values()} == {"the server is gone"}
    assert len(given.failures) == 2


def test_a_trigger_whose_metrics_are_not_known_yet_is_a_failure():
    judged = subject(trigger(0), of=subject().scaled)
    judged = type(judged)(judged.scaled, (type(judged.triggers[0])(0, "external"),), judged.target)
    assert answers(judged).failures == (Failure(0, "", "its metrics are not known yet", NOW),)
    why = Failure(0, "", "no connection", NOW)
    assert answers(judged, why).failures == (why,)


# -- counting --------------------------------------------------------------------------------------------------


def test_failures_are_counted_and_a_success_resets():
    judged = subject(fallback=FALLBACK)
    memory = Memory()
    for count in (1, 2, 3):
        memory = answers(judged, failed(), memory=memory).memory
        assert memory.health == {"s0-queue": Health(count, "Failing")}
    assert answers(judged, read(0), memory=memory).memory.health == {"s0-queue": Health(0, "Happy")}


@pytest.mark.parametrize(
    "modifiers",
    [None, {"formula": "queue * 2", "target": "2.5"}, {"formula": "queue * 2", "target": "0"}, {"formula": "queue"}],
)
def test_nothing_is_counted_without_a_fallback_that_can_work(modifiers):
    if modifiers is None:
        judged = subject()
    else:
        judged = subject(trigger(0, name="queue"), fallback=FALLBACK, advanced={"scalingModifiers": modifiers})
    assert answers(judged, failed()).memory.health == {}


def test_a_look_counts_only_what_it_looked_at():
    judged = subject(*TWO, fallback=FALLBACK)
    memory = failing(2, "s0-queue", "s1-queue")
    looked = answers(judged, failed(0), failed(1), memory=memory, counting={"s1-queue"})
    assert {name: health.number_of_failures for name, health in looked.memory.health.items()} == {
        "s0-queue": 2,
        "s1-queue": 3,
    }
    cached = answers(judged, failed(0), failed(1), memory=memory, counting=())
    assert cached.memory.health == memory.health


def test_polls_and_looks_count_together():
    judged = subject(fallback={"failureThreshold": 1, "replicas": 6})
    poll = answers(judged, failed())
    assert poll.metrics["s0-queue"].error
    look = answers(judged, failed(), memory=poll.memory, counting={"s0-queue"})
    assert look.metrics["s0-queue"].value == 30


def test_the_health_of_a_metric_that_is_gone_is_forgotten():
    judged = subject(fallback=FALLBACK)
    assert set(answers(judged, read(1), memory=failing(2, "s9-gone")).memory.health) == {"s0-queue"}


def test_fresh_readings_take_the_place_of_the_last():
    assert replaced([read(1, 0), failed(1)], [read(5, 1)]) == (read(1, 0), read(5, 1))
    assert replaced([], [read(5, 1)]) == (read(5, 1),)


# -- fallbacks -------------------------------------------------------------------------------------------------


def test_a_fallback_engages_at_one_failure_more_than_the_threshold():
    judged = subject(fallback=FALLBACK)
    third = answers(judged, failed(), memory=failing(2))
    assert (third.metrics["s0-queue"].value, third.fallback, third.active) == (None, False, False)
    fourth = answers(judged, failed(), memory=failing(3))
    assert (fourth.metrics["s0-queue"].value, fourth.fallback, fourth.active) == (30, True, True)
    assert fourth.metrics["s0-queue"].fallback
    assert fourth.failures == ()
    assert fourth.covered == (failed(),)


def test_a_threshold_of_0_engages_at_the_first_failure():
    assert answers(subject(fallback={"failureThreshold": 0, "replicas": 6}), failed()).fallback


# behavior, fallback.replicas, present replicas -> R
BEHAVIORS = [
    (None, 3, 4, 3),
    ("static", 3, 4, 3),
    ("static", 3, 0, 3),
    ("currentReplicas", 3, 4, 4),
    ("currentReplicas", 3, 0, 0),
    ("currentReplicasIfHigher", 3, 4, 4),
    ("currentReplicasIfHigher", 3, 2, 3),
    ("currentReplicasIfLower", 3, 4, 3),
    ("currentReplicasIfLower", 3, 2, 2),
]


@pytest.mark.parametrize(("behavior", "replicas", "present", "figure"), BEHAVIORS)
def test_the_figure_of_each_behaviour(behavior, replicas, present, figure):
    given = {"failureThreshold": 3, "replicas": replicas} | ({"behavior": behavior} if behavior else {})
    told = answers(subject(fallback=given), failed(), replicas=present, memory=failing(3))
    assert told.metrics["s0-queue"].value == 5 * figure
    assert told.active is (figure > 0)


@pytest.mark.parametrize(("ready", "value"), [(4, 7.5), (2, 15), (7, 4.285)])
def test_a_whole_value_is_divided_by_the_ready_pods(ready, value):
    judged = subject(trigger(0, metric(0, 5, "Value")), fallback=FALLBACK)
    assert answers(judged, failed(), ready=ready, memory=failing(3)).metrics["s0-queue"].value == value


@pytest.mark.parametrize("ready", [0, None])
def test_a_whole_value_without_ready_pods_has_no_fallback(ready):
    judged = subject(trigger(0, metric(0, 5, "Value")), fallback=FALLBACK)
    given = answers(judged, failed(), ready=ready, memory=failing(3))
    assert given.metrics["s0-queue"].error == "connection refused"
    assert given.failures == (failed(),)
    assert given.fallback  # the failures are beyond the threshold all the same


def test_a_fallback_to_present_replicas_needs_to_know_them():
    judged = subject(fallback={**FALLBACK, "behavior": "currentReplicas"})
    given = answer(judged, [failed()], NoScale("forbidden"), failing(3), NOW)
    assert given.metrics["s0-queue"].error == "connection refused"
    static = answer(subject(fallback=FALLBACK), [failed()], NoScale("forbidden"), failing(3), NOW)
    assert static.metrics["s0-queue"].value == 30


def test_each_metric_falls_back_by_its_own_count():
    judged = subject(*TWO, fallback=FALLBACK)
    given = answers(judged, failed(0), failed(1), memory=Memory(health={"s0-queue": Health(3, "Failing")}))
    assert given.metrics["s0-queue"].value == 30
    assert given.metrics["s1-queue"].error


def test_a_trigger_that_cannot_be_built_any_more_falls_back_by_the_metrics_it_had():
    judged = subject(trigger(0, metric(0), problem="secret queue-login is gone"), fallback=FALLBACK)
    given = answers(judged, memory=failing(3))
    assert given.metrics["s0-queue"].value == 30
    assert given.failures == ()


def test_cpu_has_nothing_to_answer():
    given = answers(subject(cpu(0)))
    assert given.metrics == {}
    assert given.active


# -- formulas --------------------------------------------------------------------------------------------------


def composed(formula="a + b", target="2", fallback=None, **modifiers):
    spec = {} if fallback is None else {"fallback": fallback}
    given = {"formula": formula, "target": target, **modifiers}
    return subject(trigger(0, name="a"), trigger(1, name="b"), advanced={"scalingModifiers": given}, **spec)


def told(given):
    assert set(given.metrics) == {"composite-metric"}
    return given.metrics["composite-metric"]


def test_a_formula_makes_one_metric_of_all():
    given = answers(composed(), read(3, 0), read(4, 1))
    assert told(given).value == 7
    assert given.active_triggers == ("composite-metric",)
    assert given.activity == {"s0-queue": True, "s1-queue": True}
    assert [(one.name, one.value) for one in given.composite.variables] == [("a", 3), ("b", 4)]


def test_a_result_is_cut_to_thousandths():
    assert told(answers(composed("a / b"), read(2, 0), read(3, 1))).value == 0.666


@pytest.mark.parametrize(
    ("activation", "total", "active"), [("", 0, False), ("", 1, True), ("2", 2, False), ("2", 3, True)]
)
def test_a_formula_is_active_above_its_own_threshold(activation, total, active):
    given = answers(composed(activationTarget=activation), read(total, 0, active=False), read(0, 1))
    assert given.active is active


def test_the_age_of_a_composite_is_that_of_its_oldest_reading():
    assert told(answers(composed(), read(3, 0, at=NOW - 20), read(4, 1))).at == NOW - 20


def test_one_failed_trigger_leaves_the_formula_without_a_metric_and_inactive():
    given = answers(composed(), read(3, 0), failed(1))
    assert told(given).value is None
    assert "connection refused" in told(given).error
    assert not given.active
    assert [failure.metric for failure in given.failures] == ["s1-queue"]


@pytest.mark.parametrize("formula", ["a / b", "-a / b", "[a][int(a)] + b"])
def test_a_formula_that_fails_or_gives_no_finite_number_is_an_error_and_no_zero(formula):
    given = answers(composed(formula), read(3, 0), read(0, 1))
    assert told(given).value is None
    assert told(given).error
    assert [failure.metric for failure in given.failures] == ["composite-metric"]


def test_values_enter_a_formula_as_they_are_reported():
    given = answers(composed("a + b"), read(-3, 0), read(1.23456, 1))
    assert told(given).value == 1.235
    assert [one.value for one in given.composite.variables] == [0.0, 1.235]


def test_a_fallback_beside_a_formula_takes_its_place():
    judged = composed(fallback={"failureThreshold": 3, "replicas": 5})
    given = answers(judged, read(100, 0), failed(1), memory=failing(3, "s1-queue"))
    assert told(given).value == 10
    assert told(given).fallback
    assert given.active
    assert given.composite.fallback


def test_a_fallback_beside_a_whole_value_formula_is_divided():
    judged = composed(metricType="Value", fallback={"failureThreshold": 3, "replicas": 5})
    given = answers(judged, read(100, 0), failed(1), ready=4, memory=failing(3, "s1-queue"))
    assert told(given).value == 2.5


def test_the_behaviour_scaling_modifiers_hands_nil_to_the_formula():
    judged = composed("a ?? b ?? 8", fallback={"failureThreshold": 3, "replicas": 4, "behavior": "scalingModifiers"})
    below = answers(judged, failed(0), read(12, 1), memory=failing(2))
    assert told(below).value is None
    beyond = answers(judged, failed(0), read(12, 1), memory=failing(3))
    assert told(beyond).value == 12
    assert not told(beyond).fallback
    assert beyond.active
    assert beyond.failures == ()
    assert beyond.fallback


@pytest.mark.parametrize(("replicas", "value", "active"), [(4, 8, True), (0, 0, False)])
def test_a_formula_that_gives_nil_falls_back_to_the_given_replicas(replicas, value, active):
    judged = composed(
        "a ?? b", fallback={"failureThreshold": 3, "replicas": replicas, "behavior": "scalingModifiers"}
    )
    given = answers(judged, failed(0), failed(1), memory=failing(3, "s0-queue", "s1-queue"))
    assert (told(given).value, given.active) == (value, active)


def test_cpu_stays_out_of_a_formula():
    modifiers = {"formula": "a * 2", "target": "2"}
    judged = subject(cpu(0), trigger(1, name="a"), advanced={"scalingModifiers": modifiers})
    given = answers(judged, read(3, 1))
    assert told(given).value == 6
