"""An explanation on a terminal, and in a pipe."""

import io
from typing import Any

from rich.console import Console

from scaler.horizontal.explain import explain
from scaler.horizontal.readings import Failure, Policy, Reading, Subject
from scaler.programs import rendering
from scaler.programs.reconstruction import Observed, reconstruct
from tests.horizontal.objects import NOW, cpu, failed, judge, read, subject, trigger
from tests.programs.test_reconstruction import SCALE, SCALED, hpa


def plain(width: int = 160) -> Console:
    return Console(file=io.StringIO(), width=width, markup=False, highlight=False)


def printed(judged: Subject, *readings: Reading | Failure, out: Console | None = None, **more: Any) -> str:
    console = out or plain()
    rendering.explanation(explain(judge(judged, *readings, **more), judged, NOW, more.get("hpa")), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_each_trigger_has_a_row_and_the_winner_is_marked() -> None:
    text = printed(subject(trigger(0), trigger(1, name="slow"), cpu(2)), read(12, 0), read(34, 1), replicas=7)
    assert "0 aws-sqs-queue 12 5 each 0 yes 3 just now" in rows(text)
    assert "1 slow aws-sqs-queue 34 5 each 0 yes 7 <- just now" in rows(text)
    assert "2 cpu 60% the HPA reads it itself" in rows(text)


def test_the_arithmetic_and_what_is_in_force_are_there() -> None:
    text = printed(
        subject(trigger(0)), read(33, 0), replicas=3, policy=Policy(no_data="strict", activate_to="demand")
    )
    assert "s0-queue: 33 / 5 = 7" in text
    assert "no data: strict: to zero only on a fresh zero of every trigger" in text
    assert "activation goes to what is asked for" in text


def test_an_error_stands_where_the_value_would() -> None:
    text = printed(subject(trigger(0)), failed(0, why="connection refused"), replicas=3)
    assert "0 aws-sqs-queue error 5 each 0 no just now connection refused" in rows(text)
    assert "s0-queue has no value: connection refused" in text


def test_a_formula_is_shown_with_its_values() -> None:
    plans = (trigger(0, name="a"), trigger(1, name="b"))
    judged = subject(*plans, advanced={"scalingModifiers": {"formula": "a + b", "target": "2"}})
    text = printed(judged, read(3, 0), read(2, 1), replicas=3)
    assert "a + b, with a = 3, b = 2" in text
    assert "gives 5; active above 0" in text
    assert text.startswith("web runs 3, because the formula asks for 3: 5 / 2 each")


def test_what_the_hpa_itself_says_is_told_beside_ours() -> None:
    own = {
        "status": {"desiredReplicas": 4, "conditions": [{"type": "ScalingActive", "status": "True", "reason": "R"}]}
    }
    text = printed(subject(trigger(0)), read(33, 0), replicas=3, hpa=own)
    assert "s0-queue asks for 7; within the bounds that is 7" in text
    assert "the HPA itself wants 4: it knows its pace, stabilisation and other metrics, too" in text


def test_no_sentence_is_cut_where_nobody_sees_it() -> None:
    text = printed(subject(trigger(0)), failed(0, why="x" * 300), replicas=3)
    assert "x" * 300 in text.partition("Blocks")[2]


def test_a_terminal_sees_colours_and_a_pipe_none() -> None:
    terminal = Console(file=io.StringIO(), width=160, force_terminal=True, color_system="standard")
    assert "\x1b[32m" in printed(subject(trigger(0)), read(33, 0), replicas=7, out=terminal)
    assert "\x1b" not in printed(subject(trigger(0)), read(33, 0), replicas=7)


def test_the_clusters_own_account_has_everything_it_knows() -> None:
    event = {
        "lastTimestamp": "2026-01-31T08:00:00Z",
        "reason": "KEDAScalerFailed",
        "message": "no answer",
        "count": 3,
    }
    out = plain()
    rendering.reconstruction(reconstruct(Observed(SCALED, SCALE, hpa("12"), (event,)), "no Lease"), out)
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert text.startswith("web runs 3; its HPA wants 3: s0-queue asks for 8, at 12 of 5 each.\n")
    assert "s0-queue 12 5 each 8" in rows(text)
    for words in ("Ready=True", "ScalingActive=True ValidMetricFound: ok", "s0-queue: 2 in a row"):
        assert words in text
    assert "2026-01-31T08:00:00Z  KEDAScalerFailed: no answer (3 times)" in text


def test_an_object_without_an_hpa_says_so() -> None:
    out = plain()
    rendering.reconstruction(reconstruct(Observed(SCALED, None, None), "no Lease"), out)
    assert isinstance(out.file, io.StringIO)
    assert "HPA\n  there is none" in out.file.getvalue()
