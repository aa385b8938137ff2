"""The columns that kubectl prints for the built-in kinds: the usual ones, in their usual spelling."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from scaler.clock import from_rfc3339
from scaler.sim.apiserver.resources import Column, at

Object = dict[str, Any]
Read = Callable[[Object, float], Any]


def age(seconds: float) -> str:
    """A duration as kubectl shows it: ``45s``, ``3m20s``, ``5h``, ``12d``.

    Source: HumanDuration of apimachinery.
    """
    if seconds < 0:
        return "0s" if seconds > -2 else "<invalid>"
    return next(shown for below, shown in _ages(int(seconds)) if seconds < below)


def _ages(seconds: int) -> Iterator[tuple[float, str]]:
    """The spellings, each with the number of seconds below which it is used."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    yield 120, f"{seconds}s"
    yield 600, _two(f"{minutes}m", f"{seconds % 60}s")
    yield 3 * 3600, f"{minutes}m"
    yield 8 * 3600, _two(f"{hours}h", f"{minutes % 60}m")
    yield 48 * 3600, f"{hours}h"
    yield 192 * 3600, _two(f"{days}d", f"{hours % 24}h")
    yield 730 * 86400, f"{days}d"
    yield 8 * 365 * 86400, _two(f"{days // 365}y", f"{days % 365}d")
    yield math.inf, f"{days // 365}y"


def _two(large: str, small: str) -> str:
    return large if small.startswith("0") else large + small


def since(stamp: str | None, now: float) -> str:
    """The age of an RFC 3339 time."""
    return age(now - from_rfc3339(stamp)) if stamp else "<unknown>"


def _path(path: str, otherwise: Any = "<none>") -> Read:
    def read(obj: Object, _: float) -> Any:
        value = at(obj, path)
        return otherwise if value in {None, ""} else value

    return read


def _count(path: str) -> Read:
    return lambda obj, _: len(at(obj, path) or ())


def _pair(left: str, right: str) -> Read:
    return lambda obj, _: f"{at(obj, left) or 0}/{at(obj, right) or 0}"


NAME = Column("Name", lambda obj, _: obj["metadata"]["name"], format="name", description="Name of the object.")
AGE = Column(
    "Age", lambda obj, now: since(obj["metadata"].get("creationTimestamp"), now), description="Time since birth."
)


def _containers(field: str) -> Read:
    return lambda obj, _: ",".join(part.get(field, "") for part in at(obj, "spec.template.spec.containers") or ())


def _selector(obj: Object, _: float) -> str:
    labels = at(obj, "spec.selector.matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


TEMPLATE = (
    Column("Containers", _containers("name"), priority=1),
    Column("Images", _containers("image"), priority=1),
    Column("Selector", _selector, priority=1),
)


def _statuses(obj: Object) -> list[Object]:
    return list(at(obj, "status.containerStatuses") or ())


def _pod_ready(obj: Object, _: float) -> str:
    ready = sum(bool(part.get("ready")) for part in _statuses(obj))
    return f"{ready}/{len(at(obj, 'spec.containers') or ())}"


def _pod_status(obj: Object, _: float) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for part in _statuses(obj):
        for state in ("waiting", "terminated"):
            reason = at(part, f"state.{state}.reason")
            if reason:
                return str(reason)
    return str(at(obj, "status.reason") or at(obj, "status.phase") or "Unknown")


PODS = (
    NAME,
    Column("Ready", _pod_ready),
    Column("Status", _pod_status),
    Column("Restarts", lambda obj, _: str(sum(part.get("restartCount", 0) for part in _statuses(obj)))),
    AGE,
    Column("IP", _path("status.podIP"), priority=1),
    Column("Node", _path("spec.nodeName"), priority=1),
    Column("Nominated Node", _path("status.nominatedNodeName"), priority=1),
    Column("Readiness Gates", _path("spec.none"), priority=1),
)

DEPLOYMENTS = (
    NAME,
    Column("Ready", _pair("status.readyReplicas", "spec.replicas")),
    Column("Up-to-date", _path("status.updatedReplicas", 0), type="integer"),
    Column("Available", _path("status.availableReplicas", 0), type="integer"),
    AGE,
    *TEMPLATE,
)

REPLICA_SETS = (
    NAME,
    Column("Desired", _path("spec.replicas", 0), type="integer"),
    Column("Current", _path("status.replicas", 0), type="integer"),
    Column("Ready", _path("status.readyReplicas", 0), type="integer"),
    AGE,
    *TEMPLATE,
)

STATEFUL_SETS = (NAME, Column("Ready", _pair("status.readyReplicas", "spec.replicas")), AGE, *TEMPLATE[:2])


def _job_state(obj: Object, _: float) -> str:
    for condition in at(obj, "status.conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in {"Complete", "Failed", "Suspended"}:
            return str(condition["type"])
    return "Running"


def _job_duration(obj: Object, now: float) -> str:
    start, end = at(obj, "status.startTime"), at(obj, "status.completionTime")
    if not start:
        return ""
    return age((from_rfc3339(end) if end else now) - from_rfc3339(start))


JOBS = (
    NAME,
    Column("Status", _job_state),
    Column("Completions", _pair("status.succeeded", "spec.completions")),
    Column("Duration", _job_duration),
    AGE,
    *TEMPLATE,
)


def _amount(source: Object) -> str:
    if "averageUtilization" in source:
        return f"{source['averageUtilization']}%"
    if "averageValue" in source:
        return f"{source['averageValue']} (avg)"
    return str(source.get("value", "<unknown>"))


def _targets(obj: Object, _: float) -> str:
    shown = []
    reached = at(obj, "status.currentMetrics") or []
    for index, metric in enumerate(at(obj, "spec.metrics") or ()):
        key = metric["type"][0].lower() + metric["type"][1:]
        current = at(reached[index], f"{key}.current") if index < len(reached) else None
        source = metric.get(key, {})
        text = f"{_amount(current) if current else '<unknown>'}/{_amount(source.get('target', {}))}"
        shown.append(f"{source['name']}: {text}" if key in {"resource", "containerResource"} else text)
    return ", ".join(shown) or "<none>"


AUTOSCALERS = (
    NAME,
    Column(
        "Reference", lambda obj, _: f"{at(obj, 'spec.scaleTargetRef.kind')}/{at(obj, 'spec.scaleTargetRef.name')}"
    ),
    Column("Targets", _targets),
    Column("MinPods", lambda obj, _: str(at(obj, "spec.minReplicas") or "<unset>")),
    Column("MaxPods", _path("spec.maxReplicas", 0), type="integer"),
    Column("Replicas", _path("status.currentReplicas", 0), type="integer"),
    AGE,
)


def _ports(obj: Object, _: float) -> str:
    return ",".join(f"{port.get('port')}/{port.get('protocol')}" for port in at(obj, "spec.ports") or ()) or "<none>"


SERVICES = (
    NAME,
    Column("Type", _path("spec.type")),
    Column("Cluster-IP", _path("spec.clusterIP")),
    Column("External-IP", _path("spec.externalName")),
    Column("Port(s)", _ports),
    AGE,
)


def _last_seen(obj: Object, now: float) -> str:
    stamp = at(obj, "series.lastObservedTime") or obj.get("lastTimestamp") or obj.get("eventTime")
    return since(stamp or obj["metadata"].get("creationTimestamp"), now)


def _event_object(obj: Object, _: float) -> str:
    about = obj.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


EVENTS = (
    Column("Last Seen", _last_seen),
    Column("Type", lambda obj, _: obj.get("type", "")),
    Column("Reason", lambda obj, _: obj.get("reason", "")),
    Column("Object", _event_object),
    Column("Message", lambda obj, _: (obj.get("message") or "").strip()),
)


def _node_status(obj: Object, _: float) -> str:
    ready = [part for part in at(obj, "status.conditions") or () if part["type"] == "Ready"]
    return "Ready" if ready and ready[0]["status"] == "True" else "NotReady"


NODES = (
    NAME,
    Column("Status", _node_status),
    Column("Roles", _path("spec.none")),
    AGE,
    Column("Version", _path("status.nodeInfo.kubeletVersion", "")),
)

NAMESPACES = (NAME, Column("Status", _path("status.phase")), AGE)
CONFIG_MAPS = (NAME, Column("Data", _count("data"), type="string"), AGE)
SECRETS = (NAME, Column("Type", _path("type")), Column("Data", _count("data"), type="string"), AGE)
SERVICE_ACCOUNTS = (NAME, Column("Secrets", _count("secrets"), type="string"), AGE)
LEASES = (NAME, Column("Holder", _path("spec.holderIdentity", "")), AGE)
PLAIN = (NAME, AGE)
DEFINITIONS = (NAME, Column("Created At", lambda obj, _: obj["metadata"]["creationTimestamp"], type="date"))


def _available(obj: Object, _: float) -> str:
    for condition in at(obj, "status.conditions") or ():
        if condition["type"] == "Available":
            return str(condition["status"]) if condition["status"] == "True" else f"False ({condition.get('reason')})"
    return "Unknown"


def _backend(obj: Object, _: float) -> str:
    service = at(obj, "spec.service")
    return f"{service['namespace']}/{service['name']}" if service else "Local"


API_SERVICES = (NAME, Column("Service", _backend), Column("Available", _available), AGE)

BUDGETS = (
    NAME,
    Column("Min Available", lambda obj, _: str(at(obj, "spec.minAvailable") or "N/A")),
    Column("Max Unavailable", lambda obj, _: str(at(obj, "spec.maxUnavailable") or "N/A")),
    Column("Allowed Disruptions", _path("status.disruptionsAllowed", 0), type="integer"),
    AGE,
)
