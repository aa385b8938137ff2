"""`scaler operator`: the loops, the Lease, and what the operator listens on, wired to the settings."""

import asyncio
import contextlib
import functools
import logging
import secrets
import socket

import msgspec
from aiohttp import web

from scaler import __version__
from scaler.clock import SystemClock
from scaler.errors import ApiError
from scaler.horizontal.explain import explain
from scaler.horizontal.readings import Policy
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.events import Recorder
from scaler.kube.hands import ClusterHands, DryHands, Hands, Untold
from scaler.kube.intake import Intake, Scope
from scaler.kube.leader import Elector
from scaler.kube.upstream import find_rivals
from scaler.loops.cluster import ClusterView
from scaler.loops.engine import Engine, Options
from scaler.process import logs
from scaler.process.running import AGAIN, FAILED, Watch, run_again, run_loop, spare_the_collector, watching
from scaler.programs.explaining import Explaining
from scaler.programs.journaling import journaling
from scaler.programs.leadership import BOARD_ADDRESS
from scaler.serving.certificate_store import (
    APISERVICES,
    Place,
    follow_folder,
    follow_secret,
    keep_in_memory,
    keep_secret,
    put_ca_into_apiservice,
)
from scaler.serving.certificates import Material, service_names
from scaler.serving.explanations import document
from scaler.serving.feed.frames import PATH as FEED
from scaler.serving.feed.server import FeedServer
from scaler.serving.health import Health, application, serve
from scaler.serving.prometheus import OperatorMetrics
from scaler.serving.tls import MutualTls
from scaler.settings.knobs import split
from scaler.settings.operator import OperatorSettings
from scaler.takeover.following import follow
from scaler.takeover.record import SERVES, Record
from scaler.takeover.steps import read_record
from scaler.triggers.connections import Connections
from scaler.triggers.lookup import Access

log = logging.getLogger("scaler.operator")

CA_AGAIN, CA_CHECK = 5.0, 60.0
"""Seconds between two looks at the APIServices' caBundles, while it is not in place and afterwards."""
LAST_WORDS = 1.5
"""Seconds that statuses and events may take at the end; then the Lease is given back, so that another takes over."""


def run(settings: OperatorSettings) -> int:
    """Run until asked to end; the exit code."""
    logs.configure(settings.logs.log_format, settings.logs.log_level)
    code = run_loop(main(settings))
    if code == AGAIN:
        run_again()
    return code


async def main(settings: OperatorSettings) -> int:
    """The program on a running loop."""
    clock = SystemClock()
    connection = await connect(settings.cluster.kubeconfig or None, settings.cluster.context or None)
    async with connection, watching() as watch:
        dry = settings.judgement.recommendation_only  # judges everything, beside whomever, and writes nothing
        taken = None if dry else await taken_over(settings, connection)
        if taken is None and not dry and await alone(settings, connection, clock):
            return FAILED
        operator = Operator(settings, connection, watch, clock, taken)
        return await operator.run()


async def taken_over(settings: OperatorSettings, connection: Connection) -> tuple[str, ...] | None:
    """The namespaces that we act in beside a live KEDA; None where there is no such restriction."""
    try:
        record = await read_record(connection, settings.cluster.pod_namespace)
    except ApiError as refused:
        if refused.status != 403:
            raise
        log.warning("the record of takeovers may not be read, so there is none: %s", refused)
        record = None
    if record is None:
        return () if settings.watch.beside_upstream else None
    within = settings.watch.watch_namespace
    return tuple(one for one in record.served if not within or one in within)


async def alone(settings: OperatorSettings, connection: Connection, clock: SystemClock) -> bool:
    """Whether somebody else scales here, which is told."""
    service = (settings.cluster.pod_namespace, settings.certificates.metrics_server_service_name)
    rivals = await find_rivals(connection, now=clock.now(), our_service=service)
    for rival in rivals:
        log.error(
            "another autoscaler is at work", extra={"what": rival.what, "who": rival.who, "remedy": rival.remedy}
        )
    return bool(rivals)


class Operator:
    """The parts of one running operator."""

    def __init__(
        self,
        settings: OperatorSettings,
        connection: Connection,
        watch: Watch,
        clock: SystemClock,
        taken: tuple[str, ...] | None = None,
    ) -> None:
        """`taken` are the only namespaces to act in, beside a live KEDA; None without such a restriction."""
        self._settings = settings
        self._taken = taken
        self._again = False
        self._connection = connection
        self._watch = watch
        self._clock = clock
        self._identity = settings.cluster.pod_name or f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._recorder = Recorder(connection, clock, instance=self._identity)
        self.engine = Engine(
            connection=connection,
            intake=Intake(connection, scope_of(settings, taken)),
            hands=self._make_hands(),
            tell=Untold().record if settings.judgement.recommendation_only else self._recorder.record,
            connections=functools.partial(connections_of, settings),
            clock=clock,
            options=options_of(settings, taken),
        )
        self._tls = MutualTls()
        self._material = asyncio.Event()
        self._bundle: asyncio.Task[None] | None = None
        self._elector = self._make_elector()
        self._feed = FeedServer(
            self.engine.board,
            self.engine.look,
            clock.now,
            trusts=self._tls.is_ours,
            holder=self._identity,
            explain=self._explain,
        )
        self._metrics = OperatorMetrics(
            self.engine,
            connection,
            self._recorder,
            self._elector,
            self._feed,
            detailed=settings.serving.enable_high_cardinality_metrics_labels,
        )
        self._explaining = Explaining(self.engine, self._explain, connection, clock)
        self._health = Health()
        self._leading = asyncio.Event()

    async def run(self) -> int:
        """Watch, stand by, lead, and leave in good order; the exit code."""
        async with contextlib.AsyncExitStack() as listening:
            await self._listen(listening)
            await self._journal(listening)
            self._watch.keep(self.engine.run(), "watching the cluster")
            self._watch.keep(self._recorder.run(), "events")
            self._watch.keep(
                follow(self._connection, self._settings.cluster.pod_namespace, self._taken_now), "takeovers"
            )
            self._watch.keep(self._certificates(), "certificates")
            self._watch.keep(self._serve_board(listening), "the board")
            election = asyncio.create_task(self._elect(), name="election")
            why = await self._watch.over()
            log.info("ending", extra={"why": why or "asked to"})
            await self._leave(election)
        await self.engine.close()
        return FAILED if why else AGAIN if self._again else 0

    def _taken_now(self, record: Record | None) -> None:
        """Which namespaces are ours reaches into every part, so a change of it is a new beginning."""
        if self._settings.judgement.recommendation_only:
            return
        beside = record is not None or self._settings.watch.beside_upstream
        within = self._settings.watch.watch_namespace
        served = record.served if record is not None else ()
        taken = tuple(one for one in served if not within or one in within) if beside else None
        if taken != self._taken:
            log.info("beginning anew: other namespaces are ours now", extra={"was": self._taken, "now": taken})
            self._again = True
            self._watch.end()

    def _make_hands(self) -> Hands:
        hands = ClusterHands(self._connection, self._recorder)
        return DryHands(hands, passes=()) if self._settings.judgement.recommendation_only else hands

    def _make_elector(self) -> Elector:
        leader = self._settings.leader
        return Elector(
            self._connection,
            self._clock,
            namespace=self._settings.cluster.pod_namespace,
            name=leader.leader_election_id,
            identity=self._identity,
            duration=leader.leader_election_lease_duration,
            deadline=leader.leader_election_renew_deadline,
            retry=leader.leader_election_retry_period,
            advertise={BOARD_ADDRESS: advertised(self._settings), SERVES: served(self._taken)},
        )

    async def _elect(self) -> None:
        """A warm standby: everything is watched before the Lease is asked for, so that leading begins at once."""
        await self.engine.synced()
        spare_the_collector()
        if not self._settings.leader.leader_elect:
            self._lead()
            return
        await self._elector.run(self._lead, lambda why: self._watch.end(f"the Lease was lost: {why}"))

    def _lead(self) -> None:
        log.info("leading", extra={"identity": self._identity, "objects": len(self.engine.objects)})
        self.engine.act()
        self._feed.open()
        self._leading.set()

    async def _leave(self, election: "asyncio.Task[None]") -> None:
        if self._leading.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self.engine.hand_over()
                    await self._recorder.flush(LAST_WORDS)
            self._elector.stop()
            await election
        else:
            election.cancel()
        await self._feed.close()

    async def _listen(self, listening: contextlib.AsyncExitStack) -> None:
        serving = self._settings.serving
        for address, render in (
            (serving.health_probe_bind_address, None),
            (serving.metrics_bind_address, self._metrics.render),
        ):
            runner = await serve(application(self._health, render), *split(address))
            listening.push_async_callback(runner.cleanup)

    async def _journal(self, listening: contextlib.AsyncExitStack) -> None:
        """Written from the first check on; what is waiting at the end is written after the Lease was given back."""
        settings = self._settings
        kept = journaling(
            settings.journal,
            settings.reading.aws_endpoint_url,
            writer=self._identity,
            policy=options_of(settings).policy,
            clock=self._clock,
        )
        journal = await listening.enter_async_context(kept)
        if journal is not None:
            self.engine.checks.on_observation.append(journal.observe)
            self._metrics.journal = journal

    async def _serve_board(self, listening: contextlib.AsyncExitStack) -> None:
        await self._material.wait()
        address = split(self._settings.serving.metrics_service_bind_address)
        if self._settings.judgement.recommendation_only:  # no metrics server stands before us
            await self._explaining.start(*address, self._watch, listening)
        else:
            board = web.Application()
            board.router.add_get(FEED, self._feed.handle)
            runner = await serve(board, *address, context=self._tls.server())
            listening.push_async_callback(runner.cleanup)
        await asyncio.Event().wait()

    def _explain(self, namespace: str, name: str) -> bytes:
        tracked = self.engine.objects.get((namespace, name))
        if tracked is None or tracked.subject is None or tracked.evaluation is None:
            known = "has not been checked yet, or is paused" if tracked else "is not known to this operator"
            raise LookupError(f"ScaledObject {namespace}/{name} {known}")
        return document(explain(tracked.evaluation, tracked.subject, self._clock.now(), tracked.hpa))

    async def _certificates(self) -> None:
        certificates, namespace = self._settings.certificates, self._settings.cluster.pod_namespace
        if certificates.cert_dir:
            from pathlib import Path

            await follow_folder(Path(certificates.cert_dir), self._clock, self._take)
            return
        place = Place(namespace, certificates.cert_secret_name)
        services = (certificates.operator_service_name, certificates.metrics_server_service_name)
        names = service_names(services, namespace, certificates.k8s_cluster_domain)
        if self._settings.judgement.recommendation_only:
            await keep_in_memory(names, self._clock, self._take)
            return
        follow = asyncio.create_task(follow_secret(self._connection, place, self._clock, self._take))
        await self._leading.wait()
        follow.cancel()
        await keep_secret(self._connection, place, names, self._clock, self._take_as_leader)

    def _take_as_leader(self, material: Material) -> None:
        self._take(material)
        if self._settings.certificates.enable_apiservice_patching:
            if self._bundle is not None:
                self._bundle.cancel()
            self._bundle = asyncio.create_task(self._put_ca(material.ca), name="caBundle")

    async def _put_ca(self, ca: bytes) -> None:
        """Until it stands there: the APIService may be applied after us."""
        service = (self._settings.cluster.pod_namespace, self._settings.certificates.metrics_server_service_name)
        said = ""
        while True:
            try:
                found = [await put_ca_into_apiservice(self._connection, service, ca, name) for name in APISERVICES]
                wrong = "; ".join(filter(None, found))
            except ApiError as refused:
                wrong = str(refused)
            if wrong and wrong != said:
                log.warning("the API server cannot trust our metrics server yet", extra={"why": wrong})
            said = wrong
            await self._clock.sleep(CA_AGAIN if wrong else CA_CHECK)

    def _take(self, material: Material) -> None:
        self._tls.take(material)
        self._explaining.take(material)
        self._material.set()


NOBODY = "kube-scaler.dev/nobody,!kube-scaler.dev/nobody"
"""A label selector that nothing matches."""


def served(taken: tuple[str, ...] | None) -> str:
    """What the Lease says of the namespaces that we act in."""
    return "*" if taken is None else ",".join(taken)


def scope_of(settings: OperatorSettings, taken: tuple[str, ...] | None = None) -> Scope:
    """Which objects are ours."""
    watch = settings.watch
    if taken == ():
        return Scope((settings.cluster.pod_namespace,), labels=NOBODY, authentication_labels=NOBODY)
    if taken is not None:
        watch = msgspec.structs.replace(watch, watch_namespace=taken)
    return Scope(
        namespaces=watch.watch_namespace,
        labels=watch.watch_label_selector,
        authentication_labels=watch.watch_label_selector_for_triggerauth,
    )


def options_of(settings: OperatorSettings, taken: tuple[str, ...] | None = None) -> Options:
    """What the loops are told."""
    scope = scope_of(settings, taken)
    cluster, authentication = settings.cluster, settings.authentication
    return Options(
        policy=Policy(
            no_data=settings.judgement.no_data,
            activate_to=settings.judgement.activate_to,
            version=__version__,
            recommendation_only=settings.judgement.recommendation_only,
        ),
        access=Access(
            cluster_namespace=authentication.cluster_object_namespace or cluster.pod_namespace,
            restrict_secret_access=authentication.restrict_secret_access,
            token_seconds=authentication.bound_service_account_token_expiry,
            file_root=authentication.filepath_auth_root_path,
        ),
        timeout=settings.reading.http_timeout,
        namespaces=scope.namespaces,
        labels=scope.labels,
        cluster_wide=taken is None,
        workers=settings.writing.reconciles,
        spread=settings.reading.first_poll_spread,
        in_flight=settings.reading.requests_in_flight,
        status_interval=settings.writing.status_interval,
        tells_unexpected=settings.reading.check_unexpected_scalers_params,
    )


def connections_of(settings: OperatorSettings, cluster: ClusterView) -> Connections:
    """What triggers are lent."""
    reading = settings.reading
    return Connections(
        cluster=cluster,
        aws_endpoint_url=reading.aws_endpoint_url,
        ca_folders=reading.ca_dir,
        minimum_tls=reading.http_min_tls_version,
        keep_alive=not reading.http_disable_keep_alive,
    )


def advertised(settings: OperatorSettings) -> str:
    """Where others reach our board."""
    serving = settings.serving
    _, port = split(serving.metrics_service_bind_address)
    return serving.advertised_address or f"{serving.pod_ip or '127.0.0.1'}:{port}"
