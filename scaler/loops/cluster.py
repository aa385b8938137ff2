"""The cluster as the loops see it: one answer for each question that judgement or a trigger has about it.

Answers come from informers where there is one, and from the API server where that is rarer than watching would be.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from scaler.actions import SetReplicas
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import Kind, Raw
from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import ApiError
from scaler.horizontal.plans import Resolved, Unresolved
from scaler.horizontal.readings import NoScale, Scale, Subject
from scaler.kube.connection import Connection
from scaler.kube.discovery import Discovery
from scaler.kube.informer import Informer
from scaler.kube.lookup import Lookup
from scaler.kube.pods import Pods
from scaler.kube.resources import HPAS, VPAS, Resource
from scaler.kube.workloads import NoTarget, Workloads
from scaler.loops.authentications import Authentications
from scaler.loops.hpas import HpaCopy, decoded, manifests, place

LIMIT_RANGES = Resource("", "v1", "limitranges")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")


class PodFacts(msgspec.Struct, frozen=True):
    """What a trigger wants to know of a pod."""

    phase: str
    node_name: str


class Endpoint(msgspec.Struct, frozen=True):
    """One address behind a Service."""

    address: str
    ports: tuple[int, ...]


class _Port(Kind, frozen=True):
    port: int | None = None


class _Conditions(Kind, frozen=True):
    ready: bool | None = None


class _Endpoint(Kind, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: _Conditions = _Conditions()


class _Slice(Kind, frozen=True):
    endpoints: tuple[_Endpoint, ...] | None = None
    ports: tuple[_Port, ...] | None = None


def _sized(vpa: VerticalPodAutoscaler) -> tuple[str, ...]:
    """The workload that a VPA sizes, as the index has it."""
    ref = vpa.spec.target_ref
    return (place(vpa.metadata.namespace, ref.kind, ref.name),) if ref is not None else ()


def _age(vpa: VerticalPodAutoscaler) -> tuple[float, str]:
    return vpa.metadata.created, vpa.metadata.name


class ClusterView:
    """Workloads, HPAs, pods and what triggers look up."""

    def __init__(
        self,
        connection: Connection,
        authentications: Authentications,
        *,
        namespaces: tuple[str, ...] = (),
        labels: str = "",
    ) -> None:
        self._connection = connection
        self._authentications = authentications
        self._hpas = Informer(
            connection,
            HPAS,
            HpaCopy,
            namespaces=namespaces,
            labels=labels,
            indexes={"target": lambda copy: (copy.target,)},
        )
        self._vpas: Informer[VerticalPodAutoscaler] = Informer(
            connection, VPAS, VerticalPodAutoscaler, namespaces=namespaces, indexes={"target": _sized}
        )
        self._discovery = Discovery(connection)
        self._workloads = Workloads(connection, namespaces)
        self._pods = Pods(connection, namespaces)
        self.lookup = Lookup(connection)
        """Secrets, ConfigMaps, ServiceAccounts and tokens, for authentications."""

    def on_changes(
        self,
        hpa: Callable[[HpaCopy | None, HpaCopy | None], None],
        target: Callable[[str, str, str], None],
        rescaled: Callable[[str, str, str, int], None],
        vpa: Callable[[VerticalPodAutoscaler | None, VerticalPodAutoscaler | None], None],
    ) -> None:
        """Tell of HPAs and VPAs (old, new), workloads that came or went (namespace, kind, name), and new replicas."""
        self._hpas.on_change(hpa)
        self._vpas.on_change(vpa)
        self._workloads.on_came_or_went(target)
        self._workloads.on_rescaled(rescaled)

    def on_neighbours(
        self,
        hpa: Callable[[HpaCopy | None, HpaCopy | None], None],
        vpa: Callable[[VerticalPodAutoscaler | None, VerticalPodAutoscaler | None], None],
    ) -> None:
        """Tell of HPAs and VPAs (old, new), whoever they belong to."""
        self._hpas.on_change(hpa)
        self._vpas.on_change(vpa)

    def follows(self, action: SetReplicas) -> bool:
        """Whether changes of that workload's replicas are told."""
        return self._workloads.follows(Resource(action.group, action.version, action.resource))

    async def run(self) -> None:
        """Watch, for ever; ends with the error of a watch that cannot go on."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hpas.run(), name="hpas")
            group.create_task(self._vpas.run(), name="vpas")
            group.create_task(self._workloads.run(), name="workloads")

    async def synced(self) -> None:
        """Return once everything that is there has been seen."""
        await self._hpas.synced.wait()
        await self._workloads.synced()

    async def close(self) -> None:
        """Stop what was started on demand."""
        await self._pods.close()

    async def target(self, scaled: ScaledObject) -> Resolved | Unresolved:
        """The workload of an object; ApiError when that could not be found out."""
        ref = scaled.spec.scale_target_ref
        kind = await self._discovery.resolve(ref.api_version, ref.kind)
        if not isinstance(kind, GroupVersionKindResource):
            return Unresolved(kind.cause, kind.why)
        found = await self._workloads.read_scale(kind, scaled.metadata.namespace, ref.name)
        if isinstance(found, NoTarget):
            return Unresolved("not-found", found.why)
        return Resolved(kind, Scale(found.replicas))

    async def read(self, subject: Subject, *, ready: bool) -> Scale | NoScale:
        """The replicas of an object's workload, and on request how many of its pods are ready."""
        namespace = subject.scaled.metadata.namespace
        name = subject.scaled.spec.scale_target_ref.name
        try:
            found = await self._workloads.read_scale(subject.target, namespace, name)
        except ApiError as error:
            return NoScale(str(error))
        if isinstance(found, NoTarget):
            return NoScale(found.why)
        if not ready:
            return Scale(found.replicas)
        return Scale(found.replicas, await self._pods.ready(namespace, found.selector))

    def hpas(self, scaled: ScaledObject) -> tuple[Raw, ...]:
        """HPAs by its name, its former name, or on its target."""
        namespace, ref = scaled.metadata.namespace, scaled.spec.scale_target_ref
        named = (self._hpas.get(namespace, name) for name in (scaled.hpa_name, scaled.status.hpa_name) if name)
        aiming = self._hpas.select("target", place(namespace, ref.kind, ref.name))
        return manifests([*(copy for copy in named if copy is not None), *aiming])

    def hpa(self, namespace: str, name: str) -> HpaCopy | None:
        """An HPA as last seen."""
        return self._hpas.get(namespace, name)

    def hpas_on(self, target: str) -> list[HpaCopy]:
        """Those on a workload, by its `place`."""
        return self._hpas.select("target", target)

    async def hpa_now(self, namespace: str, name: str) -> Raw | None:
        """All of an HPA as the API server has it now; None when it is gone."""
        try:
            return await self._connection.get(HPAS, namespace, name, into=Raw)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def vpas_on(self, target: str) -> tuple[VerticalPodAutoscaler, ...] | None:
        """Those on a workload, by its `place`, the oldest first; None while it is not known which there are."""
        if not self._vpas.synced.is_set():
            kind = await self._discovery.resolve(f"{VPAS.group}/{VPAS.version}", "VerticalPodAutoscaler")
            no_kind = not isinstance(kind, GroupVersionKindResource) and kind.cause == "no-kind"
            return () if no_kind else None
        return tuple(sorted(self._vpas.select("target", target), key=_age))

    def vpas(self, scaled: ScaledObject) -> tuple[VerticalPodAutoscaler, ...]:
        """Those that size its workload, the oldest first. Where the cluster has none, or lets us see none: none."""
        ref = scaled.spec.scale_target_ref
        found = self._vpas.select("target", place(scaled.metadata.namespace, ref.kind, ref.name))
        return tuple(sorted(found, key=_age))

    def wrote_hpa(self, body: Raw) -> None:
        """A body that the API server has just returned: newer than what is watched."""
        self._hpas.put(decoded(body))

    def deleted_hpa(self, namespace: str, name: str) -> None:
        """One that was just deleted."""
        self._hpas.discard(namespace, name)

    async def requests(self, scaled: ScaledObject) -> tuple[Raw | None, tuple[Raw, ...]]:
        """What says whether its containers request cpu and memory: the pod's spec, the namespace's LimitRanges."""
        template = await self.pod_template(scaled)
        namespace = scaled.metadata.namespace
        limits = await self._connection.listing(LIMIT_RANGES, namespace, into=dict)
        return (template or {}).get("spec"), tuple(limits.items)

    async def pod_template(self, scaled: ScaledObject) -> Raw | None:
        """spec.template of the object's workload, None when it has none."""
        ref = scaled.spec.scale_target_ref
        return await self.template_of(scaled.metadata.namespace, ref.api_version, ref.kind, ref.name)

    async def template_of(self, namespace: str, api_version: str, kind: str, name: str) -> Raw | None:
        """spec.template of any workload, None when it has none."""
        found = await self._discovery.resolve(api_version, kind)
        if not isinstance(found, GroupVersionKindResource):
            return None
        return await self.lookup.get_pod_template(found, namespace, name)

    def authentication(
        self, kind: str, namespace: str, name: str
    ) -> TriggerAuthentication | ClusterTriggerAuthentication | None:
        """The authentication a trigger refers to, None when there is none."""
        return self._authentications.get(kind, namespace, name)

    async def pods(self, namespace: str, selector: str) -> Sequence["PodFacts"]:
        """The pods that a kubernetes-workload trigger counts."""
        return [PodFacts(pod.phase, pod.node_name) for pod in await self._pods.matching(namespace, selector)]

    async def endpoints(self, namespace: str, service: str) -> Sequence["Endpoint"]:
        """The ready addresses behind a Service, for a metrics-api trigger that aggregates over them."""
        labels = f"kubernetes.io/service-name={service}"
        slices = await self._connection.listing(ENDPOINT_SLICES, namespace, into=_Slice, labels=labels)
        return [
            Endpoint(address, tuple(port.port for port in piece.ports or () if port.port))
            for piece in slices.items
            for endpoint in piece.endpoints or ()
            if endpoint.conditions.ready is not False
            for address in endpoint.addresses
        ]
