"""`scaler recommender`: the rounds, the Lease, and what it listens on, wired to the settings."""

import asyncio
import contextlib
import logging
import math
import secrets
import socket

from scaler.clock import SystemClock
from scaler.history.access import access, history, names
from scaler.history.cluster import ClusterHistory
from scaler.history.prometheus import Prometheus
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.hands import ClusterHands, Untold
from scaler.kube.leader import Elector
from scaler.kube.targets import Targets
from scaler.kube.upstream import Rival
from scaler.kube.upstream_vpa import find_recommenders
from scaler.kube.wire import Limits
from scaler.loops.recommender.checkpoints import Checkpoints
from scaler.loops.recommender.coupling import Couplings
from scaler.loops.recommender.nodes import Nodes
from scaler.loops.recommender.objects import Objects, Scope
from scaler.loops.recommender.past import Past
from scaler.loops.recommender.pods import PodsFeed
from scaler.loops.recommender.rounds import Options, Rounds
from scaler.loops.recommender.sources import MetricsApi, PrometheusUsage, Source
from scaler.loops.recommender.writer import Writer
from scaler.process import logs
from scaler.process.running import FAILED, Watch, run_loop, spare_the_collector, watching
from scaler.serving.health import Health, application, serve
from scaler.serving.recommender_metrics import RecommenderMetrics
from scaler.serving.rounds import add_health_check, stuck
from scaler.settings.knobs import split
from scaler.settings.recommender import RecommenderSettings
from scaler.takeover.following import follow, served, served_now
from scaler.takeover.record import Record
from scaler.vertical.amounts import Amounts, Resource
from scaler.vertical.estimation import Estimation, Percentiles
from scaler.vertical.quantities import amount_of
from scaler.vertical.roster import Roster
from scaler.vertical.sizing import Rounding
from scaler.vertical.terms import Defaults
from scaler.vertical.usage import Aggregates, MemoryRules

log = logging.getLogger("scaler.recommender")

LEASE = "scaler-recommender"
PROMETHEUS = "http://prometheus.monitoring.svc"
"""Where it is when it is needed and nobody says where; upstream's default."""
LAST_WORDS = 5.0
"""Seconds that what waits to be written may take at the end."""


def run(settings: RecommenderSettings) -> int:
    """Run until asked to end; the exit code."""
    logs.configure(settings.logs.log_format, settings.logs.log_level)
    return run_loop(main(settings))


async def main(settings: RecommenderSettings) -> int:
    """The program on a running loop."""
    clock = SystemClock()
    limits = Limits(rate=settings.calls.kube_api_qps, burst=settings.calls.kube_api_burst)
    cluster = settings.cluster
    connection = await connect(cluster.kubeconfig or None, cluster.context or None, limits)
    async with connection, watching() as watch:
        taken = await served_now(connection, cluster.pod_namespace, beside=settings.objects.beside_upstream)
        # What was taken over was left to us by whoever else is alive.
        rivals = [] if taken is not None else await _rivals(settings, connection, clock.now())
        for rival in rivals:
            log.error(
                "another recommender is at work", extra={"what": rival.what, "who": rival.who, "remedy": rival.remedy}
            )
        if rivals:
            return FAILED
        return await Recommender(settings, connection, watch, clock, taken).run()


async def _rivals(settings: RecommenderSettings, connection: Connection, now: float) -> list[Rival]:
    name, namespaces = settings.loop.recommender_name, namespaces_of(settings)
    return await find_recommenders(connection, now=now, name=name, namespaces=namespaces)


class Recommender:
    """The parts of one running recommender."""

    def __init__(
        self,
        settings: RecommenderSettings,
        connection: Connection,
        watch: Watch,
        clock: SystemClock,
        taken: frozenset[str] | None = None,
    ) -> None:
        """`taken` are the only namespaces to act in, beside a live VPA; None without such a restriction."""
        self._settings = settings
        self._connection = connection
        self._watch = watch
        self._clock = clock
        self._identity = settings.cluster.pod_name or f"{socket.gethostname()}_{secrets.token_hex(4)}"
        namespaces, ignored = namespaces_of(settings), frozenset(settings.objects.ignored_vpa_object_namespaces)
        defaults, usage = defaults_of(settings), settings.usage
        aggregates = Aggregates(usage.cpu_histogram_decay_half_life, usage.memory_histogram_decay_half_life)
        roster = Roster(aggregates, defaults.memory)
        scope = Scope(settings.loop.recommender_name, namespaces, ignored, taken)
        self._targets = Targets(connection, namespaces)
        self._objects = Objects(connection, roster, self._targets, scope, defaults)
        self._pods = PodsFeed(
            connection, roster, clock, namespaces=namespaces, ignored=ignored, saving=settings.loop.memory_saver
        )
        self._nodes = Nodes(connection, clock)
        self._prometheus = prometheus_of(settings)
        self._past = Past(roster, self._history, clock.now) if self._prometheus is not None else None
        self._couplings = Couplings(connection, namespaces=namespaces)
        self._writer = Writer(ClusterHands(connection, Untold()), settings.loop.update_worker_count)
        self._rounds = Rounds(
            roster=roster,
            objects=self._objects,
            pods=self._pods,
            source=self._source(namespaces),
            checkpoints=Checkpoints(connection, roster, namespaces=namespaces),
            writer=self._writer,
            nodes=self._nodes,
            past=self._past,
            # Who writes nothing of others agrees on nothing with an HPA.
            couplings=None if settings.keeping.recommendation_only else self._couplings,
            clock=clock,
            options=options_of(settings, defaults),
        )
        self._elector = self._make_elector(connection, clock)
        self._leading = asyncio.Event()
        self._metrics = RecommenderMetrics(
            self._rounds, self._writer, connection, self._elector, each=settings.serving.recommendation_metrics
        )
        self._health = Health()
        self._health.check("rounds", self._stuck)
        self._health.check("copies", self._behind)

    async def run(self) -> int:
        """Watch, stand by, lead, and leave in good order; the exit code."""
        async with contextlib.AsyncExitStack() as listening:
            await self._listen(listening)
            followed = {
                "objects": self._objects.copy.run(),
                "pods": self._pods.copy.run(),
                "evictions": self._pods.evicted.run(),
                "targets": self._targets.run(),
                "hpas": self._couplings.copy.run(),
                "writing": self._writer.run(),
                "takeovers": follow(self._connection, self._settings.cluster.pod_namespace, self._taken_now),
            }
            if self._past is not None:
                followed["the past"] = self._past.run()
            for name, work in followed.items():
                self._watch.keep(work, name)
            self._watch.keep(self._lead(), "rounds")
            election = asyncio.create_task(self._elect(), name="election")
            why = await self._watch.over()
            log.info("ending", extra={"why": why or "asked to"})
            await self._leave(election)
        if self._prometheus is not None:
            await self._prometheus.close()
        return FAILED if why else 0

    def _taken_now(self, record: Record | None) -> None:
        taken = served(record, beside=self._settings.objects.beside_upstream)
        log.info("namespaces are served", extra={"namespaces": "all" if taken is None else sorted(taken)})
        self._objects.confine(taken)

    async def judge_once(self) -> Rounds:
        """One round with hands tied: judged is what the cluster shows and checkpoints say, and nothing is written."""
        feeds = (
            self._couplings.copy.run(),
            self._objects.copy.run(),
            self._pods.copy.run(),
            self._pods.evicted.run(),
            self._targets.run(),
        )
        following = [asyncio.create_task(feed) for feed in feeds]
        try:
            for copy in (self._objects.copy, self._pods.copy):
                await copy.synced.wait()
            await self._rounds.begin()
            await self._rounds.once()
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        return self._rounds

    def _source(self, namespaces: tuple[str, ...]) -> Source:
        if self._prometheus is None or self._settings.loop.usage_source != "prometheus":
            return MetricsApi(self._connection, namespaces)
        called, interval = names(self._settings.history.past), self._settings.loop.recommender_interval
        return PrometheusUsage(self._prometheus, called, namespaces, interval, self._clock.now)

    def _history(self) -> ClusterHistory:
        assert self._prometheus is not None
        return history(self._prometheus, self._settings.history.past)

    def _make_elector(self, connection: Connection, clock: SystemClock) -> Elector:
        leader = self._settings.leader
        return Elector(
            connection,
            clock,
            namespace=leader.leader_elect_resource_namespace or self._settings.cluster.pod_namespace,
            name=leader.leader_elect_resource_name or LEASE,
            identity=self._identity,
            duration=leader.leader_elect_lease_duration,
            deadline=leader.leader_elect_renew_deadline,
            retry=leader.leader_elect_retry_period,
        )

    async def _elect(self) -> None:
        """A warm standby: everything is followed before the Lease is asked for."""
        for copy in (self._objects.copy, self._pods.copy):
            await copy.synced.wait()
        spare_the_collector()
        if not self._settings.leader.leader_elect:
            self._leading.set()
            return
        await self._elector.run(self._leading.set, lambda why: self._watch.end(f"the Lease was lost: {why}"))

    async def _lead(self) -> None:
        await self._leading.wait()
        log.info("leading", extra={"identity": self._identity, "objects": len(self._objects.tracked)})
        await self._rounds.run()

    async def _leave(self, election: "asyncio.Task[None]") -> None:
        if not self._leading.is_set():
            election.cancel()
            return
        await self._writer.flush(LAST_WORDS)
        self._elector.stop()
        await election

    async def _listen(self, listening: contextlib.AsyncExitStack) -> None:
        app = application(self._health, self._metrics.render)
        add_health_check(app, self._stuck)
        runner = await serve(app, *split(self._settings.serving.address))
        listening.push_async_callback(runner.cleanup)

    def _behind(self) -> str:
        """Why it could not take over at once."""
        seen = {"objects": self._objects.copy.synced, "pods": self._pods.copy.synced}
        missing = [name for name, synced in seen.items() if not synced.is_set()]
        return f"{' and '.join(missing)} have not all been seen yet" if missing else ""

    def _stuck(self) -> str:
        """Why it does not work; a standby and a first round are given time."""
        finished = self._rounds.finished_at
        if not self._leading.is_set() or not finished:
            return ""
        return stuck(asyncio.get_running_loop().time() - finished, self._settings.loop.recommender_interval)


def prometheus_of(settings: RecommenderSettings) -> Prometheus | None:
    """The Prometheus that watches the cluster; None where there is none and none is needed."""
    needed = settings.keeping.storage == "prometheus" or settings.loop.usage_source == "prometheus"
    address = settings.history.prometheus_address or (PROMETHEUS if needed else "")
    return Prometheus(access(address, settings.history.access, "--prometheus-address")) if address else None


def namespaces_of(settings: RecommenderSettings) -> tuple[str, ...]:
    """Those to watch; empty for all."""
    only = settings.objects.vpa_object_namespace
    return (only,) if only else ()


def defaults_of(settings: RecommenderSettings) -> Defaults:
    """What holds where an object says nothing."""
    estimates, usage, capping = settings.estimates, settings.usage, settings.capping
    return Defaults(
        estimation=Estimation(
            cpu=Percentiles(
                estimates.target_cpu_percentile,
                estimates.recommendation_lower_bound_cpu_percentile,
                estimates.recommendation_upper_bound_cpu_percentile,
            ),
            memory=Percentiles(
                estimates.target_memory_percentile,
                estimates.recommendation_lower_bound_memory_percentile,
                estimates.recommendation_upper_bound_memory_percentile,
            ),
            margin=estimates.recommendation_margin_fraction,
            cpu_confidence=estimates.confidence_interval_cpu,
            memory_confidence=estimates.confidence_interval_memory,
            minimum_cpu=estimates.pod_recommendation_min_cpu_millicores,
            minimum_memory=estimates.pod_recommendation_min_memory_mb,
        ),
        memory=MemoryRules(
            usage.memory_aggregation_interval,
            usage.memory_aggregation_interval_count,
            usage.oom_bump_up_ratio,
            int(usage.oom_min_bump_up_bytes),
        ),
        rounding=Rounding(
            capping.round_cpu_millicores, capping.round_memory_bytes, capping.cpu_integer_post_processor_enabled
        ),
        max_allowed=_most(settings),
        oom_floor=estimates.oom_floor,
        fit_node=capping.fit_largest_node,
    )


def options_of(settings: RecommenderSettings, defaults: Defaults) -> Options:
    """How rounds are made."""
    keeping = settings.keeping
    return Options(
        interval=settings.loop.recommender_interval,
        defaults=defaults,
        humanized=settings.capping.humanize_memory,
        checkpoints=keeping.storage == "checkpoint",
        checkpoint_interval=keeping.checkpoint_interval,
        orphans_each=math.inf if keeping.recommendation_only else keeping.checkpoints_gc_interval,
    )


def _most(settings: RecommenderSettings) -> Amounts:
    capping = settings.capping
    said: dict[Resource, str] = {
        "cpu": capping.container_recommendation_max_allowed_cpu,
        "memory": capping.container_recommendation_max_allowed_memory,
    }
    return {resource: amount_of(resource, text) for resource, text in said.items() if text}
