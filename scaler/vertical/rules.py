"""What a VerticalPodAutoscaler says of pods, as plain numbers: read once a change of the object, used for every pod.

It reads nothing itself (`scaler.vertical.reading` does) and judges nothing.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from scaler.api.disruption_budgets import Budget
from scaler.vertical.amounts import RESOURCES, Amounts, Recommendation, Resource
from scaler.vertical.pods import InitContainers

Mode = Literal["Off", "Initial", "Recreate", "InPlaceOrRecreate", "InPlace"]
"""How a recommendation reaches pods; Auto, an old name, is Recreate."""
LimitsPolicy = Literal["ratio", "equal", "no-cpu"]
"""What becomes of limits: keep their ratio to requests, equal to requests, no limit of cpu."""
Direction = Literal["TargetHigherThanRequests", "TargetLowerThanRequests"]

MOVING: frozenset[Mode] = frozenset({"Recreate", "InPlaceOrRecreate", "InPlace"})
"""The modes that touch running pods."""
RESIZING: frozenset[Mode] = frozenset({"InPlaceOrRecreate", "InPlace"})
"""The modes that resize running pods."""


class Boost(msgspec.Struct, frozen=True, gc=False):
    """More cpu until a pod is ready."""

    type: str = "Factor"
    factor: int | None = None
    """How many times what the container would request; with the type Factor."""
    quantity: int | None = None
    """Millicores on top of that; with the type Quantity."""
    seconds: float = 0.0
    """How long the boost stays after the pod became ready."""


class ContainerRules(msgspec.Struct, frozen=True, gc=False):
    """How one container is sized."""

    off: bool = False
    """It is left alone."""
    minimum: Amounts = {}
    maximum: Amounts = {}
    """It wins over the minimum where the two contradict."""
    controlled: tuple[Resource, ...] = RESOURCES
    """Which resources are sized."""
    requests_only: bool = False
    """Limits are left as they are, and requests stay within them."""
    limits: LimitsPolicy = "ratio"
    boost: Boost | None = None


class Requirement(msgspec.Struct, frozen=True, gc=False):
    """What must be so before a running pod is moved: one of the resources changes in that direction."""

    resources: tuple[str, ...]
    direction: Direction


class Rules(msgspec.Struct, frozen=True):
    """How the pods of one VerticalPodAutoscaler are sized and moved."""

    namespace: str = ""
    name: str = ""
    mode: Mode = "Recreate"
    containers: Mapping[str, ContainerRules] = {}
    """By name; a container's own rules are not merged with those of the others."""
    others: ContainerRules = ContainerRules()
    recommendation: Recommendation | None = None
    """None while there is none."""
    init_containers: InitContainers = "none"
    requirements: tuple[Requirement, ...] = ()
    min_replicas: int | None = None
    """With fewer pods none is evicted; the updater's setting when None."""
    quick_oom: float | None = None
    """Seconds within which a kill for memory is a quick one; the updater's setting when None."""
    pending_period: float | None = None
    """Seconds for which a resize may wait for room before the pod is evicted; the updater's setting when None."""
    budgets: tuple[Budget, ...] | None = None
    """When and how many pods may be moved; the updater's setting when None."""
    problem: str = ""
    """Why no running pod may be moved though the mode says so: what was said of it cannot be read."""

    def of(self, container: str) -> ContainerRules:
        """The rules of one container."""
        return self.containers.get(container, self.others)

    @property
    def boosts(self) -> bool:
        """Whether any container may be given more cpu at its start."""
        return self.others.boost is not None or any(rules.boost is not None for rules in self.containers.values())
