"""`scaler metrics`: external metrics and explanations from a copy of the board, wired to the settings."""

import asyncio
import contextlib
import logging
from pathlib import Path

from scaler.clock import SystemClock
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.leader import Holder, watch_holder
from scaler.process import logs
from scaler.process.running import FAILED, Watch, run_loop, spare_the_collector, watching
from scaler.programs.leadership import BOARD_ADDRESS
from scaler.serving.aggregated import AggregatedApi
from scaler.serving.certificate_store import Place, follow_folder, follow_secret
from scaler.serving.certificates import Material
from scaler.serving.delegated import Delegated
from scaler.serving.explanations import Explanations
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.feed.client import FeedClient
from scaler.serving.forwarding import Forwarding
from scaler.serving.health import Health, application, serve
from scaler.serving.prometheus import MetricsServerMetrics
from scaler.serving.tls import MutualTls, ServerTls
from scaler.settings.knobs import split
from scaler.settings.metrics import MetricsSettings
from scaler.takeover.following import follow

log = logging.getLogger("scaler.metrics")


def run(settings: MetricsSettings) -> int:
    """Run until asked to end; the exit code."""
    logs.configure(settings.logs.log_format, settings.logs.log_level)
    return run_loop(main(settings))


async def main(settings: MetricsSettings) -> int:
    """The program on a running loop."""
    connection = await connect(settings.cluster.kubeconfig or None, settings.cluster.context or None)
    async with connection, watching() as watch:
        return await MetricsServer(settings, connection, watch).run()


class MetricsServer:
    """The parts of one running metrics server."""

    def __init__(self, settings: MetricsSettings, connection: Connection, watch: Watch) -> None:
        self._settings = settings
        self._connection = connection
        self._watch = watch
        self._clock = SystemClock()
        self._mutual = MutualTls()
        self._serving = ServerTls()
        self._material = asyncio.Event()
        namespace = settings.cluster.pod_namespace
        self._feed = FeedClient(
            self._clock.now,
            tls=self._mutual.client,
            server_name=f"{settings.certificates.operator_service_name}.{namespace}.svc",
        )
        serving = settings.serving
        self._api = ExternalMetrics(self._feed, look_deadline=serving.look_deadline, stale_after=serving.stale_after)
        self._delegated = Delegated(connection, self._serving, self._clock.now)
        self._forwarding = Forwarding(connection, self._clock.now, self._api.reads)
        self._health = Health()
        self._health.check("external metrics", self._not_ready)

    async def run(self) -> int:
        """Follow the leader and answer; the exit code."""
        async with contextlib.AsyncExitStack() as listening:
            await self._listen(listening)
            self._watch.keep(self._certificates(), "certificates")
            self._watch.keep(self._delegated.run(self._clock), "who may ask")
            home = self._settings.cluster.pod_namespace
            self._watch.keep(follow(self._connection, home, self._forwarding.take), "takeovers")
            listening.push_async_callback(self._forwarding.aclose)
            self._watch.keep(self._follow(), "the leader")
            self._watch.keep(self._serve(listening), "external metrics")
            why = await self._watch.over()
            log.info("ending", extra={"why": why or "asked to"})
        return FAILED if why else 0

    async def _listen(self, listening: contextlib.AsyncExitStack) -> None:
        serving = self._settings.serving
        metrics = MetricsServerMetrics(self._api, self._feed, self._connection)
        for address, render in (
            (serving.health_probe_bind_address, None),
            (serving.metrics_bind_address, metrics.render),
        ):
            runner = await serve(application(self._health, render), *split(address))
            listening.push_async_callback(runner.cleanup)

    async def _serve(self, listening: contextlib.AsyncExitStack) -> None:
        await self._material.wait()
        serving = self._settings.serving
        explanations = Explanations(self._feed.explain)
        api = AggregatedApi(
            self._api, explanations, self._delegated, self._serving, self._not_ready, forwarding=self._forwarding
        )
        port = await api.start(serving.bind_address, serving.secure_port)
        listening.push_async_callback(api.close)
        spare_the_collector()
        log.info("serving external metrics", extra={"port": port})
        await self._feed.run()

    def _not_ready(self) -> str:
        """Why no requests should come here yet. A leader that was lost is no reason: the copy answers meanwhile."""
        if self._delegated.trust is None:
            return "it is not known yet whom to believe"
        return "" if self._feed.complete else "no leader has given its board yet"

    async def _follow(self) -> None:
        """Know where the leader's board is."""
        feed = self._settings.feed
        if feed.metrics_service_address:
            self._feed.point(feed.metrics_service_address)
            await asyncio.Event().wait()
        await watch_holder(
            self._connection, self._settings.cluster.pod_namespace, feed.leader_election_id, self._holder
        )

    def _holder(self, holder: Holder | None) -> None:
        self._feed.point(holder.annotations.get(BOARD_ADDRESS, "") if holder else "")

    async def _certificates(self) -> None:
        certificates, namespace = self._settings.certificates, self._settings.cluster.pod_namespace
        if certificates.cert_dir:
            await follow_folder(Path(certificates.cert_dir), self._clock, self._take)
        else:
            place = Place(namespace, certificates.cert_secret_name)
            await follow_secret(self._connection, place, self._clock, self._take)

    def _take(self, material: Material) -> None:
        self._mutual.take(material)
        serving = self._settings.serving
        if serving.tls_cert_file:
            certificate, key = Path(serving.tls_cert_file), Path(serving.tls_private_key_file)
            self._serving.present(certificate.read_bytes(), key.read_bytes())
        else:
            self._serving.present(material.certificate, material.key)
        self._material.set()
