"""Two operators: one leads, the other takes over, and the HPA notices nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.controlplane.api import Refused
from tests.e2e.installation import Installation, Program
from tests.e2e.source import Source
from tests.e2e.stage import HPAS, Stage, Theatre, condition, trigger
from tests.e2e.watching import Watcher
from tests.servers.aws import Aws

METRIC = "s0-metric-api-value"
CACHED = "s1-metric-api-value"


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    bare_installation.operator(name="first")
    bare_installation.wait_leader("first")
    bare_installation.operator(name="second").wait_ready()
    bare_installation.metrics()
    bare_installation.wait_serving()
    return Theatre(bare_installation, watcher, http_source, aws_server)


@pytest.mark.slow
def test_the_leaders_end_is_a_handover_that_the_hpa_does_not_notice(stage: Stage) -> None:
    """Its SIGKILL within 20 s, its SIGTERM within 3 s; every read of a metric in between is answered.

    A fresh read is the proof: the new leader asks the source. A cached metric follows with the first check.
    """
    first, second = stage.installation.programs[:2]
    stage.deployment()
    load = stage.source(value=10)
    cached = trigger(load, 5, useCachedMetrics=True)
    stage.scaled_object(trigger(load, 5), cached, pollingInterval=2, maxReplicaCount=10)
    stage.until_replicas(2)
    stage.until_condition("HPAActive", "True", "HPAActive")
    begin = time.time()
    with reading(stage) as refusals:
        first.process.kill()
        killed = time.time()
        load.says(20)
        assert shown(stage, METRIC, 20) - killed < 20
        assert stage.installation.leader == "second"
        shown(stage, CACHED, 20)
        stage.until_replicas(4)

        third = stage.installation.operator(name="third")
        third.wait_ready()
        stage.wait(3)
        load.says(25)
        ended = time.time()
        second.process.terminate()
        assert shown(stage, METRIC, 25) - ended < 3
        assert stage.installation.leader == "third"
        shown(stage, CACHED, 25)
        stage.until_replicas(5)
    assert refusals == []
    stage.wait(2)
    seen = [condition(one.object, "ScalingActive") for one in stage.history(HPAS, "keda-hpa-web", begin)]
    assert {one.get("status") for one in seen} == {"True"}, seen
    assert stage.replica_history(since=begin) == [2, 4, 5]
    leads_alone(third)


@contextmanager
def reading(stage: Stage) -> Iterator[list[str]]:
    """Meanwhile both metrics are read through the API server ten times a second; what was refused is gathered."""
    refusals: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.1):
            for metric in (METRIC, CACHED):
                try:
                    said = stage.installation.metric(stage.namespace, "web", metric)["items"]
                    if not said or float(said[0]["value"]) < 10:
                        refusals.append(f"{metric}: {said}")
                except (Refused, OSError) as refusal:
                    refusals.append(f"{metric}: {refusal}")

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    try:
        yield refusals
    finally:
        over.set()
        reader.join()


def shown(stage: Stage, metric: str, value: float) -> float:
    """When the metric was what the source says now: somebody reads it again, and is heard."""

    def shows() -> bool:
        try:
            (item,) = stage.installation.metric(stage.namespace, "web", metric)["items"]
        except Refused:  # who reads all the time tells of it
            return False
        return float(item["value"]) == value

    stage.until(shows, f"{metric} to show {value:g}", 40)
    return time.time()


def leads_alone(program: Program) -> None:
    program.process.check()
    assert program.said("leading")
