"""Who else would scale the same objects: a live KEDA, or whoever serves the external metrics API in our place.

It looks once and says what it sees; refusing to act is the caller's decision.
"""

import logging
from collections.abc import Sequence

import msgspec

from scaler.api.meta import Condition, Kind
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.lease import Holder, Lease, holder_of
from scaler.kube.resources import API_SERVICES, LEASES

logger = logging.getLogger(__name__)

KEDA_LEASE = "operator.keda.sh"
EXTERNAL_METRICS = "v1beta1.external.metrics.k8s.io"
SLACK = 15.0
"""Seconds by which clocks may differ, on top of the Lease's own duration."""


class Rival(msgspec.Struct, frozen=True):
    """Somebody whose place we would take."""

    what: str
    """What it holds."""
    who: str
    """Who it is, as far as can be seen."""
    remedy: str
    """What to do."""


class _Service(Kind, frozen=True):
    namespace: str = ""
    name: str = ""


class _ApiServiceSpec(Kind, frozen=True):
    service: _Service | None = None


class _ApiServiceStatus(Kind, frozen=True):
    conditions: tuple[Condition, ...] | None = None


class _ApiService(Kind, frozen=True):
    spec: _ApiServiceSpec = _ApiServiceSpec()
    status: _ApiServiceStatus = _ApiServiceStatus()

    @property
    def available(self) -> bool:
        return any(each.type == "Available" and each.status == "True" for each in self.status.conditions or ())


async def find_rivals(
    connection: Connection, *, now: float, our_service: tuple[str, str], namespaces: Sequence[str] = ("keda",)
) -> list[Rival]:
    """Those that are alive at `now`, in epoch seconds.

    `our_service` is namespace and name of the Service behind our own metrics API; `namespaces` are where a KEDA may
    have its Lease. What may not be read is taken for absent, with a warning.
    """
    rivals: list[Rival] = []
    api = await _read_api_service(connection)
    places = list(namespaces)
    service = api.spec.service if api else None
    if service and (service.namespace, service.name) != our_service:
        places.append(service.namespace)  # where its operator is likely to be, too
    for namespace in dict.fromkeys(places):
        holder = await _read_holder(connection, namespace)
        if holder and now - holder.renewed <= holder.duration + SLACK:
            rivals.append(_operator(namespace, holder))
    if api and service and (service.namespace, service.name) != our_service and api.available:
        rivals.append(_metrics_server(service))
    return rivals


def _operator(namespace: str, holder: Holder) -> Rival:
    return Rival(
        f"Lease {KEDA_LEASE} in namespace {namespace}",
        f"a running KEDA operator ({holder.identity})",
        f"stop it first, as by: kubectl -n {namespace} scale deployment/keda-operator --replicas=0;"
        " or install with deploy/components/beside-upstream, and take namespaces over one by one: scaler takeover",
    )


def _metrics_server(service: _Service) -> Rival:
    return Rival(
        f"APIService {EXTERNAL_METRICS}",
        f"Service {service.name} in namespace {service.namespace}",
        f"only one can serve external metrics: uninstall the other, or delete its APIService and apply ours"
        f" (kubectl delete apiservice {EXTERNAL_METRICS})",
    )


async def _read_holder(connection: Connection, namespace: str) -> Holder | None:
    try:
        return holder_of(await connection.get(LEASES, namespace, KEDA_LEASE, into=Lease))
    except ApiError as error:
        _absent(f"Lease {KEDA_LEASE} in namespace {namespace}", error)
        return None


async def _read_api_service(connection: Connection) -> _ApiService | None:
    try:
        return await connection.get(API_SERVICES, "", EXTERNAL_METRICS, into=_ApiService)
    except ApiError as error:
        _absent(f"APIService {EXTERNAL_METRICS}", error)
        return None


def _absent(what: str, error: ApiError) -> None:
    """Not there is fine, not allowed to look is worth a word; a server that does not answer is the caller's."""
    if error.status == 403:
        logger.warning("%s cannot be read, so nobody can say whether another autoscaler is at work: %s", what, error)
    elif error.status != 404:
        raise error
