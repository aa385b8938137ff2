"""A world for building triggers: Secrets, ConfigMaps, ServiceAccounts, authentications and one pod template."""

from typing import Any

import msgspec

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject
from scaler.errors import ApiError


class Books:
    """A `Lookup` over dictionaries by (namespace, name); `asked` remembers the reads."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, bytes]] = {}
        self.config_maps: dict[tuple[str, str], dict[str, str]] = {}
        self.service_accounts: dict[tuple[str, str], dict[str, str]] = {}
        self.forbidden: set[str] = set()
        self.away = False
        self.asked: list[str] = []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise ApiError(503, "ServiceUnavailable", "come back later")
        if what in self.forbidden:
            raise ApiError(403, "Forbidden", f"may not read {what}")

    async def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        self._ask(f"secret {namespace}/{name}")
        return self.secrets.get((namespace, name))

    async def get_config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        self._ask(f"configmap {namespace}/{name}")
        return self.config_maps.get((namespace, name))

    async def get_service_account(self, namespace: str, name: str) -> dict[str, str] | None:
        self._ask(f"serviceaccount {namespace}/{name}")
        return self.service_accounts.get((namespace, name))

    async def create_token(
        self, namespace: str, service_account: str, seconds: float, audiences: tuple[str, ...] = ()
    ) -> str:
        self._ask(f"token {namespace}/{service_account}")
        if (namespace, service_account) not in self.service_accounts:
            raise ApiError(404, "NotFound", f'serviceaccounts "{service_account}" not found')
        return f"token of {service_account} for {seconds:g} s{audiences or ''}"


class Stage:
    """A `World` of which everything is set by hand."""

    def __init__(self) -> None:
        self.lookup = Books()
        self.template: Raw | None = {"spec": {"containers": [{"name": "app"}]}}
        self.authentications: dict[tuple[str, str, str], TriggerAuthentication] = {}
        self.templates_asked = 0

    async def pod_template(self, scaled: ScaledObject) -> Raw | None:
        assert scaled.metadata.name
        self.templates_asked += 1
        return self.template

    def authentication(
        self, kind: str, namespace: str, name: str
    ) -> TriggerAuthentication | ClusterTriggerAuthentication | None:
        return self.authentications.get((kind, namespace, name))

    def authenticate(self, name: str, spec: dict[str, Any], *, clustered: bool = False) -> TriggerAuthentication:
        made = authentication(name, spec, clustered=clustered)
        self.authentications[made.kind, made.metadata.namespace, name] = made
        return made


def authentication(name: str, spec: dict[str, Any], *, clustered: bool = False) -> TriggerAuthentication:
    metadata = {"name": name} if clustered else {"name": name, "namespace": "shop"}
    cls = ClusterTriggerAuthentication if clustered else TriggerAuthentication
    return msgspec.convert({"metadata": metadata, "spec": spec}, cls)


def scaled_object(*triggers: dict[str, Any], **spec: Any) -> ScaledObject:
    whole = {"scaleTargetRef": {"name": "cart"}, "triggers": list(triggers), **spec}
    return msgspec.convert({"metadata": {"name": "cart", "namespace": "shop"}, "spec": whole}, ScaledObject)
