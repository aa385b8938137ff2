"""Every VerticalPodAutoscaler as the rules it gives to new pods, found by the workload that it is for.

An object is read once a change; a review then costs the same whether there are ten of them or five thousand.
"""

import bisect

import msgspec

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import Invalid
from scaler.kube.store import Store
from scaler.vertical.reading import rules_of
from scaler.vertical.rules import Rules
from scaler.vertical.targets import Controller

Place = tuple[str, str, str]
"""Namespace of the pods, kind and name of their topmost controller."""


class Sizing(msgspec.Struct, frozen=True):
    """What one object says of new pods."""

    created: float
    """Epoch seconds; the oldest counts, of equals the first by name."""
    name: str
    rules: Rules | None = None
    problem: str = ""
    """Why it says nothing, though it is there."""


class Sizes:
    """Follows the objects of a store, whoever recommends; in mode Off only those with a boost count."""

    def __init__(self, vpas: Store[VerticalPodAutoscaler]) -> None:
        self._found: dict[Place, list[Sizing]] = {}
        self._namespaces: dict[str, int] = {}
        vpas.on_change(self._changed)

    def any_in(self, namespace: str) -> bool:
        """Whether pods of the namespace may be sized at all."""
        return namespace in self._namespaces

    def strongest(self, namespace: str, topmost: Controller) -> Sizing | None:
        """What counts for the pods of this workload; None when nobody says anything of them."""
        found = self._found.get((namespace, topmost.kind, topmost.name))
        return found[0] if found else None

    def _changed(self, old: VerticalPodAutoscaler | None, new: VerticalPodAutoscaler | None) -> None:
        if old is not None:
            self._forget(old)
        if new is not None:
            self._learn(new)

    def _learn(self, vpa: VerticalPodAutoscaler) -> None:
        place = _place(vpa)
        if place is None:
            return
        bisect.insort(self._found.setdefault(place, []), _sizing(vpa), key=lambda one: (one.created, one.name))
        self._namespaces[place[0]] = self._namespaces.get(place[0], 0) + 1

    def _forget(self, vpa: VerticalPodAutoscaler) -> None:
        place = _place(vpa)
        if place is None:
            return
        left = [sizing for sizing in self._found[place] if sizing.name != vpa.metadata.name]
        if left:
            self._found[place] = left
        else:
            del self._found[place]
        self._namespaces[place[0]] -= 1
        if not self._namespaces[place[0]]:
            del self._namespaces[place[0]]


def target_key(vpa: VerticalPodAutoscaler) -> tuple[str, ...]:
    """The key of an index by workload; none for an object without a target."""
    target = vpa.spec.target_ref
    return (f"{vpa.metadata.namespace}/{target.kind}/{target.name}",) if target is not None else ()


def _place(vpa: VerticalPodAutoscaler) -> Place | None:
    target = vpa.spec.target_ref
    if target is None or not vpa.spec.sizes_new_pods:
        return None
    return vpa.metadata.namespace, target.kind, target.name


def _sizing(vpa: VerticalPodAutoscaler) -> Sizing:
    meta = vpa.metadata
    try:
        return Sizing(meta.created, meta.name, rules_of(vpa))
    except Invalid as error:
        return Sizing(
            meta.created, meta.name, problem=f"VerticalPodAutoscaler {meta.name} cannot be applied: {error}"
        )
