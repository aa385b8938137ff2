"""What triggers look up to be built: Secrets, ConfigMaps, ServiceAccounts, pod templates, tokens.

An answer is kept for a few seconds and a question on its way is shared, so that a thousand objects that refer to one
Secret at start ask once. Nothing is kept longer: a rotated Secret counts at the next build.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import GroupVersionKindResource
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.discovery import resource_of
from scaler.kube.resources import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, Resource

KEPT = 3.0
"""Seconds that an answer counts."""


class _Data(msgspec.Struct, frozen=True):
    data: dict[str, str] | None = None


class _Meta(msgspec.Struct, frozen=True):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()


class _TemplateSpec(msgspec.Struct, frozen=True):
    template: Raw | None = None


class _Templated(msgspec.Struct, frozen=True):
    spec: _TemplateSpec = _TemplateSpec()


class Lookup:
    """Asks the API server, sparingly. None says that the object is not there; ApiError that nobody could say."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._answers: dict[tuple[str, str, str], tuple[float, asyncio.Task[Any]]] = {}

    async def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The data of a Secret, decoded."""
        found = await self._get(SECRETS, namespace, name, _Data)
        return None if found is None else {key: base64.b64decode(value) for key, value in (found.data or {}).items()}

    async def get_config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap."""
        found = await self._get(CONFIG_MAPS, namespace, name, _Data)
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
        self, namespace: str, service_account: str, seconds: float, audiences: tuple[str, ...] = ()
    ) -> str:
        """A token of a ServiceAccount that is good for that long (TokenRequest)."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": int(seconds), "audiences": list(audiences)},
        }
        answer: Raw = await self._connection.create(
            SERVICE_ACCOUNTS, namespace, body, into=dict, name=service_account, subresource="token"
        )
        return str(answer["status"]["token"])

    async def _get(self, resource: Resource, namespace: str, name: str, into: type[Any]) -> Any:
        key = (resource.plural, namespace, name)
        now = asyncio.get_running_loop().time()
        asked_at, task = self._answers.get(key, (-KEPT, None))
        if task is None or now - asked_at >= KEPT or (task.done() and (task.cancelled() or task.exception())):
            self._forget(now)
            task = asyncio.create_task(_or_none(lambda: self._connection.get(resource, namespace, name, into=into)))
            self._answers[key] = (now, task)
        return await asyncio.shield(task)

    def _forget(self, now: float) -> None:
        """Secrets do not stay in memory for longer than they count."""
        for key in [key for key, (asked_at, task) in self._answers.items() if now - asked_at >= KEPT and task.done()]:
            del self._answers[key]


async def _or_none(ask: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await ask()
    except ApiError as error:
        if error.status == 404:
            return None
        raise
