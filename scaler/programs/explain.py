"""`scaler explain`: asks the operator why, and tells it; without the operator, what the cluster shows by itself.

The operator is reached through the API server, as a proxy to the leader's pod, so that a kubeconfig is all one needs.
The question is decided nowhere here: `scaler.horizontal.explain` makes the answer.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import click
import msgspec

from scaler.api.meta import Kind, Raw
from scaler.errors import ApiError
from scaler.horizontal.explain import Explanation
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import EVENTS, HPAS, LEASES, SCALED_OBJECTS, Resource
from scaler.kube.wire import Limits, Server
from scaler.programs.leadership import BOARD_ADDRESS
from scaler.programs.reconstruction import Observed, Reconstruction, reconstruct
from scaler.programs.subjects import VPAS, Named, hpa_name, meant, named
from scaler.settings.explain import ExplainSettings

if TYPE_CHECKING:
    from scaler.programs.explain_vpa import VpaExplanation

T = TypeVar("T")


class _LeaseMeta(Kind, frozen=True):
    annotations: dict[str, str] = {}


class _LeaseSpec(Kind, frozen=True):
    holder_identity: str = ""


class _Lease(Kind, frozen=True):
    metadata: _LeaseMeta = _LeaseMeta()
    spec: _LeaseSpec = _LeaseSpec()


def run(settings: ExplainSettings, target: str) -> int:
    """Explain one object; the exit code."""
    asked = named(target)
    if asked.kind in VPAS:
        return _vpa(settings, asked.name)
    told = asyncio.run(_told(settings, asked))
    if settings.output == "text":
        from scaler.drawing import terminal
        from scaler.programs import rendering

        if isinstance(told, Explanation):
            rendering.explanation(told, terminal.console())
        else:
            rendering.reconstruction(told, terminal.console())
    else:
        click.echo(_written(told, settings.output), nl=False)
    return 0


def _vpa(settings: ExplainSettings, name: str) -> int:
    """Its columns need numpy, which the others do not wait for."""
    told = asyncio.run(_vpa_told(settings, name))
    if settings.output == "text":
        from scaler.drawing import terminal
        from scaler.programs import vpa_rendering

        vpa_rendering.explanation(told, terminal.console())
    else:
        click.echo(_spelt(msgspec.to_builtins(told), settings.output), nl=False)
    return 0


async def _vpa_told(settings: ExplainSettings, name: str) -> "VpaExplanation":
    from scaler.programs import explain_vpa

    limits = Limits(timeout=settings.timeout, patience=min(settings.timeout, 3.0))
    async with await connect(settings.kubeconfig or None, settings.context or None, limits) as connection:
        namespace = settings.namespace or connection.server.namespace or "default"
        return await explain_vpa.told(connection, namespace, name)


async def _told(settings: ExplainSettings, asked: Named) -> Explanation | Reconstruction:
    if settings.operator_url and asked.scaled:
        return await _from_url(settings, settings.namespace or "default", asked.name)
    limits = Limits(timeout=settings.timeout, patience=min(settings.timeout, 3.0))
    async with await connect(settings.kubeconfig or None, settings.context or None, limits) as connection:
        namespace = settings.namespace or connection.server.namespace or "default"
        scaled = await _scaled(connection, namespace, asked)
        name = scaled["metadata"]["name"]
        if settings.operator_url:
            return await _from_url(settings, namespace, name)
        try:
            return await _from_leader(connection, settings, namespace, name)
        except ApiError as refused:
            why = refused.message if refused.status in {0, 404} else str(refused)
            return reconstruct(await _observed(connection, namespace, scaled), why)


async def _scaled(connection: Connection, namespace: str, asked: Named) -> Raw:
    if asked.scaled:
        try:
            return await connection.get(SCALED_OBJECTS, namespace, asked.name, into=Raw)
        except ApiError as error:
            if error.status != 404:
                raise
    there = await connection.listing(SCALED_OBJECTS, namespace, into=Raw)
    return meant(asked, namespace, there.items)


# -- the operator ----------------------------------------------------------------------------------------------


async def _from_url(settings: ExplainSettings, namespace: str, name: str) -> Explanation:
    return await _direct(settings.operator_url, settings, namespace, name)


async def _direct(url: str, settings: ExplainSettings, namespace: str, name: str) -> Explanation:
    server = Server(url.rstrip("/"), tls=_trust(url))
    async with Connection(server, Limits(timeout=settings.timeout, patience=settings.timeout)) as operator:
        return await operator.request("GET", _path(namespace, name), into=Explanation)


def _path(namespace: str, name: str) -> str:
    return f"/explain/{quote(namespace, safe='')}/{quote(name, safe='')}"


def _trust(url: str) -> ssl.SSLContext | None:
    """On this machine nobody stands between, and the operator's authority is known in its cluster only."""
    if not url.startswith("https"):
        return None
    context = ssl.create_default_context()
    if _is_here(urlsplit(url).hostname or ""):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _from_leader(connection: Connection, settings: ExplainSettings, namespace: str, name: str) -> Explanation:
    home = settings.operator_namespace
    try:
        lease = await connection.get(LEASES, home, settings.leader_election_id, into=_Lease)
    except ApiError as error:
        if error.status != 404:
            raise
        message = f"there is no Lease {settings.leader_election_id} in namespace {home} (see --operator-namespace)"
        raise ApiError(404, error.reason, message) from error
    address = lease.metadata.annotations.get(BOARD_ADDRESS, "")
    if not lease.spec.holder_identity or not address:
        raise ApiError(0, "NoLeader", f"nobody holds the Lease {settings.leader_election_id} in namespace {home}")
    if _is_here(address.rpartition(":")[0].strip("[]")):
        return await _direct(f"https://{address}", settings, namespace, name)
    pod = f"https:{lease.spec.holder_identity}:{address.rpartition(':')[2]}"
    path = f"/api/v1/namespaces/{quote(home, safe='')}/pods/{quote(pod, safe=':')}/proxy{_path(namespace, name)}"
    return await connection.request("GET", path, into=Explanation)


# -- the cluster -----------------------------------------------------------------------------------------------


async def _observed(connection: Connection, namespace: str, scaled: Raw) -> Observed:
    name = scaled["metadata"]["name"]
    scale, hpa, events = await asyncio.gather(
        _scale(connection, namespace, scaled),
        _or_none(
            connection.get(HPAS, namespace, (scaled.get("status") or {}).get("hpaName") or hpa_name(scaled), into=Raw)
        ),
        _or_none(connection.listing(EVENTS, namespace, into=Raw, fields=f"involvedObject.name={name}")),
    )
    about = () if events is None else events.items
    ours = tuple(one for one in about if (one.get("involvedObject") or {}).get("kind") == "ScaledObject")
    return Observed(scaled, scale, hpa, ours)


async def _scale(connection: Connection, namespace: str, scaled: Raw) -> Raw | None:
    ref = (scaled.get("spec") or {}).get("scaleTargetRef") or {}
    name = ref.get("name")
    if not name:
        return None
    return await _or_none(connection.get(_kind(scaled, ref), namespace, name, into=Raw, subresource="scale"))


def _kind(scaled: Raw, ref: Raw) -> Resource:
    """As the status says; of an object that no operator has seen, by the rule that plurals of most kinds follow."""
    known = (scaled.get("status") or {}).get("scaleTargetGVKR")
    if known:
        return Resource(known.get("group", ""), known["version"], known["resource"])
    group, _, version = str(ref.get("apiVersion") or "apps/v1").rpartition("/")
    return Resource(group, version, f"{str(ref.get('kind') or 'Deployment').lower()}s")


async def _or_none(call: Awaitable[T]) -> T | None:
    """What may not be read, or is not there, is left out of the answer."""
    try:
        return await call
    except ApiError:
        return None


# -- for scripts -----------------------------------------------------------------------------------------------


def _written(told: Explanation | Reconstruction, form: str) -> str:
    source = "operator" if isinstance(told, Explanation) else "cluster"
    return _spelt({"source": source, **msgspec.to_builtins(told)}, form)


def _spelt(value: Raw, form: str) -> str:
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, width=1000))
