"""What the fake kubelet says of a pod's containers: started, resized, killed, restarted, ended. Values in and out.

Source of the fields: the pod statuses that kubelets since Kubernetes 1.33 write, with each container's resources.
"""

from collections.abc import Callable, Iterator
from typing import Any

from scaler.clock import to_rfc3339
from scaler.sim.apiserver.resources import at

Object = dict[str, Any]

KILLED = 137
"""The exit code of a process that got SIGKILL."""


def started(pod: Object, now: float, *, ready: bool) -> Object:
    """The statuses of all containers as the pod begins to run; ordinary init containers are through by then."""
    running = {"running": {"startedAt": to_rfc3339(now)}}
    spec = pod["spec"]
    statuses = [_started(container, running, ready=ready) for container in spec["containers"]]
    first = [_begun(container, running, now) for container in spec.get("initContainers") or ()]
    return {"containerStatuses": statuses, **({"initContainerStatuses": first} if first else {})}


def _started(container: Object, state: Object, *, ready: bool) -> Object:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": ready,
        "started": True,
        "restartCount": 0,
        "state": state,
        "lastState": {},
        **_given(container),
    }


def _begun(container: Object, running: Object, now: float) -> Object:
    if _is_sidecar(container):
        return _started(container, running, ready=True)
    through = {"exitCode": 0, "reason": "Completed", "startedAt": to_rfc3339(now), "finishedAt": to_rfc3339(now)}
    status = _started(container, {"terminated": through}, ready=True)
    return {key: value for key, value in status.items() if key not in {"started", "resources", "allocatedResources"}}


def _given(container: Object) -> Object:
    """The resources that a container has been given: what its spec asks for."""
    resources = container.get("resources") or {}
    requests = resources.get("requests")
    return {"resources": resources, **({"allocatedResources": requests} if requests else {})}


def _is_sidecar(container: Object) -> bool:
    return container.get("restartPolicy") == "Always"


# -- resizing --------------------------------------------------------------------------------------------------


def is_as_asked(pod: Object) -> bool:
    """Whether every running container has the resources that the spec asks for."""
    return all(container.get("resources", {}) == status["resources"] for container, status in _pairs(pod))


def _pairs(pod: Object) -> Iterator[tuple[Object, Object]]:
    """Each container that runs for the pod's whole life, with its status."""
    spec, status = pod["spec"], pod["status"]
    for field, kept in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        for container, one in zip(spec.get(field) or (), status.get(kept) or (), strict=True):
            if field == "containers" or _is_sidecar(container):
                yield container, one


def resized(pod: Object, now: float) -> Object:
    """The statuses once the resources that are asked for are given."""
    return _with_each(pod, lambda container, status: _resized(container, status, now))


def allocated(pod: Object) -> Object:
    """The statuses while a resize is in progress: promised, and not yet in force."""
    return _with_each(pod, lambda container, status: {**status, **_promised(container)})


def _promised(container: Object) -> Object:
    requests = at(container, "resources.requests")
    return {"allocatedResources": requests} if requests else {}


def _with_each(pod: Object, change: Callable[[Object, Object], Object]) -> Object:
    changed = {container["name"]: change(container, status) for container, status in _pairs(pod)}
    kept = [field for field in ("containerStatuses", "initContainerStatuses") if field in pod["status"]]
    return {field: [changed.get(one["name"], one) for one in pod["status"][field]] for field in kept}


def _resized(container: Object, status: Object, now: float) -> Object:
    anew = {key: value for key, value in status.items() if key != "allocatedResources"} | _given(container)
    if not _must_restart(container, status):
        return anew
    return _again(anew, {"terminated": _end(status, 0, "Completed", now)}, now)


def _must_restart(container: Object, status: Object) -> bool:
    """Whether a resource changes whose resize policy asks for a restart."""
    names = [
        policy["resourceName"]
        for policy in container.get("resizePolicy") or ()
        if policy["restartPolicy"] == "RestartContainer"
    ]
    old, new = status["resources"], container.get("resources") or {}
    return any(
        (old.get(part) or {}).get(name) != (new.get(part) or {}).get(name)
        for name in names
        for part in ("requests", "limits")
    )


# -- ends and beginnings ---------------------------------------------------------------------------------------


def ended(pod: Object, code: int, reason: str, now: float) -> list[Object]:
    """The statuses with every container through."""
    return [
        {**status, "ready": False, "started": False, "state": {"terminated": _end(status, code, reason, now)}}
        for status in pod["status"]["containerStatuses"]
    ]


def _end(status: Object, code: int, reason: str, now: float) -> Object:
    began = at(status, "state.running.startedAt")
    return {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": to_rfc3339(now)}


def killed(pod: Object, name: str, now: float) -> list[Object]:
    """The statuses after one container was killed for its memory."""
    return [
        _killed(status, now) if status["name"] == name else status for status in pod["status"]["containerStatuses"]
    ]


def _killed(status: Object, now: float) -> Object:
    end = _end(status, KILLED, "OOMKilled", now)
    return {**status, "ready": False, "started": False, "state": {"terminated": end}}


def restarted(pod: Object, now: float, *, ready: bool) -> list[Object]:
    """The statuses after every container that had ended was started again."""
    return [
        {**_again(status, status["state"], now), "ready": ready} if "terminated" in status["state"] else status
        for status in pod["status"]["containerStatuses"]
    ]


def _again(status: Object, last: Object, now: float) -> Object:
    anew = {"restartCount": status["restartCount"] + 1, "lastState": last, "started": True}
    return {**status, **anew, "state": {"running": {"startedAt": to_rfc3339(now)}}}
