"""`scaler updater`: the rounds, the moving, the Lease, and what it listens on, wired to the settings."""

import asyncio
import contextlib
import logging
import secrets
import socket

import msgspec

from scaler.api.disruption_budgets import budgets_of
from scaler.clock import SystemClock
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.events import Recorder
from scaler.kube.hands import ClusterHands, Untold
from scaler.kube.leader import Elector
from scaler.kube.upstream_vpa import find_updaters
from scaler.kube.wire import Limits
from scaler.loops.updater.liveness import WebhookStatus
from scaler.loops.updater.mover import Mover
from scaler.loops.updater.rounds import Rounds
from scaler.loops.updater.tidings import Tidings
from scaler.loops.updater.view import View
from scaler.process import logs
from scaler.process.running import FAILED, Watch, run_loop, spare_the_collector, watching
from scaler.serving.health import application, serve
from scaler.serving.readiness import Health
from scaler.serving.rounds import add_health_check, stuck
from scaler.serving.updater_metrics import UpdaterMetrics
from scaler.settings.knobs import split
from scaler.settings.updater import UpdaterSettings
from scaler.takeover.following import follow, served, served_now
from scaler.takeover.record import Record
from scaler.vertical.disruption import Budgets
from scaler.vertical.priority import Thresholds
from scaler.vertical.scope import Scope, scope_of
from scaler.vertical.verdict import Circumstances

log = logging.getLogger("scaler.updater")

LEASE = "scaler-updater"
LAST_WORDS = 2.0
"""Seconds that events may take at the end."""


def run(settings: UpdaterSettings) -> int:
    """Run until asked to end; the exit code. Invalid for disruption budgets that cannot be read."""
    logs.configure(settings.logs.log_format, settings.logs.log_level)
    circumstances(settings)
    return run_loop(main(settings))


async def main(settings: UpdaterSettings) -> int:
    """The program on a running loop."""
    clock = SystemClock()
    limits = Limits(rate=settings.calls.kube_api_qps, burst=settings.calls.kube_api_burst)
    cluster = settings.cluster
    connection = await connect(cluster.kubeconfig or None, cluster.context or None, limits)
    async with connection, watching() as watch:
        dry = settings.rounds.recommendation_only
        taken = await served_now(connection, cluster.pod_namespace, beside=settings.pods.beside_upstream)
        # What was taken over was left to us by whoever else is alive.
        rivals = [] if dry or taken is not None else await find_updaters(connection, now=clock.now())
        for rival in rivals:
            log.error(
                "another updater is at work", extra={"what": rival.what, "who": rival.who, "remedy": rival.remedy}
            )
        if rivals:
            return FAILED
        return await Updater(settings, connection, watch, clock, taken).run()


class Updater:
    """The parts of one running updater."""

    def __init__(
        self,
        settings: UpdaterSettings,
        connection: Connection,
        watch: Watch,
        clock: SystemClock,
        taken: frozenset[str] | None = None,
    ) -> None:
        """`taken` are the only namespaces to act in, beside a live VPA; None without such a restriction."""
        self._settings = settings
        self._connection = connection
        self._watch = watch
        cluster, admission, dry = settings.cluster, settings.admission, settings.rounds.recommendation_only
        self._identity = cluster.pod_name or f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._recorder = Recorder(connection, clock, component="vpa-updater", instance=self._identity)
        self._tidings = Tidings(Untold() if dry else self._recorder)
        self._webhook = WebhookStatus(
            connection,
            clock,
            namespace=cluster.pod_namespace,
            name=admission.status_lease,
            timeout=admission.admission_controller_status_lease_timeout,
        )
        disruption = settings.disruption
        self._mover = Mover(
            ClusterHands(connection, self._recorder),
            clock,
            self._tidings,
            rate=disruption.eviction_rate_limit,
            burst=disruption.eviction_rate_burst,
            dry=dry,
        )
        self._rounds = Rounds(
            View(connection, _scope(settings, taken)),
            clock,
            interval=settings.rounds.updater_interval,
            around=circumstances(settings),
            hand_over=self._mover.take,
            why_not=self._why_not,
            tidings=self._tidings,
        )
        self._mover.rounds, self._mover.why_not = self._rounds, self._why_not
        self._elector = self._make_elector(clock)
        self._leading = asyncio.Event()
        self._metrics = UpdaterMetrics(self._rounds.counts, self._mover, connection, self._recorder, self._elector)
        self._health = Health()
        self._health.check("rounds", self._stuck)

    async def run(self) -> int:
        """Watch, stand by, lead, and leave in good order; the exit code."""
        async with contextlib.AsyncExitStack() as listening:
            await self._listen(listening)
            self._watch.keep(self._rounds.view.run(), "watching the cluster")
            self._watch.keep(self._recorder.run(), "events")
            self._watch.keep(self._lead(), "rounds")
            home = self._settings.cluster.pod_namespace
            self._watch.keep(follow(self._connection, home, self._taken_now), "takeovers")
            election = asyncio.create_task(self._elect(), name="election")
            why = await self._watch.over()
            log.info("ending", extra={"why": why or "asked to"})
            await self._leave(election)
        return FAILED if why else 0

    def _taken_now(self, record: Record | None) -> None:
        taken = served(record, beside=self._settings.pods.beside_upstream)
        log.info("namespaces are served", extra={"namespaces": "all" if taken is None else sorted(taken)})
        self._rounds.view.scope = _scope(self._settings, taken)

    def _make_elector(self, clock: SystemClock) -> Elector:
        leader = self._settings.leader
        return Elector(
            self._connection,
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
        await self._rounds.view.synced()
        spare_the_collector()
        if not self._settings.leader.leader_elect:
            self._leading.set()
            return
        await self._elector.run(self._leading.set, lambda why: self._watch.end(f"the Lease was lost: {why}"))

    async def _lead(self) -> None:
        await self._leading.wait()
        can_resize = await serves_resize(self._connection)
        log.info("leading", extra={"identity": self._identity, "resizes": can_resize})
        self._rounds.around = msgspec.structs.replace(self._rounds.around, can_resize=can_resize)
        await self._webhook.look()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._webhook.run())
            group.create_task(self._mover.run())
            group.create_task(self._tidings.run())
            group.create_task(self._rounds.run())

    async def _leave(self, election: "asyncio.Task[None]") -> None:
        if not self._leading.is_set():
            election.cancel()
            return
        self._tidings.flush()
        await self._recorder.flush(LAST_WORDS)
        self._elector.stop()
        await election

    def _why_not(self) -> str:
        """Why no pod may be moved now."""
        return self._webhook.why_not if self._settings.admission.use_admission_controller_status else ""

    async def _listen(self, listening: contextlib.AsyncExitStack) -> None:
        app = application(self._health, self._metrics.render)
        add_health_check(app, self._stuck)
        runner = await serve(app, *split(self._settings.serving.address))
        listening.push_async_callback(runner.cleanup)

    def _stuck(self) -> str:
        """Why it does not work; a standby and a first round are given time."""
        finished = self._rounds.finished_at
        if not self._leading.is_set() or not finished:
            return ""
        return stuck(asyncio.get_running_loop().time() - finished, self._settings.rounds.updater_interval)


class _Served(msgspec.Struct, frozen=True):
    name: str = ""


class _Resources(msgspec.Struct, frozen=True):
    resources: list[_Served] = []


async def serves_resize(connection: Connection) -> bool:
    """Whether the API server has pods/resize; when it cannot say that is assumed, since a refusal is harmless."""
    try:
        found = await connection.request("GET", "/api/v1", into=_Resources)
    except ApiError:
        return True
    return any(one.name == "pods/resize" for one in found.resources)


def circumstances(settings: UpdaterSettings) -> Circumstances:
    """What judgement is told."""
    rounds, disruption = settings.rounds, settings.disruption
    return Circumstances(
        thresholds=Thresholds(
            rounds.pod_update_threshold,
            rounds.in_recommendation_bounds_eviction_lifetime_threshold,
            rounds.evict_after_oom_threshold,
        ),
        budgets=Budgets(
            disruption.min_replicas, disruption.eviction_tolerance, disruption.in_place_skip_disruption_budget
        ),
        windows=budgets_of(disruption.disruption_budgets, "--disruption-budgets"),
        pending_period=disruption.resize_pending_period,
    )


def _scope(settings: UpdaterSettings, taken: frozenset[str] | None) -> Scope:
    pods = settings.pods
    return scope_of(
        settings.cluster.pod_namespace,
        pods.vpa_object_namespace,
        pods.ignored_vpa_object_namespaces,
        ignore_kube_system=pods.ignore_kube_system,
        taken=taken,
    )
