"""One call over HTTP, and how it is answered."""

from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import web

from scaler.sim.apiserver.callers import Identity
from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.requests import Target
from scaler.sim.apiserver.store import Key, Object, encode

JSON = "application/json"


class Call(msgspec.Struct):
    """A request for a resource, read once."""

    request: web.BaseRequest
    target: Target
    served: Served
    query: Mapping[str, str]
    user: Identity

    @property
    def key(self) -> Key:
        return self.target.namespace, self.target.name

    @property
    def content_type(self) -> str:
        return self.request.headers.get("Content-Type", "")

    @property
    def accept(self) -> str:
        return self.request.headers.get("Accept", "")


def answer(body: bytes, status: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    """JSON, with a Warning header for each thing a person should know."""
    response = web.Response(body=body, status=status, content_type=JSON)
    warn(response, warnings)
    return response


def warn(response: web.StreamResponse, warnings: Sequence[str]) -> None:
    """Add warnings to a response that is not on its way yet."""
    for warning in () if response.prepared else warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')


def show(content: Object, status: int = 200) -> web.Response:
    return answer(encode(content), status)


def text(content: str, status: int = 200) -> web.Response:
    return web.Response(text=content, status=status)


def refuse(refusal: Refusal) -> web.Response:
    """The Status of a refusal; one that says when to try again says so in a header as well."""
    response = answer(encode(refusal.status), refusal.code)
    seconds = refusal.status.get("details", {}).get("retryAfterSeconds")
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response
