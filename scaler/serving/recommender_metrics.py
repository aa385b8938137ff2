"""The recommender's page for Prometheus: upstream's names where there are any, ``kube_scaler_`` for our own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import generate_latest

from scaler.kube.connection import Connection
from scaler.kube.leader import Elector
from scaler.loops.recommender.objects import Tracked
from scaler.loops.recommender.rounds import Rounds
from scaler.loops.recommender.timing import Durations
from scaler.loops.recommender.writer import Writer
from scaler.serving.exposition import Family, labels
from scaler.serving.program_metrics import build_info, process, requests, single
from scaler.vertical.quality import MODES, Counted
from scaler.vertical.sizing import LOWER, TARGET, UNCAPPED, UPPER

_BOUNDS = (("target", TARGET), ("lower", LOWER), ("upper", UPPER), ("uncapped", UNCAPPED))
_UNITS = {"cpu": "cores", "memory": "bytes"}
_SHORT = {"cpu": "cpu", "memory": "mem"}


class Spread:
    """A histogram whose counts are kept elsewhere."""

    def __init__(self, name: str, about: str) -> None:
        self._name = name
        self._lines = [f"# HELP {name} {about}", f"# TYPE {name} histogram"]

    def add(self, about: dict[str, str], edges: Sequence[float], counts: Sequence[int], total: float) -> None:
        """One more set of labels; `counts` has one more for what is beyond the last edge."""
        within = 0
        for edge, count in zip((*map(str, edges), "+Inf"), counts, strict=True):
            within += count
            self._lines.append(f"{self._name}_bucket{labels({**about, 'le': edge})} {within}")
        self._lines += [f"{self._name}_sum{labels(about)} {total!r}", f"{self._name}_count{labels(about)} {within}"]

    def text(self) -> str:
        """All of it; empty without any."""
        return "\n".join(self._lines) + "\n" if len(self._lines) > 2 else ""


class RecommenderMetrics:
    """Read off the living parts when somebody asks."""

    def __init__(
        self, rounds: Rounds, writer: Writer, connection: Connection, elector: Elector, *, each: bool = True
    ) -> None:
        self._rounds = rounds
        self._writer = writer
        self._connection = connection
        self._elector = elector
        self._each = each
        """Whether each recommendation is a metric, too."""
        self._process = process()

    def render(self) -> bytes:
        """The page, in Prometheus' text format."""
        families = [build_info(), *self._upstreams(), *self._quality(), *self._own()]
        return "".join(family.text() for family in families).encode() + generate_latest(self._process)

    def _upstreams(self) -> Iterator[Family | Spread]:
        rounds = self._rounds
        yield _objects(list(rounds.objects))
        first = Spread("vpa_recommender_recommendation_latency_seconds", "From creation to a recommendation.")
        _durations(first, {}, rounds.first)
        yield first
        steps = Spread("vpa_recommender_execution_latency_seconds", "Time spent in the steps of a round.")
        for step, durations in rounds.steps.by_name.items():
            _durations(steps, {"step": step}, durations)
        yield steps
        used = rounds.roster.aggregates.rows.used
        yield single("vpa_recommender_aggregate_container_states_count", "Aggregates of usage that are kept.", used)
        responses = Family("vpa_recommender_metric_server_responses", "counter", "Answers of the source of usage.")
        for failed, count in sorted(rounds.responses.items()):
            responses.add(labels({"client_name": rounds.source.name, "is_error": str(failed).lower()}), count)
        yield responses

    def _quality(self) -> Iterator[Family | Spread]:
        quality = self._rounds.quality
        relative = Spread("vpa_quality_usage_recommendation_relative_diffs", "(recommended - used) / used.")
        for resource, counted in quality.relative.items():
            _counted(relative, {"resource": resource}, counted)
        yield relative
        missing = Family(
            "vpa_quality_usage_sample_missing_recommendation_count", "counter", "Samples without a recommendation."
        )
        for resource, counts in quality.unadvised.items():
            for mode, count in zip(MODES, counts.tolist(), strict=True):
                if count:
                    missing.add(labels({"resource": resource, "update_mode": mode}), count)
        yield missing
        for words, by_resource in (("over", quality.over), ("lower_equal", quality.under)):
            for resource, counted in by_resource.items():
                name = f"vpa_quality_{_SHORT[resource]}_recommendation_{words}_usage_diffs_{_UNITS[resource]}"
                family = Spread(name, f"How far the recommendation is {words} the usage, by sample.")
                _counted(family, {}, counted)
                yield family

    def _own(self) -> Iterator[Family | Spread]:
        rounds, writer = self._rounds, self._writer
        yield requests(self._connection)
        yield single("kube_scaler_leader", "1 while this replica holds the Lease.", float(self._elector.leading))
        yield single("kube_scaler_vpa_pods", "Pods whose usage is followed.", rounds.roster.pods)
        yield single("kube_scaler_vpa_writes_waiting", "Statuses and checkpoints to be written.", writer.waiting)
        writes = Family("kube_scaler_vpa_writes_total", "counter", "Writes by what and outcome.")
        for (what, outcome), count in sorted(writer.counts.items()):
            writes.add(labels({"outcome": outcome, "what": what}), count)
        yield writes
        refused = Family("kube_scaler_vpa_samples_refused_total", "counter", "Samples that did not count, by why.")
        refused.add_all("why", rounds.refused)
        yield refused
        if self._each:
            yield self._recommendations()

    def _recommendations(self) -> Family:
        """One line a container, resource and bound; written by hand, since there are hundreds of thousands."""
        family = Family("kube_scaler_vpa_recommendation", "gauge", "Recommended cores of cpu and bytes of memory.")
        plan, judged = self._rounds.plan, self._rounds.judged
        if judged is None or len(judged.given) != len(plan.names):
            return family
        for group, sizes in enumerate(judged.sizes.tolist()):
            if not judged.given[group]:
                continue
            namespace, name = plan.subjects[plan.owners[group]].key
            whose = f'{{container="{plan.names[group]}",namespace="{namespace}",vpa="{name}"'
            for at, (resource, divisor) in enumerate((("cpu", 1000.0), ("memory", 1.0))):
                if plan.controlled[group, at]:
                    for bound, kind in _BOUNDS:
                        about = f'{whose},resource="{resource}",bound="{bound}"}}'
                        family.add(about, sizes[kind][at] / divisor)
        return family


def _objects(tracked: Sequence[Tracked]) -> Family:
    family = Family("vpa_recommender_vpa_objects_count", "gauge", "VerticalPodAutoscalers by what is known of them.")
    found = Counter(
        (
            one.vpa.api_version.partition("/")[2],
            one.vpa.spec.update_mode,
            bool(one.facts and one.facts.recommended),
            bool(one.facts and one.facts.matches_pods),
            one.trouble is not None,
        )
        for one in tracked
    )
    for (api, mode, recommended, matches, unsupported), count in sorted(found.items()):
        about = {
            "api": api,
            "has_recommendation": str(recommended).lower(),
            "matches_pods": str(matches).lower(),
            "unsupported_config": str(unsupported).lower(),
            "update_mode": mode,
        }
        family.add(labels(about), count)
    return family


def _durations(family: Spread, about: dict[str, str], durations: Durations) -> None:
    family.add(about, durations.edges, durations.counts, durations.sum)


def _counted(family: Spread, about: dict[str, str], counted: Counted) -> None:
    rows: Iterable[tuple[str, list[int], float]] = zip(
        MODES, counted.counts.tolist(), counted.sums.tolist(), strict=True
    )
    for mode, counts, total in rows:
        if any(counts):
            family.add({**about, "update_mode": mode}, counted.edges, counts, total)
