"""What the server refuses of HorizontalPodAutoscalers: all of it, as they are what a scaler writes.

Source: the validation of autoscaling/v2 in a kube-apiserver 1.36, its paths, reasons and words.
"""

from collections.abc import Iterator
from typing import Any

from scaler.errors import Problem
from scaler.quantity import exact_quantity
from scaler.sim.apiserver.metadata import name_problem

Object = dict[str, Any]

LONGEST_WINDOW = 3600
LONGEST_PERIOD = 1800
SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
TARGETS = ("Utilization", "Value", "AverageValue")


def autoscaler(obj: Object, old: Object | None) -> list[Problem]:
    """Every problem of a new autoscaler, or of a new version of `old`."""
    spec = obj["spec"]
    return [*_replicas(spec), *_target(spec, old), *_metrics(spec), *_behavior(spec.get("behavior") or {})]


def _replicas(spec: Object) -> Iterator[Problem]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield _invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most == 0:
        yield Problem("spec.maxReplicas", "Required value: must be set and greater than 0", most)
    elif most < 0:
        yield _invalid("spec.maxReplicas", most, "must be greater than or equal to 1")
    if most < least:
        yield _invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")


def _target(spec: Object, old: Object | None) -> Iterator[Problem]:
    target = spec.get("scaleTargetRef") or {}
    for field in ("kind", "name"):
        value = target.get(field)
        rule = name_problem("segment", value) if value else None
        if not value:
            yield Problem(f"spec.scaleTargetRef.{field}", "Required value")
        elif rule:
            yield _invalid(f"spec.scaleTargetRef.{field}", value, rule)
    known = (old or {}).get("spec", {}).get("scaleTargetRef") or {}
    unchanged = all(known.get(field) == target.get(field) for field in ("apiVersion", "kind"))
    version = target.get("apiVersion", "")
    if "/" not in version and target.get("kind") != "ReplicationController" and not (old and unchanged):
        yield _invalid("spec.scaleTargetRef.apiVersion", version, "apiVersion must specify API group")


# -- metrics ---------------------------------------------------------------------------------------------------


def _metrics(spec: Object) -> Iterator[Problem]:
    metrics = spec.get("metrics") or []
    for index, metric in enumerate(metrics):
        yield from _metric(metric, f"spec.metrics[{index}]")
    if spec.get("minReplicas") == 0 and not any(metric.get("type") in {"Object", "External"} for metric in metrics):
        said = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield Problem("spec.metrics", f"Forbidden: {said}")


def _metric(metric: Object, path: str) -> Iterator[Problem]:
    kind = metric.get("type", "")
    if not kind:
        yield Problem(f"{path}.type", "Required value: must specify a metric source type")
    if kind not in SOURCES:
        yield _unsupported(f"{path}.type", kind, SOURCES)
        return
    name = SOURCES[kind]
    source = metric.get(name)
    if source is None:
        yield Problem(f"{path}.{name}", "Required value: must populate information for the given metric source")
    else:
        yield from CHECKS[name](source, f"{path}.{name}")
    for other in sorted(SOURCES.values()):
        if other != name and metric.get(other) is not None:
            yield Problem(f"{path}.{other}", "Forbidden: must populate the given metric source only")


def _resource(source: Object, path: str) -> Iterator[Problem]:
    target = source.get("target") or {}
    if not source.get("name"):
        yield Problem(f"{path}.name", "Required value: must specify a resource name")
    if path.endswith("containerResource") and not source.get("container"):
        yield Problem(f"{path}.container", "Required value: must specify a container")
    yield from _aim(target, f"{path}.target")
    either = "must set either a target raw value or a target utilization"
    if target.get("averageUtilization") is None and target.get("averageValue") is None:
        yield Problem(f"{path}.target.averageUtilization", f"Required value: {either}")
    if target.get("averageUtilization") is not None and target.get("averageValue") is not None:
        said = "may not set both a target raw value and a target utilization"
        yield Problem(f"{path}.target.averageValue", f"Forbidden: {said}")


def _pods(source: Object, path: str) -> Iterator[Problem]:
    target = source.get("target") or {}
    yield from _identifier(source, path)
    yield from _aim(target, f"{path}.target")
    if target.get("averageValue") is None:
        yield Problem(f"{path}.target.averageValue", "Required value: must specify a positive target averageValue")


def _object(source: Object, path: str) -> Iterator[Problem]:
    about, target = source.get("describedObject") or {}, source.get("target") or {}
    for field in ("kind", "name"):
        if not about.get(field):
            yield Problem(f"{path}.describedObject.{field}", "Required value")
    yield from _identifier(source, path)
    yield from _aim(target, f"{path}.target")
    if target.get("value") is None and target.get("averageValue") is None:
        yield Problem(f"{path}.target.averageValue", "Required value: must set either a target value or averageValue")


def _external(source: Object, path: str) -> Iterator[Problem]:
    target = source.get("target") or {}
    yield from _identifier(source, path)
    yield from _aim(target, f"{path}.target")
    if target.get("value") is None and target.get("averageValue") is None:
        said = "must set either a target value for metric or a per-pod target"
        yield Problem(f"{path}.target.averageValue", f"Required value: {said}")
    if target.get("value") is not None and target.get("averageValue") is not None:
        said = "may not set both a target value for metric and a per-pod target"
        yield Problem(f"{path}.target.value", f"Forbidden: {said}")


CHECKS = {
    "containerResource": _resource,
    "external": _external,
    "object": _object,
    "pods": _pods,
    "resource": _resource,
}


def _identifier(source: Object, path: str) -> Iterator[Problem]:
    name = (source.get("metric") or {}).get("name")
    rule = name_problem("segment", name) if name else None
    if not name:
        yield Problem(f"{path}.metric.name", "Required value: must specify a metric name")
    elif rule:
        yield _invalid(f"{path}.metric.name", name, rule)


def _aim(target: Object, path: str) -> Iterator[Problem]:
    kind = target.get("type", "")
    if not kind:
        yield Problem(f"{path}.type", "Required value: must specify a metric target type")
    if kind not in TARGETS:
        yield _invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    for field in ("value", "averageValue"):
        if target.get(field) is not None and exact_quantity(target[field]) <= 0:
            yield _invalid(f"{path}.{field}", str(target[field]), "must be positive")
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        yield _invalid(f"{path}.averageUtilization", percent, "must be greater than 0")


# -- behavior --------------------------------------------------------------------------------------------------


def _behavior(behavior: Object) -> Iterator[Problem]:
    for side in ("scaleUp", "scaleDown"):
        if behavior.get(side):
            yield from _rules(behavior[side], f"spec.behavior.{side}")


def _rules(rules: Object, path: str) -> Iterator[Problem]:
    window, choice = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy", "Max")
    if window is not None and window < 0:
        yield _invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > LONGEST_WINDOW:
        said = f"must be less than or equal to {LONGEST_WINDOW}"
        yield _invalid(f"{path}.stabilizationWindowSeconds", window, said)
    if choice not in {"Max", "Min", "Disabled"}:
        yield _unsupported(f"{path}.selectPolicy", choice, ("Disabled", "Max", "Min"))
    if not rules.get("policies"):
        yield Problem(f"{path}.policies", "Required value: must specify at least one Policy")
    for index, policy in enumerate(rules.get("policies") or ()):
        yield from _policy(policy, f"{path}.policies[{index}]")


def _policy(policy: Object, path: str) -> Iterator[Problem]:
    kind, value, period = policy.get("type", ""), policy.get("value", 0), policy.get("periodSeconds", 0)
    if kind not in {"Pods", "Percent"}:
        yield _unsupported(f"{path}.type", kind, ("Percent", "Pods"))
    if value <= 0:
        yield _invalid(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        yield _invalid(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > LONGEST_PERIOD:
        yield _invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {LONGEST_PERIOD}")


def _invalid(path: str, value: object, said: str) -> Problem:
    shown = f'"{value}"' if isinstance(value, str) else value
    return Problem(path, f"Invalid value: {shown}: {said}", value)


def _unsupported(path: str, value: str, known: Any) -> Problem:
    listed = ", ".join(f'"{name}"' for name in known)
    return Problem(path, f'Unsupported value: "{value}": supported values: {listed}', value)
