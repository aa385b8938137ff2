"""What becomes of a running pod, and when: its annotations say it, the same that the tests' real control plane obeys.

``fake-kubelet/ready-after``, ``never-ready``, ``stays-pending``, ``completes-after``, ``never-completes``,
``fails-after``, ``terminates-after``; of memory ``oom-kills`` (how often), ``oom-container``, ``oom-after`` and
``restart-after``; of a change by pods/resize ``resize`` (``deferred``, ``infeasible``, ``in-progress`` or ``error``:
how it gets stuck) and ``resize-after``. Durations such as ``3s``. tests/controlplane/stages.yaml says each at length.
"""

from collections.abc import Callable, Iterator
from typing import Any

from scaler.api.cel.functions import FUNCTIONS
from scaler.clock import from_rfc3339
from scaler.sim.apiserver.resources import at
from scaler.sim.controllers import container_status, owned

Object = dict[str, Any]
Step = Callable[[Object, float], Object]
"""From a pod and the time now to its new status."""

PREFIX = "fake-kubelet/"
PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
WAITING = ("deferred", "infeasible")


def says(pod: Object, name: str) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(PREFIX + name, ""))


def seconds(text: str) -> float:
    return float(FUNCTIONS["duration"](text)) if text else 0.0


def of_running(pod: Object, ready_after: float) -> Iterator[tuple[float, Step]]:
    """The steps that are still to come, each with its time (epoch seconds); what ends the pod comes first.

    `ready_after` is how long a pod takes to be ready that says nothing of it.
    """
    began = from_rfc3339(at(pod, "status.startTime"))
    fails, completes = says(pod, "fails-after"), says(pod, "completes-after")
    if fails:
        yield began + seconds(fails), _failed
    elif not says(pod, "never-completes") and (completes or _is_work(pod)):
        yield began + seconds(completes), _succeeded
    yield from _resizing(pod, began)
    if pod["spec"]["restartPolicy"] != "Never":
        yield from _memory(pod)
    if not owned.is_ready(pod) and not says(pod, "never-ready") and _all_run(pod):
        after = says(pod, "ready-after")
        yield began + (seconds(after) if after else ready_after), _ready


def _is_work(pod: Object) -> bool:
    """Pods of Jobs end by themselves."""
    owner = owned.controller_of(pod)
    return owner is not None and owner["kind"] == "Job"


def _all_run(pod: Object) -> bool:
    return all("running" in status["state"] for status in pod["status"]["containerStatuses"])


# -- resizing --------------------------------------------------------------------------------------------------


def _resizing(pod: Object, now: float) -> Iterator[tuple[float, Step]]:
    known = {kind: found for kind in (PENDING, IN_PROGRESS) if (found := owned.condition(pod, kind))}
    stuck, takes = says(pod, "resize"), says(pod, "resize-after")
    if container_status.is_as_asked(pod):
        if known:
            yield now, _settled
    elif stuck in WAITING:
        if known.get(PENDING, {}).get("reason") != stuck.capitalize():
            yield now, _waits
    elif (stuck or takes) and (IN_PROGRESS not in known or known[IN_PROGRESS].get("reason") != _reason(stuck)):
        yield now, _begins
    elif not stuck:
        since = from_rfc3339(known[IN_PROGRESS]["lastTransitionTime"]) if takes else now
        yield since + seconds(takes), _resized


def _reason(stuck: str) -> str | None:
    return "Error" if stuck == "error" else None


def _waits(pod: Object, now: float) -> Object:
    stuck = says(pod, "resize")
    said = f"the fake kubelet was told that it is {stuck}"
    return _tells(pod, now, {"type": PENDING, "reason": stuck.capitalize(), "message": said})


def _begins(pod: Object, now: float) -> Object:
    failed = {"reason": "Error", "message": "the fake kubelet was told that it fails"}
    why = failed if says(pod, "resize") == "error" else {}
    return {**_tells(pod, now, {"type": IN_PROGRESS, **why}), **container_status.allocated(pod)}


def _resized(pod: Object, now: float) -> Object:
    return {**_tells(pod, now), **container_status.resized(pod, now)}


def _settled(pod: Object, now: float) -> Object:
    """What was asked for was taken back."""
    return _tells(pod, now)


def _tells(pod: Object, now: float, *said: Object) -> Object:
    """The status with these conditions of a resize, and no others."""
    status = pod["status"]
    rest = [part for part in status["conditions"] if part["type"] not in {PENDING, IN_PROGRESS}]
    new = [{"status": "True", **part} for part in said]
    generation = pod["metadata"]["generation"]
    return {**status, "observedGeneration": generation, "conditions": owned.conditions(rest, new, now)}


# -- memory ----------------------------------------------------------------------------------------------------


def _memory(pod: Object) -> Iterator[tuple[float, Step]]:
    """A container that is to be killed, and those that lie dead and are to be started again."""
    often, name = int(says(pod, "oom-kills") or 0), _victim(pod)
    for status in pod["status"]["containerStatuses"]:
        running, ended = at(status, "state.running"), at(status, "state.terminated")
        if running and status["name"] == name and status["restartCount"] < often:
            yield from_rfc3339(running["startedAt"]) + seconds(says(pod, "oom-after")), kills
        if ended:
            yield from_rfc3339(ended["finishedAt"]) + seconds(says(pod, "restart-after")), _restarts


def _victim(pod: Object) -> str:
    return says(pod, "oom-container") or str(pod["spec"]["containers"][0]["name"])


def kills(pod: Object, now: float) -> Object:
    """The status after a container was killed for its memory: the one of ``oom-container``, else the first."""
    statuses = container_status.killed(pod, _victim(pod), now)
    return _with(pod, now, "Running", statuses, readiness(ready=False, reason="ContainersNotReady"))


def _restarts(pod: Object, now: float) -> Object:
    ready = says(pod, "never-ready") != "true"
    statuses = container_status.restarted(pod, now, ready=ready)
    return _with(pod, now, "Running", statuses, readiness(ready=ready))


# -- readiness and ends ----------------------------------------------------------------------------------------


def _ready(pod: Object, now: float) -> Object:
    statuses = [{**one, "ready": True, "started": True} for one in pod["status"]["containerStatuses"]]
    return _with(pod, now, "Running", statuses, readiness(ready=True))


def _succeeded(pod: Object, now: float) -> Object:
    return _with(pod, now, "Succeeded", container_status.ended(pod, 0, "Completed", now), readiness(ready=False))


def _failed(pod: Object, now: float) -> Object:
    return _with(pod, now, "Failed", container_status.ended(pod, 1, "Error", now), readiness(ready=False))


def _with(pod: Object, now: float, phase: str, statuses: list[Object], new: list[Object]) -> Object:
    status = pod["status"]
    conditions = owned.conditions(status["conditions"], new, now)
    return {**status, "phase": phase, "conditions": conditions, "containerStatuses": statuses}


def readiness(*, ready: bool, reason: str = "") -> list[Object]:
    """The two conditions that say whether a pod is ready."""
    part = {"status": "True" if ready else "False", **({"reason": reason} if reason else {})}
    return [{"type": "Ready", **part}, {"type": "ContainersReady", **part}]
