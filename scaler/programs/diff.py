"""`scaler diff`: looks at a cluster once, judges it, and says where we would have decided otherwise. Writes nothing.

What a difference is, is `scaler.programs.difference`'s business. Metrics are asked of the API server as the HPA
controller asks for them, so that whoever serves them answers; requests come from one round of our recommender.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from typing import TypeVar
from urllib.parse import quote

import click
import msgspec

from scaler.api.meta import Kind, Raw
from scaler.api.scaledobject import NAME_LABEL, GroupVersionKindResource, ScaledObject
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import ApiError
from scaler.horizontal.readings import Failure, NoScale, Policy, Reading, Scale, Subject, TriggerPlan
from scaler.horizontal.status import memory_from
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import DEPLOYMENTS, HPAS, SCALED_OBJECTS, STATEFUL_SETS, VPAS, Resource
from scaler.kube.wire import Limits
from scaler.process import logs
from scaler.programs.difference import (
    Case,
    Difference,
    Prices,
    ReplicasLine,
    RequestsLine,
    Sized,
    replicas_line,
    requests_lines,
)
from scaler.quantity import parse_quantity
from scaler.settings.diff import DiffSettings
from scaler.vertical.amounts import Amounts, Bounds
from scaler.vertical.quantities import amounts_of

T = TypeVar("T")

METRICS = "/apis/external.metrics.k8s.io/v1beta1"
AT_ONCE = 16
"""ScaledObjects looked at at a time."""


class _Value(Kind, frozen=True):
    value: str | float = ""


class _Values(Kind, frozen=True):
    items: tuple[_Value, ...] = ()


def run(settings: DiffSettings) -> int:
    """Look, judge, tell; the exit code."""
    logs.configure("text", "error")
    found = asyncio.run(_found(settings))
    if settings.output == "text":
        from scaler.programs.difference_shown import show

        show(found, settings.money.currency, everything=settings.show_same)
    else:
        click.echo(_written(found, settings.output), nl=False)
    return 0


async def _found(settings: DiffSettings) -> Difference:
    looking, money = settings.looking, settings.money
    limits = Limits(timeout=looking.timeout, patience=min(looking.timeout, 3.0))
    async with await connect(looking.kubeconfig or None, looking.context or None, limits) as connection:
        own = looking.namespace or connection.server.namespace or "default"
        look = _Look(
            connection,
            namespace="" if looking.all_namespaces else own,
            policy=Policy(settings.supposed.no_data, settings.supposed.activate_to),
            prices=Prices(money.price_core, money.price_gib),
        )
        replicas = await look.replicas()
        requests = await look.requests()
        return Difference(tuple(replicas), tuple(requests), tuple(look.notes))


class _Look:
    """One look at a cluster."""

    def __init__(self, connection: Connection, *, namespace: str, policy: Policy, prices: Prices) -> None:
        self._connection = connection
        self._namespace = namespace
        self._policy = policy
        self._prices = prices
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.notes: list[str] = []

    # -- replicas --------------------------------------------------------------------------------------------------

    async def replicas(self) -> list[ReplicasLine]:
        """Every ScaledObject, judged once."""
        found = await self._listed(SCALED_OBJECTS, ScaledObject, "ScaledObjects")
        return await asyncio.gather(*(self._scaled(one) for one in found))

    async def _scaled(self, scaled: ScaledObject) -> ReplicasLine:
        from scaler.triggers.built import planned  # brings clients along

        meta, spec = scaled.metadata, scaled.spec
        formula = spec.advanced.scaling_modifiers.used
        plans = tuple(planned(index, entry, as_metric_source=formula) for index, entry in enumerate(spec.triggers))
        target = scaled.status.scale_target_gvkr or _target(scaled)
        async with self._gate:
            resource = Resource(target.group, target.version, target.resource)
            scale = await self._scale(resource, meta.namespace, spec.scale_target_ref.name)
            hpa = await _or_none(self._connection.get(HPAS, meta.namespace, scaled.hpa_name, into=Raw))
            body = await _or_none(
                self._connection.get(resource, meta.namespace, spec.scale_target_ref.name, into=Raw)
            )
            readings = [await self._read(scaled, plan, name) for plan in plans for name in _names(plan)]
        now = time.time()
        subject = Subject(scaled, plans, target)
        case = Case(subject, tuple(readings), scale, memory_from(scaled, now), now, hpa, _sum(requested(body)))
        return replicas_line(case, self._policy, self._prices)

    async def _scale(self, resource: Resource, namespace: str, name: str) -> Scale | NoScale:
        try:
            found = await self._connection.get(resource, namespace, name, into=Raw, subresource="scale")
        except ApiError as error:
            return NoScale(f"{resource.plural}/{name} cannot be read: {error.message}")
        return Scale(int((found.get("spec") or {}).get("replicas", 0)))

    async def _read(self, scaled: ScaledObject, plan: TriggerPlan, metric: str) -> Reading | Failure:
        """What the HPA controller would be told of it now."""
        namespace, name = scaled.metadata.namespace, scaled.metadata.name
        path = f"{METRICS}/namespaces/{quote(namespace, safe='')}/{quote(metric, safe='')}"
        now = time.time()
        try:
            told = await self._connection.request(
                "GET", path, into=_Values, query={"labelSelector": f"{NAME_LABEL}={name}"}
            )
            value = float(parse_quantity(told.items[0].value))
        except (ApiError, IndexError, ValueError) as wrong:
            why = wrong.message if isinstance(wrong, ApiError) else "the answer holds no value"
            return Failure(plan.index, metric, why, now)
        activation = next((spec.activation for spec in plan.metrics if spec.name == metric), 0.0)
        return Reading(plan.index, metric, value, value > activation, now)

    # -- requests --------------------------------------------------------------------------------------------------

    async def requests(self) -> list[RequestsLine]:
        """Every VerticalPodAutoscaler, by one round of our recommender with its hands tied."""
        vpas = await self._listed(VPAS, VerticalPodAutoscaler, "VerticalPodAutoscalers")
        if not vpas:
            return []
        from scaler.clock import SystemClock
        from scaler.process.running import Watch
        from scaler.programs.recommender import Recommender
        from scaler.settings.recommender import Keeping, RecommenderSettings
        from scaler.settings.vertical import VpaObjects
        from scaler.vertical.recommending import recommendation

        settings = RecommenderSettings(
            objects=VpaObjects(vpa_object_namespace=self._namespace), keeping=Keeping(recommendation_only=True)
        )
        rounds = await Recommender(settings, self._connection, Watch(), SystemClock()).judge_once()
        assert rounds.judged is not None
        lines: list[RequestsLine] = []
        for vpa in vpas:
            subject = next((one for one in rounds.plan.subjects if one.key == _key(vpa)), None)
            ours, samples = dict[str, Bounds](), dict[str, int]()
            if subject is not None:
                number = rounds.numbers[subject]
                ours = dict(recommendation(rounds.plan, rounds.judged, number))
                groups = range(rounds.plan.begins[number], rounds.plan.begins[number + 1])
                samples = {rounds.plan.names[one]: int(rounds.judged.evidence.samples[one]) for one in groups}
            lines += await self._sized(vpa, ours, samples)
        return lines

    async def _sized(
        self, vpa: VerticalPodAutoscaler, ours: dict[str, Bounds], samples: dict[str, int]
    ) -> list[RequestsLine]:
        ref, namespace = vpa.spec.target_ref, vpa.metadata.namespace
        kind, name, body = ("", "", None) if ref is None else (ref.kind, ref.name, None)
        if ref is not None:
            group, _, version = (ref.api_version or "apps/v1").rpartition("/")
            resource = Resource(group, version, f"{kind.lower()}s")
            body = await _or_none(self._connection.get(resource, namespace, name, into=Raw))
        standing = vpa.status.recommendation
        given = standing.container_recommendations if standing is not None else ()
        sized = Sized(
            namespace=namespace,
            name=vpa.metadata.name,
            workload=f"{kind}/{name}",
            replicas=int(((body or {}).get("spec") or {}).get("replicas", 1)),
            requested=requested(body),
            theirs={one.container_name: amounts_of(one.target) for one in given},
            ours=ours,
            samples=samples,
        )
        return requests_lines(sized, self._prices)

    async def _listed(self, resource: Resource, into: type[T], what: str) -> list[T]:
        try:
            return list((await self._connection.listing(resource, self._namespace, into=into)).items)
        except ApiError as error:
            if error.status != 404:
                self.notes.append(f"{what} cannot be looked at: {error.message}")
            return []


def requested(body: Raw | None) -> dict[str, Amounts]:
    """What the containers of a workload's template request."""
    pod = ((((body or {}).get("spec") or {}).get("template") or {}).get("spec")) or {}
    return {
        one["name"]: amounts_of(((one.get("resources") or {}).get("requests")) or {})
        for one in pod.get("containers") or ()
    }


def _sum(containers: Mapping[str, Amounts]) -> Amounts:
    total: dict[str, int] = {}
    for amounts in containers.values():
        for resource, amount in amounts.items():
            total[resource] = total.get(resource, 0) + amount
    return total  # type: ignore[return-value]


def _names(plan: TriggerPlan) -> list[str]:
    return [spec.name for spec in plan.metrics]


def _key(vpa: VerticalPodAutoscaler) -> tuple[str, str]:
    return (vpa.metadata.namespace, vpa.metadata.name)


def _target(scaled: ScaledObject) -> GroupVersionKindResource:
    """As the manifest says; plurals of most kinds follow the rule."""
    ref = scaled.spec.scale_target_ref
    group, _, version = (ref.api_version or "apps/v1").rpartition("/")
    kind = ref.kind or "Deployment"
    known = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}.get(kind)
    return GroupVersionKindResource(group, version, kind, known.plural if known else f"{kind.lower()}s")


async def _or_none(call: Awaitable[T]) -> T | None:
    try:
        return await call
    except ApiError:
        return None


def _written(found: Difference, form: str) -> str:
    from scaler.programs.difference import summary

    told = {"summary": summary(found), "monthly": round(found.monthly, 2), **msgspec.to_builtins(found)}
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(told)).decode() + "\n"
    import yaml

    return str(yaml.safe_dump(told, sort_keys=False, width=1000))
