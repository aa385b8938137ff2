"""The pages, read back by the official parser."""

import asyncio
import time
from collections import Counter

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject
from scaler.clock import SystemClock
from scaler.horizontal.readings import (
    Decision,
    Evaluation,
    Failure,
    Memory,
    MetricAnswer,
    MetricSpec,
    Reading,
    ResourceSpec,
    Subject,
    TriggerPlan,
)
from scaler.kube.connection import Connection
from scaler.kube.events import Recorder
from scaler.kube.hands import ClusterHands
from scaler.kube.intake import Intake, Scope
from scaler.kube.leader import Elector
from scaler.loops.board import Board, BoardEntry
from scaler.loops.engine import Engine
from scaler.loops.objects import Tracked
from scaler.serving.exposition import Family, labels, page
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.feed.client import FeedClient
from scaler.serving.feed.server import FeedServer
from scaler.serving.object_metrics import GO_TYPES, ObjectMetrics
from scaler.serving.prometheus import MetricsServerMetrics, OperatorMetrics
from scaler.triggers.connections import Connections
from scaler.triggers.types import TYPES

NOW = 1_790_000_000.0
TARGET = GroupVersionKindResource("apps", "v1", "Deployment", "deployments")
QUEUE = TriggerPlan(0, "aws-sqs-queue", metrics=(MetricSpec("s0-aws-sqs-work", 5),))
NAMED = TriggerPlan(1, "prometheus", 'req "s"', metrics=(MetricSpec("s1-prometheus", 5),))
CPU = TriggerPlan(2, "cpu", resource=ResourceSpec("cpu", "Utilization", "80"))


def tracked(name="web", readings=(), plans=(QUEUE, NAMED, CPU), metrics=None, activity=None, **annotations):
    manifest = {
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"name": name},
            "triggers": [{"type": plan.type, "metadata": {}, "name": plan.name} for plan in plans],
        },
    }
    scaled = msgspec.convert(manifest, ScaledObject)
    found = Tracked(scaled, Memory())
    found.subject = Subject(scaled, tuple(plans), TARGET)
    found.readings = tuple(readings)
    decision = Decision(None, "active", "ScalerActive", "stays")
    found.evaluation = Evaluation(
        NOW, metrics or {}, decision, Memory(), activity=activity or {}, readings=tuple(readings)
    )
    return found


async def samples(families):
    text = page(families).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def about(name, scaler, index, metric, **more):
    known = {
        "metric": metric,
        "namespace": "shop",
        "scaledObject": "web",
        "scaler": scaler,
        "triggerIndex": str(index),
        "type": "scaledobject",
    }
    return (name, *sorted({**known, **more}.items()))


SQS = ("awsSqsQueueScaler", 0, "s0-aws-sqs-work")
PROMETHEUS = ('req "s"', 1, "s1-prometheus")


async def test_a_trigger_has_upstreams_series_under_its_name_or_its_go_type():
    objects = [
        tracked(
            readings=[
                Reading(0, "s0-aws-sqs-work", 7.0, active=True, at=NOW, latency=0.25),
                Reading(1, "s1-prometheus", 0.5, active=False, at=NOW, latency=0.001),
            ]
        )
    ]
    found = await samples(await ObjectMetrics().write(objects, NOW))
    assert found[about("keda_scaler_active", *SQS)] == 1
    assert found[about("keda_scaler_metrics_value", *SQS)] == 7
    assert found[about("keda_scaler_metrics_latency_seconds", *SQS)] == 0.25
    assert found[about("keda_scaler_detail_errors_total", *SQS)] == 0
    assert found[about("keda_scaler_active", *PROMETHEUS)] == 0
    assert found[about("keda_scaler_metrics_value", *PROMETHEUS)] == 0.5
    assert found[("keda_scaled_object_paused", ("namespace", "shop"), ("scaledObject", "web"))] == 0
    assert found[("keda_scaled_object_errors_total", ("namespace", "shop"), ("scaledObject", "web"))] == 0
    assert found[("keda_trigger_registered_total", ("type", "cpu"))] == 1
    assert not any("cpuMemoryScaler" in str(key) for key in found)  # the HPA reads those itself


async def test_a_failure_counts_and_shows_no_value_unless_a_fallback_stands_for_it():
    metrics, failed = ObjectMetrics(), Failure(0, "s0-aws-sqs-work", "access denied", NOW)
    held = tracked(readings=[failed])
    for _ in range(3):
        metrics.polled(held, held.evaluation)
    found = await samples(await metrics.write([held], NOW))
    assert found[about("keda_scaler_detail_errors_total", *SQS)] == 3
    assert found[about("keda_scaler_active", *SQS)] == 0
    assert about("keda_scaler_metrics_value", *SQS) not in found
    assert about("keda_scaler_metrics_latency_seconds", *SQS) not in found
    assert found[("keda_scaled_object_errors_total", ("namespace", "shop"), ("scaledObject", "web"))] == 3
    metrics.looked(held, [failed])
    found = await samples(await metrics.write([held], NOW))
    assert found[about("keda_scaler_detail_errors_total", *SQS)] == 4
    assert found[("keda_scaled_object_errors_total", ("namespace", "shop"), ("scaledObject", "web"))] == 4
    assert metrics.decisions == Counter({"active": 3})

    answer = MetricAnswer("s0-aws-sqs-work", NOW, 50.0, fallback=True)
    fallen = tracked(readings=[failed], metrics={answer.metric: answer}, activity={"s0-aws-sqs-work": True})
    found = await samples(await metrics.write([fallen], NOW))
    assert found[about("keda_scaler_metrics_value", *SQS)] == 50
    assert found[about("keda_scaler_active", *SQS)] == 1


@pytest.mark.parametrize(
    ("reading", "state"),
    [
        (Reading(0, "s0-aws-sqs-work", 0.0, active=False, at=NOW), "fresh"),
        (Reading(0, "s0-aws-sqs-work", 0.0, active=False, at=NOW - 61), "stale"),
        (Reading(0, "s0-aws-sqs-work", 0.0, active=False, at=NOW, assumed=True), "missing"),
        (Failure(0, "s0-aws-sqs-work", "refused", NOW), "error"),
    ],
)
async def test_the_state_of_the_data_is_told_apart_from_its_value(reading, state):
    found = await samples(await ObjectMetrics().write([tracked(readings=[reading])], NOW))
    states = [dict(key[1:])["state"] for key in found if key[0] == "kube_scaler_trigger_data"]
    assert states == [state]
    assert found[about("kube_scaler_trigger_data", *SQS, state=state)] == 1


async def test_a_source_without_data_is_counted_under_upstreams_name():
    metrics = ObjectMetrics()
    empty = tracked(readings=[Reading(1, "s1-prometheus", 0.0, active=False, at=NOW, assumed=True)])
    metrics.polled(empty, empty.evaluation)
    found = await samples(await metrics.write([empty], NOW))
    known = {
        "ignoreNullValues": "true",
        "metricName": "s1-prometheus",
        "namespace": "shop",
        "resourceType": "scaledobject",
        "scaledResource": "web",
        "triggerName": 'req "s"',
    }
    assert found[("keda_scaler_empty_upstream_responses_total", *sorted(known.items()))] == 1


async def test_a_formula_has_its_own_value_beside_its_triggers():
    answer = MetricAnswer("composite-metric", NOW, 12.0)
    both = tracked(
        readings=[Reading(0, "s0-aws-sqs-work", 7.0, active=True, at=NOW)], metrics={answer.metric: answer}
    )
    found = await samples(await ObjectMetrics().write([both], NOW))
    assert found[about("keda_scaler_metrics_value", "composite-metric", 0, "composite-metric")] == 12
    assert found[about("keda_scaler_metrics_value", *SQS)] == 7


async def test_a_paused_object_shows_that_and_no_trigger():
    paused = tracked(**{"autoscaling.keda.sh/paused": "true"})
    paused.subject = None
    found = await samples(await ObjectMetrics().write([paused], NOW))
    assert found[("keda_scaled_object_paused", ("namespace", "shop"), ("scaledObject", "web"))] == 1
    assert not any(key[0].startswith("keda_scaler_") for key in found)


async def test_an_object_that_goes_takes_its_series_and_counts_along():
    metrics = ObjectMetrics()
    gone = tracked(readings=[Failure(0, "s0-aws-sqs-work", "x", NOW)])
    metrics.polled(gone, gone.evaluation)
    metrics.began(gone, 0.5)
    found = await samples(await metrics.write([gone], NOW))
    where = (("namespace", "shop"), ("resource", "web"), ("type", "scaledobject"))
    assert found[("keda_internal_scale_loop_latency_seconds", *where)] == 0.5
    assert not any("web" in str(key) for key in await samples(await metrics.write([], NOW)))
    found = await samples(await metrics.write([gone], NOW))
    assert found[about("keda_scaler_detail_errors_total", *SQS)] == 0


async def test_other_work_goes_on_while_ten_thousand_objects_are_written():
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    reading = Reading(0, "s0-aws-sqs-work", 7.0, active=True, at=NOW)
    objects = [tracked(f"app-{number}", [reading], (QUEUE,)) for number in range(1000)]
    counting = asyncio.create_task(count())
    families = await ObjectMetrics().write(objects, NOW)
    counting.cancel()
    assert turns >= 9
    assert len(await samples(families)) == 1000 * 7 + 1


def test_every_trigger_type_has_upstreams_name():
    assert set(TYPES) <= set(GO_TYPES)


def test_labels_are_escaped_and_a_family_without_samples_is_not_there():
    family = Family("a_total", "counter", "About.")
    assert family.text() == ""
    family.add(labels({"x": 'a"b\\c\nd'}), float("inf"))
    (read,) = text_string_to_metric_families(family.text())
    assert read.samples[0].labels == {"x": 'a"b\\c\nd'}
    assert read.samples[0].value == float("inf")


async def test_the_operators_page_is_whole_and_readable():
    clock = SystemClock()
    async with Connection("http://127.0.0.1:9") as connection:
        recorder = Recorder(connection, clock)
        engine = Engine(
            connection=connection,
            intake=Intake(connection, Scope()),
            hands=ClusterHands(connection, recorder),
            tell=recorder.record,
            connections=lambda cluster: Connections(cluster=cluster),
            clock=clock,
        )
        elector = Elector(connection, clock, namespace="scaler", name="scaler", identity="me")
        feed = FeedServer(engine.board, engine.look, clock.now, trusts=bool, holder="me")
        metrics = OperatorMetrics(engine, connection, recorder, elector, feed)
        shown = tracked(readings=[Reading(0, "s0-aws-sqs-work", 7.0, active=True, at=time.time())])
        engine.objects.add(shown)
        for listener in engine.checks.on_evaluation[1:]:
            listener(shown, shown.evaluation)
        engine.sources.asked, engine.sources.saved = 5, 2
        engine.board.publish(BoardEntry("shop", "web", evaluated_at=time.time() - 5))
        connection.counts["get", "secrets", "200"] += 3
        page_read = (await metrics.render()).decode()
        await engine.close()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page_read)
        for sample in family.samples
    }
    assert found[("kube_scaler_decisions_total", ("rule", "active"))] == 1
    assert found[("kube_scaler_source_questions_total", ("outcome", "saved"))] == 2
    assert found[("kube_scaler_api_requests_total", ("code", "200"), ("resource", "secrets"), ("verb", "get"))] == 3
    assert found[("keda_resource_registered_total", ("namespace", "shop"), ("type", "scaled_object"))] == 1
    assert found[("kube_scaler_leader",)] == 0
    assert 5 <= found[("kube_scaler_board_age_seconds",)] < 60
    assert ("process_resident_memory_bytes",) in found
    (build,) = [key for key in found if key[0] == "keda_build_info"]
    assert [label for label, _ in build[1:]] == ["git_commit", "goarch", "goos", "goversion", "version"]


async def test_the_metrics_servers_page_tells_reads_and_the_feed():
    client = FeedClient(lambda: NOW, lambda: None)
    api = ExternalMetrics(client)
    api.reads["fresh", 200] += 4
    client.board.publish(BoardEntry("shop", "web", evaluated_at=NOW - 30))
    text = (await MetricsServerMetrics(api, client).render()).decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found[("kube_scaler_reads_total", ("code", "200"), ("how", "fresh"))] == 4
    assert found[("kube_scaler_feed_connected",)] == 0
    assert found[("kube_scaler_feed_lag_seconds",)] == float("inf")
    assert found[("kube_scaler_board_age_seconds",)] == 30


def test_an_unused_board_is_zero_seconds_old():
    from scaler.serving.prometheus import _board

    assert page(_board(Board(), NOW)).decode().splitlines()[-1] == "kube_scaler_board_age_seconds 0.0"
