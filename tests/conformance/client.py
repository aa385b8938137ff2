"""A plain asynchronous client of the Kubernetes API: sends what a test says, shows what came back.

It shares nothing with the product, retries nothing and hides nothing.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec

from tests.controlplane.api import PATCH_TYPES, Api

Object = dict[str, Any]

BUILTIN_ROOTS = {
    "namespaces": "/api/v1",
    "pods": "/api/v1",
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "serviceaccounts": "/api/v1",
    "events": "/api/v1",
    "nodes": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "leases": "/apis/coordination.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
    "apiservices": "/apis/apiregistration.k8s.io/v1",
}


class Reply:
    """An answer as it came."""

    def __init__(self, status: int, headers: Any, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.content)

    @property
    def reason(self) -> str | None:
        return self.body.get("reason")

    def ok(self) -> Any:
        """The body of an answer that must be a success."""
        assert self.status < 300, f"{self.status}: {self.content.decode(errors='replace')}"
        return self.body

    def refused(self, status: int, reason: str) -> Any:
        """The Status of an answer that must be this refusal."""
        assert (self.status, self.reason) == (status, reason), self.content.decode(errors="replace")
        assert self.body["code"] == status
        assert self.body["kind"] == "Status"
        assert self.body["status"] == "Failure"
        return self.body

    def fields(self) -> list[tuple[str, str]]:
        """Field and reason of each cause of a refusal, in order of their fields."""
        causes = self.body["details"].get("causes", ())
        return sorted((cause.get("field", ""), cause["reason"]) for cause in causes)


class Stream:
    """The events of a watch, one at a time."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self, seconds: float = 10.0) -> tuple[str, Object]:
        """The next event: its type and object. Fails when none comes in time or the stream has ended."""
        async with asyncio.timeout(seconds):
            line = await self.response.content.readline()
        assert line, "the watch has ended"
        event = msgspec.json.decode(line)
        return event["type"], event["object"]

    async def types(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the next so many events."""
        events = [await self.next() for _ in range(count)]
        return [(kind, obj["metadata"]["name"]) for kind, obj in events]

    async def until(self, holds: Callable[[str, Object], bool], seconds: float = 20.0) -> tuple[str, Object]:
        async with asyncio.timeout(seconds):
            while True:
                kind, obj = await self.next(seconds)
                if holds(kind, obj):
                    return kind, obj

    async def silence(self, seconds: float = 0.5) -> None:
        """Nothing comes for that long."""
        try:
            event = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"something came: {event}")

    async def ended(self, seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            assert await self.response.content.readline() == b""


class Client:
    """One server; paths are given in full or by `path`."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.tls = tls
        self.headers = headers or {}

    @classmethod
    def of(cls, kubeconfig: Path) -> Self:
        api = Api(kubeconfig)
        headers = {"Authorization": f"Bearer {api._token}"} if api._token else {}
        return cls(api.url, api._ssl, headers)

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(self.url, headers=self.headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def call(self, method: str, path: str, content: bytes | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if content is None else io.BytesIO(content)
        async with self.session.request(method, path, data=body, headers=named, ssl=self.tls or True) as response:
            return Reply(response.status, response.headers, await response.read())

    async def send(self, method: str, path: str, body: Any, media: str = "application/json", **query: str) -> Reply:
        content = None if body is None else msgspec.json.encode(body)
        return await self.call(method, _with_query(path, query), content, Content_Type=media)

    async def get(self, path: str, accept: str = "application/json", **query: str) -> Reply:
        return await self.call("GET", _with_query(path, query), Accept=accept)

    async def create(self, path: str, body: Any, **query: str) -> Reply:
        return await self.send("POST", path, body, **query)

    async def replace(self, path: str, body: Any, **query: str) -> Reply:
        return await self.send("PUT", path, body, **query)

    async def patch(self, path: str, body: Any, how: str = "merge", **query: str) -> Reply:
        return await self.send("PATCH", path, body, PATCH_TYPES[how], **query)

    async def delete(self, path: str, body: Any = None, **query: str) -> Reply:
        return await self.send("DELETE", path, body, **query)

    @asynccontextmanager
    async def watch(self, path: str, accept: str = "application/json", **query: str) -> AsyncIterator[Stream]:
        where = _with_query(path, {"watch": "true", **query})
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.session.get(
            where, headers={"Accept": accept}, ssl=self.tls or True, timeout=timeout
        ) as response:
            assert response.status == 200, await response.text()
            yield Stream(response)

    async def until(self, path: str, holds: Callable[[Object], bool], seconds: float = 30.0) -> Object:
        """The object once it is as wanted; looks ten times a second."""
        last: Any = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    reply = await self.get(path)
                    last = reply.body if reply.status == 200 else reply.content
                    if reply.status == 200 and holds(last):
                        return last
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{path} did not become as wanted, it is {last}") from None

    async def gone(self, path: str, seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while True:
                if (await self.get(path)).status == 404:
                    return
                await asyncio.sleep(0.1)


def path(plural: str, namespace: str = "", name: str = "", subresource: str = "", root: str = "") -> str:
    """The path of a collection, an object, or a subresource."""
    within = f"/namespaces/{namespace}" if namespace else ""
    parts = [part for part in (name, subresource) if part]
    return "/".join([f"{root or BUILTIN_ROOTS[plural]}{within}/{plural}", *parts])


def _with_query(where: str, query: dict[str, str]) -> str:
    return where + "?" + "&".join(f"{key}={_quoted(value)}" for key, value in query.items()) if query else where


def _quoted(value: str) -> str:
    return quote(str(value), safe="")
