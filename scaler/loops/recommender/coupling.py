"""Both axes in the recommender's round: which VPAs meet an HPA, what is judged of both together, what says so.

HPAs are followed; what a VPA without one on its workload costs here is one look-up. Everything that is judged is
`scaler.together`'s, and what it hands on stands in annotations and in VPA's status.
"""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from scaler.actions import PatchMetadata
from scaler.api.meta import Condition, Kind, ObjectMeta, Raw
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.clock import from_rfc3339
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import HPAS, VPAS
from scaler.loops.hpas import place
from scaler.loops.recommender.objects import Tracked
from scaler.quantity import parse_quantity
from scaler.together import setpoints, standing
from scaler.together.conditions import coupled
from scaler.together.judge import AROUND, Case, Plan, Pods, judge
from scaler.together.load import Replicas, Usage, weight
from scaler.together.meeting import scaler_of, sizer_of
from scaler.together.metrics import Metric
from scaler.together.ownership import Settlement, settle
from scaler.together.sizes import Sizing
from scaler.together.standing import Memory
from scaler.vertical.amounts import Amounts, Bounds, Recommendation
from scaler.vertical.quantities import amounts_of
from scaler.vertical.reading import recommendation_of, rules_of
from scaler.vertical.roster import Key, Roster, Subject
from scaler.vertical.rules import MOVING
from scaler.vertical.running import RunningPod
from scaler.vertical.samples import Amounts as Quantities
from scaler.vertical.samples import ContainerUsage, PodUsage

NEARLY_ALL, BIGGEST = 0.99, 0.999
"""The percentiles that stand for the peak of cpu, and for the memory of the biggest pod."""
DAY = 86400.0


class SeenHpa(Kind, frozen=True):
    """An HPA, as far as it is judged here."""

    metadata: ObjectMeta
    spec: Raw = {}
    status: Raw = {}

    @property
    def target(self) -> str:
        """Its workload, as the index has it."""
        ref = self.spec.get("scaleTargetRef") or {}
        return place(self.metadata.namespace, str(ref.get("kind", "")), str(ref.get("name", "")))

    def manifest(self) -> Raw:
        """The whole, as judgement reads it."""
        return {"metadata": msgspec.to_builtins(self.metadata), "spec": self.spec, "status": self.status}


class Told(msgspec.Struct, frozen=True):
    """What comes of a VPA beside HPAs."""

    recommendation: Recommendation
    condition: Condition
    annotation: str | None = None
    """For the VPA; None leaves it as it is."""


class _Crowd:
    """The pods of one subject that are seen in a round."""

    __slots__ = ("held", "pods", "requests", "used")

    def __init__(self) -> None:
        self.requests: list[dict[str, Amounts]] = []
        self.used: dict[str, dict[str, int]] = {}
        self.pods = 0


class Couplings:
    """The HPAs beside the VPAs of a recommender."""

    def __init__(self, connection: Connection, *, namespaces: tuple[str, ...] = ()) -> None:
        self.copy: Informer[SeenHpa] = Informer(
            connection, HPAS, SeenHpa, namespaces=namespaces, indexes={"target": lambda hpa: (hpa.target,)}
        )
        self._memories: dict[Key, Memory] = {}
        self._weights: dict[Key, float] = {}
        self._crowds: dict[Key, _Crowd] = {}

    def hpas(self, vpa: VerticalPodAutoscaler) -> list[SeenHpa]:
        """Those on a VPA's workload."""
        ref = vpa.spec.target_ref
        return [] if ref is None else self.copy.select("target", place(vpa.metadata.namespace, ref.kind, ref.name))

    # -- looking ---------------------------------------------------------------------------------------------------

    def look(
        self, tracked: Iterable[Tracked], roster: Roster, pods: Mapping[Key, RunningPod], usages: Iterable[PodUsage]
    ) -> list[PodUsage]:
        """See the pods of VPAs that meet an HPA; the usages as they are to be counted."""
        meeting = {one.subject: one.key for one in tracked if one.subject is not None and self.hpas(one.vpa)}
        self._crowds = {key: _Crowd() for key in meeting.values()}
        self._memories = {key: memory for key, memory in self._memories.items() if key in self._crowds}
        usages = list(usages)
        if not meeting:
            return usages
        for key, pod in pods.items():
            for crowd in self._of(key, roster, meeting):
                self._crowds[crowd].requests.append(_requests(pod))
        return [self._counted(usage, roster, meeting) for usage in usages]

    @staticmethod
    def _of(key: Key, roster: Roster, meeting: Mapping[Subject, Key]) -> list[Key]:
        found = roster.label_set(key)
        return [meeting[subject] for subject in found.subjects if subject in meeting] if found is not None else []

    def _counted(self, usage: PodUsage, roster: Roster, meeting: Mapping[Subject, Key]) -> PodUsage:
        """Note what a pod uses, and say what it stands for."""
        heaviest = 1.0
        for key in self._of((usage.metadata.namespace, usage.metadata.name), roster, meeting):
            crowd = self._crowds[key]
            crowd.pods += 1
            for container in usage.containers:
                own = crowd.used.setdefault(container.name, {})
                for resource, amount in _amounts(container.usage).items():
                    own[resource] = own.get(resource, 0) + amount
            heaviest = self._weights.get(key, 1.0)
        return usage if heaviest == 1.0 else _heavier(usage, heaviest)

    # -- judging ---------------------------------------------------------------------------------------------------

    def judged(  # noqa: PLR0917 - what a round knows of one VPA
        self,
        tracked: Tracked,
        found: Recommendation,
        others: Iterable[VerticalPodAutoscaler],
        peaks: Mapping[str, Amounts],
        history: float,
        now: float,
    ) -> Told | None:
        """What becomes of VPA's rule beside HPAs; None when there is none on the workload."""
        hpas = self.hpas(tracked.vpa)
        if not hpas:
            return None
        scalers = [scaler_of(hpa.manifest()) for hpa in hpas]
        sizers = [sizer_of(vpa, found) for vpa in (tracked.vpa, *others)]
        settled = settle(scalers, sizers)
        if settled.case != "coupled":
            return Told(_without(found, settled), coupled(settled, {}))
        points = setpoints.read(self._annotation(tracked, hpas[0]))
        if not any(metric.key in points for metric in settled.shared):
            # The operator has not written what the HPA is to hold: until then nothing is sized that it leans on.
            left = {name: frozenset({metric.resource for metric in settled.shared}) for name in found}
            return Told(_without(found, msgspec.structs.replace(settled, left=left)), coupled(settled, points))
        plan = self._plan(tracked, settled, points, found, peaks, history, now, hpas[0])
        text = standing.written(plan.memory.standing)
        same = tracked.vpa.metadata.annotations.get(standing.ANNOTATION) == text
        return Told(plan.recommendation, coupled(settled, points), None if same else text)

    @staticmethod
    def _annotation(tracked: Tracked, hpa: SeenHpa) -> str | None:
        on_hpa = hpa.metadata.annotations.get(setpoints.ANNOTATION)
        return on_hpa or tracked.vpa.metadata.annotations.get(setpoints.ANNOTATION)

    def _plan(  # noqa: PLR0917 - what one VPA and its HPA are judged from
        self,
        tracked: Tracked,
        settled: Settlement,
        points: setpoints.SetPoints,
        found: Recommendation,
        peaks: Mapping[str, Amounts],
        history: float,
        now: float,
        hpa: SeenHpa,
    ) -> Plan:
        vpa, key = tracked.vpa, tracked.key
        metrics = {metric.key: metric for metric in settled.shared if metric.key in points}
        stands = standing.read(vpa.metadata.annotations.get(standing.ANNOTATION))
        memory = self._memories.get(key) or Memory(stands)
        status = tracked.status if tracked.status is not None else vpa.status
        published = recommendation_of(status.recommendation) or {}
        rules = rules_of(vpa)
        crowd = self._crowds.get(key) or _Crowd()
        usage = Usage(crowd.pods, crowd.used) if crowd.pods else None  # type: ignore[arg-type] # by resource
        case = Case(
            metrics,
            points,
            _replicas(hpa, metrics, now),
            usage,
            Pods(_least(crowd), _astray(crowd, published, metrics), acts=rules.mode in MOVING),
            {
                name: Sizing(bounds, peaks.get(name, {}), rules.of(name).minimum, rules.of(name).maximum)
                for name, bounds in found.items()
            },
            published,
            history,
        )
        plan = judge(case, memory, now)
        self._memories[key] = plan.memory
        self._weights[key] = weight(plan.load, usage, "cpu", exactly=plan.hold)
        return plan


def annotating(vpa: VerticalPodAutoscaler, text: str) -> PatchMetadata:
    """The annotation as an action."""
    return PatchMetadata(vpa.ref, VPAS.plural, {"annotations": {standing.ANNOTATION: text}})


def _requests(pod: RunningPod) -> dict[str, Amounts]:
    """What each container requests: what the kubelet reports of it, where it does, and else what its spec says."""
    reported = {one.name: one.resources for one in pod.status.container_statuses if one.resources is not None}
    found: dict[str, Amounts] = {}
    for container in pod.spec.containers:
        requests = (reported.get(container.name) or container.resources).requests
        said = {"cpu": requests.cpu, "memory": requests.memory} if requests is not None else {}
        found[container.name] = amounts_of({of: one for of, one in said.items() if one is not None})
    return found


def _amounts(usage: Quantities) -> Amounts:
    return amounts_of({of: one for of, one in (("cpu", usage.cpu), ("memory", usage.memory)) if one})


def _heavier(usage: PodUsage, times: float) -> PodUsage:
    """The same pod with so many times its cpu."""
    containers = tuple(
        ContainerUsage(
            one.name, Quantities(f"{round(parse_quantity(one.usage.cpu) * times * 1e9)}n", one.usage.memory)
        )
        if one.usage.cpu
        else one
        for one in usage.containers
    )
    return msgspec.structs.replace(usage, containers=containers)


def _least(crowd: _Crowd) -> dict[str, Amounts]:
    found: dict[str, dict[str, int]] = {}
    for pod in crowd.requests:
        for name, amounts in pod.items():
            least = found.setdefault(name, dict(amounts))  # type: ignore[arg-type] # by resource
            for of, amount in amounts.items():
                least[of] = min(amount, least.get(of, amount))
    return found  # type: ignore[return-value] # by resource


def _astray(crowd: _Crowd, published: Recommendation, metrics: Mapping[str, Metric]) -> int:
    return sum(any(_is_astray(name, own, published, metrics) for name, own in pod.items()) for pod in crowd.requests)


def _is_astray(name: str, own: Amounts, published: Recommendation, metrics: Mapping[str, Metric]) -> bool:
    bounds = published.get(name)
    resources = {metric.resource for metric in metrics.values() if metric.counts(name)}
    targets = bounds.target.items() if bounds is not None else ()
    return any(of in resources and abs(own.get(of, 0) - to) > to * AROUND + 1 for of, to in targets)


def _without(found: Recommendation, settled: Settlement) -> Recommendation:
    """VPA's rule without what is left to the HPA; what VPA would say stays beside it."""
    return {name: _left(bounds, settled.left.get(name, frozenset())) for name, bounds in found.items()}


def _left(bounds: Bounds, left: frozenset[str]) -> Bounds:
    target, lower, upper = (
        {of: one for of, one in amounts.items() if of not in left}
        for amounts in (bounds.target, bounds.lower, bounds.upper)
    )
    return Bounds(target, lower, upper, bounds.uncapped)


def _replicas(hpa: SeenHpa, metrics: Mapping[str, Metric], now: float) -> Replicas:
    spec, status = hpa.spec, hpa.status
    current = int(status.get("currentReplicas") or 0)
    scaled_at = status.get("lastScaleTime")
    return Replicas(
        int(status.get("desiredReplicas") or current),
        int(spec.get("minReplicas") or 1),
        int(spec["maxReplicas"]),
        _elsewhere(hpa, metrics, current),
        from_rfc3339(str(scaled_at)) if scaled_at else now - DAY,
    )


def _elsewhere(hpa: SeenHpa, metrics: Mapping[str, Metric], current: int) -> int:
    """What metrics that are not shared ask for, as the HPA last saw them."""
    asked = 0
    for wanted, seen in zip(hpa.spec.get("metrics") or [], hpa.status.get("currentMetrics") or [], strict=False):
        kind = str(wanted.get("type", ""))
        field = kind[:1].lower() + kind[1:]
        source, shown = wanted.get(field) or {}, (seen.get(field) or {}).get("current") or {}
        key = f"{source.get('name')}/{source['container']}" if "container" in source else str(source.get("name"))
        if key in metrics:
            continue
        target = source.get("target") or {}
        for name in ("averageValue", "value", "averageUtilization"):
            if target.get(name) is not None and shown.get(name) is not None:
                ratio = parse_quantity(shown[name]) / max(parse_quantity(target[name]), 1e-9)
                asked = max(asked, int(np.ceil(ratio * current - 1e-6)))
                break
    return asked
