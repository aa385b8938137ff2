"""Who owns what on one workload: every way in which HPAs and a VPA can meet on it.

case              when                                                  then
---------------   ---------------------------------------------------   ------------------------------------------
coupled           one HPA, ours or adopted, holds usage against          both axes as one; the HPA carries absolute
                  requests that one VPA sizes                            targets while it lasts
left-to-hpa       the same, but the HPA is the user's, and he has not    it is never touched: what it is held against
                  asked for it to be adopted                             is not sized, everything else is
nothing-shared    external metrics, absolute targets, other resources    each axis by itself
advice-only       the VPA changes no pods (updateMode Off)               each axis by itself
several-hpas,     more than one of a kind on the workload                nothing is coupled: what any HPA is held
several-vpas      against is not sized; who is in charge is unclear
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from scaler.together.metrics import Metric
from scaler.vertical.amounts import Resource

Origin = Literal["generated", "adopted", "user"]
"""Whose an HPA is: made by us for a ScaledObject, the user's who lets us adopt it, or the user's."""
CaseName = Literal["coupled", "left-to-hpa", "nothing-shared", "advice-only", "several-hpas", "several-vpas"]


class Scaler(msgspec.Struct, frozen=True):
    """An HPA on the workload."""

    name: str
    origin: Origin
    metrics: tuple[Metric, ...] = ()
    """Those that are held against requests, as the user wrote them."""
    scaled_object: str = ""
    """The ScaledObject that it is made for."""


class Sizer(msgspec.Struct, frozen=True):
    """A VPA on the workload."""

    name: str
    acts: bool = True
    """False in updateMode Off."""
    sizes: Mapping[str, frozenset[Resource]] = {}
    """Which resources of which container it sizes."""

    def meets(self, metric: Metric) -> bool:
        """Whether it sizes what the metric is held against."""
        return any(metric.counts(name) and metric.resource in resources for name, resources in self.sizes.items())


class Settlement(msgspec.Struct, frozen=True):
    """Who has what."""

    case: CaseName
    shared: tuple[Metric, ...] = ()
    """What both axes are judged on together."""
    left: Mapping[str, frozenset[Resource]] = {}
    """What the VPA leaves to an HPA, by container."""
    scalers: tuple[Scaler, ...] = ()
    sizers: tuple[Sizer, ...] = ()


def settle(scalers: Sequence[Scaler], sizers: Sequence[Sizer]) -> Settlement:
    """Say who has what on a workload with at least one of each."""
    acting = [sizer for sizer in sizers if sizer.acts]
    everyone = (tuple(scalers), tuple(sizers))
    if not acting:
        return Settlement("advice-only", scalers=everyone[0], sizers=everyone[1])
    shared = tuple(
        dict.fromkeys(
            metric for scaler in scalers for metric in scaler.metrics if any(one.meets(metric) for one in acting)
        )
    )
    left = _left(acting, shared)
    if len(acting) > 1:
        return Settlement("several-vpas", (), left, *everyone)
    if len(scalers) > 1:
        return Settlement("several-hpas", (), left, *everyone)
    if not shared:
        return Settlement("nothing-shared", scalers=everyone[0], sizers=everyone[1])
    if scalers[0].origin == "user":
        return Settlement("left-to-hpa", (), left, *everyone)
    return Settlement("coupled", shared, {}, *everyone)


def _left(sizers: Iterable[Sizer], metrics: Iterable[Metric]) -> dict[str, frozenset[Resource]]:
    found: dict[str, frozenset[Resource]] = {}
    for metric in metrics:
        for sizer in sizers:
            for name, resources in sizer.sizes.items():
                if metric.counts(name) and metric.resource in resources:
                    found[name] = found.get(name, frozenset()) | {metric.resource}
    return found
