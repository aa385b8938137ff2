"""Whether upstream's recommender or updater is alive.

Two that write the same statuses undo each other's work each minute, two that move the same pods use up each budget
twice. Seen are the Lease that each holds when it is told to, a Deployment under its usual name, and checkpoints that
somebody else wrote a moment ago. It looks once and says what it sees; refusing to act is the caller's decision.
"""

import logging

from scaler.api.meta import Kind
from scaler.api.verticalpodautoscaler import VerticalPodAutoscalerSpec
from scaler.clock import from_rfc3339
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.lease import Lease, holder_of
from scaler.kube.resources import DEPLOYMENTS, LEASES, VPA_CHECKPOINTS, VPAS
from scaler.kube.upstream import SLACK, Rival
from scaler.kube.wire import USER_AGENT

logger = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-system"
RECOMMENDER_LEASES = ("vpa-recommender-lease", "vpa-recommender")
"""Its own, and the one of older releases and of GKE's."""
UPDATER_LEASES = ("vpa-updater-lease", "vpa-updater")
MANAGER = "recommender"
"""Part of the field manager's name that upstream's program has with the API server: that of its binary."""
RECENT = 180.0
"""Seconds: a recommender writes its checkpoints every minute, as far as its call limit goes."""


class _Named(Kind, frozen=True):
    name: str = ""
    namespace: str = ""


class _Status(Kind, frozen=True):
    ready_replicas: int = 0


class _Deployment(Kind, frozen=True):
    metadata: _Named = _Named()
    status: _Status = _Status()


class _Manager(Kind, frozen=True):
    manager: str = ""
    time: str | None = None


class _Managed(Kind, frozen=True):
    name: str = ""
    namespace: str = ""
    managed_fields: tuple[_Manager, ...] = ()


class _Spec(Kind, frozen=True):
    vpa_object_name: str = ""


class _Vpa(Kind, frozen=True):
    spec: VerticalPodAutoscalerSpec = VerticalPodAutoscalerSpec()


class _Checkpoint(Kind, frozen=True):
    metadata: _Managed = _Managed()
    spec: _Spec = _Spec()


async def find_recommenders(
    connection: Connection, *, now: float, name: str, namespaces: tuple[str, ...]
) -> list[Rival]:
    """Those that are alive at `now`, in epoch seconds, under the recommender's name that is to be ours.

    A Lease and a Deployment say nothing of the name, so they count only for the default one. What may not be read is
    taken for absent, with a warning.
    """
    rivals = []
    if name == "default":
        remedy = "{}; or serve other objects than it, by another --recommender-name"
        rivals += await _leases(connection, now, RECOMMENDER_LEASES, "recommender", remedy)
        rivals += await _deployments(connection, "recommender", remedy)
    return rivals or await _writers(connection, now, name, namespaces)


async def find_updaters(connection: Connection, *, now: float) -> list[Rival]:
    """Updaters that are alive at `now`, in epoch seconds; what may not be read is absent, with a warning."""
    leases = await _leases(connection, now, UPDATER_LEASES, "updater", "{}")
    return leases + await _deployments(connection, "updater", "{}")


async def _leases(
    connection: Connection, now: float, names: tuple[str, ...], program: str, remedy: str
) -> list[Rival]:
    found = []
    for name in names:
        try:
            holder = holder_of(await connection.get(LEASES, LEASE_NAMESPACE, name, into=Lease))
        except ApiError as error:
            _absent(f"Lease {name} in namespace {LEASE_NAMESPACE}", error)
            continue
        if holder and now - holder.renewed <= holder.duration + SLACK:
            what = f"Lease {name} in namespace {LEASE_NAMESPACE}"
            who = f"a running VPA {program} ({holder.identity})"
            found.append(Rival(what, who, remedy.format(_stop(LEASE_NAMESPACE, program))))
    return found


async def _deployments(connection: Connection, program: str, remedy: str) -> list[Rival]:
    name = f"vpa-{program}"
    try:
        listing = await connection.listing(DEPLOYMENTS, into=_Deployment, fields=f"metadata.name={name}")
    except ApiError as error:
        _absent(f"Deployments named {name}", error)
        return []
    return [
        Rival(
            f"Deployment {name} in namespace {one.metadata.namespace}",
            f"a running VPA {program} ({one.status.ready_replicas} ready)",
            remedy.format(_stop(one.metadata.namespace, program)),
        )
        for one in listing.items
        if one.status.ready_replicas
    ]


async def _writers(connection: Connection, now: float, name: str, namespaces: tuple[str, ...]) -> list[Rival]:
    try:
        for namespace in namespaces or ("",):
            listing = await connection.listing(VPA_CHECKPOINTS, namespace, into=_Checkpoint)
            for one in listing.items:
                rival = _writer(one, now)
                if rival is not None and await _is_ours(connection, one, name):
                    return [rival]
    except ApiError as error:
        _absent("VerticalPodAutoscalerCheckpoints", error)
    return []


async def _is_ours(connection: Connection, checkpoint: _Checkpoint, name: str) -> bool:
    """Whether the checkpoint's object is to have its recommendation from the recommender of that name."""
    fields = f"metadata.name={checkpoint.spec.vpa_object_name}"
    listing = await connection.listing(VPAS, checkpoint.metadata.namespace, into=_Vpa, fields=fields)
    return any(one.spec.recommender == name for one in listing.items)


def _writer(checkpoint: _Checkpoint, now: float) -> Rival | None:
    for manager in checkpoint.metadata.managed_fields:
        recommender = MANAGER in manager.manager and manager.manager != USER_AGENT
        if recommender and manager.time and now - from_rfc3339(manager.time) < RECENT:
            what = f"checkpoint {checkpoint.metadata.name} in namespace {checkpoint.metadata.namespace}"
            who = f"{manager.manager}, which wrote it at {manager.time}"
            return Rival(what, who, "stop that recommender first, or give one of the two another --recommender-name")
    return None


def _stop(namespace: str, program: str) -> str:
    return f"stop it first, as by: kubectl -n {namespace} scale deployment/vpa-{program} --replicas=0"


def _absent(what: str, error: ApiError) -> None:
    """Not there is fine, not allowed to look is worth a word; a server that does not answer is the caller's."""
    if error.status == 403:
        logger.warning("%s cannot be read, so nobody can say whether another one is at work: %s", what, error)
    elif error.status != 404:
        raise error
