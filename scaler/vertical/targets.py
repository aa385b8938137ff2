"""Whose pods a VerticalPodAutoscaler sizes: the topmost controller above a pod, and the object that counts for it.

What owns what is not looked up here: `climb` says what it has to know next. Source: upstream's controller fetcher and
its matching of pods.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from scaler.api.selector import Selector
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler

WELL_KNOWN: Mapping[str, str] = {
    "DaemonSet": "apps",
    "Deployment": "apps",
    "ReplicaSet": "apps",
    "StatefulSet": "apps",
    "ReplicationController": "",
    "Job": "batch",
    "CronJob": "batch",
}
"""Kinds that control pods, by name, and their API groups. Any other kind counts when it has a scale."""


class Controller(msgspec.Struct, frozen=True, gc=False):
    """An object that controls pods, or controls what does; its namespace is that of the pods."""

    kind: str
    name: str
    api_version: str = ""
    """May be empty for a well-known kind."""

    @property
    def well_known(self) -> bool:
        """Whether it is one of Kubernetes' own; a namesake of another group is not."""
        group = WELL_KNOWN.get(self.kind)
        return group is not None and (not self.api_version or self.api_version.rpartition("/")[0] == group)


class Known(msgspec.Struct, frozen=True, gc=False):
    """What is known of one controller."""

    there: bool = True
    scales: bool = True
    """Whether it has a scale; does not matter for a well-known kind."""
    owner: Controller | None = None
    """Its own controller."""


class Climb(msgspec.Struct, frozen=True, gc=False):
    """How far the way up led."""

    topmost: Controller | None = None
    """The top, when the way ends there; None when nothing on it counts."""
    ask: Controller | None = None
    """What must be known before the way goes on."""
    problem: str = ""
    """Why it has no top."""


def climb(start: Controller | None, known: Callable[[Controller], Known | None]) -> Climb:
    """From a pod's own controller up to the topmost one that is well-known or scales."""
    topmost, here, seen = None, start, set[Controller]()
    while here is not None:
        if here.kind == "Node" and here.api_version in {"", "v1"}:
            return Climb(problem=f"Node {here.name} is a controller there: pods of a node are nobody's to size")
        if here in seen:
            return Climb(problem=f"{here.kind} {here.name} owns itself, by way of others")
        found = known(here)
        if found is None:
            return Climb(ask=here)
        if not here.well_known and not found.scales:
            break
        if not found.there:
            return Climb(problem=f"{here.kind} {here.name} does not exist")
        seen.add(here)
        topmost, here = here, found.owner
    return Climb(topmost)


class Claim(msgspec.Struct, frozen=True):
    """One object that says whose pods it sizes."""

    created: float
    """Epoch seconds."""
    name: str
    target: Controller | None
    selector: Selector | None = None
    """Of the target; None when whatever it controls is selected."""

    def covers(self, topmost: Controller | None, labels: Mapping[str, str]) -> bool:
        """Whether it says so of a pod with these labels, under this topmost controller."""
        if self.target is None or topmost is None:
            return False
        same = (self.target.kind, self.target.name) == (topmost.kind, topmost.name)
        return same and (self.selector is None or self.selector.matches(labels))


def claim_of(vpa: VerticalPodAutoscaler, selector: Selector | None = None) -> Claim:
    """What one object says; `selector` is that of its target, where it selects less than the target controls."""
    ref = vpa.spec.target_ref
    target = None if ref is None else Controller(ref.kind, ref.name, ref.api_version)
    return Claim(vpa.metadata.created, vpa.metadata.name, target, selector)


def strongest(claims: Iterable[Claim]) -> Claim | None:
    """The one that counts among several: the oldest, of equals the first by name."""
    return min(claims, key=lambda claim: (claim.created, claim.name), default=None)


def controlling(claims: Iterable[Claim], topmost: Controller | None, labels: Mapping[str, str]) -> Claim | None:
    """The claim that counts for a pod with these labels, under this topmost controller."""
    return strongest(claim for claim in claims if claim.covers(topmost, labels))
