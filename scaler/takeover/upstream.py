"""How a KEDA and a VPA are found in a cluster, and how each is told to leave namespaces: by its own settings. Pure.

    KEDA operator        WATCH_NAMESPACE, the namespaces it serves, comma-joined (from 2.14 on); all when empty
                         --enable-apiservice-patching=false, or it puts its own authority back into the APIService
    KEDA metrics server  nothing: whom it answers is decided by the operator
    VPA, all three       --ignored-vpa-object-namespaces
    VPA's webhook        writes its namespaceSelector itself, unless --register-webhook=false

A KEDA or VPA that is confined to a namespace that is taken over has nothing left to do there: it is scaled to zero.
They are known by their images, or where those were renamed by the Deployment's name.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any, Literal

import msgspec

from scaler.api.meta import Raw
from scaler.kube.resources import API_SERVICES, DEPLOYMENTS, MUTATING_WEBHOOKS
from scaler.takeover.fields import (
    EnvField,
    Field,
    FlagField,
    Place,
    ReplicasField,
    SelectorField,
    ServiceField,
    container_of,
    flag_value,
)

EXTERNAL_METRICS = "v1beta1.external.metrics.k8s.io"
WATCH_NAMESPACE, PATCHING = "WATCH_NAMESPACE", "--enable-apiservice-patching"
IGNORED, CONFINED, REGISTERS = "--ignored-vpa-object-namespaces", "--vpa-object-namespace", "--register-webhook"
VPA_WEBHOOK = "vpa.k8s.io"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
OLDEST_KEDA = (2, 14)
"""The first to take a list of namespaces."""

Part = Literal["keda-operator", "vpa-recommender", "vpa-updater", "vpa-admission-controller"]

_IMAGES: dict[str, Part] = {
    "keda": "keda-operator",
    "vpa-recommender": "vpa-recommender",
    "vpa-updater": "vpa-updater",
    "vpa-admission-controller": "vpa-admission-controller",
}
_NAMES: tuple[tuple[str, Part], ...] = (
    ("keda-operator", "keda-operator"),
    ("vpa-recommender", "vpa-recommender"),
    ("vpa-updater", "vpa-updater"),
    ("vpa-admission-controller", "vpa-admission-controller"),
)


class Program(msgspec.Struct, frozen=True):
    """One Deployment of somebody else's."""

    part: Part
    place: Place
    container: str
    body: Raw

    @property
    def replicas(self) -> int:
        """What it is asked to have."""
        return int(self.body["spec"].get("replicas", 1))

    @property
    def arguments(self) -> list[str]:
        """Of its container, with its command."""
        container = container_of(self.body, self.container)
        return [*(container.get("command") or []), *(container.get("args") or [])]

    @property
    def version(self) -> tuple[int, int] | None:
        """By its image's tag; None when that says nothing."""
        tag = str(container_of(self.body, self.container).get("image") or "").partition("@")[0].rpartition(":")[2]
        found = re.match(r"v?(\d+)\.(\d+)(?:\.|$)", tag)
        return (int(found[1]), int(found[2])) if found else None


def programs(deployments: Iterable[Raw]) -> list[Program]:
    """Those of KEDA and VPA, in the order of their parts."""
    found = [program for body in deployments for program in _programs(body)]
    order = list(_IMAGES.values())
    return sorted(found, key=lambda one: (order.index(one.part), one.place.namespace, one.place.name))


def _programs(body: Raw) -> Iterable[Program]:
    meta = body["metadata"]
    place = Place(DEPLOYMENTS, "Deployment", meta.get("namespace", ""), meta["name"])
    containers = body["spec"]["template"]["spec"].get("containers") or []
    for container in containers:
        part = _IMAGES.get(_image(str(container.get("image") or "")))
        if part:
            yield Program(part, place, container["name"], body)
            return
    by_name = next((part for name, part in _NAMES if meta["name"] == name), None)
    if by_name and containers:
        yield Program(by_name, place, containers[0]["name"], body)


def _image(reference: str) -> str:
    """Its last part, without tag and digest."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


# -- what each setting should say ------------------------------------------------------------------------------------


class Wish(msgspec.Struct, frozen=True):
    """What one field should say while these namespaces are ours."""

    field: Field
    value: Any


def watch_field(program: Program) -> Field:
    """Where a KEDA operator is told which namespaces to serve."""
    return EnvField(program.place, program.container, WATCH_NAMESPACE)


def ignored_field(program: Program) -> Field:
    """Where a program of VPA is told which namespaces to leave."""
    return FlagField(program.place, program.container, IGNORED)


def patching_field(program: Program) -> Field:
    """Where a KEDA operator is told to leave the APIService's authority alone."""
    return FlagField(program.place, program.container, PATCHING)


def service_field() -> Field:
    """Whom the API server asks for external metrics."""
    return ServiceField(Place(API_SERVICES, "APIService", "", EXTERNAL_METRICS))


def selector_field(configuration: Raw) -> Field:
    """Which namespaces VPA's webhook is called for."""
    return SelectorField(
        Place(MUTATING_WEBHOOKS, "MutatingWebhookConfiguration", "", configuration["metadata"]["name"])
    )


def keda_wishes(program: Program, original: Any, taken: Collection[str], everywhere: Collection[str]) -> list[Wish]:
    """Of the operator; `original` is its entry of WATCH_NAMESPACE before, `everywhere` all namespaces there are."""
    watched = namespaces_in(original)
    left = sorted(set(watched or everywhere) - set(taken))
    wishes = [Wish(patching_field(program), [f"{PATCHING}=false"])]
    if watched and not set(watched) & set(taken):
        return wishes
    if not left:
        return [*wishes, Wish(ReplicasField(program.place), 0)]
    return [Wish(watch_field(program), {"name": WATCH_NAMESPACE, "value": ",".join(left)}), *wishes]


def namespaces_in(entry: Any) -> tuple[str, ...]:
    """What WATCH_NAMESPACE lists; empty for all."""
    text = str((entry or {}).get("value") or "")
    return tuple(part.strip() for part in text.split(",") if part.strip())


def vpa_wishes(program: Program, original: Any, taken: Collection[str]) -> list[Wish]:
    """Of one of VPA's programs; `original` are the words of the flag before."""
    confined = flag_value(program.arguments, CONFINED)
    if confined:
        return [Wish(ReplicasField(program.place), 0)] if confined in taken else []
    ignored = [one for one in (flag_value(list(original or []), IGNORED) or "").split(",") if one]
    more = [one for one in sorted(taken) if one not in ignored]
    return [Wish(ignored_field(program), [f"{IGNORED}={','.join([*ignored, *more])}"])]


def registers_itself(program: Program) -> bool:
    """Whether VPA's webhook writes its own configuration."""
    return flag_value(program.arguments, REGISTERS) not in {"false", "0", "f", "F", "False", "FALSE"}


def selector_wish(configuration: Raw, original: Any, taken: Collection[str]) -> Wish:
    """VPA's webhook is not called for these namespaces."""
    value = {
        name: _excluding(selector, taken) if name == VPA_WEBHOOK else selector for name, selector in original.items()
    }
    return Wish(selector_field(configuration), value)


def _excluding(selector: Raw | None, taken: Collection[str]) -> Raw:
    expressions = list((selector or {}).get("matchExpressions") or [])
    ours = {"key": NAMESPACE_LABEL, "operator": "NotIn", "values": sorted(taken)}
    return {**(selector or {}), "matchExpressions": [*expressions, ours]}


def service_wish(namespace: str, name: str, port: int, authority: str) -> Wish:
    """The API server asks us for external metrics."""
    service = {"namespace": namespace, "name": name, "port": port}
    return Wish(service_field(), {"service": service, "caBundle": authority})
