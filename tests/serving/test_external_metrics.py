import asyncio
import json

import pytest

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry
from scaler.serving import external_metrics as module
from scaler.serving.external_metrics import Asked, ExternalMetrics
from scaler.serving.truth import LocalTruth

NOW = 1_790_000_000.0
ASKED = Asked("shop", "s0-queue", "web")


class World:
    """A board of this process and a source that is looked at."""

    def __init__(self, **entry):
        self.board = Board()
        self.time = NOW
        self.looked = []
        self.source = 7.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.metrics = ExternalMetrics(LocalTruth(self.board, self.look, lambda: self.time), look_deadline=0.05)
        if entry:
            self.board.publish(BoardEntry("shop", "web", **entry))

    async def look(self, namespace, name, metric):
        self.looked.append((namespace, name, metric))
        await self.gate.wait()
        if isinstance(self.source, Exception):
            raise self.source
        if isinstance(self.source, str):
            return MetricAnswer(metric, self.time, error=self.source)
        return MetricAnswer(metric, self.time, self.source)

    async def ask(self, asked=ASKED):
        answer = self.metrics.answer(asked)
        answer = answer if isinstance(answer, bytes) else await answer
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


def known(value=3.0, at=NOW - 20, **more):
    return {"s0-queue": MetricAnswer("s0-queue", at, value, **more)}


async def test_a_fresh_value_is_looked_for_and_told_in_the_hpas_words():
    world = World(metrics=known())
    status, body = await world.ask()
    assert status == 200
    assert body == {
        "kind": "ExternalMetricValueList",
        "apiVersion": "external.metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": [
            {"metricName": "s0-queue", "metricLabels": None, "timestamp": "2026-09-21T14:13:20Z", "value": "7"}
        ],
    }
    assert world.looked == [("shop", "web", "s0-queue")]
    assert dict(world.metrics.reads) == {("fresh", 200): 1}


async def test_a_metric_is_found_in_whatever_case_it_is_asked_for():
    """Kubernetes' client library writes it in lower case."""
    world = World(metrics={"s0-Queue": MetricAnswer("s0-Queue", NOW, 3.0)})
    assert (await world.ask())[0] == 200
    assert world.looked == [("shop", "web", "s0-Queue")]
    world = World(metrics={"s0-Queue": MetricAnswer("s0-Queue", NOW, 3.0)}, cached=frozenset({"s0-Queue"}))
    assert (await world.ask())[1]["items"][0]["value"] == "3"
    assert world.looked == []


async def test_quantities_have_milli_precision():
    world = World()
    world.source = 2.5
    assert (await world.ask())[1]["items"][0]["value"] == "2500m"


async def test_a_cached_metric_is_told_at_once_with_its_own_time():
    world = World(metrics=known(), cached=frozenset({"s0-queue"}))
    status, body = await world.ask()
    assert (status, body["items"][0]["value"], world.looked) == (200, "3", [])
    assert body["items"][0]["timestamp"] == "2026-09-21T14:13:00Z"
    assert isinstance(world.metrics.answer(ASKED), bytes)


async def test_a_cached_metric_without_a_record_is_looked_at():
    world = World(metrics={}, cached=frozenset({"s0-queue"}))
    assert (await world.ask())[1]["items"][0]["value"] == "7"


async def test_an_error_of_the_source_is_an_error_of_the_read():
    world = World(metrics=known())
    world.source = "connection refused"
    status, body = await world.ask()
    assert (status, body["reason"], body["code"]) == (500, "InternalError", 500)
    assert "s0-queue of scaledobject shop/web could not be read: connection refused" in body["message"]


async def test_a_cached_error_is_an_error_too():
    world = World(metrics=known(value=None, error="no such queue"), cached=frozenset({"s0-queue"}))
    status, body = await world.ask()
    assert status == 500
    assert "no such queue" in body["message"]
    assert dict(world.metrics.reads) == {("cached", 500): 1}


async def test_a_fallback_value_is_a_value():
    world = World(metrics=known(value=50.0, fallback=True), cached=frozenset({"s0-queue"}))
    assert (await world.ask())[1]["items"][0]["value"] == "50"


async def test_a_source_that_does_not_answer_gives_the_last_value_with_its_true_time():
    world = World(metrics=known())
    world.gate.clear()
    status, body = await world.ask()
    assert (status, body["items"][0]["value"], body["items"][0]["timestamp"]) == (200, "3", "2026-09-21T14:13:00Z")
    assert dict(world.metrics.reads) == {("last", 200): 1}


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [({"value": 3.0}, 1.0), ({"value": None, "error": "timeout"}, 0.25), ({"value": 9.0, "fallback": True}, 0.25)],
    ids=["well", "failing", "in fallback"],
)
async def test_a_source_that_failed_the_last_time_is_not_waited_for_as_long(answer, seconds):
    """Each wait holds one of the few workers of the HPA controller."""
    waited = []

    class Watched(LocalTruth):
        async def look(self, namespace, name, metric, within):
            waited.append(within)
            return MetricAnswer(metric, NOW, 7.0)

    world = World(metrics=known(**answer))
    world.metrics = ExternalMetrics(Watched(world.board, world.look, lambda: NOW))
    assert (await world.ask())[1]["items"][0]["value"] == "7"
    assert waited == [seconds]


async def test_a_source_that_was_late_is_waited_for_in_full_again_once_it_was_not(monkeypatch):
    waited = []

    class Watched(LocalTruth):
        async def look(self, namespace, name, metric, within):
            waited.append(within)
            return await super().look(namespace, name, metric, within)

    monkeypatch.setattr(module, "FAILING_DEADLINE", 0.01)
    world = World(metrics=known())
    world.metrics = ExternalMetrics(Watched(world.board, world.look, lambda: NOW), look_deadline=0.05)
    world.gate.clear()
    for _ in range(2):
        assert (await world.ask())[1]["items"][0]["value"] == "3"
    world.gate.set()
    for _ in range(2):
        assert (await world.ask())[1]["items"][0]["value"] == "7"
    assert waited == [0.05, 0.01, 0.01, 0.05]


async def test_a_last_evaluation_that_failed_is_told_as_a_failure():
    world = World(metrics=known(value=None, error="timeout"))
    world.gate.clear()
    assert (await world.ask())[0] == 500


@pytest.mark.parametrize("cached", [frozenset(), frozenset({"s0-queue"})])
@pytest.mark.parametrize(("polling", "limit"), [(30.0, 120.0), (100.0, 200.0)])
async def test_past_the_bound_there_is_an_error_rather_than_a_lie(cached, polling, limit):
    world = World(metrics=known(at=NOW), cached=cached, polling=polling)
    world.gate.clear()
    world.time = NOW + limit
    assert (await world.ask())[0] == 200
    world.time = NOW + limit + 1
    status, body = await world.ask()
    assert (status, body["reason"]) == (503, "ServiceUnavailable")
    assert f"is {limit + 1:.0f} s old, more than the {limit:.0f} s allowed" in body["message"]


@pytest.mark.parametrize("polling", [1.0, 30.0, 60.0, 119.0, 600.0])
def test_the_bound_outlives_a_hand_over_and_a_polling_interval(polling):
    metrics = ExternalMetrics(LocalTruth(Board(), None, lambda: NOW))
    assert metrics.limit_of(BoardEntry("shop", "web", polling=polling)) > 20 + polling


async def test_what_the_leader_does_not_know_is_not_found():
    world = World()
    world.source = LookupError("there is no scaledobject shop/web")
    status, body = await world.ask()
    assert (status, body["reason"]) == (404, "NotFound")
    assert "there is no scaledobject shop/web" in body["message"]


async def test_a_leader_that_has_not_got_the_object_yet_does_not_cost_the_last_value():
    world = World(metrics=known())
    world.source = LookupError("there is no scaledobject shop/web")
    assert (await world.ask())[0] == 200


async def test_nothing_known_and_nobody_to_look_is_unavailable():
    world = World(metrics={"s1-other": MetricAnswer("s1-other", NOW, 1.0)})
    world.gate.clear()
    status, body = await world.ask()
    assert (status, body["reason"]) == (503, "ServiceUnavailable")
    assert "did not answer within 0.05 s" in body["message"]
