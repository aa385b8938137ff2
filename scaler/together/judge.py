"""The one plan of a workload that an HPA and a VPA share: requests, scale points, and whether replicas may fall.

The package's docstring says which rules there are, and which failure each prevents.
"""

from collections.abc import Iterator, Mapping

import msgspec

from scaler.together.band import Edges, edges, scale_point
from scaler.together.load import Load, Replicas, Stand, Usage, load
from scaler.together.metrics import Metric
from scaler.together.setpoints import SetPoints
from scaler.together.sizes import Sizings, needed, wanted
from scaler.together.standing import Memory
from scaler.together.turns import DAY, WORTH, Moment, Why, lowering, raising, rolled
from scaler.vertical.amounts import RESOURCES, Amounts, Bounds, Recommendation, Resource

AROUND = 0.05
"""Around a coupled request nothing is left to the updater: a pod further off than this is resized at any age."""
BRINK = 0.95
"""A biggest pod that uses this share of its memory's request is helped at once."""


class Pods(msgspec.Struct, frozen=True):
    """The pods that run."""

    held: Mapping[str, Amounts] = {}
    """The least that any of them requests, by container; all containers, sized or not."""
    astray: int = 0
    """Pods whose requests are not what was published."""
    acts: bool = True
    """Whether the updater resizes pods that run, or only new ones get what is published."""


class Case(msgspec.Struct, frozen=True):
    """What is judged."""

    metrics: Mapping[str, Metric]
    """The shared metrics, by `Metric.key`."""
    points: SetPoints
    replicas: Replicas
    usage: Usage | None
    """None when nobody knows it."""
    pods: Pods
    sizings: Sizings
    published: Recommendation
    """What stands in VPA's status."""
    history: float = 0.0
    """Days of usage that are known."""


class Split(msgspec.Struct, frozen=True):
    """How one shared metric is divided between the axes, and why: for explanations."""

    metric: Metric
    set_point: int
    """Millicores or bytes a pod."""
    scale_point: int
    request: int
    """What a pod is to request of what the metric counts."""
    stand: Stand
    edges: Edges
    why: Why


class Plan(msgspec.Struct, frozen=True):
    """The one plan."""

    recommendation: Recommendation
    """For VPA's status: the coupled requests, and everything else as VPA's rule has it."""
    memory: Memory
    splits: tuple[Split, ...]
    load: Load

    @property
    def hold(self) -> bool:
        """Whether replicas may not fall."""
        return self.memory.standing.rolling


def judge(case: Case, memory: Memory, now: float) -> Plan:
    """Judge one workload at one time. `now` is epoch seconds."""
    return _Judgement(case, memory, now).plan()


class _Judgement:
    """One judgement in the making."""

    def __init__(self, case: Case, memory: Memory, now: float) -> None:
        self.case, self.now = case, now
        self.load = load(case.metrics, case.points, case.replicas, case.usage)
        self.memory = self._noticed(memory)
        self.edges = {key: self._edges(key) for key in case.metrics if key in case.points}
        self.requests: dict[str, dict[Resource, int]] = {name: {} for name in case.sizings}
        """Of the coupled resources, by container."""
        self.why: dict[Resource, Why] = {}

    def plan(self) -> Plan:
        case = self.case
        before, changed, due = self.memory.standing.changed, dict[str, float](), dict[str, float]()
        for resource in self._resources():
            self._decide(resource, before.get(resource))
            moved = self.why[resource] in {"moves", "begins"}
            if moved:
                changed[resource] = float(int(self.now))
            elif resource in before:
                changed[resource] = before[resource]
            if not moved and self.why[resource] != "fits":
                due[resource] = self.memory.due.get(resource, self.now)
        points = self._scale_points()
        judged_with = {key: case.points[key].amount for key in self.edges}
        standing = msgspec.structs.replace(
            self.memory.standing, scale_points=points, changed=changed, set_points=judged_with
        )
        memory = msgspec.structs.replace(self.memory, standing=standing, due=due)
        begins = "moves" in self.why.values()
        memory = rolled(memory, case.pods.astray, self.now, begins=begins, acts=case.pods.acts)
        return Plan(self._recommendation(), memory, tuple(self._splits(points)), self.load)

    # -- what is noticed ---------------------------------------------------------------------------------------

    def _noticed(self, memory: Memory) -> Memory:
        """When metrics led, and when pods were short. What is not known is taken so that requests stay."""
        led, short = dict(memory.led), dict(memory.short)
        replicas = self.case.replicas
        still = replicas.scaled_at if replicas.now == replicas.least else None
        for key, stand in self.load.stands.items():
            if stand == "leads" or (key not in led and still is None):
                led[key] = self.now
            elif key not in led and still is not None:
                led[key] = still
            if stand == "short" or (key not in memory.led and self._beyond(key)):
                short[key] = self.now
        return msgspec.structs.replace(memory, led=led, short=short)

    def _beyond(self, key: str) -> bool:
        """Whether the request stands above the band already."""
        point = self.case.points.get(key)
        request = self._request(self.case.metrics[key], self._published())
        return point is not None and request > edges(point, low=True, high=True).high

    def _edges(self, key: str) -> Edges:
        led = self.now - self.memory.led[key] < DAY
        short = self.now - self.memory.short.get(key, 0.0) < DAY
        return edges(self.case.points[key], low=led, high=not short)

    # -- requests ----------------------------------------------------------------------------------------------

    def _resources(self) -> list[Resource]:
        """Those judged here: what is shared, and memory beside it."""
        found = {metric.resource for key, metric in self.case.metrics.items() if key in self.case.points}
        return [resource for resource in RESOURCES if found and (resource in found or resource == "memory")]

    def _coupled(self, resource: Resource) -> list[str]:
        """The containers that VPA sizes and a shared metric counts; all where replicas move and memory is sized.

        The peaks of pods that come and go with the load say little of what a pod needs at its crest.
        """
        metrics = [self.case.metrics[key] for key in self.edges]
        return [
            name
            for name, sizing in self.case.sizings.items()
            if resource in sizing.bounds.target
            and (resource == "memory" or any(one.resource == resource and one.counts(name) for one in metrics))
        ]

    def _published(self) -> dict[str, Amounts]:
        return {name: bounds.target for name, bounds in self.case.published.items()}

    def _decide(self, resource: Resource, changed: float | None) -> None:
        """The requests of one resource, as they are or moved."""
        case = self.case
        coupled = self._coupled(resource)
        metrics = [(case.metrics[key], found) for key, found in self.edges.items()]
        sizes = wanted(
            resource,
            [(metric, found) for metric, found in metrics if metric.resource == resource],
            {name: case.sizings[name] for name in coupled},
            case.pods.held,
        )
        known = case.pods.held if changed is None else self._published()
        present = {name: known.get(name, {}).get(resource, sizes[name]) for name in coupled}
        seen = all(resource in case.pods.held.get(name, {}) for name in coupled)
        self.why[resource], moved = ("begins" if seen else "unseen"), present
        if changed is not None:
            self.why[resource], moved = self._moved(resource, present, sizes, self._moment(resource, changed))
        for name, size in moved.items():
            self.requests[name][resource] = size

    def _moment(self, resource: Resource, changed: float) -> Moment:
        short = any(
            self.load.stands[key] == "short" for key in self.edges if self.case.metrics[key].resource == resource
        )
        due = self.memory.due.get(resource, self.now)
        return Moment(self.now, changed, self.case.replicas.scaled_at, due, short)

    def _moved(
        self, resource: Resource, present: dict[str, int], sizes: dict[str, int], moment: Moment
    ) -> tuple[Why, dict[str, int]]:
        case = self.case
        up = any(self._too_small(resource, name, present[name], size) for name, size in sizes.items())
        down = any(size < present[name] * (1.0 - WORTH) for name, size in sizes.items())
        if self.load.pods is None and not (up and resource == "memory"):
            return "unseen", present
        moved = dict(present)
        why: Why = "fits"
        if up:
            why = raising(moment, resource)
            if why == "moves":
                return why, {name: max(present[name], size) for name, size in sizes.items()}
        if down:
            spare = case.usage is not None and case.usage.pods > (self.load.pods or 0)
            rolling = self.memory.standing.rolling
            why = lowering(moment, history=case.history, rolling=rolling, spare=spare)
            if why == "moves":
                moved = {name: min(present[name], size) for name, size in sizes.items()}
        return why, moved

    def _too_small(self, resource: Resource, name: str, present: int, size: int) -> bool:
        at_the_brink = needed(resource, self.case.sizings[name]) > present * BRINK
        return size > present * (1.0 + WORTH) or (at_the_brink and size > present)

    def _recommendation(self) -> Recommendation:
        return {
            name: _with(sizing.bounds, self.requests[name]) if self.requests[name] else sizing.bounds
            for name, sizing in self.case.sizings.items()
        }

    # -- replicas ----------------------------------------------------------------------------------------------

    def _request(self, metric: Metric, amounts: Mapping[str, Amounts]) -> int:
        """What one pod requests of what the metric counts, where `amounts` says so; else as pods hold it."""
        held = self.case.pods.held
        names = {name for name in (*held, *amounts) if metric.counts(name)}
        of = metric.resource
        return sum(amounts.get(name, {}).get(of, held.get(name, {}).get(of, 0)) for name in names)

    def _smallest(self) -> dict[str, Amounts]:
        """What the smallest pod requests, or is about to."""
        held = self.case.pods.held
        return {
            name: {of: min(size, held.get(name, {}).get(of, size)) for of, size in sizes.items()}
            for name, sizes in self.requests.items()
        }

    def _scale_points(self) -> dict[str, int]:
        smallest = self._smallest()
        found = {}
        for key in self.edges:
            request = self._request(self.case.metrics[key], smallest) if self.case.pods.held else None
            known = self.memory.standing.scale_points.get(key)
            found[key] = known if request is None and known else scale_point(self.case.points[key], request)
        return found

    def _splits(self, points: Mapping[str, int]) -> Iterator[Split]:
        for key, found in self.edges.items():
            metric, point = self.case.metrics[key], self.case.points[key]
            request = self._request(metric, self.requests)
            why = self.why[metric.resource]
            yield Split(metric, point.amount, points[key], request, self.load.stands[key], found, why)


def _with(bounds: Bounds, requests: Amounts) -> Bounds:
    """VPA's rule with coupled requests in it; around them nothing is left to the updater."""
    return Bounds(
        target={**bounds.target, **requests},
        lower={**bounds.lower, **{of: int(size * (1.0 - AROUND)) for of, size in requests.items()}},
        upper={**bounds.upper, **{of: int(size * (1.0 + AROUND)) + 1 for of, size in requests.items()}},
        uncapped=bounds.uncapped,
    )
