"""What ScaledObject and VPA say of each other: one condition of one type on both, naming the partner and the split.

A message says the same as long as nothing changes: set-points and owners, no usage, no replicas, no times.
"""

from collections.abc import Iterable, Mapping

from scaler.api.meta import Condition
from scaler.api.scaledobject import ADOPT
from scaler.horizontal.conditions import COUPLED
from scaler.together.metrics import Metric
from scaler.together.ownership import CaseName, Settlement
from scaler.together.setpoints import SetPoints, quantity

REASONS: Mapping[CaseName, str] = {
    "coupled": "Coupled",
    "left-to-hpa": "LeftToHPA",
    "nothing-shared": "NothingShared",
    "advice-only": "AdviceOnly",
    "several-hpas": "SeveralHPAs",
    "several-vpas": "SeveralVPAs",
}
"""The condition's reasons: a closed list."""


def coupled(settled: Settlement, points: SetPoints) -> Condition:
    """The condition, in KEDA's shape; a VPA's has the same fields and a time."""
    status = "True" if settled.case == "coupled" else "False"
    return Condition(COUPLED, status, REASONS[settled.case], _message(settled, points))


def _message(settled: Settlement, points: SetPoints) -> str:
    hpas, vpas = _names("HPA", settled.scalers), _names("VPA", settled.sizers)
    match settled.case:
        case "coupled":
            held = "; ".join(_held(metric, points) for metric in settled.shared)
            return f"{hpas} and {vpas} act as one: replicas hold {held}; {vpas} sizes the pods around that"
        case "left-to-hpa":
            return (
                f"{hpas} holds {_resources(settled)} against requests, so {vpas} leaves those requests alone and"
                " sizes the rest; with a ScaledObject in the HPA's place both would act as one, and so they"
                f' would with the annotation {ADOPT}: "true" on the HPA'
            )
        case "nothing-shared":
            return f"{hpas} looks at nothing that {vpas} sizes, so each acts by itself"
        case "advice-only":
            return f"{vpas} changes no pods (updateMode Off), so {hpas} acts by itself"
        case "several-hpas":
            return f"{hpas} scale one workload: requests they are held against are left alone until one HPA is left"
        case "several-vpas":
            return f"{vpas} size one workload beside {hpas}: what it is held against is left alone until one is left"


def _held(metric: Metric, points: SetPoints) -> str:
    of = f"{metric.resource} of container {metric.container}" if metric.container else metric.resource
    point = points.get(metric.key)
    if point is None:
        return of
    amount, reference = (quantity(metric.resource, one) for one in (point.amount, point.reference))
    return f"{of} at {amount} a pod ({point.utilization}% of the {reference} that the template requests)"


def _names(kind: str, objects: Iterable[object]) -> str:
    names = [str(getattr(one, "name", "")) for one in objects]
    return f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _resources(settled: Settlement) -> str:
    return " and ".join(sorted({metric.resource for one in settled.scalers for metric in one.metrics}))
