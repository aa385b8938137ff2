"""The HPA an object should have, and whether the one that stands there is it.

It builds and compares manifests; creating, renaming and refusing is `lifecycle`'s.

Source: upstream's HPA, field for field: minReplicas is never 0, idleReplicaCount is invisible, every annotation of
the ScaledObject is copied (kubectl's last-applied one, too, for that is what upstream's HPAs carry), metrics are
sorted by the type of their source, and beside a formula the composite metric comes last. Deliberately not upstream's:
a cpu or memory trigger of one container stays beside a formula, where upstream loses it.
"""

import re
from collections import Counter
from typing import Any

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import API_VERSION, HPA_EXCLUDED_LABELS, NAME_LABEL, ScaledObject
from scaler.errors import Problem
from scaler.horizontal import pauses
from scaler.horizontal.demand import specs
from scaler.horizontal.readings import Coupling, HpaBody, MetricSpec, Policy, ResourceSpec, Subject
from scaler.quantity import equal_quantities, exact_quantity, format_milli

VERSION_LABEL = "app.kubernetes.io/version"
_SPAN = re.compile(r"^[^0-9A-Za-z]+|[^0-9A-Za-z]+$")
_LONGEST_LABEL = 63

_QUANTITIES = frozenset({"value", "averageValue"})

_UP: Raw = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN: Raw = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
"""What the API server fills in as soon as any behaviour is given."""


_ALONE = Coupling()


def wanted_hpa(subject: Subject, policy: Policy, coupling: Coupling | None = None) -> HpaBody:
    """The whole manifest."""
    coupling = coupling or _ALONE
    scaled, spec = subject.scaled, subject.scaled.spec
    target = subject.target
    version = f"{target.group}/{target.version}" if target.group else target.version
    body: Raw = {
        "scaleTargetRef": {"apiVersion": version, "kind": target.kind, "name": spec.scale_target_ref.name},
        "minReplicas": spec.minimum or 1,
        "maxReplicas": spec.maximum,
        "metrics": _metrics(subject, coupling),
    }
    behavior = _behavior(scaled, coupling)
    if behavior is not None:
        body["behavior"] = behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": scaled.hpa_name,
            "namespace": scaled.metadata.namespace,
            "labels": _labels(scaled, policy),
            "annotations": {**scaled.metadata.annotations, **coupling.annotations},
            "ownerReferences": [_owner(scaled)],
        },
        "spec": body,
    }


def metric_problems(subject: Subject) -> list[Problem]:
    """Why no HPA can be made of these triggers: no metric at all, or two of one name."""
    if any(plan.problem for plan in subject.triggers):
        return []
    external = [metric.name for plan in subject.triggers for metric in plan.metrics]
    if not external and all(plan.resource is None for plan in subject.triggers):
        return [Problem("spec.triggers", "give no metric: an HPA needs at least one")]
    return [
        Problem("spec.triggers", f"give the metric {name} {count} times: each name may stand once", name)
        for name, count in Counter(external).items()
        if count > 1
    ]


# -- metadata --------------------------------------------------------------------------------------------------


def _labels(scaled: ScaledObject, policy: Policy) -> dict[str, str]:
    name = scaled.hpa_name
    excluded = {label.strip() for label in scaled.metadata.annotations.get(HPA_EXCLUDED_LABELS, "").split(",")}
    return {
        "app.kubernetes.io/name": _SPAN.sub("", name[:_LONGEST_LABEL]),
        VERSION_LABEL: policy.version,
        "app.kubernetes.io/part-of": scaled.metadata.name,
        "app.kubernetes.io/managed-by": "keda-operator",
        **{key: value for key, value in named_labels(scaled).items() if key not in excluded},
    }


def named_labels(scaled: ScaledObject) -> dict[str, str]:
    """The object's labels with the one that the metrics API selects by, which may be about to be written."""
    return {**scaled.metadata.labels, NAME_LABEL: scaled.metadata.name}


def _owner(scaled: ScaledObject) -> Raw:
    return {
        "apiVersion": API_VERSION,
        "kind": "ScaledObject",
        "name": scaled.metadata.name,
        "uid": scaled.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


# -- metrics and behaviour -------------------------------------------------------------------------------------


def _metrics(subject: Subject, coupling: Coupling) -> list[Raw]:
    resources = [_resource(plan.resource, coupling) for plan in subject.triggers if plan.resource is not None]
    external = [_external(spec, subject.scaled.metadata.name) for spec in specs(subject)]
    if subject.scaled.spec.advanced.scaling_modifiers.used:
        return [*_sorted(resources), *external]
    return _sorted([*resources, *external])


def _sorted(metrics: list[Raw]) -> list[Raw]:
    return sorted(metrics, key=lambda metric: str(metric["type"]))


def _external(spec: MetricSpec, name: str) -> Raw:
    field = "value" if spec.metric_type == "Value" else "averageValue"
    return {
        "type": "External",
        "external": {
            "metric": {"name": spec.name, "selector": {"matchLabels": {NAME_LABEL: name}}},
            "target": {"type": spec.metric_type, field: format_milli(spec.target)},
        },
    }


def _resource(spec: ResourceSpec, coupling: Coupling) -> Raw:
    average = coupling.averages.get(f"{spec.resource}/{spec.container}" if spec.container else spec.resource)
    if spec.metric_type == "Utilization" and average is not None:
        target: Raw = {"type": "AverageValue", "averageValue": average}
    elif spec.metric_type == "Utilization":
        target = {"type": "Utilization", "averageUtilization": int(spec.value)}
    else:
        target = {"type": "AverageValue", "averageValue": spec.value}
    if spec.container:
        source = {"name": spec.resource, "container": spec.container, "target": target}
        return {"type": "ContainerResource", "containerResource": source}
    return {"type": "Resource", "resource": {"name": spec.resource, "target": target}}


def _behavior(scaled: ScaledObject, coupling: Coupling) -> Raw | None:
    given = scaled.spec.advanced.horizontal_pod_autoscaler_config.behavior
    behavior: Raw | None = None if given is None else msgspec.json.decode(msgspec.json.encode(given))
    for paused, direction in (
        (pauses.scale_in_paused(scaled) or coupling.hold, "scaleDown"),
        (pauses.scale_out_paused(scaled), "scaleUp"),
    ):
        if paused:
            behavior = behavior or {}
            behavior[direction] = {**behavior.get(direction, {}), "selectPolicy": "Disabled"}
    return behavior


# -- comparing -------------------------------------------------------------------------------------------------


def hpa_differs(existing: Raw, wanted: Raw) -> bool:
    """Whether the HPA must be written: not for what the API server fills in, nor for what others add beside ours."""
    return _metadata_differs(existing["metadata"], wanted["metadata"]) or _spec_differs(
        existing.get("spec") or {}, wanted["spec"]
    )


def _metadata_differs(existing: Raw, wanted: Raw) -> bool:
    """A version alone is no reason to write: an HPA of KEDA's making is taken over, and given back, untouched."""
    wanted_labels = {name: value for name, value in wanted["labels"].items() if name != VERSION_LABEL}
    labels, annotations = existing.get("labels") or {}, existing.get("annotations") or {}
    owners = existing.get("ownerReferences") or []
    return (
        not _holds(labels, wanted_labels)
        or not _holds(annotations, wanted["annotations"])
        or wanted["ownerReferences"][0] not in owners
    )


def _holds(existing: Raw, wanted: Raw) -> bool:
    return wanted.items() <= existing.items()


def _spec_differs(existing: Raw, wanted: Raw) -> bool:
    return (
        existing.get("scaleTargetRef") != wanted["scaleTargetRef"]
        or existing.get("minReplicas", 1) != wanted["minReplicas"]
        or existing.get("maxReplicas") != wanted["maxReplicas"]
        or filled(existing.get("behavior")) != filled(wanted.get("behavior"))
        or not same_metrics(existing.get("metrics") or [], wanted["metrics"])
    )


def filled(behavior: Raw | None) -> Raw | None:
    """The behaviour with the API server's defaults, and its tolerances as numbers."""
    if behavior is None:
        return None
    return {
        "scaleUp": _rules(_UP, behavior.get("scaleUp")),
        "scaleDown": _rules(_DOWN, behavior.get("scaleDown")),
    }


def _rules(defaults: Raw, given: Raw | None) -> Raw:
    rules = {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}
    rules["policies"] = [dict(policy) for policy in rules["policies"]]
    if "tolerance" in rules:
        rules["tolerance"] = exact_quantity(rules["tolerance"])
    return rules


def same_metrics(existing: list[Any], wanted: list[Raw]) -> bool:
    """Whether they ask for the same, quantities by their amount."""
    return len(existing) == len(wanted) and all(map(_same, existing, wanted))


def _same(existing: Any, wanted: Any, key: str = "") -> bool:
    """Equal, with quantities by their amount; fields that only the existing one has must be empty."""
    if isinstance(wanted, dict) and isinstance(existing, dict):
        extra = [name for name in existing if name not in wanted and existing[name]]
        return not extra and all(_same(existing.get(name), value, name) for name, value in wanted.items())
    if key in _QUANTITIES and existing is not None:
        return _same_quantity(existing, wanted)
    return bool(existing == wanted)


def _same_quantity(existing: str | float, wanted: str | float) -> bool:
    try:
        return equal_quantities(existing, wanted)
    except ValueError:
        return existing == wanted
