"""What stands beside a ScaledObject in its cluster: other ScaledObjects and HPAs from copies, the rest looked up.

The copies hold of each object only what a neighbour must know, found by workload: the ten-thousandth object is judged
as fast as the first.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import Kind, Raw
from scaler.api.neighbours import Outline
from scaler.api.rules import group, target_of
from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject, TriggerSpec
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.discovery import TRUSTED
from scaler.kube.informer import Informer
from scaler.kube.lookup import Lookup
from scaler.kube.resources import (
    CLUSTER_TRIGGER_AUTHENTICATIONS,
    HPAS,
    LIMIT_RANGES,
    SCALED_OBJECTS,
    TRIGGER_AUTHENTICATIONS,
)

Authentications = dict[tuple[str, str, str], TriggerAuthentication]
"""By kind, namespace and name."""


class _HpaOwner(Kind, frozen=True, gc=False):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class _HpaMeta(Kind, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[_HpaOwner, ...] | None = None


class _HpaTarget(Kind, frozen=True, gc=False):
    api_version: str = ""
    kind: str = ""
    name: str = ""


class _HpaSpec(Kind, frozen=True, gc=False):
    scale_target_ref: _HpaTarget = _HpaTarget()


class HpaOutline(Kind, frozen=True, gc=False):
    """An HPA, as far as whose it is and what it scales."""

    metadata: _HpaMeta = _HpaMeta()
    spec: _HpaSpec = _HpaSpec()


def _by_target(scaled: Outline) -> tuple[str, ...]:
    return (_key(scaled.metadata.namespace, *target_of(scaled)),)


def _by_hpa(scaled: Outline) -> tuple[str, ...]:
    return (_key(scaled.metadata.namespace, scaled.hpa_name),)


def _by_aim(hpa: HpaOutline) -> tuple[str, ...]:
    ref = hpa.spec.scale_target_ref
    return (_key(hpa.metadata.namespace, group(ref.api_version), ref.kind, ref.name),)


def _key(*parts: str) -> str:
    return "/".join(parts)


class Neighbourhood:
    """Follows ScaledObjects and HPAs, and looks up what they name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lookup = Lookup(connection, ttl=0.0)  # whoever applies a set has made the workload a moment ago
        self._scaled = Informer(connection, SCALED_OBJECTS, Outline, indexes={"target": _by_target, "hpa": _by_hpa})
        self._hpas = Informer(connection, HPAS, HpaOutline, indexes={"target": _by_aim})

    async def run(self) -> None:
        """Follow, for ever."""
        async with asyncio.TaskGroup() as following:
            following.create_task(self._scaled.run())
            following.create_task(self._hpas.run())

    @property
    def complete(self) -> bool:
        """Whether everything that is there has been seen."""
        return self._scaled.synced.is_set() and self._hpas.synced.is_set()

    def scaled_objects(self, scaled: ScaledObject) -> Sequence[Outline]:
        """Those on the same workload or with the same HPA, itself included."""
        namespace = scaled.metadata.namespace
        same = self._scaled.select("target", _key(namespace, *target_of(scaled)))
        return same + [
            other for other in self._scaled.select("hpa", _key(namespace, scaled.hpa_name)) if other not in same
        ]

    def hpas(self, scaled: ScaledObject) -> Sequence[Raw]:
        """Those on the same workload."""
        found = self._hpas.select("target", _key(scaled.metadata.namespace, *target_of(scaled)))
        return [msgspec.to_builtins(hpa) for hpa in found]

    async def pod_spec(self, scaled: ScaledObject) -> Raw | None:
        """Of the target's pods; None for a target that is not there, or of a kind whose pods are not looked at."""
        ref = scaled.spec.scale_target_ref
        api_version, kind = ref.api_version or "apps/v1", ref.kind or "Deployment"
        plural = TRUSTED.get((api_version, kind))
        if plural is None:
            return None
        target = GroupVersionKindResource("apps", "v1", kind, plural)
        template = await self._lookup.get_pod_template(target, scaled.metadata.namespace, ref.name)
        return None if template is None else template.get("spec")

    async def limit_ranges(self, namespace: str) -> Sequence[Raw]:
        """All of a namespace."""
        return (await self._connection.listing(LIMIT_RANGES, namespace, into=dict)).items

    async def authentications(self, scaled: ScaledObject) -> Authentications:
        """Those that its triggers name; one that is not there is left out."""
        named = {_reference(trigger, scaled.metadata.namespace) for trigger in scaled.spec.triggers} - {None}
        found = await asyncio.gather(*(self._authentication(place) for place in named if place is not None))
        return {place: authentication for place, authentication in found if authentication is not None}

    async def _authentication(
        self, place: tuple[str, str, str]
    ) -> tuple[tuple[str, str, str], TriggerAuthentication | None]:
        kind, namespace, name = place
        try:
            if kind == "ClusterTriggerAuthentication":
                into: type[TriggerAuthentication] = ClusterTriggerAuthentication
                resource = CLUSTER_TRIGGER_AUTHENTICATIONS
            else:
                into, resource = TriggerAuthentication, TRIGGER_AUTHENTICATIONS
            return place, await self._connection.get(resource, namespace, name, into=into)
        except ApiError as error:
            if error.status == 404:
                return place, None
            raise


def _reference(trigger: TriggerSpec, namespace: str) -> tuple[str, str, str] | None:
    ref = trigger.authentication_ref
    if ref is None:
        return None
    kind = ref.kind or "TriggerAuthentication"
    return kind, "" if kind.startswith("Cluster") else namespace, ref.name
