"""HPAs and VPAs as a cluster has them, read for `ownership`; what a ScaledObject's HPA is to carry beside a VPA."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from scaler.api.meta import Raw
from scaler.api.neighbours import aims_at, owns
from scaler.api.scaledobject import ADOPT, ADOPTED, ScaledObject
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import Invalid
from scaler.horizontal.readings import Coupling, TriggerPlan
from scaler.together import originals, setpoints, standing
from scaler.together.conditions import coupled
from scaler.together.metrics import Metric, utilization_metrics
from scaler.together.ownership import Origin, Scaler, Settlement, Sizer, settle
from scaler.together.setpoints import SetPoint, quantity
from scaler.vertical.quantities import amount_of
from scaler.vertical.reading import rules_of


def sizer_of(vpa: VerticalPodAutoscaler, containers: Iterable[str]) -> Sizer:
    """A VPA on a workload with these containers; one that cannot be read sizes nothing."""
    try:
        rules = rules_of(vpa)
    except Invalid:
        return Sizer(vpa.metadata.name, acts=False)
    sized = {name: frozenset(rules.of(name).controlled) for name in containers if not rules.of(name).off}
    return Sizer(vpa.metadata.name, rules.mode != "Off", sized)


def scaler_of(hpa: Raw) -> Scaler:
    """An HPA as it stands: one that carries absolute targets of ours still shares what the user wrote for them."""
    meta, annotations = hpa["metadata"], hpa["metadata"].get("annotations") or {}
    metrics = (hpa.get("spec") or {}).get("metrics") or []
    owner = next((one for one in _owners(meta) if one.get("kind") == "ScaledObject" and one.get("controller")), None)
    if owner is None:
        origin: Origin = "adopted" if annotations.get(ADOPT) == "true" else "user"
        wished = originals.wished_metrics(metrics, originals.readable(annotations.get(ADOPTED)))
        return Scaler(meta["name"], origin, utilization_metrics(wished))
    found = {metric.key: metric for metric in utilization_metrics(metrics)}
    points = setpoints.read(annotations.get(setpoints.ANNOTATION))
    found |= {
        key: _metric(key, point) for key, point in points.items() if key not in found and _averages(metrics, key)
    }
    return Scaler(meta["name"], "generated", tuple(found.values()), str(owner.get("name", "")))


def _owners(meta: Raw) -> list[Raw]:
    """Owner references, whichever way they were decoded."""
    return [dict(one) for one in meta.get("ownerReferences") or []]


def _metric(key: str, point: SetPoint) -> Metric:
    return Metric(setpoints.resource_of(key), key.partition("/")[2], point.utilization)


def _averages(metrics: Iterable[Raw], key: str) -> bool:
    """Whether the HPA has an absolute target for what the key names."""
    resource, _, container = key.partition("/")
    for metric in metrics:
        source = metric.get("containerResource" if container else "resource") or {}
        same = source.get("name") == resource and source.get("container", "") == container
        if same and (source.get("target") or {}).get("averageValue") is not None:
            return True
    return False


# -- a ScaledObject beside VPAs --------------------------------------------------------------------------------


def coupling_of(
    scaled: ScaledObject,
    triggers: Iterable[TriggerPlan],
    hpas: Sequence[Raw],
    vpas: Sequence[VerticalPodAutoscaler],
    pod_spec: Raw | None,
) -> Coupling | None:
    """What the object's HPA is to carry, and what the object says of it; None without a VPA on its workload."""
    if not vpas:
        return None
    containers = list((pod_spec or {}).get("containers") or [])
    own = Scaler(scaled.hpa_name, "generated", _wanted_metrics(triggers), scaled.metadata.name)
    others = [scaler_of(hpa) for hpa in hpas if aims_at(hpa, scaled) and not owns(scaled, hpa)]
    sizers = [sizer_of(vpa, [str(one.get("name")) for one in containers]) for vpa in vpas]
    settled = settle([own, *others], sizers)
    if settled.case != "coupled":
        return Coupling(condition=coupled(settled, {}))
    return _carried(scaled, settled, hpas, vpas, containers)


def _carried(
    scaled: ScaledObject,
    settled: Settlement,
    hpas: Sequence[Raw],
    vpas: Sequence[VerticalPodAutoscaler],
    containers: Sequence[Raw],
) -> Coupling:
    standing_hpa = next((hpa for hpa in hpas if hpa["metadata"]["name"] == scaled.hpa_name), None)
    annotations = (standing_hpa["metadata"].get("annotations") or {}) if standing_hpa else {}
    found = agreed(settled, setpoints.read(annotations.get(setpoints.ANNOTATION)), vpas, containers)
    said = {setpoints.ANNOTATION: setpoints.written(found.points)}
    return Coupling(found.averages, found.rolling, said, coupled(settled, found.points))


class Agreement(msgspec.Struct, frozen=True):
    """What an HPA is to be held at while it is coupled."""

    points: setpoints.SetPoints
    scale_points: Mapping[str, int]
    """What replicas are held at now, by `Metric.key`: millicores or bytes a pod."""
    rolling: bool
    """A resize is going through the pods: replicas may not fall."""

    @property
    def averages(self) -> dict[str, str]:
        """The scale points as quantities."""
        return {key: quantity(setpoints.resource_of(key), point) for key, point in self.scale_points.items()}


def agreed(
    settled: Settlement,
    before: setpoints.SetPoints,
    vpas: Sequence[VerticalPodAutoscaler],
    containers: Sequence[Raw],
) -> Agreement:
    """Both axes of a coupled workload: set-points from the template, what the acting VPA says of them beside."""
    requests = {metric.key: amount for metric in settled.shared if (amount := requested(metric, containers))}
    points = setpoints.kept(before, settled.shared, requests, {})
    acting = next(vpa for vpa in vpas if any(one.acts and one.name == vpa.metadata.name for one in settled.sizers))
    stands = standing.read(acting.metadata.annotations.get(standing.ANNOTATION))
    held = {key: stands.scale_point(key, point.amount) for key, point in points.items()}
    return Agreement(points, held, stands.rolling)


def _wanted_metrics(triggers: Iterable[TriggerPlan]) -> tuple[Metric, ...]:
    specs = (plan.resource for plan in triggers if plan.resource is not None)
    return tuple(
        Metric(spec.resource, spec.container, int(spec.value)) for spec in specs if spec.metric_type == "Utilization"
    )


def requested(metric: Metric, containers: Iterable[Mapping[str, object]]) -> int | None:
    """What a template's containers request of what the metric counts; None where one of them says nothing."""
    total = 0
    for container in containers:
        if not metric.counts(str(container.get("name"))):
            continue
        resources = container.get("resources")
        lists = (resources.get("requests"), resources.get("limits")) if isinstance(resources, dict) else ()
        said = next((one[metric.resource] for one in lists if one and metric.resource in one), None)
        if said is None:
            return None
        total += amount_of(metric.resource, said)
    return total or None
