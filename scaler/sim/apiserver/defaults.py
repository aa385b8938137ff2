"""What the server fills in for the built-in kinds, as far as programs around a scaler read it.

Each function completes an object in place; objects are private copies when they come here.
Source: the defaulting rules of the API reference, Kubernetes 1.36.
"""

import base64
import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

from scaler.clock import to_rfc3339
from scaler.quantity import canonical
from scaler.sim.apiserver import pod_defaults

Object = dict[str, Any]

UP_POLICIES = (
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
)
DOWN_POLICIES = ({"type": "Percent", "value": 100, "periodSeconds": 15},)

_addresses: Iterator[int] = itertools.count(10)


def _fill(holder: Object, **values: Any) -> None:
    for key, value in values.items():
        holder.setdefault(key, value)


def _part(holder: Object, key: str) -> Object:
    part: Object = holder.setdefault(key, {})
    return part


# -- workloads -------------------------------------------------------------------------------------------------


def deployment(obj: Object, _: float) -> None:
    spec = _part(obj, "spec")
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={"type": "RollingUpdate"})
    if spec["strategy"].get("type", "RollingUpdate") == "RollingUpdate":
        _fill(spec["strategy"], type="RollingUpdate")
        _fill(_part(spec["strategy"], "rollingUpdate"), maxSurge="25%", maxUnavailable="25%")
    pod_defaults.template(spec)


def replica_set(obj: Object, _: float) -> None:
    spec = _part(obj, "spec")
    _fill(spec, replicas=1)
    pod_defaults.template(spec)


def stateful_set(obj: Object, _: float) -> None:
    spec = _part(obj, "spec")
    _fill(spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10, serviceName="")
    _fill(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    _fill(spec, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    pod_defaults.template(spec)


def job(obj: Object, _: float) -> None:
    spec = _part(obj, "spec")
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    _fill(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False, manualSelector=False)
    _fill(spec, podReplacementPolicy="TerminatingOrFailed")
    pod_defaults.template(spec)


def job_created(obj: Object, _: float) -> None:
    spec, uid = obj["spec"], obj["metadata"]["uid"]
    obj["status"] = {}
    if spec.get("manualSelector") or "template" not in spec:
        return
    marks = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": obj["metadata"]["name"]}
    old_marks = {"controller-uid": uid, "job-name": obj["metadata"]["name"]}
    labels = _part(spec["template"]["metadata"], "labels")
    labels.update(marks | old_marks)
    if "labels" not in obj["metadata"]:
        obj["metadata"]["labels"] = dict(labels)
    _fill(spec, selector={"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


# -- autoscaling -----------------------------------------------------------------------------------------------


def autoscaler(obj: Object, _: float) -> None:
    """Source: autoscaling/v2 defaults; quantities come back in their canonical spelling."""
    spec = _part(obj, "spec")
    _fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    for metric in spec["metrics"]:
        for source in metric.values():
            if isinstance(source, dict):
                _canonical_target(source.get("target"))
    if isinstance(spec.get("behavior"), dict):
        _behavior(spec["behavior"])


def _canonical_target(target: Any) -> None:
    for key in ("value", "averageValue") if isinstance(target, dict) else ():
        if key in target:
            # A quantity that cannot be read is the validation's to refuse.
            with contextlib.suppress(ValueError, TypeError):
                target[key] = canonical(str(target[key]))


def _behavior(behavior: Object) -> None:
    up, down = _part(behavior, "scaleUp"), _part(behavior, "scaleDown")
    if up.get("stabilizationWindowSeconds") is None:
        up["stabilizationWindowSeconds"] = 0
    for rules, policies in ((up, UP_POLICIES), (down, DOWN_POLICIES)):
        _fill(rules, selectPolicy="Max")
        if rules.get("policies") is None:
            rules["policies"] = [dict(policy) for policy in policies]


# -- the rest --------------------------------------------------------------------------------------------------


def service(obj: Object, _: float) -> None:
    spec = _part(obj, "spec")
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    for port in spec.get("ports") or ():
        _fill(port, protocol="TCP", targetPort=port.get("port"))
    if spec["type"] != "ExternalName":
        _fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")


def service_created(obj: Object, _: float) -> None:
    spec = obj["spec"]
    if spec["type"] != "ExternalName":
        number = next(_addresses)
        _fill(spec, clusterIP=f"10.96.{number // 250 % 250}.{number % 250 + 1}")
        _fill(spec, clusterIPs=[spec["clusterIP"]])
    obj["status"] = {"loadBalancer": {}}


def secret(obj: Object, _: float) -> None:
    _fill(obj, type="Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        data = _part(obj, "data")
        data.update({key: base64.b64encode(value.encode()).decode() for key, value in plain.items()})


def namespace(obj: Object, _: float) -> None:
    meta = obj["metadata"]
    if meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}
    _fill(obj, spec={"finalizers": ["kubernetes"]})


def namespace_created(obj: Object, now: float) -> None:
    namespace(obj, now)  # once more: a generated name is known only now
    obj["spec"] = {"finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}


def api_service(obj: Object, _: float) -> None:
    reference = _part(obj, "spec").get("service")
    if isinstance(reference, dict):
        _fill(reference, port=443)


def definition(obj: Object, _: float) -> None:
    """A CustomResourceDefinition's names and conversion."""
    spec = _part(obj, "spec")
    names = _part(spec, "names")
    kind = names.get("kind", "")
    _fill(names, singular=kind.lower(), listKind=f"{kind}List")
    _fill(spec, conversion={"strategy": "None"})


def definition_created(obj: Object, now: float) -> None:
    stamp = to_rfc3339(now)
    conditions = [
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    obj["status"] = {
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": stamp, "reason": reason, "message": message}
            for kind, reason, message in conditions
        ],
        "acceptedNames": obj["spec"]["names"],
        "storedVersions": [part["name"] for part in obj["spec"]["versions"] if part.get("storage")],
    }


def no_status(obj: Object, _: float) -> None:
    """A new object's status is the controllers' to write."""
    obj.pop("status", None)


def empty_status(obj: Object, _: float) -> None:
    """The same, for kinds whose empty status is shown."""
    obj["status"] = {}


def no_disruptions(obj: Object, _: float) -> None:
    obj["status"] = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}


def event(obj: Object, _: float) -> None:
    _fill(obj, source={}, firstTimestamp=None, lastTimestamp=None, eventTime=None)
    _fill(obj, reportingComponent="", reportingInstance="")


def no_members(obj: Object, _: float) -> None:
    obj["status"] = {"replicas": 0, "availableReplicas": 0}


def no_replicas(obj: Object, _: float) -> None:
    obj["status"] = {"replicas": 0}


def no_decision(obj: Object, _: float) -> None:
    """An autoscaler that has not been judged yet."""
    obj["status"] = {"currentMetrics": None, "desiredReplicas": 0}
