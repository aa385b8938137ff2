"""A thin client of one API server: Kubernetes' verbs in, typed objects out, errors as `ApiError`.

It has no cache, no rate limit of its own and no opinion on objects.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from scaler.errors import ApiError
from scaler.kube.answers import Ack, Listing, Page, decoder
from scaler.kube.lanes import Lane
from scaler.kube.resources import Resource
from scaler.kube.wire import JSON, Call, Limits, Server, Wire

T = TypeVar("T")

UNDECODABLE = "Undecodable"
"""The reason of an `ApiError` for an answer that is not what was asked for; its status is 0."""


class Patch(StrEnum):
    """How the body of a patch is read, by its content type."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Connection:
    """Calls to one API server. It belongs to the event loop that first uses it.

    `into` is the type an answer is decoded to: a msgspec Struct, `scaler.api.meta.Raw` for a plain dict,
    `scaler.kube.answers.Ack` when nobody needs the answer. Refused connections, 429s and 5xx with Retry-After are
    tried again for every verb, broken ones for every verb but create, within `limits.patience` seconds.
    """

    def __init__(self, server: Server | str, limits: Limits | None = None) -> None:
        self.server = Server(server.rstrip("/")) if isinstance(server, str) else server
        self._wire = Wire(self.server, limits or Limits())

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """Answers by (verb, resource, HTTP status); no answer at all is ``error``."""
        return self._wire.counts

    @property
    def waiting(self) -> int:
        """Calls that wait because as many as may be are under way."""
        return self._wire.gate.waiting

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every socket; a later call would open new ones."""
        await self._wire.close()

    async def get(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        into: type[T],
        subresource: str = "",
        lane: Lane = Lane.NORMAL,
    ) -> T:
        """One object; ApiError 404 when it is not there."""
        path = _object(resource, namespace, name, subresource)
        return await self._ask(Call("get", resource.plural, "GET", path, lane=lane), into)

    async def listing(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        into: type[T],
        labels: str = "",
        fields: str = "",
        limit: int = 500,
        accept: str = JSON,
    ) -> Listing[T]:
        """All objects of a namespace, or of all when it is empty; read in pages of `limit`."""
        items: list[T] = []
        version = ""
        query = selectors(labels, fields)
        async for page in self.pages(resource, namespace, into=into, query=query, limit=limit, accept=accept):
            items += page.items or ()
            version = page.metadata.resource_version
        return Listing(items, version)

    async def pages(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        into: type[T],
        query: Mapping[str, str],
        limit: int = 500,
        accept: str = JSON,
    ) -> AsyncIterator[Page[T]]:
        """The same page by page; ApiError 410 when the list grew too old between two pages."""
        kind: Any = Page[into]  # type: ignore[valid-type] # a type made at run time
        asked = {**query, "limit": str(limit)}
        path = resource.path(namespace)
        while True:
            page: Page[T] = await self._ask(
                Call("list", resource.plural, "GET", path, query=asked, accept=accept), kind
            )
            yield page
            if not page.metadata.continue_:
                return
            asked["continue"] = page.metadata.continue_

    async def create(
        self,
        resource: Resource,
        namespace: str,
        body: object,
        *,
        into: type[T],
        name: str = "",
        subresource: str = "",
        lane: Lane = Lane.NORMAL,
    ) -> T:
        """Create an object, or POST to a subresource of `name` (a token)."""
        path = _object(resource, namespace, name, subresource) if subresource else resource.path(namespace)
        payload = msgspec.json.encode(body)
        return await self._ask(Call("create", resource.plural, "POST", path, payload=payload, lane=lane), into)

    async def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: object,
        *,
        into: type[T],
        subresource: str = "",
        lane: Lane = Lane.NORMAL,
    ) -> T:
        """Replace an object; its metadata.resourceVersion is the precondition (ApiError 409)."""
        path = _object(resource, namespace, name, subresource)
        payload = msgspec.json.encode(body)
        return await self._ask(Call("update", resource.plural, "PUT", path, payload=payload, lane=lane), into)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: object,
        *,
        into: type[T],
        how: Patch = Patch.MERGE,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
        lane: Lane = Lane.NORMAL,
    ) -> T:
        """Change a part of an object."""
        path = _object(resource, namespace, name, subresource)
        payload = msgspec.json.encode(body)
        call = Call("patch", resource.plural, "PATCH", path, query or {}, payload, how.value, lane=lane)
        return await self._ask(call, into)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "",
        lane: Lane = Lane.NORMAL,
    ) -> None:
        """Delete an object; ApiError 409 when it is not the one of that uid or version."""
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in wanted.items() if value}
        options = {"preconditions": preconditions, "propagationPolicy": propagation}
        body = {key: value for key, value in options.items() if value}
        payload = msgspec.json.encode(body) if body else None
        path = _object(resource, namespace, name, "")
        await self._ask(Call("delete", resource.plural, "DELETE", path, payload=payload, lane=lane), Ack)

    async def request(
        self,
        method: str,
        path: str,
        *,
        into: type[T],
        query: Mapping[str, str] | None = None,
        body: object = None,
        lane: Lane = Lane.NORMAL,
    ) -> T:
        """Anything else: discovery, /version, an aggregated API."""
        payload = None if body is None else msgspec.json.encode(body)
        verb = {"POST": "create", "PUT": "update"}.get(method, method.lower())
        return await self._ask(Call(verb, "", method, path, query or {}, payload, lane=lane), into)

    def watch(
        self, resource: Resource, namespace: str, query: Mapping[str, str], *, idle: float
    ) -> AbstractAsyncContextManager[aiohttp.StreamReader]:
        """The events as they come, a line each; `NoAnswer` when nothing came for `idle` seconds."""
        asked = {**query, "watch": "true", "allowWatchBookmarks": "true"}
        return self._wire.stream(Call("watch", resource.plural, "GET", resource.path(namespace), asked), idle)

    async def _ask(self, call: Call, into: type[T]) -> T:
        body = await self._wire.call(call)
        kind: Any = into
        try:
            decoded: T = decoder(kind).decode(body or b"{}")
        except msgspec.MsgspecError as error:
            raise ApiError(0, UNDECODABLE, f"the answer to {call.method} {call.path}: {error}") from error
        return decoded


def selectors(labels: str, fields: str) -> dict[str, str]:
    """The query that narrows a list or a watch."""
    query = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in query.items() if value}


def _object(resource: Resource, namespace: str, name: str, subresource: str) -> str:
    if not name:  # the path would be the collection's
        raise ApiError(400, "BadRequest", f"a name is needed to address one of {resource.plural}")
    return resource.path(namespace, name, subresource)
