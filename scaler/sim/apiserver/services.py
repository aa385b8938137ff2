"""Where a Service leads: the way from this server to others, for aggregated groups and webhooks."""

from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Object


class Unreachable(Exception):
    """A Service leads nowhere, with the reason in one word and in many."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def address(registry: Registry, namespace: str, name: str, port: int) -> tuple[str, int]:
    """Host and port: the external name of an ExternalName Service, else the first address of its Endpoints."""
    stored = registry.store.table("services").objects.get((namespace, name))
    if stored is None:
        raise Unreachable("ServiceNotFound", f'service/{name} in "{namespace}" is not present')
    if at(stored.object, "spec.type") == "ExternalName":
        return stored.object["spec"]["externalName"], port
    return _endpoint(registry, namespace, name)


def _endpoint(registry: Registry, namespace: str, name: str) -> tuple[str, int]:
    endpoints = registry.store.table("endpoints").objects.get((namespace, name))
    subsets: list[Object] = (endpoints.object.get("subsets") or []) if endpoints else []
    for subset in subsets:
        if subset.get("addresses") and subset.get("ports"):
            return subset["addresses"][0]["ip"], subset["ports"][0]["port"]
    raise Unreachable("MissingEndpoints", f'endpoints for service/{name} in "{namespace}" have no addresses')


def host_name(namespace: str, name: str) -> str:
    """What the certificate of a server behind a Service is for."""
    return f"{name}.{namespace}.svc"
