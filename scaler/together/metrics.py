"""The resource metrics of an HPA that are held against requests: what the two axes can collide on."""

from collections.abc import Iterable, Mapping
from typing import get_args

import msgspec

from scaler.api.meta import Raw
from scaler.vertical.amounts import Resource


class Metric(msgspec.Struct, frozen=True, order=True):
    """Usage of a resource as a percentage of its request, of whole pods or of one container in each."""

    resource: Resource
    container: str = ""
    """Empty for whole pods."""
    utilization: int = 100
    """The target, percent."""

    @property
    def key(self) -> str:
        """How annotations name it: ``cpu``, or ``cpu/app`` for one container."""
        return f"{self.resource}/{self.container}" if self.container else self.resource

    def counts(self, container: str) -> bool:
        """Whether it looks at this container."""
        return self.container in {"", container}


def place_of(metric: Raw) -> tuple[str, str]:
    """The field that the source of an HPA's metric is in, and its `Metric.key`; empty where it is no resource."""
    field = {"Resource": "resource", "ContainerResource": "containerResource"}.get(str(metric.get("type")), "")
    source = metric.get(field) or {}
    if source.get("name") not in get_args(Resource):
        return "", ""
    return field, Metric(source["name"], source.get("container", "")).key


def utilization_metrics(metrics: Iterable[Raw]) -> tuple[Metric, ...]:
    """Those of an HPA's ``spec.metrics`` that are held against requests; absolute targets are not."""
    found = []
    for metric in metrics:
        kind = str(metric.get("type", ""))
        source = metric.get({"Resource": "resource", "ContainerResource": "containerResource"}.get(kind, "")) or {}
        target = (source.get("target") or {}).get("averageUtilization")
        if target is not None and source.get("name") in get_args(Resource):
            found.append(Metric(source["name"], source.get("container", ""), int(target)))
    return tuple(found)


def with_averages(metrics: Iterable[Raw], averages: Mapping[str, str]) -> list[Raw]:
    """The same metrics with absolute targets a pod where `averages` has one, a quantity by `Metric.key`."""
    found = []
    for metric in metrics:
        shared = utilization_metrics([metric])
        average = averages.get(shared[0].key) if shared else None
        if average is None:
            found.append(metric)
            continue
        field = "containerResource" if shared[0].container else "resource"
        target = {"type": "AverageValue", "averageValue": average}
        found.append({**metric, field: {**metric[field], "target": target}})
    return found
