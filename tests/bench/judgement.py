"""What judging one object costs, in this process alone: `evaluate`, and `judged`, which says what its status should be."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from scaler.api.scaledobject import ScaledObject
from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.readings import Memory, Policy, Scale, Subject
from scaler.horizontal.status import judged
from tests.bench.process import machine
from tests.bench.report import Row, table
from tests.horizontal import objects as make

ROUNDS, BEST_OF = 2_000, 5
MOST = 100.0
"""Microseconds."""


def run() -> None:
    """Objects of several shapes, each active and well, beside the reading of one from JSON."""
    print(f"# judgement\n{machine()}", flush=True)
    one = make.subject()
    three = make.subject(*(make.trigger(index) for index in range(3)))
    formula = make.subject(
        *(make.trigger(index, name=name) for index, name in enumerate("abc")),
        advanced={"scalingModifiers": {"formula": "max([a, b]) + (c > 3 ? c * 2 : 0)", "target": "5"}},
    )
    fallback = make.subject(fallback={"failureThreshold": 3, "replicas": 6})
    encoded = msgspec.json.encode(one.scaled)
    rows = [
        Row("one trigger, us", _microseconds(_judging(one, 1)), 1, most=MOST),
        Row("one trigger with a fallback, us", _microseconds(_judging(fallback, 1)), 1, most=MOST),
        Row("three triggers, us", _microseconds(_judging(three, 3)), 1, most=MOST),
        Row("three triggers and a formula, us", _microseconds(_judging(formula, 3)), 1, most=MOST),
        Row("  reading the object from its JSON, us", _microseconds(lambda: _decode(encoded)), 1),
    ]
    table("judgement", rows, f"the best of {BEST_OF} times {ROUNDS:,} checks")


def _judging(subject: Subject, triggers: int) -> Callable[[], Any]:
    readings = [make.read(7.0, index) for index in range(triggers)]
    scale, policy, memory = Scale(2), Policy(), Memory()
    status = judged(subject.scaled.status, evaluate(subject, readings, scale, memory, policy, make.NOW))

    def check() -> None:
        judged(status, evaluate(subject, readings, scale, memory, policy, make.NOW))

    return check


def _decode(encoded: bytes) -> None:
    msgspec.json.decode(encoded, type=ScaledObject)


def _microseconds(work: Callable[[], Any]) -> float:
    """Of one call, by this process's own CPU."""
    best = float("inf")
    for _ in range(BEST_OF):
        began = time.process_time()
        for _ in range(ROUNDS):
            work()
        best = min(best, (time.process_time() - began) / ROUNDS * 1e6)
    return best
