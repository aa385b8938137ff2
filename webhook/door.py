"""The HTTP side of reviews: which path, which judge, and an answer whatever happens.

Whatever goes wrong on our side lets the object through as it is, and says so in the answer, in the log and in the
audit log: a webhook that refuses pods takes a cluster down with it.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

import msgspec

from scaler.serving import listener
from scaler.serving.listener import refusal, response
from webhook import review
from webhook.metrics import Status, WebhookMetrics
from webhook.review import Answer, Request

log = logging.getLogger("scaler.webhook")

Judge = Callable[[Request], Answer | Awaitable[Answer]]

LONGEST_BODY = 5 * 1024 * 1024
"""Bytes of a review, as upstream reads them. An API server stores objects of up to 1.5 MiB, and sends two."""
PATHS = frozenset(
    {
        "/",
        "/validate-keda-sh-v1alpha1-scaledobject",
        "/validate-keda-sh-v1alpha1-triggerauthentication",
        "/validate-keda-sh-v1alpha1-clustertriggerauthentication",
    }
)
"""Upstreams' paths, for configurations that were written for them; every one of them takes every review."""
_NAMES = {"pods": "Pod", "verticalpodautoscalers": "VPA"}
"""Resources as upstream's metrics call them."""
_UNKNOWN = "unknown"


class Door:
    """Answers HTTP requests, by the judges of each group and resource."""

    def __init__(self, judges: Mapping[tuple[str, str], Judge], metrics: WebhookMetrics) -> None:
        self._judges = judges
        self._metrics = metrics

    def handle(self, request: listener.Request) -> bytes | Awaitable[bytes]:
        """The whole response, at once where it can be."""
        started = perf_counter()
        wrong = _wrong_address(request)
        if wrong is not None:
            return wrong
        try:
            asked = review.read(request.body)
        except review.NotAReview as error:
            log.warning("%s", error, extra={"bytes": len(request.body)})
            self._metrics.answered(_UNKNOWN, "error", perf_counter() - started)
            return refusal(400, "BadRequest", str(error))
        answer = self._judged(asked)
        if isinstance(answer, Answer):
            return self._written(asked, answer, started)
        return self._later(asked, answer, started)

    def _judged(self, asked: Request) -> Answer | Awaitable[Answer]:
        judge = self._judges.get((asked.resource.group, asked.resource.resource))
        if judge is None:
            return Answer(warnings=(f"{asked.resource.resource} are not judged here: mend the webhook's rules",))
        try:
            return judge(asked)
        except Exception as error:  # noqa: BLE001 - a bug must not keep a pod from being made
            return _unjudged(asked, error)

    async def _later(self, asked: Request, answer: Awaitable[Answer], started: float) -> bytes:
        try:
            found = await answer
        except Exception as error:  # noqa: BLE001 - as above
            found = _unjudged(asked, error)
        return self._written(asked, found, started)

    def _written(self, asked: Request, answer: Answer, started: float) -> bytes:
        body = review.write(asked.uid, answer)
        status: Status = "error" if answer.failed else "applied" if answer.patch else "skipped"
        resource = asked.resource.resource
        if not answer.allowed:
            self._metrics.refused[resource] += 1
        if answer.message:
            _tell(asked, answer)
        self._metrics.answered(_NAMES.get(resource, resource), status, perf_counter() - started)
        return response(200, body)


def _wrong_address(request: listener.Request) -> bytes | None:
    path = request.target.partition("?")[0]
    if path not in PATHS:
        return refusal(404, "NotFound", f"there is nothing at {path[:100]}: reviews go to /")
    if request.method != "POST":
        return refusal(405, "MethodNotAllowed", f"{request.method} is not served here: POST an AdmissionReview")
    kinds = [value for name, value in request.headers if name == "content-type"]
    if kinds and kinds[0].partition(";")[0].strip().lower() != "application/json":
        return refusal(415, "UnsupportedMediaType", f"{kinds[0][:100]} is not read here: send application/json")
    return None


def _unjudged(asked: Request, error: Exception) -> Answer:
    what = f"{asked.kind.kind or asked.resource.resource} {asked.name or '(new)'}"
    if isinstance(error, msgspec.ValidationError):
        why = f"it cannot be read: {error}"
    else:
        log.error("a review could not be answered", exc_info=error, extra=_about(asked))
        why = f"an error of the webhook's own: {type(error).__name__}, see its log"
    message = f"{what} is let through unjudged: {why}"
    return Answer(message=message, warnings=(message[:250],), failed=True)


def _tell(asked: Request, answer: Answer) -> None:
    level = logging.WARNING if answer.failed else logging.INFO
    log.log(level, "%s", answer.message, extra={**_about(asked), "allowed": answer.allowed})


def _about(asked: Request) -> dict[str, str]:
    about = {"resource": asked.resource.resource, "namespace": asked.namespace, "name_": asked.name}
    return about | {"operation": asked.operation, "uid": asked.uid}
