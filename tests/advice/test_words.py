"""Sentences that a person reads."""

import pytest

from scaler.advice import words
from scaler.advice.subjects import Facts
from scaler.vertical.estimation import LARGEST, Estimation
from tests.advice.test_judging import all_judged, judged
from tests.advice.usages import BEGIN, MIB, usage

HOW = Estimation()


def test_the_arithmetic_of_a_target_is_told() -> None:
    one = judged(usage(0.1, 300 * MIB))
    assert words.why(one, "cpu", HOW) == (
        "90 % of the CPU samples lie below 110m, newer ones counting more; with 15 % on top that is 126m"
    )
    assert words.why(one, "memory", HOW).endswith("with 15 % on top that is 363 MiB")


def test_a_minimum_says_that_it_is_one() -> None:
    alone = judged(usage(0.001, MIB))
    assert words.why(alone, "cpu", HOW).endswith("that is 11m, less than the minimum of 25m (of a pod)")
    app, _ = all_judged(usage(0.001, MIB), usage(0.001, MIB, container="sidecar"))
    assert words.why(app, "memory", HOW).endswith(
        "the minimum of 125 MiB (a pod's minimum, shared by its 2 containers)"
    )


def test_what_was_never_seen_says_so() -> None:
    one = judged(usage(float("nan"), 300 * MIB))
    assert words.why(one, "cpu", HOW) == "nothing was seen of it, so the minimum stands: 25m (of a pod)"
    assert words.confidence(one) == "no CPU was seen: it cannot be told how much it needs"


@pytest.mark.parametrize(
    ("days", "sure", "end"),
    [
        (0.001, "none", "a first sight"),
        (0.3, "low", "still wide"),
        (2, "fair", "may be missing"),
        (5, "good", "enough"),
    ],
)
def test_how_sure_it_is_grows_with_the_history(days: float, sure: str, end: str) -> None:
    one = judged(usage(0.1, 300 * MIB, days=days))
    assert words.sure(one.confidence) == sure
    assert words.confidence(one).endswith(end)


def test_the_worst_is_told_first() -> None:
    facts = Facts(
        requests={"cpu": 50},
        limits={"memory": 300 << 20},
        kills={"web-1": (BEGIN, BEGIN + 60)},
        throttled=0.25,
    )
    one = judged(usage(0.1, 300 * MIB), facts=facts, requests={"cpu": 0.05})
    assert list(words.risks(one)) == [
        "killed for want of memory twice",
        "memory came to 300 MiB of a limit of 300 MiB",
        "CPU is above its request 100 % of the time",
        "held back by its CPU limit in 25 % of periods",
        "requests no memory: the scheduler does not know its size",
    ]
    assert words.brief(one, HOW).startswith("killed for want of memory twice; memory came")


def test_a_line_without_trouble_says_what_it_rests_on() -> None:
    one = judged(usage(0.1, 300 * MIB), facts=Facts(requests={"cpu": 500, "memory": 1 << 30}))
    assert words.brief(one, HOW) == "CPU p90 110m, memory p90 315 MiB"
    assert (words.change(one, "cpu"), words.change(one, "memory")) == ("-75 %", "-65 %")


def test_what_has_no_end_is_said_to_have_none() -> None:
    assert words.amount("cpu", LARGEST) == "unbounded"
