"""`scaler explain`: asks the operator why, and tells it; without the operator, what the cluster shows by itself.

The operator is asked through the API server, by the same way that its metrics take, so that a kubeconfig is all one
needs, and the right to read the object. The question is decided nowhere here: `scaler.horizontal.explain` makes the
answer.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from scaler.api.meta import Raw
from scaler.errors import ApiError
from scaler.horizontal.explain import Explanation
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import EVENTS, EXPLANATIONS, HPAS, SCALED_OBJECTS, Resource
from scaler.kube.wire import Limits
from scaler.programs.reconstruction import Observed, Reconstruction, reconstruct
from scaler.programs.subjects import VPAS, Named, hpa_name, meant, named
from scaler.settings.explain import ExplainSettings

if TYPE_CHECKING:
    from scaler.programs.explain_vpa import VpaExplanation

T = TypeVar("T")


NOT_SERVED = f"this API server does not serve {EXPLANATIONS.api_version}: apply deploy/, which has its APIService"


class _Document(msgspec.Struct, frozen=True):
    """What the API server hands on."""

    status: Explanation


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
    limits = Limits(timeout=settings.timeout, patience=min(settings.timeout, 3.0))
    async with await connect(settings.kubeconfig or None, settings.context or None, limits) as connection:
        namespace = settings.namespace or connection.server.namespace or "default"
        scaled = await _scaled(connection, namespace, asked)
        name = scaled["metadata"]["name"]
        try:
            found = await connection.get(EXPLANATIONS, namespace, name, into=_Document)
        except ApiError as refused:
            return reconstruct(await _observed(connection, namespace, scaled), _why(refused, name))
        return found.status


def _why(refused: ApiError, name: str) -> str:
    """Why the operator gave no explanation; only our own programs name the object in a 404."""
    if refused.status == 404:
        return refused.message if name in refused.message else NOT_SERVED
    return refused.message if refused.status == 503 else str(refused)


async def _scaled(connection: Connection, namespace: str, asked: Named) -> Raw:
    if asked.scaled:
        try:
            return await connection.get(SCALED_OBJECTS, namespace, asked.name, into=Raw)
        except ApiError as error:
            if error.status != 404:
                raise
    there = await connection.listing(SCALED_OBJECTS, namespace, into=Raw)
    return meant(asked, namespace, there.items)


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
