"""The webhook's plain HTTP port: whether it is alive and ready, and its metrics."""

from collections.abc import Callable

from scaler.serving import listener
from scaler.serving.listener import Handler, refusal, response
from scaler.serving.readiness import TEXT_FORMAT, Health

ALIVE = ("/healthz", "/livez", "/health-check")
"""The last is upstream's."""
_TEXT = "text/plain; charset=utf-8"


def handler(health: Health, render: Callable[[], bytes]) -> Handler:
    """Answers for the listener of that port."""

    def handle(request: listener.Request) -> bytes:
        path = request.target.partition("?")[0]
        if request.method not in {"GET", "HEAD"}:
            return refusal(405, "MethodNotAllowed", f"{request.method} is not served here: use GET")
        if path in ALIVE:
            return response(200, b"ok", _TEXT)
        if path == "/readyz":
            return _readiness(health)
        if path == "/metrics":
            return response(200, render(), TEXT_FORMAT)
        return refusal(404, "NotFound", f"there is nothing at {path[:100]}: see /healthz, /readyz and /metrics")

    return handle


def _readiness(health: Health) -> bytes:
    problems = health.problems()
    text = "\n".join(f"{name}: {why}" for name, why in problems.items()) or "ok"
    return response(503 if problems else 200, text.encode(), _TEXT)
