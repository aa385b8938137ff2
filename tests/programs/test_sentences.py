"""The two lines that a person at night reads first."""

import pytest

from scaler.horizontal.explain import Explanation, explain
from scaler.horizontal.outlook import Change
from scaler.horizontal.readings import Failure, Memory, Reading, Subject
from scaler.programs import sentences
from tests.horizontal.objects import NOW, failed, judge, metric, read, scaled_object, subject, trigger


def told(judged: Subject, *readings: Reading | Failure, hpa: object = None, **more: object) -> Explanation:
    return explain(judge(judged, *readings, **more), judged, NOW, hpa)  # type: ignore[arg-type] # tests spell it


def test_the_deciding_trigger_and_its_arithmetic_come_first() -> None:
    given = told(subject(trigger(0), trigger(1, name="slow")), read(12, 0), read(34, 1), replicas=7)
    assert sentences.headline(given) == (
        "web runs 7, because trigger slow (aws-sqs-queue) asks for 7: 34 / 5 each is 6.8, and 7 is near enough."
    )
    assert sentences.outlook(given).startswith(
        "Nothing blocks. It would change: s0-queue above 38.5 asks for more than 7"
    )


def test_what_is_still_to_come_is_told_apart_from_what_runs() -> None:
    hpa = {"status": {"desiredReplicas": 4}}
    given = told(subject(trigger(0)), read(33, 0), replicas=3, hpa=hpa)
    assert sentences.headline(given) == (
        "web runs 3 and should run 7, because trigger 0 (aws-sqs-queue) asks for 7: 33 / 5 each; the HPA itself wants 4 now."
    )


def test_a_bound_that_holds_it_back_is_named() -> None:
    given = told(subject(trigger(0), maxReplicaCount=4), read(33, 0), replicas=4)
    assert sentences.headline(given).endswith("33 / 5 each, which the bounds 1 to 4 make 4.")
    assert sentences.outlook(given).startswith("Blocked: maxReplicaCount 4 caps the 7 that are asked for. ")


def test_a_whole_value_is_explained_by_the_replicas_there_are() -> None:
    judged = subject(trigger(0, metric(0, 5.0, "Value")))
    given = told(judged, read(20, 0), replicas=2, ready=2)
    assert "20 of 5, times the 2 there are" in sentences.headline(given)


def test_a_workload_at_zero_is_explained_by_the_decision() -> None:
    given = told(subject(trigger(0)), read(0, 0), replicas=0)
    assert sentences.headline(given).startswith("web runs 0: not active")
    assert "s0-queue above 0 activates it" in sentences.outlook(given)


def test_a_cooldown_says_how_long_it_lasts() -> None:
    given = told(subject(trigger(0)), read(0, 0), replicas=7, memory=Memory(last_active=NOW - 100))
    assert sentences.headline(given).startswith("web runs 7: not active; from 7 to 0 after ")
    assert sentences.outlook(given).startswith("Nothing else blocks. It would change: ")
    assert "(in 3 min 20 s)" in sentences.outlook(given)


def test_a_source_that_fails_is_what_blocks() -> None:
    given = told(subject(trigger(0)), failed(0), replicas=3)
    assert "s0-queue cannot be read: connection refused" in sentences.outlook(given)


def test_a_pause_is_the_answer() -> None:
    scaled = scaled_object(annotations={"autoscaling.keda.sh/paused": "true"})
    given = told(subject(trigger(0), of=scaled), read(33, 0), replicas=3)
    assert "paused" in sentences.headline(given)


def test_a_fallbacks_figure_is_marked() -> None:
    judged = subject(trigger(0), fallback={"failureThreshold": 0, "replicas": 4})
    given = told(judged, failed(0), replicas=4)
    assert "20 (the fallback's)" in sentences.headline(given)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (45, "45 s"), (60, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (11_400, "3 h 10 min")],
)
def test_a_span_is_written_for_a_person(seconds: float, words: str) -> None:
    assert sentences.span(seconds) == words


def test_what_is_due_is_due_now() -> None:
    assert sentences.change(Change("the next check.", NOW), NOW) == "the next check (now)"


def test_figures_have_no_noise() -> None:
    assert [sentences.number(value) for value in (0.1 + 0.2, 5.0, None)] == ["0.3", "5", "?"]
