"""How fast something may go on."""

import pytest

from scaler.vertical.pacing import Bucket
from tests.vertical import vectors


def limiter(case: vectors.Case) -> None:
    found = Bucket(case.input["rateLimit"], case.input["rateLimitBurst"])
    wanted = case.expected
    rate = None if found.unlimited else found.rate
    assert (found.unlimited, rate, found.burst) == (
        wanted["unlimited"],
        wanted["evictionsPerSecond"],
        wanted["burst"],
    )


PLAYERS = {"eviction_rate_limiter": limiter}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def taken(bucket: Bucket, now: float) -> int:
    found = 0
    while bucket.wait(now) == 0 and found < 1000:
        bucket.take(now)
        found += 1
    return found


def test_after_a_rest_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    bucket = Bucket(10, 3)
    assert taken(bucket, 0.0) == 3
    assert bucket.wait(0.0) == pytest.approx(0.1)
    assert [taken(bucket, now) for now in (0.1, 0.15, 0.2, 5.0)] == [1, 0, 1, 3]


def test_a_clock_that_goes_back_gives_nothing_twice() -> None:
    bucket = Bucket(1, 1)
    bucket.take(10.0)
    assert bucket.wait(9.0) == pytest.approx(1.0)
    assert bucket.wait(10.5) == pytest.approx(0.5)


def test_without_a_rate_nobody_waits() -> None:
    assert taken(Bucket(-1, 1), 0.0) == 1000
