"""What triggers look up to be built: Secrets, ConfigMaps, ServiceAccounts, pod templates, tokens.

Many triggers name the same Secret: one question at a time is sent for each, and its answer serves for a few seconds.
No Secret is watched, none is kept longer, and a rotated one counts at the next build.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import GroupVersionKindResource
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.discovery import resource_of
from scaler.kube.resources import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, Resource

T = TypeVar("T")


class _Secret(msgspec.Struct, frozen=True):
    data: dict[str, bytes] | None = None


class _ConfigMap(msgspec.Struct, frozen=True):
    data: dict[str, str] | None = None


class _AnnotatedMeta(msgspec.Struct, frozen=True):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct, frozen=True):
    metadata: _AnnotatedMeta = _AnnotatedMeta()


class _TemplatedSpec(msgspec.Struct, frozen=True):
    template: Raw | None = None


class _Templated(msgspec.Struct, frozen=True):
    spec: _TemplatedSpec = _TemplatedSpec()


class _TokenStatus(msgspec.Struct, frozen=True):
    token: str


class _Token(msgspec.Struct, frozen=True):
    status: _TokenStatus


class Lookup:
    """Single objects by name, each asked for once in `ttl` seconds.

    None says that the object is not there; ApiError that nobody could say.
    """

    def __init__(self, connection: Connection, *, ttl: float = 3.0) -> None:
        self._connection = connection
        self._ttl = ttl
        self._answers: dict[Hashable, asyncio.Task[Any]] = {}

    async def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The data of a Secret, decoded."""
        found = await self._get(SECRETS, namespace, name, _Secret)
        return None if found is None else found.data or {}

    async def get_config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap; its binary part is left out."""
        found = await self._get(CONFIG_MAPS, namespace, name, _ConfigMap)
        return None if found is None else found.data or {}

    async def get_service_account(self, namespace: str, name: str) -> dict[str, str] | None:
        """The annotations of a ServiceAccount."""
        found = await self._get(SERVICE_ACCOUNTS, namespace, name, _Annotated)
        return None if found is None else found.metadata.annotations or {}

    async def get_pod_template(self, target: GroupVersionKindResource, namespace: str, name: str) -> Raw | None:
        """spec.template of a workload; None also for one that has none."""
        found = await self._get(resource_of(target), namespace, name, _Templated)
        return None if found is None else found.spec.template

    async def create_token(
        self, namespace: str, service_account: str, seconds: float, audiences: Sequence[str] = ()
    ) -> str:
        """A new token of a ServiceAccount (TokenRequest); the server may shorten or lengthen its life."""
        spec = {"expirationSeconds": int(seconds), "audiences": list(audiences)}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        made = await self._connection.create(
            SERVICE_ACCOUNTS, namespace, body, name=service_account, subresource="token", into=_Token
        )
        return made.status.token

    async def _get(self, resource: Resource, namespace: str, name: str, into: type[T]) -> T | None:
        async def fetch() -> T | None:
            try:
                return await self._connection.get(resource, namespace, name, into=into)
            except ApiError as error:
                if error.status == 404:
                    return None
                raise

        return await self._shared((resource, namespace, name, into), fetch)

    async def _shared(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        task = self._answers.get(key)
        if task is None:
            task = asyncio.ensure_future(fetch())
            self._answers[key] = task
            task.add_done_callback(lambda done: self._answered(key, done))
        # One caller that gives up must not take the answer from the others.
        answer: T = await asyncio.shield(task)
        return answer

    def _answered(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        failed = task.cancelled() or task.exception() is not None
        asyncio.get_running_loop().call_later(0 if failed else self._ttl, self._forget, key, task)

    def _forget(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        if self._answers.get(key) is task:
            del self._answers[key]
