"""Which resource a kind is, and whether it can be scaled, as the API server says; remembered by group and kind."""

import asyncio
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

REFUSED_FOR = 30.0
"""Seconds for which a kind that the server did not know stays unknown: its CRD may be applied any moment."""


class Unknown(msgspec.Struct, frozen=True):
    """The kind cannot be scaled here, and why."""

    cause: Literal["no-kind", "no-scale"]
    why: str


class _Found(msgspec.Struct, frozen=True):
    name: str
    kind: str


class _Resources(msgspec.Struct, frozen=True):
    resources: list[_Found] = []


class Discovery:
    """Answers from memory where it can; a group version is asked about once for all its kinds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, tuple[float, _Resources | None]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def resolve(self, api_version: str, kind: str) -> GroupVersionKindResource | Unknown:
        """The resource behind a kind; ApiError when the API server could not say."""
        group, _, version = api_version.rpartition("/")
        plural = TRUSTED.get((api_version, kind))
        if plural is not None:
            return GroupVersionKindResource(group, version, kind, plural)
        found = await self._resources(api_version, kind)
        if found is None:
            return Unknown("no-kind", f"the API server does not know {api_version}")
        names = {each.name: each for each in found.resources}
        plural = next((name for name, each in names.items() if each.kind == kind and "/" not in name), None)
        if plural is None:
            return Unknown("no-kind", f"{api_version} has no kind {kind}")
        if f"{plural}/scale" not in names:
            return Unknown("no-scale", f"{kind} of {api_version} has no /scale subresource")
        return GroupVersionKindResource(group, version, kind, plural)

    async def _resources(self, api_version: str, kind: str) -> _Resources | None:
        async with self._asking.setdefault(api_version, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            asked_at, found = self._known.get(api_version, (-REFUSED_FOR, None))
            missing = found is None or not any(each.kind == kind for each in found.resources)
            if missing and now - asked_at >= REFUSED_FOR:
                found = await self._ask(api_version)
                self._known[api_version] = (now, found)
            return found

    async def _ask(self, api_version: str) -> _Resources | None:
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            return await self._connection.request("GET", path, into=_Resources)
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def resource_of(target: GroupVersionKindResource) -> Resource:
    """Where a resolved target lives."""
    return Resource(target.group, target.version, target.resource)
