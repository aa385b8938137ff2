"""Prometheus metrics of ScaledObjects under KEDA's names, written from what is in memory when somebody asks.

A poll costs nothing here but a count of its rule and of its failures; an object that goes takes its series along.
Names, labels and kinds are those of upstream's dashboards.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Iterable

from scaler.horizontal.freshness import Freshness, freshness
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.pauses import paused
from scaler.horizontal.readings import Evaluation, Failure, Reading, TriggerPlan
from scaler.loops.board import Key
from scaler.loops.objects import Tracked
from scaler.serving.exposition import Family, labels

AT_A_TIME = 50
"""Objects written before the loop gets a turn; about a millisecond."""

GO_TYPES = {
    "aws-sqs-queue": "awsSqsQueueScaler",
    "cpu": "cpuMemoryScaler",
    "cron": "cronScaler",
    "external": "externalScaler",
    "external-push": "externalPushScaler",
    "kubernetes-workload": "kubernetesWorkloadScaler",
    "memory": "cpuMemoryScaler",
    "metrics-api": "metricsAPIScaler",
    "prometheus": "prometheusScaler",
    "redis": "redisScaler",
    "redis-cluster": "redisScaler",
    "redis-cluster-streams": "redisStreamsScaler",
    "redis-sentinel": "redisScaler",
    "redis-sentinel-streams": "redisStreamsScaler",
    "redis-streams": "redisStreamsScaler",
}
"""What upstream calls a trigger without a name in its metrics: dashboards are keyed on it."""


class ObjectMetrics:
    """Counts what cannot be seen afterwards, and writes the rest from the objects."""

    def __init__(self) -> None:
        self.decisions: Counter[str] = Counter()
        """Polls by the rule that decided."""
        self._counts: dict[Key, _Counts] = {}
        self._lateness: dict[Key, float] = {}

    def polled(self, tracked: Tracked, evaluation: Evaluation) -> None:
        """A poll was judged."""
        self.decisions[evaluation.decision.rule] += 1
        for reading in evaluation.readings:
            if isinstance(reading, Failure):
                self._of(tracked.key).failures[reading.trigger, reading.metric] += 1
            elif reading.assumed:
                self._of(tracked.key).empty[reading.trigger, reading.metric] += 1

    def looked(self, tracked: Tracked, fresh: Iterable[Reading | Failure]) -> None:
        """An HPA's read had some triggers looked at: what fails counts as in a poll, as upstream."""
        for reading in fresh:
            if isinstance(reading, Failure):
                self._of(tracked.key).failures[reading.trigger, reading.metric] += 1

    def _of(self, key: Key) -> "_Counts":
        return self._counts.setdefault(key, _Counts())

    def began(self, tracked: Tracked, late: float) -> None:
        """A poll began, so many seconds late."""
        self._lateness[tracked.key] = late

    async def write(self, objects: Iterable[Tracked], now: float) -> list[Family]:
        """The families of all objects; other work goes on meanwhile."""
        families = _Families()
        here = set()
        for number, tracked in enumerate(objects, 1):
            here.add(tracked.key)
            self._write_object(families, tracked, now)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
        self._forget_all_but(here)
        return families.written()

    def _write_object(self, families: "_Families", tracked: Tracked, now: float) -> None:
        namespace, name = tracked.key
        counts = self._counts.get(tracked.key, _NO_COUNTS)
        about = labels({"namespace": namespace, "scaledObject": name})
        families.paused.add(about, float(paused(tracked.scaled)))
        families.object_errors.add(about, counts.failures.total())
        families.types.update(trigger.type for trigger in tracked.scaled.spec.triggers)
        subject, evaluation = tracked.subject, tracked.evaluation
        if subject is None or evaluation is None:
            return
        if tracked.key in self._lateness:
            where = {"namespace": namespace, "resource": name, "type": "scaledobject"}
            families.lateness.add(labels(where), self._lateness[tracked.key])
        plans = {plan.index: plan for plan in subject.triggers}
        polling = subject.scaled.spec.polling
        for reading in tracked.readings:
            if reading.metric and reading.trigger in plans:
                plan = plans[reading.trigger]
                about = _about(tracked.key, plan, reading.metric)
                families.errors.add(about, counts.failures[reading.trigger, reading.metric])
                if empty := counts.empty[reading.trigger, reading.metric]:
                    families.empty.add(_about_empty(tracked.key, plan, reading.metric), empty)
                _write_reading(families, about, reading, evaluation, freshness(reading, now, polling))
        _write_composite(families, tracked.key, evaluation)

    def _forget_all_but(self, here: set[Key]) -> None:
        for key in self._counts.keys() - here:
            del self._counts[key]
        for key in self._lateness.keys() - here:
            del self._lateness[key]


class _Counts:
    """What is counted of one object, by trigger and metric."""

    __slots__ = ("empty", "failures")

    def __init__(self) -> None:
        self.failures: Counter[tuple[int, str]] = Counter()
        self.empty: Counter[tuple[int, str]] = Counter()


_NO_COUNTS = _Counts()


class _Families:
    """What a scrape says of objects, as it is being written."""

    def __init__(self) -> None:
        gauge = functools.partial(Family, kind="gauge")
        counter = functools.partial(Family, kind="counter")
        self.active = gauge("keda_scaler_active", about="Whether a trigger is active (1) or not (0).")
        self.value = gauge("keda_scaler_metrics_value", about="The value of each metric that the HPA uses.")
        self.latency = gauge("keda_scaler_metrics_latency_seconds", about="How long reading each metric took.")
        self.errors = counter("keda_scaler_detail_errors_total", about="Failed polls and reads of each trigger.")
        self.empty = counter(
            "keda_scaler_empty_upstream_responses_total", about="Polls whose source had no data, by trigger."
        )
        self.paused = gauge("keda_scaled_object_paused", about="Whether a ScaledObject is paused (1) or not (0).")
        self.object_errors = counter(
            "keda_scaled_object_errors_total", about="Failed polls and reads of each ScaledObject."
        )
        self.lateness = gauge("keda_internal_scale_loop_latency_seconds", about="How late the last poll began.")
        self.registered = gauge("keda_trigger_registered_total", about="Triggers by type.")
        self.data = gauge(
            "kube_scaler_trigger_data",
            about="1 for the state of each metric's data: fresh, stale, missing (the source had none) or error.",
        )
        self.types: Counter[str] = Counter()

    def written(self) -> list[Family]:
        self.registered.add_all("type", self.types)
        return [each for each in vars(self).values() if isinstance(each, Family)]


def _write_reading(
    families: _Families, about: str, reading: Reading | Failure, evaluation: Evaluation, state: Freshness
) -> None:
    if isinstance(reading, Failure):
        families.active.add(about, float(evaluation.activity.get(reading.metric, False)))
        answer = evaluation.metrics.get(reading.metric)
        if answer is not None and answer.value is not None:  # the fallback's figure stands for it
            families.value.add(about, answer.value)
    else:
        families.active.add(about, float(reading.active))
        families.value.add(about, reading.value)
        families.latency.add(about, reading.latency)
    families.data.add(f'{about[:-1]},state="{state}"}}', 1.0)


def _write_composite(families: _Families, key: Key, evaluation: Evaluation) -> None:
    answer = evaluation.metrics.get(COMPOSITE)
    if answer is None:
        return
    about = _labelled(key, COMPOSITE, COMPOSITE, 0)
    if answer.value is not None:
        families.value.add(about, answer.value)


def _about(key: Key, plan: TriggerPlan, metric: str) -> str:
    return _labelled(key, metric, plan.name or GO_TYPES.get(plan.type, plan.type), plan.index)


def _about_empty(key: Key, plan: TriggerPlan, metric: str) -> str:
    return labels(
        {
            "ignoreNullValues": "true",  # with false the poll is a failure, and counted as one
            "metricName": metric,
            "namespace": key[0],
            "resourceType": "scaledobject",
            "scaledResource": key[1],
            "triggerName": plan.name,
        }
    )


def _labelled(key: Key, metric: str, scaler: str, index: int) -> str:
    return labels(
        {
            "metric": metric,
            "namespace": key[0],
            "scaledObject": key[1],
            "scaler": scaler,
            "triggerIndex": str(index),
            "type": "scaledobject",
        }
    )
