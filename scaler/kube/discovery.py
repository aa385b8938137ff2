"""Which resource a kind is, and whether it can be scaled, as the API server says; remembered by group and kind."""

import asyncio
import re
from typing import Literal

import msgspec

from scaler.api.scaledobject import GroupVersionKindResource
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.resources import Resource

TRUSTED = {
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "StatefulSet"): "statefulsets",
}
"""Kinds that every cluster has and that scale; they are never asked about (KEDA trusts the same two)."""

REFUSED_FOR = 10.0
"""Seconds for which what the server did not know stays unknown: a definition may be applied any moment."""

_SPELLING = re.compile(r"([a-z0-9][-a-z0-9.]*/)?v[a-z0-9]+")
"""Of an apiVersion; what users write must not lead elsewhere."""


class Unknown(msgspec.Struct, frozen=True):
    """The kind cannot be scaled here, and why."""

    cause: Literal["no-kind", "no-scale"]
    why: str


class _Found(msgspec.Struct, frozen=True):
    name: str
    kind: str = ""


class _Resources(msgspec.Struct, frozen=True):
    resources: list[_Found] = []


class _Served(msgspec.Struct, frozen=True):
    """What a group and version serves."""

    asked_at: float
    """Loop time."""
    plurals: dict[str, str]
    """By kind; empty when the group or version is not known."""
    scalable: frozenset[str]
    """Plurals with a scale."""


class Discovery:
    """Answers from memory where it can; a group version is asked about once for all its kinds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, _Served] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def resolve(self, api_version: str, kind: str) -> GroupVersionKindResource | Unknown:
        """The resource behind a kind; ApiError when the API server could not say."""
        group, _, version = api_version.rpartition("/")
        trusted = TRUSTED.get((api_version, kind))
        if trusted is not None:
            return GroupVersionKindResource(group, version, kind, trusted)
        served = await self._served(api_version, kind)
        if not served.plurals:
            return Unknown("no-kind", f"the API server does not know {api_version}")
        plural = served.plurals.get(kind)
        if plural is None:
            return Unknown("no-kind", f"{api_version} has no kind {kind}")
        if plural not in served.scalable:
            return Unknown("no-scale", f"{kind} of {api_version} has no /scale subresource")
        return GroupVersionKindResource(group, version, kind, plural)

    async def _served(self, api_version: str, kind: str) -> _Served:
        async with self._asking.setdefault(api_version, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            known = self._known.get(api_version)
            if known is not None and (
                known.plurals.get(kind) in known.scalable or now - known.asked_at < REFUSED_FOR
            ):
                return known
            found = await self._ask(api_version)
            plurals = {each.kind: each.name for each in found if "/" not in each.name}
            scalable = {each.name.removesuffix("/scale") for each in found if each.name.endswith("/scale")}
            served = _Served(now, plurals, frozenset(scalable))
            self._known[api_version] = served
            return served

    async def _ask(self, api_version: str) -> list[_Found]:
        if not _SPELLING.fullmatch(api_version):
            return []
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            return (await self._connection.request("GET", path, into=_Resources)).resources
        except ApiError as error:
            if error.status == 404:
                return []
            raise


def resource_of(target: GroupVersionKindResource) -> Resource:
    """Where a resolved target lives."""
    return Resource(target.group, target.version, target.resource)
