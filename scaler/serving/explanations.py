"""Why a ScaledObject has the replicas it has, read through the API server: explain.kube-scaler.dev/v1alpha1.

A read of an explanation takes the right to read the ScaledObject. The leader writes the document; here it is only
fetched, so that every replica answers, and nobody but our own programs speaks to the operator.
"""

from collections.abc import Awaitable, Callable

import msgspec

from scaler.api.scaledobject import API_VERSION
from scaler.horizontal.explain import Explanation
from scaler.kube.resources import EXPLANATIONS
from scaler.serving.listener import refusal, response
from scaler.serving.reviews import Attributes
from scaler.serving.truth import LookFailed

KIND, SINGULAR = "Explanation", "explanation"
DEADLINE = 3.0
"""Seconds that the leader may take; it has everything in memory."""

Ask = Callable[[str, str, float], Awaitable[bytes]]
"""The document of an object (namespace, name) within so many seconds; LookFailed when nobody tells."""


class AskedObject(msgspec.Struct, frozen=True):
    """The ScaledObject that is to be explained."""

    namespace: str
    name: str

    @property
    def right(self) -> Attributes:
        """Which permission it takes: to read the object itself."""
        group, _, version = API_VERSION.partition("/")
        return Attributes("get", "", group, version, "scaledobjects", self.namespace, self.name)


class Explanations:
    """Answers from the leader."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def answer(self, asked: AskedObject) -> bytes:
        """The whole HTTP response."""
        try:
            document = await self._ask(asked.namespace, asked.name, DEADLINE)
        except LookFailed as failure:
            status, reason = (404, "NotFound") if failure.unknown else (503, "ServiceUnavailable")
            return refusal(status, reason, str(failure))
        return response(200, document)


class Document(msgspec.Struct, frozen=True, rename="camel"):
    """An explanation as Kubernetes' tools read it."""

    metadata: dict[str, str]
    status: Explanation
    kind: str = KIND
    api_version: str = EXPLANATIONS.api_version


def document(explanation: Explanation) -> bytes:
    """What a read gets, JSON."""
    ref = explanation.ref
    return msgspec.json.encode(Document({"name": ref.name, "namespace": ref.namespace}, explanation))
