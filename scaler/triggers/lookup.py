"""The port by which secrets and the like are read for triggers; the room that speaks to Kubernetes fills it."""

from typing import Protocol

import msgspec

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject
from scaler.errors import ApiError

_FORBIDDEN = frozenset({401, 403})


class Lookup(Protocol):
    """Reads of single objects. None where there is none; ApiError where the API server does not say."""

    async def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The data of a Secret, decoded."""
        ...

    async def get_config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap."""
        ...

    async def get_service_account(self, namespace: str, name: str) -> dict[str, str] | None:
        """The annotations of a ServiceAccount."""
        ...

    async def create_token(
        self, namespace: str, service_account: str, seconds: float, audiences: tuple[str, ...] = ()
    ) -> str:
        """A token of a ServiceAccount that lasts about so long."""
        ...


class World(Protocol):
    """What triggers of an object are built from besides the object itself."""

    @property
    def lookup(self) -> Lookup:
        """Secrets and the like."""
        ...

    async def pod_template(self, scaled: ScaledObject) -> Raw | None:
        """spec.template of the target, None where the target has none. ApiError where the API server does not say."""
        ...

    def authentication(
        self, kind: str, namespace: str, name: str
    ) -> TriggerAuthentication | ClusterTriggerAuthentication | None:
        """An authentication of that kind (the cluster's have no namespace)."""
        ...


class Access(msgspec.Struct, frozen=True):
    """What the installation allows triggers to read."""

    cluster_namespace: str = "kube-scaler"
    """Namespace of the Secrets and ConfigMaps that ClusterTriggerAuthentications name."""
    restrict_secret_access: bool = False
    """Secrets of any other namespace stay unread."""
    token_seconds: float = 3600.0
    """Lifetime of the ServiceAccount tokens that are asked for."""
    file_root: str = ""
    """Folder of the files that filePath may name; none may when empty."""


class Reader:
    """Reads values for one object's triggers: what is missing becomes a note and an empty text, as upstream."""

    def __init__(self, lookup: Lookup, access: Access) -> None:
        self._lookup = lookup
        self._access = access
        self.notes: list[str] = []
        """What was missing, in words."""

    async def secret(self, namespace: str, name: str, *, optional: bool = False) -> dict[str, str]:
        """All of a Secret; empty, with a note unless it is optional, where there is none to be read."""
        if self._access.restrict_secret_access and namespace != self._access.cluster_namespace:
            self.note(f"secret {name} in {namespace} is not read: secret access is restricted to the operator's own")
            return {}
        try:
            data = await self._lookup.get_secret(namespace, name)
        except ApiError as error:
            self._forbidden(error, f"secret {name} in {namespace}")
            return {}
        if data is None and not optional:
            self.note(f"there is no secret {name} in {namespace}")
        return {key: value.decode(errors="replace") for key, value in (data or {}).items()}

    async def config_map(self, namespace: str, name: str, *, optional: bool = False) -> dict[str, str]:
        """All of a ConfigMap, likewise."""
        try:
            data = await self._lookup.get_config_map(namespace, name)
        except ApiError as error:
            self._forbidden(error, f"configmap {name} in {namespace}")
            return {}
        if data is None and not optional:
            self.note(f"there is no configmap {name} in {namespace}")
        return data or {}

    def value(self, data: dict[str, str], key: str, what: str, *, optional: bool = False) -> str:
        """One key of what was read; an empty text with a note where the key is not there."""
        if data and key not in data and not optional:
            self.note(f"{what} has no key {key}")
        return data.get(key, "")

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _forbidden(self, error: ApiError, what: str) -> None:
        if error.status not in _FORBIDDEN:
            raise error
        self.note(f"{what} may not be read: let the operator's ServiceAccount get it")
