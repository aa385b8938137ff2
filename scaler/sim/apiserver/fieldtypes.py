"""The types of those built-in fields that programs get wrong: an object that cannot be read is refused (400) as such.

Partial structural schemas; a field that is not named here is not checked.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from scaler.api import schema
from scaler.quantity import parse_quantity
from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.resources import at

Object = dict[str, Any]
Shape = dict[str, Any]

QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def _object(**properties: Shape) -> Shape:
    return {"type": "object", "nullable": True, "properties": properties}


def _list(items: Shape) -> Shape:
    return {"type": "array", "nullable": True, "items": items}


NUMBER: Shape = {"type": "integer", "nullable": True}
TEXT: Shape = {"type": "string", "nullable": True}
FLAG: Shape = {"type": "boolean", "nullable": True}
TEXTS: Shape = {"type": "object", "nullable": True, "additionalProperties": TEXT}

OWNER = _object(apiVersion=TEXT, kind=TEXT, name=TEXT, uid=TEXT, controller=FLAG, blockOwnerDeletion=FLAG)
METADATA = _object(
    name=TEXT,
    namespace=TEXT,
    labels=TEXTS,
    annotations=TEXTS,
    finalizers=_list(TEXT),
    ownerReferences=_list(OWNER),
    resourceVersion=TEXT,
    generation=NUMBER,
)
SELECTOR = _object(matchLabels=TEXTS, matchExpressions=_list(_object(key=TEXT, operator=TEXT, values=_list(TEXT))))
CONTAINER = _object(name=TEXT, image=TEXT, command=_list(TEXT), args=_list(TEXT), resources=_object())
POD_SPEC = _object(
    containers=_list(CONTAINER),
    initContainers=_list(CONTAINER),
    nodeName=TEXT,
    restartPolicy=TEXT,
    serviceAccountName=TEXT,
    terminationGracePeriodSeconds=NUMBER,
    nodeSelector=TEXTS,
)
TEMPLATE = _object(metadata=METADATA, spec=POD_SPEC)
WORKLOAD = _object(
    spec=_object(replicas=NUMBER, selector=SELECTOR, template=TEMPLATE, minReadySeconds=NUMBER, paused=FLAG),
    status=_object(replicas=NUMBER, readyReplicas=NUMBER, conditions=_list(_object(type=TEXT, status=TEXT))),
)
METRIC_TARGET = _object(type=TEXT, averageUtilization=NUMBER)
METRIC_SOURCE = _object(name=TEXT, container=TEXT, metric=_object(name=TEXT, selector=SELECTOR), target=METRIC_TARGET)
RULES = _object(
    stabilizationWindowSeconds=NUMBER,
    selectPolicy=TEXT,
    policies=_list(_object(type=TEXT, value=NUMBER, periodSeconds=NUMBER)),
)
SOURCES = ("resource", "containerResource", "pods", "object", "external")

KINDS: dict[str, Shape] = {
    "Pod": _object(spec=POD_SPEC),
    "Deployment": WORKLOAD,
    "ReplicaSet": WORKLOAD,
    "StatefulSet": WORKLOAD,
    "Job": _object(
        spec=_object(
            parallelism=NUMBER,
            completions=NUMBER,
            backoffLimit=NUMBER,
            suspend=FLAG,
            ttlSecondsAfterFinished=NUMBER,
            activeDeadlineSeconds=NUMBER,
            template=TEMPLATE,
        )
    ),
    "HorizontalPodAutoscaler": _object(
        spec=_object(
            minReplicas=NUMBER,
            maxReplicas=NUMBER,
            scaleTargetRef=_object(apiVersion=TEXT, kind=TEXT, name=TEXT),
            metrics=_list(_object(type=TEXT, **dict.fromkeys(SOURCES, METRIC_SOURCE))),
            behavior=_object(scaleUp=RULES, scaleDown=RULES),
        )
    ),
    "ConfigMap": _object(data=TEXTS),
    "Secret": _object(data=TEXTS, stringData=TEXTS, type=TEXT),
    "Lease": _object(
        spec=_object(holderIdentity=TEXT, leaseDurationSeconds=NUMBER, leaseTransitions=NUMBER, renewTime=TEXT)
    ),
    "Service": _object(spec=_object(type=TEXT, externalName=TEXT, selector=TEXTS, ports=_list(_object(port=NUMBER)))),
    "PodDisruptionBudget": _object(spec=_object(selector=SELECTOR)),
    "Event": _object(reason=TEXT, message=TEXT, type=TEXT, count=NUMBER),
}
GO_TYPES = {"integer": "int32", "string": "string", "boolean": "bool", "object": "map[string]string"}


def check(kind: str, version: str, obj: Object) -> None:
    """Refuse (400) an object of a built-in kind whose fields are of the wrong types."""
    said = next(_unreadable(kind, obj), None)
    if said is not None:
        raise refusals.bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {said}')


def check_metadata(kind: str, version: str, obj: Object) -> None:
    """The same of a custom object, whose metadata alone is ours to read."""
    check(kind if kind not in KINDS else "", version, {"metadata": obj.get("metadata")})


def _unreadable(kind: str, obj: Object) -> Iterator[str]:
    shape = KINDS.get(kind, {})
    whole = {**shape, "properties": {"metadata": METADATA, **shape.get("properties", {})}}
    for problem in schema.validate(whole, obj):
        wanted = problem.message.partition("of type ")[2].partition(":")[0]
        found = problem.message.split('"')[1]
        path = problem.path
        yield f"json: cannot unmarshal {found} into Go struct field .{path} of type {GO_TYPES.get(wanted, wanted)}"
    if any(not _is_quantity(amount) for amount in _amounts(kind, obj)):
        yield QUANTITY_RULE
    if kind == "Secret":
        yield from (why for value in (obj.get("data") or {}).values() if (why := _not_base64(value)))


def _amounts(kind: str, obj: Object) -> Iterator[Any]:
    """Every quantity that is known to stand in the object."""
    if kind == "HorizontalPodAutoscaler":
        for metric in at(obj, "spec.metrics") or ():
            for name in SOURCES:
                target = at(metric, f"{name}.target") or {}
                yield from (target[field] for field in ("value", "averageValue") if target.get(field) is not None)
    spec = (at(obj, "spec") if kind == "Pod" else at(obj, "spec.template.spec")) or {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        for part in ("requests", "limits"):
            yield from (at(container, f"resources.{part}") or {}).values()


def _is_quantity(amount: Any) -> bool:
    try:
        parse_quantity(amount)
    except ValueError:
        return False
    return True


def _not_base64(value: str) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        known = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
        place = next((index for index, sign in enumerate(value) if sign not in known), len(value) // 4 * 4)
        return f"illegal base64 data at input byte {place}"
    return None
