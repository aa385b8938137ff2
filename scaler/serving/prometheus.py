"""What Prometheus gets from each program: KEDA's names where dashboards know them, ``kube_scaler_`` for our own.

Everything is read off the living parts when somebody asks. Of one's own process, prometheus-client tells.
"""

import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

from scaler import __version__
from scaler.kube.connection import Connection
from scaler.kube.events import Recorder
from scaler.kube.leader import Elector
from scaler.loops.board import Board
from scaler.loops.engine import Engine
from scaler.serving.exposition import Family, labels, page
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.feed.client import FeedClient
from scaler.serving.feed.server import FeedServer
from scaler.serving.object_metrics import ObjectMetrics

_DEFAULT_NAMESPACE = "default"
"""What upstream writes for a resource without a namespace."""
_RESOURCES = {
    "TriggerAuthentication": "trigger_authentication",
    "ClusterTriggerAuthentication": "cluster_trigger_authentication",
}


class OperatorMetrics:
    """The operator's page. Counts polls from the moment it is made."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        recorder: Recorder,
        elector: Elector,
        feed: FeedServer | None = None,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._recorder = recorder
        self._elector = elector
        self._feed = feed
        self._objects = ObjectMetrics()
        self._process = _process()
        engine.checks.on_evaluation.append(self._objects.polled)
        engine.poller.on_latency = self._objects.began

    async def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        of_objects = await self._objects.write(self._engine.objects, time.time())
        families = [build_info(), *of_objects, *self._own(), *_board(self._engine.board, time.time())]
        return page(families) + generate_latest(self._process)

    def _own(self) -> Iterable[Family]:
        sources = self._engine.sources
        yield self._registered()
        decisions = Family("kube_scaler_decisions_total", "counter", "Polls by the rule that decided.")
        decisions.add_all("rule", self._objects.decisions)
        yield decisions
        questions = Family(
            "kube_scaler_source_questions_total",
            "counter",
            "Questions to sources: asked, or saved by another's answer.",
        )
        questions.add_all("outcome", {"asked": sources.asked, "saved": sources.saved})
        yield questions
        yield _requests(self._connection)
        events = Family("kube_scaler_events_total", "counter", "Events by what became of them.")
        events.add_all("outcome", self._recorder.counts)
        yield events
        yield _single("kube_scaler_leader", "1 while this replica holds the Lease.", float(self._elector.leading))
        if self._feed is not None:
            yield _single("kube_scaler_feed_replicas", "Metrics servers connected.", self._feed.connections)
            yield _counted("kube_scaler_looks_total", "Fresh reads asked for by metrics servers.", self._feed.looks)

    def _registered(self) -> Family:
        family = Family("keda_resource_registered_total", "gauge", "Resources of ours by kind and namespace.")
        found = Counter(("scaled_object", tracked.key[0]) for tracked in self._engine.objects)
        found.update(
            (_RESOURCES.get(kind, kind), namespace or _DEFAULT_NAMESPACE)
            for kind, namespace, _ in self._engine.authentications.places()
        )
        for (kind, namespace), count in sorted(found.items()):
            family.add(labels({"namespace": namespace, "type": kind}), count)
        return family


class MetricsServerMetrics:
    """The metrics server's page."""

    def __init__(self, api: ExternalMetrics, feed: FeedClient, connection: Connection | None = None) -> None:
        self._api = api
        self._feed = feed
        self._connection = connection
        self._process = _process()

    async def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        families = [build_info(), *self._own(), *_board(self._feed.board, self._feed.now())]
        return page(families) + generate_latest(self._process)

    def _own(self) -> Iterable[Family]:
        feed = self._feed
        reads = Family("kube_scaler_reads_total", "counter", "Reads of metrics by how and with which status.")
        for (how, status), count in sorted(self._api.reads.items()):
            reads.add(labels({"code": str(status), "how": how}), count)
        yield reads
        yield _single("kube_scaler_feed_connected", "1 while a leader feeds this replica.", float(feed.connected))
        yield _single("kube_scaler_feed_lag_seconds", "Time since the leader was last heard.", feed.lag)
        yield _counted("kube_scaler_feed_connects_total", "Connections to leaders that stood.", feed.connects)
        if self._connection is not None:
            yield _requests(self._connection)


def build_info() -> Family:
    """Which program this is, under upstream's label names."""
    family = Family("keda_build_info", "gauge", "What this program was built from.")
    about = {
        "git_commit": "",
        "goarch": platform.machine(),
        "goos": sys.platform,
        "goversion": f"python{platform.python_version()}",
        "version": __version__,
    }
    family.add(labels(about), 1)
    return family


def _board(board: Board, now: float) -> Iterable[Family]:
    yield _single("kube_scaler_board_objects", "Objects on the board.", len(board))
    oldest = min((entry.evaluated_at for entry in board), default=now)
    yield _single("kube_scaler_board_age_seconds", "Age of the oldest evaluation on the board.", now - oldest)


def _requests(connection: Connection) -> Family:
    family = Family("kube_scaler_api_requests_total", "counter", "Calls to the API server by outcome.")
    for (verb, resource, code), count in sorted(connection.counts.items()):
        family.add(labels({"code": code, "resource": resource, "verb": verb}), count)
    return family


def _single(name: str, about: str, value: float) -> Family:
    family = Family(name, "gauge", about)
    family.add("", value)
    return family


def _counted(name: str, about: str, value: float) -> Family:
    family = Family(name, "counter", about)
    family.add("", value)
    return family


def _process() -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry
