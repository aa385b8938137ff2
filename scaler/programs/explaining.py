"""Explanations straight from the operator, where it only recommends and no metrics server stands before it.

Who asks is found out, and whether he may, as the metrics server does it: by the API server's word.
"""

import contextlib
from collections.abc import Callable

from scaler.clock import Clock
from scaler.kube.connection import Connection
from scaler.loops.engine import Engine
from scaler.process.running import Watch
from scaler.serving.aggregated import AggregatedApi
from scaler.serving.certificates import Material
from scaler.serving.delegated import Delegated
from scaler.serving.explanations import Explanations
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.tls import ServerTls
from scaler.serving.truth import LocalTruth, LookFailed

Explain = Callable[[str, str], bytes]
"""The document of an object (namespace, name); LookupError where there is none."""


class Explaining:
    """The operator's own aggregated API."""

    def __init__(self, engine: Engine, explain: Explain, connection: Connection, clock: Clock) -> None:
        self._explain = explain
        self._tls = ServerTls()
        self._clock = clock
        self._delegated = Delegated(connection, self._tls, clock.now)
        metrics = ExternalMetrics(LocalTruth(engine.board, engine.look, clock.now))
        self._api = AggregatedApi(metrics, Explanations(self._ask), self._delegated, self._tls)

    def take(self, material: Material) -> None:
        """Show this certificate from now on."""
        self._tls.present(material.certificate, material.key)

    async def start(self, host: str, port: int, watch: Watch, closing: contextlib.AsyncExitStack) -> None:
        """Listen, once there is a certificate."""
        watch.keep(self._delegated.run(self._clock), "who may ask")
        await self._api.start(host, port)
        closing.push_async_callback(self._api.close)

    async def _ask(self, namespace: str, name: str, _within: float) -> bytes:
        try:
            return self._explain(namespace, name)
        except LookupError as error:
            raise LookFailed(str(error.args[0]), unknown=True) from None
