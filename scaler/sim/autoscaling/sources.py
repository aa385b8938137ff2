"""The metrics of an autoscaler: what each needs to know, and what it asks for once that is known.

Source of the words: the conditions, events and metric statuses of the HPA controller of Kubernetes 1.36.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scaler.quantity import milli_quantity
from scaler.sim.autoscaling import calculations
from scaler.sim.autoscaling.calculations import Asked, CannotCompute, Sample, Situation

Object = dict[str, Any]


class Samples(msgspec.Struct, frozen=True):
    """Values a pod."""

    values: Mapping[str, Sample]


class Totals(msgspec.Struct, frozen=True):
    """Values of an external or object metric, thousandths; they add up."""

    values: Sequence[int]


class Silence(msgspec.Struct, frozen=True):
    """The metric could not be had; `why` in the words of the metrics client."""

    why: str


Reading = Samples | Totals | Silence
"""What a metric showed."""


class Proposal(msgspec.Struct, frozen=True):
    """What one metric asks for."""

    replicas: int
    name: str
    """As conditions and events call it."""
    status: Object
    """Its entry in ``status.currentMetrics``."""


class Refused(Exception):
    """One metric asks for nothing that can be used."""

    def __init__(self, reason: str, said: str, told: str) -> None:
        super().__init__(told)
        self.reason = reason
        """Of the condition ScalingActive and of the event."""
        self.said = said
        """What the condition and the event say."""


def proposal(metric: Object, reading: Reading, situation: Situation, namespace: str) -> Proposal:
    """What the metric asks for; raises `Refused`, whose text is the error upstream reports."""
    kind = metric["type"]
    propose = PROPOSE.get(kind)
    if propose is None:
        said = f'unknown metric source type "{kind}"'
        raise Refused("InvalidMetricSourceType", said, said)
    return propose(metric, reading, situation, namespace)


def quantity(milli: int) -> str:
    """Thousandths as a decimal quantity."""
    return _suffixed(milli, 1000, ("m", "", "k", "M", "G", "T", "P", "E"))


def memory_quantity(milli: int) -> str:
    """Thousandths of bytes as a binary quantity, where they are whole ones."""
    if milli % 1000 or abs(milli) < 1024 * 1000:
        return quantity(milli)
    return _suffixed(milli // 1000, 1024, ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))


def _suffixed(number: int, step: int, suffixes: Sequence[str]) -> str:
    if number == 0:
        return "0"
    place = 0
    while number % step == 0 and place + 1 < len(suffixes):
        number, place = number // step, place + 1
    return f"{number}{suffixes[place]}"


def selector_text(selector: Object | None) -> str:
    """A LabelSelector as upstream's messages print it."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{part['key']},Operator:{part['operator']},"
        f"Values:[{' '.join(part.get('values') or ())}],}},"
        for part in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )


# -- resources -------------------------------------------------------------------------------------------------


def _resource(metric: Object, reading: Reading, situation: Situation, _: str) -> Proposal:
    source = metric["resource"]
    name = source["name"]
    try:
        asked, called = _of_resource(source["target"], reading, situation, name, "")
    except CannotCompute as error:
        told = f"failed to get {name} resource metric value: {error}"
        raise Refused("FailedGetResourceMetric", str(error), told) from error
    status = {"type": "Resource", "resource": {"name": name, "current": _current(asked, name)}}
    return Proposal(asked.replicas, called, status)


def _container_resource(metric: Object, reading: Reading, situation: Situation, _: str) -> Proposal:
    source = metric["containerResource"]
    name, container = source["name"], source["container"]
    try:
        asked, called = _of_resource(source["target"], reading, situation, name, container)
    except CannotCompute as error:
        told = f"failed to get {container} container metric value: {error}"
        raise Refused("FailedGetContainerResourceMetric", str(error), told) from error
    current = {"name": name, "container": container, "current": _current(asked, name)}
    return Proposal(asked.replicas, called, {"type": "ContainerResource", "containerResource": current})


def _of_resource(
    target: Object, reading: Reading, situation: Situation, name: str, container: str
) -> tuple[Asked, str]:
    if target.get("averageValue") is not None:
        try:
            samples = _samples(reading, f"unable to get metrics for resource {name}")
            asked = calculations.by_average(situation, samples, milli_quantity(target["averageValue"]), name)
        except CannotCompute as error:
            raise CannotCompute(f"failed to get {name} usage: {error}") from error
        return asked, f"{name} resource"
    if target.get("averageUtilization") is None:
        raise CannotCompute(
            "invalid resource metric source: neither an average utilization target nor an average value (usage) "
            "target was set"
        )
    try:
        samples = _samples(reading, f"unable to get metrics for resource {name}")
        asked = calculations.by_utilization(situation, samples, target["averageUtilization"], name, container)
    except CannotCompute as error:
        raise CannotCompute(f"failed to get {name} utilization: {error}") from error
    called = f"{name} container resource" if container else f"{name} resource"
    return asked, f"{called} utilization (percentage of request)"


def _current(asked: Asked, resource: str) -> Object:
    shown = memory_quantity(asked.value) if resource == "memory" else quantity(asked.value)
    percent = {} if asked.utilization is None else {"averageUtilization": asked.utilization}
    return {**percent, "averageValue": shown}


# -- pods, objects, the outside --------------------------------------------------------------------------------


def _pods(metric: Object, reading: Reading, situation: Situation, _: str) -> Proposal:
    source = metric["pods"]
    name = source["metric"]["name"]
    try:
        samples = _samples(reading, f"unable to get metric {name}")
        asked = calculations.by_average(situation, samples, milli_quantity(source["target"]["averageValue"]))
    except CannotCompute as error:
        told = f"failed to get pods metric value: {error}"
        raise Refused("FailedGetPodsMetric", str(error), told) from error
    current = {"averageValue": quantity(asked.value)}
    return Proposal(
        asked.replicas,
        f"pods metric {name}",
        {"type": "Pods", "pods": {"metric": source["metric"], "current": current}},
    )


def _object(metric: Object, reading: Reading, situation: Situation, namespace: str) -> Proposal:
    source = metric["object"]
    about, name = source["describedObject"], source["metric"]["name"]
    target = source["target"]
    per_pod = target.get("type") == "AverageValue"
    # The slash before the reason is upstream's.
    place = f"unable to get metric {name}: {about['kind']} on {namespace} {about['name']}/"
    try:
        asked, current = _of_total(target, per_pod, reading, situation, place)
    except CannotCompute as error:
        said = f"failed to get {name} object metric: {error}" if per_pod else str(error)
        raise Refused("FailedGetObjectMetric", str(error), f"failed to get object metric value: {said}") from error
    called = f"external metric {name}({selector_text(source['metric'].get('selector'))})"
    status = {"metric": source["metric"], "current": current, "describedObject": about}
    return Proposal(
        asked.replicas, called if per_pod else f"{about['kind']} metric {name}", {"type": "Object", "object": status}
    )


def _external(metric: Object, reading: Reading, situation: Situation, namespace: str) -> Proposal:
    source = metric["external"]
    name, target = source["metric"]["name"], source["target"]
    selector = selector_text(source["metric"].get("selector"))
    per_pod = target.get("averageValue") is not None
    place = f"unable to get external metric {namespace}/{name}/{selector}: "
    try:
        asked, current = _of_total(target, per_pod, reading, situation, place)
    except CannotCompute as error:
        inner = f"failed to get {name} external metric" if per_pod else f"failed to get external metric {name}"
        told = f"failed to get {name} external metric value: {inner}: {error}"
        raise Refused("FailedGetExternalMetric", str(error), told) from error
    status = {"type": "External", "external": {"metric": source["metric"], "current": current}}
    return Proposal(asked.replicas, f"external metric {name}({selector})", status)


def _of_total(
    target: Object, per_pod: bool, reading: Reading, situation: Situation, place: str
) -> tuple[Asked, Object]:
    if isinstance(reading, Silence):
        raise CannotCompute(f"{place}{reading.why}")
    if not isinstance(reading, Totals):
        raise CannotCompute(f"{place}values of pods do not add up to one")
    usage = min(sum(reading.values), 2**63 - 1)
    if per_pod:
        asked = calculations.by_total_per_pod(situation, usage, milli_quantity(target["averageValue"]))
        return asked, {"averageValue": quantity(asked.value)}
    if target.get("value") is None:
        raise CannotCompute(
            "invalid external metric source: neither a value target nor an average value target was set"
        )
    asked = calculations.by_total(situation, usage, milli_quantity(target["value"]))
    return asked, {"value": quantity(asked.value)}


def _samples(reading: Reading, place: str) -> Mapping[str, Sample]:
    if isinstance(reading, Silence):
        raise CannotCompute(f"{place}: {reading.why}")
    if not isinstance(reading, Samples):
        raise CannotCompute(f"{place}: there are no values of pods")
    return reading.values


PROPOSE = {
    "Resource": _resource,
    "ContainerResource": _container_resource,
    "Pods": _pods,
    "Object": _object,
    "External": _external,
}
