"""What the server fills in for pods and for the templates of workloads.

Source: the defaulting rules and the admission of the API reference, Kubernetes 1.36.
"""

import contextlib
from typing import Any

from scaler.quantity import canonical

Object = dict[str, Any]


def _fill(holder: Object, **values: Any) -> None:
    for key, value in values.items():
        holder.setdefault(key, value)


def pod_spec(spec: Object) -> None:
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _container(container)


def _container(container: Object) -> None:
    image = str(container.get("image", ""))
    newest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
    _fill(
        container,
        imagePullPolicy="Always" if newest else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(name), dict):
            _fill(container[name], timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    for amounts in (container["resources"] or {}).values():
        _canonical_amounts(amounts)


def _canonical_amounts(amounts: object) -> None:
    if isinstance(amounts, dict):
        for name, amount in amounts.items():
            # A quantity that cannot be read is the validation's to refuse.
            with contextlib.suppress(ValueError, TypeError):
                amounts[name] = canonical(str(amount))


def pod(obj: Object, _: float) -> None:
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    _fill(spec, enableServiceLinks=True)
    _fill(spec, serviceAccountName="default", serviceAccount="default", preemptionPolicy="PreemptLowerPriority")
    _fill(spec, priority=0, tolerations=[_tolerated("not-ready"), _tolerated("unreachable")])
    for container in spec.get("containers") or ():
        limits = container["resources"].get("limits")
        if limits:
            container["resources"]["requests"] = {**limits, **(container["resources"].get("requests") or {})}


def pod_created(obj: Object, _: float) -> None:
    spec = obj["spec"]
    obj["status"] = {"phase": "Pending", "qosClass": quality(spec)}


def _tolerated(what: str) -> Object:
    key = f"node.kubernetes.io/{what}"
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}


def quality(spec: Object) -> str:
    """The quality of service class: what requests and limits of cpu and memory promise, init containers included."""
    found = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    promised = [
        tuple(_promised((container.get("resources") or {}).get(part) or {}) for part in ("requests", "limits"))
        for container in found
    ]
    if not any(requests or limits for requests, limits in promised):
        return "BestEffort"
    kept = all(len(limits) == 2 and requests == limits for requests, limits in promised)
    return "Guaranteed" if kept else "Burstable"


def _promised(amounts: Object) -> Object:
    return {name: amount for name in ("cpu", "memory") if (amount := amounts.get(name, "0")) != "0"}


def template(spec: Object) -> None:
    """The template of a workload's spec, in place."""
    found = spec.get("template")
    if isinstance(found, dict):
        found.setdefault("metadata", {})
        pod_spec(found.setdefault("spec", {}))
