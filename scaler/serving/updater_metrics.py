"""The updater's page for Prometheus: upstream's names where there are any, ``kube_scaler_`` for our own."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import generate_latest

from scaler.kube.connection import Connection
from scaler.kube.events import Recorder
from scaler.kube.leader import Elector
from scaler.loops.updater.counts import Counts, Labels
from scaler.loops.updater.mover import Mover
from scaler.serving.exposition import Family, labels, page
from scaler.serving.program_metrics import build_info, process, requests, single

_PODS = "vpa_updater_{}_pods_total"
_VPAS = "vpa_updater_vpas_with_{}_pods_total"


class UpdaterMetrics:
    """Read off the living parts when somebody asks."""

    def __init__(
        self, counts: Counts, mover: Mover, connection: Connection, recorder: Recorder, elector: Elector
    ) -> None:
        self._counts = counts
        self._mover = mover
        self._connection = connection
        self._recorder = recorder
        self._elector = elector
        self._process = process()

    def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        return page([build_info(), *self._upstreams(), *self._own()]) + generate_latest(self._process)

    def _upstreams(self) -> Iterator[Family]:
        counts = self._counts
        yield _family(_PODS.format("controlled"), "gauge", "Pods that are sized.", counts.controlled)
        yield _family(_PODS.format("evictable"), "gauge", "Pods to be evicted.", counts.evictable)
        yield _family(_PODS.format("evicted"), "counter", "Pods evicted.", counts.evicted)
        yield _family(_VPAS.format("evictable"), "gauge", "Objects with pods to be evicted.", counts.with_evictable)
        yield _family(_VPAS.format("evicted"), "gauge", "Objects whose pods were evicted.", _objects(counts.evicted))
        failed = "vpa_updater_failed_eviction_attempts_total"
        yield _family(failed, "counter", "Evictions that were refused.", counts.failed_evictions)
        yield _family(_PODS.format("in_place_updatable"), "gauge", "Pods to be resized.", counts.resizable)
        yield _family(_PODS.format("in_place_updated"), "counter", "Pods resized.", counts.resized)
        about = "Objects with pods to be resized."
        yield _family(_VPAS.format("in_place_updatable"), "gauge", about, counts.with_resizable)
        about = "Objects whose pods were resized."
        yield _family(_VPAS.format("in_place_updated"), "gauge", about, _objects(counts.resized))
        failed = "vpa_updater_failed_in_place_update_attempts_total"
        yield _family(failed, "counter", "Resizes that were refused.", counts.failed_resizes)
        steps = Family("vpa_updater_execution_latency_seconds", "histogram", "Time spent in the steps of a round.")
        for step, durations in counts.steps.by_name.items():
            steps.add_histogram({"step": step}, durations.edges, durations.counts, durations.sum)
        yield steps

    def _own(self) -> Iterator[Family]:
        why = Family("kube_scaler_updater_pods", "gauge", "Pods of the last round by the reason that decided.")
        why.add_all("reason", self._counts.why)
        yield why
        yield single("kube_scaler_updater_moves_waiting", "Moves that wait or are under way.", len(self._mover))
        events = Family("kube_scaler_events_total", "counter", "Events by what became of them.")
        events.add_all("outcome", self._recorder.counts)
        yield events
        yield requests(self._connection)
        yield single("kube_scaler_leader", "1 while this replica holds the Lease.", float(self._elector.leading))


def _objects(pods: Counter[Labels]) -> Counter[Labels]:
    """How many objects there are with any such pods, by the labels that are not of one object."""
    return Counter(tuple(pair for pair in about if pair[0] not in {"vpa_name", "vpa_namespace"}) for about in pods)


def _family(name: str, kind: str, about: str, counted: Counter[Labels]) -> Family:
    family = Family(name, "counter" if kind == "counter" else "gauge", about)
    for pairs, count in sorted(counted.items()):
        family.add(labels(dict(pairs)), count)
    return family
