"""Makers of what judgement judges, with everything a test does not care about filled in."""

from typing import Any

import msgspec

from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject
from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.readings import (
    Evaluation,
    Failure,
    Memory,
    MetricSpec,
    Policy,
    Reading,
    ResourceSpec,
    Scale,
    Subject,
    TriggerPlan,
)

NOW = 1_000_000.0
"""1970-01-12T13:46:40Z"""
CREATED = NOW - 10_000
"""1970-01-12T11:00:00Z"""
DEPLOYMENT = GroupVersionKindResource("apps", "v1", "Deployment", "deployments")


def scaled_object(
    *,
    name: str = "web",
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    status: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    triggers: list[dict[str, Any]] | None = None,
    **spec: Any,
) -> ScaledObject:
    """A ScaledObject as the wire has it; `spec` in camelCase, one queue trigger unless told otherwise."""
    raw = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-of-{name}",
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "1970-01-12T11:00:00Z",
            "annotations": annotations or {},
            "labels": labels or {},
            **(metadata or {}),
        },
        "spec": {
            "scaleTargetRef": {"name": "web"},
            "triggers": [{"type": "aws-sqs-queue", "metadata": {}}] if triggers is None else triggers,
            **spec,
        },
        "status": status or {},
    }
    return msgspec.convert(raw, ScaledObject)


def trigger(
    index: int = 0, *metrics: MetricSpec, name: str = "", kind: str = "aws-sqs-queue", problem: str = ""
) -> TriggerPlan:
    given = metrics or ((metric(index),) if not problem else ())
    return TriggerPlan(index, kind, name, given, problem=problem)


def metric(
    index: int = 0, target: float = 5.0, metric_type: str = "AverageValue", activation: float = 0.0
) -> MetricSpec:
    return MetricSpec(f"s{index}-queue", target, metric_type, activation)  # type: ignore[arg-type]  # tests spell it


def cpu(index: int = 0, *, kind: str = "cpu", container: str = "") -> TriggerPlan:
    return TriggerPlan(index, kind, resource=ResourceSpec(kind, "Utilization", "60", container))  # type: ignore[arg-type]


def subject(*plans: TriggerPlan, of: ScaledObject | None = None, **spec: Any) -> Subject:
    """With as many triggers in the spec as there are plans, unless an object is given."""
    plans = plans or (trigger(),)
    if of is None:
        spec.setdefault("triggers", [_spec(plan) for plan in plans])
        of = scaled_object(**spec)
    return Subject(of, plans, DEPLOYMENT)


def _spec(plan: TriggerPlan) -> dict[str, Any]:
    return {"type": plan.type, "metadata": {}, **({"name": plan.name} if plan.name else {})}


def read(
    value: float, index: int = 0, *, active: bool | None = None, at: float = NOW, assumed: bool = False
) -> Reading:
    return Reading(index, f"s{index}-queue", value, value > 0 if active is None else active, at, assumed=assumed)


def failed(index: int = 0, why: str = "connection refused", at: float = NOW) -> Failure:
    return Failure(index, f"s{index}-queue", why, at)


def judge(
    judged: Subject,
    *readings: Reading | Failure,
    replicas: int = 0,
    ready: int | None = None,
    memory: Memory | None = None,
    policy: Policy | None = None,
    now: float = NOW,
    hpa: dict[str, Any] | None = None,
) -> Evaluation:
    """One check."""
    scale = Scale(replicas, ready)
    return evaluate(judged, readings, scale, memory or Memory(), policy or Policy(), now, hpa)


def condition(evaluation: Evaluation, kind: str) -> tuple[str, str]:
    """Status and reason of a condition that a check sets."""
    found = next(one for one in evaluation.conditions if one.type == kind)
    return found.status, found.reason
