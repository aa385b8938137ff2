"""`scaler-webhook`: the parts of the admission door, wired to the settings."""

import asyncio
import contextlib
import importlib
import logging
import secrets
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.clock import SystemClock
from scaler.errors import ApiError
from scaler.kube.access import connect_quickly
from scaler.kube.connection import Connection
from scaler.kube.controllers import Controllers
from scaler.kube.informer import Informer
from scaler.kube.resources import LIMIT_RANGES, VPAS
from scaler.process import logs
from scaler.process.running import FAILED, Watch, run_loop, spare_the_collector, watching
from scaler.serving.certificate_store import Files, Place, follow_files, follow_folder, keep_secret
from scaler.serving.certificates import Material, service_names
from scaler.serving.listener import Listener
from scaler.serving.readiness import Health
from scaler.serving.tls import ServerTls
from scaler.settings.knobs import split
from scaler.settings.webhook import WebhookSettings
from scaler.takeover.following import follow, served, served_now
from scaler.vertical.limit_ranges import LimitRange
from scaler.vertical.quantities import millicores
from scaler.vertical.scope import Scope, scope_of
from webhook import authentications, limit_ranges
from webhook.door import LONGEST_BODY, Door, Judge
from webhook.limit_ranges import Allowed
from webhook.liveness import StatusLease
from webhook.metrics import WebhookMetrics
from webhook.neighbourhood import Neighbourhood
from webhook.plain import handler
from webhook.pods import Pods
from webhook.registration import Address, Occupied, Wish, register, unregistered
from webhook.scaled_objects import ScaledObjects
from webhook.sizes import Sizes, target_key
from webhook.vpas import Vpas

log = logging.getLogger("scaler.webhook")

LOOK_AGAIN = 30.0
"""Seconds between two looks whether the registration still stands."""
TRY_AGAIN = 5.0
"""The same while it does not."""
BY_TARGET = "target"
LATER = "scaler.triggers.review"
"""What the first ScaledObject needs and no pod does: imported when pods are sized already, not while one waits."""
_VERSIONS = {"tls1_2": ssl.TLSVersion.TLSv1_2, "tls1_3": ssl.TLSVersion.TLSv1_3}


def run(settings: WebhookSettings) -> int:
    """Run until asked to end; the exit code."""
    logs.configure(settings.logs.log_format, settings.logs.log_level)
    return run_loop(main(settings))


async def main(settings: WebhookSettings) -> int:
    """The program on a running loop."""
    connection = connect_quickly(settings.cluster.kubeconfig, settings.cluster.context)
    async with connection, watching() as watch:
        return await Webhook(settings, connection, watch).run()


class Webhook:
    """The parts of one running webhook."""

    def __init__(self, settings: WebhookSettings, connection: Connection, watch: Watch) -> None:
        self._settings = settings
        self._connection = connection
        self._watch = watch
        self._clock = SystemClock()
        self._tls = ServerTls(clients=ssl.CERT_NONE, minimum=_VERSIONS[settings.admission.min_tls_version])
        self._material: Material | None = None
        self._changed = asyncio.Event()
        self._vpas = Informer(
            connection, VPAS, VerticalPodAutoscaler, namespaces=_followed(settings), indexes={BY_TARGET: target_key}
        )
        self._ranges = Informer(
            connection, LIMIT_RANGES, LimitRange, indexes={limit_ranges.BY_NAMESPACE: limit_ranges.of_namespace}
        )
        self._neighbourhood = Neighbourhood(connection)
        self._scope = _scope(settings, frozenset() if settings.pods.beside_upstream else None)
        self._metrics = WebhookMetrics(connection)
        self._door = Door(self._judges(), self._metrics)
        self._listening = asyncio.Event()
        self._registered = not settings.registration.register_webhook
        self._health = Health()
        self._health.check("reviews", self._not_ready)

    @property
    def well(self) -> bool:
        """Whether pods that are created now are sized."""
        return self._listening.is_set() and self._registered

    async def run(self) -> int:
        """Answer reviews; the exit code."""
        admission = self._settings.admission
        async with contextlib.AsyncExitStack() as listening:
            plain = Listener(handler(self._health, self._metrics.render))
            await plain.start(*split(admission.address), None)
            listening.push_async_callback(plain.close)
            self._watch.keep(self._vpas.run(), "VerticalPodAutoscalers")
            self._watch.keep(self._ranges.run(), "LimitRanges")
            if admission.scaled_objects:
                self._watch.keep(self._neighbourhood.run(), "ScaledObjects and HPAs")
            await self._read_takeovers()
            self._watch.keep(self._certificates(), "certificates")
            self._watch.keep(self._serve(listening), "reviews")
            self._watch.keep(self._keep_registered(), "the registration")
            self._watch.keep(self._status_lease().keep(lambda: self.well), "the status lease")
            why = await self._watch.over()
            log.info("ending", extra={"why": why or "asked to"})
        return FAILED if why else 0

    # -- reviews -----------------------------------------------------------------------------------------------

    def _judges(self) -> Mapping[tuple[str, str], Judge]:
        """By group and resource."""
        admission = self._settings.admission
        boost = millicores(admission.max_allowed_cpu_boost) if admission.max_allowed_cpu_boost else 0
        pods = Pods(
            Sizes(self._vpas),
            Controllers(self._connection),
            Allowed(self._ranges),
            covered=self._covered,
            deadline=admission.lookup_deadline,
            max_boost=boost,
        )
        vpas = Vpas(lambda vpa: [found for key in target_key(vpa) for found in self._vpas.select(BY_TARGET, key)])
        scaled = ScaledObjects(self._neighbourhood, deadline=admission.lookup_deadline)
        return {
            ("", "pods"): pods.judge,
            ("autoscaling.k8s.io", "verticalpodautoscalers"): vpas.judge,
            ("keda.sh", "scaledobjects"): scaled.judge,
            ("keda.sh", "triggerauthentications"): authentications.NAMESPACED.judge,
            ("keda.sh", "clustertriggerauthentications"): authentications.CLUSTER_WIDE.judge,
        }

    def _covered(self, namespace: str) -> bool:
        """By what is taken over at this moment."""
        return self._scope.covers(namespace)

    async def _serve(self, listening: contextlib.AsyncExitStack) -> None:
        await self._vpas.synced.wait()
        await self._ranges.synced.wait()
        while self._material is None:
            await self._changed.wait()
        listener = Listener(self._door.handle, LONGEST_BODY)
        port = await listener.start(
            self._settings.admission.bind_address, self._settings.admission.port, self._tls.context
        )
        listening.push_async_callback(listener.close)
        spare_the_collector()
        self._listening.set()
        log.info("answering reviews", extra={"port": port, "vpas": len(self._vpas.objects)})
        if self._settings.admission.scaled_objects:
            await asyncio.to_thread(importlib.import_module, LATER)
        await asyncio.Event().wait()

    def _not_ready(self) -> str:
        """Why no reviews should come here yet."""
        if not self._vpas.synced.is_set() or not self._ranges.synced.is_set():
            return "not every VerticalPodAutoscaler and LimitRange has been seen yet"
        return "" if self._listening.is_set() else "there is no certificate yet"

    # -- beside a live VPA -------------------------------------------------------------------------------------

    async def _read_takeovers(self) -> None:
        """Know what was taken over before anything is judged, then follow it."""
        home, beside = self._settings.cluster.pod_namespace, self._settings.pods.beside_upstream
        self._confine(await served_now(self._connection, home, beside=beside))
        following = follow(self._connection, home, lambda record: self._confine(served(record, beside=beside)))
        self._watch.keep(following, "takeovers")

    def _confine(self, taken: frozenset[str] | None) -> None:
        """Judge pods of these namespaces only; None for all."""
        scope = _scope(self._settings, taken)
        if scope != self._scope:
            log.info("namespaces are served", extra={"namespaces": "all" if taken is None else sorted(taken)})
            self._scope, self._registered = scope, not self._settings.registration.register_webhook
            self._changed.set()

    # -- trust -------------------------------------------------------------------------------------------------

    async def _certificates(self) -> None:
        wanted = self._settings.certificates
        if wanted.tls_cert_file:
            files = Files(Path(wanted.tls_cert_file), Path(wanted.tls_private_key), Path(wanted.client_ca_file))
            await follow_files(files, self._clock, self._take)
        elif wanted.cert_dir:
            await follow_folder(Path(wanted.cert_dir), self._clock, self._take)
        else:
            place = Place(self._settings.cluster.pod_namespace, wanted.cert_secret_name)
            await keep_secret(self._connection, place, self._names(), self._clock, self._take)

    def _names(self) -> tuple[str, ...]:
        registration, namespace = self._settings.registration, self._settings.cluster.pod_namespace
        own = (registration.webhook_address,) if registration.register_by_url else ()
        domain = self._settings.certificates.k8s_cluster_domain
        return (*service_names([registration.webhook_service], namespace, domain), *own)

    def _take(self, material: Material) -> None:
        self._tls.present(material.certificate, material.key)
        self._material = material
        self._changed.set()

    # -- registration ------------------------------------------------------------------------------------------

    async def _keep_registered(self) -> None:
        """Register once there is something to call, after each change of trust, and whenever somebody undid it."""
        if not self._settings.registration.register_webhook:
            await asyncio.Event().wait()
        await self._listening.wait()
        said = ""
        while True:
            self._changed.clear()
            try:
                await self._register()
                said = ""
            except (ApiError, Occupied) as error:
                self._registered = False
                if str(error) != said:
                    log.warning("the API server cannot be told of the webhook: %s", error)
                said = str(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN if self._registered else TRY_AGAIN)

    async def _register(self) -> None:
        wish = self._wish()
        if not self._registered or await unregistered(self._connection, wish):
            await register(self._connection, wish, self._clock.now())
        self._registered = True

    def _wish(self) -> Wish:
        settings, registration = self._settings, self._settings.registration
        assert self._material is not None  # or nothing would be listening
        return Wish(
            address=_address(settings),
            ca=self._material.ca,
            scope=self._scope,
            timeout=registration.webhook_timeout_seconds,
            fail=registration.webhook_failure_policy_fail,
            labels=dict(label.split("=", 1) for label in registration.webhook_labels),
            scaled_objects=settings.admission.scaled_objects,
        )

    def _status_lease(self) -> StatusLease:
        cluster = self._settings.cluster
        return StatusLease(
            self._connection,
            self._clock,
            namespace=cluster.pod_namespace,
            name=self._settings.liveness.status_lease,
            identity=cluster.pod_name or f"{socket.gethostname()}_{secrets.token_hex(4)}",
        )


def _followed(settings: WebhookSettings) -> tuple[str, ...]:
    only = settings.pods.vpa_object_namespace
    return (only,) if only else ()


def _scope(settings: WebhookSettings, taken: frozenset[str] | None) -> Scope:
    pods = settings.pods
    return scope_of(
        settings.cluster.pod_namespace,
        pods.vpa_object_namespace,
        pods.ignored_vpa_object_namespaces,
        ignore_kube_system=pods.ignore_kube_system,
        taken=taken,
    )


def _address(settings: WebhookSettings) -> Address:
    registration = settings.registration
    if registration.register_by_url:
        host = registration.webhook_address
        port = registration.webhook_port or settings.admission.port
        return Address(url=f"https://{f'[{host}]' if ':' in host else host}:{port}/")
    namespace = settings.cluster.pod_namespace
    return Address(namespace=namespace, service=registration.webhook_service, port=registration.webhook_service_port)
