"""What Prometheus gets from each program: KEDA's names where dashboards know them, ``kube_scaler_`` for our own.

Everything is read off the living parts when somebody asks. Of one's own process, prometheus-client tells.
"""

import time
from collections import Counter
from collections.abc import Iterable

from prometheus_client import generate_latest

from scaler.kube.connection import Connection
from scaler.kube.events import Recorder
from scaler.kube.leader import Elector
from scaler.loops.board import Board
from scaler.loops.engine import Engine
from scaler.loops.journal.writer import Journal
from scaler.serving.exposition import Family, labels, page
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.feed.client import FeedClient
from scaler.serving.feed.server import FeedServer
from scaler.serving.http_metrics import HttpMetrics
from scaler.serving.object_metrics import ObjectMetrics
from scaler.serving.program_metrics import build_info, counted, process, requests, single

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
        *,
        detailed: bool = False,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._recorder = recorder
        self._elector = elector
        self._feed = feed
        self.journal: Journal | None = None
        """Where there is one."""
        self._objects = ObjectMetrics()
        self._http = HttpMetrics(detailed=detailed)
        self._process = process()
        engine.checks.on_evaluation.append(self._objects.polled)
        engine.checks.on_look.append(self._objects.looked)
        engine.lent.http.on_request = self._http.record
        engine.poller.on_latency = self._objects.began

    async def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        of_objects = await self._objects.write(self._engine.objects, time.time())
        requests = self._http.families({tracked.key for tracked in self._engine.objects})
        board = _board(self._engine.board, time.time())
        return page([build_info(), *of_objects, *requests, *self._own(), *board]) + generate_latest(self._process)

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
        yield requests(self._connection)
        events = Family("kube_scaler_events_total", "counter", "Events by what became of them.")
        events.add_all("outcome", self._recorder.counts)
        yield events
        yield single("kube_scaler_leader", "1 while this replica holds the Lease.", float(self._elector.leading))
        if self._feed is not None:
            yield single("kube_scaler_feed_replicas", "Metrics servers connected.", self._feed.connections)
            yield counted("kube_scaler_looks_total", "Fresh reads asked for by metrics servers.", self._feed.looks)
        if self.journal is not None:
            yield from _journal(self.journal)

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
        self._process = process()

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
        yield single("kube_scaler_feed_connected", "1 while a leader feeds this replica.", float(feed.connected))
        yield single("kube_scaler_feed_lag_seconds", "Time since the leader was last heard.", feed.lag)
        yield counted("kube_scaler_feed_connects_total", "Connections to leaders that stood.", feed.connects)
        if self._connection is not None:
            yield requests(self._connection)


def _journal(journal: Journal) -> Iterable[Family]:
    counts = journal.counts
    seen = Family("kube_scaler_journal_observations_total", "counter", "Checks and looks by what became of them.")
    seen.add_all("outcome", {"lost": counts.lost, "written": counts.written})
    yield seen
    yield counted("kube_scaler_journal_bytes_total", "Bytes written, packed.", counts.bytes)
    yield counted("kube_scaler_journal_cpu_seconds_total", "CPU time of the writing thread.", counts.cpu)
    yield single("kube_scaler_journal_waiting", "Observations that are not written yet.", journal.waiting)
    yield single("kube_scaler_journal_failing", "1 while it cannot be written.", float(bool(journal.trouble)))


def _board(board: Board, now: float) -> Iterable[Family]:
    yield single("kube_scaler_board_objects", "Objects on the board.", len(board))
    oldest = min((entry.evaluated_at for entry in board), default=now)
    yield single("kube_scaler_board_age_seconds", "Age of the oldest evaluation on the board.", now - oldest)
