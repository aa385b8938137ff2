"""The aggregated API server: who may ask, what is asked, and the answer, behind one TLS port.

Wiring of the room's parts; each rule lives in the part that it is about.
"""

from collections.abc import Awaitable, Callable

from scaler.serving.delegated import ALWAYS_ALLOWED, Delegated
from scaler.serving.explanations import Explanations
from scaler.serving.external_metrics import ExternalMetrics
from scaler.serving.forwarding import Forwarding
from scaler.serving.listener import Listener, Request, refusal, response
from scaler.serving.routes import Route, Routes
from scaler.serving.tls import ServerTls

_OK = response(200, b"ok", "text/plain; charset=utf-8")


class AggregatedApi:
    """external.metrics.k8s.io and explain.kube-scaler.dev on a TLS port."""

    def __init__(
        self,
        metrics: ExternalMetrics,
        explanations: Explanations,
        delegated: Delegated,
        tls: ServerTls,
        ready: Callable[[], str] = lambda: "",
        *,
        forwarding: Forwarding | None = None,
    ) -> None:
        """`ready` gives why this replica should get no requests; empty when it should."""
        self._forwarding = forwarding
        self._metrics = metrics
        self._explanations = explanations
        self._delegated = delegated
        self._tls = tls
        self._ready = ready
        self._routes = Routes()
        self._listener: Listener | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port, which matters when 0 was asked for."""
        self._listener = Listener(self.handle)
        return await self._listener.start(host, port, self._tls.context)

    async def close(self) -> None:
        """Answer what is under way, then listen no more."""
        if self._listener is not None:
            await self._listener.close()

    def handle(self, request: Request) -> bytes | Awaitable[bytes]:
        """The response to a request, at once when nobody has to be asked."""
        if request.target in ALWAYS_ALLOWED:
            return self._health(request.target)
        route = self._routes.find(request.target)
        if self._delegated.may_at_once(request, route.questions):
            return self._answer(request, route)
        return self._ask_and_answer(request, route)

    async def _ask_and_answer(self, request: Request, route: Route) -> bytes:
        refused = await self._delegated.refused(request, route.questions)
        if refused is not None:
            return refused
        answer = self._answer(request, route)
        return answer if isinstance(answer, bytes) else await answer

    def _answer(self, request: Request, route: Route) -> bytes | Awaitable[bytes]:
        if request.method not in {"GET", "HEAD"}:
            return refusal(405, "MethodNotAllowed", f"{request.method} is not served here: read what there is")
        if route.asked is not None:
            if self._forwarding is not None and self._forwarding.concerns(route.asked.namespace):
                return self._forwarding.forward(request, route.asked)
            return self._metrics.answer(route.asked)
        if route.explained is not None:
            return self._explanations.answer(route.explained)
        return route.aggregated if route.aggregated and _accepts_aggregated(request) else route.answer

    def _health(self, path: str) -> bytes:
        why = self._ready() if path == "/readyz" else ""
        return response(503, f"not ready: {why}".encode(), "text/plain; charset=utf-8") if why else _OK


def _accepts_aggregated(request: Request) -> bool:
    accepted = next((value for name, value in request.headers if name == "accept"), "")
    return "v=v2;" in accepted and "as=APIGroupDiscoveryList" in accepted
