"""How many pods of one controller may be moved at once: VPA's own budget, beside which PodDisruptionBudgets hold.

A part of the replicas, `tolerance`, may be missing; of a small group, of which no whole pod may be missing, one pod
may while all others run.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from scaler.clock import from_rfc3339
from scaler.vertical.observed import boosted_containers
from scaler.vertical.pods import SizedPod

ResizeStatus = Literal["None", "Deferred", "Infeasible", "InProgress", "Error", "Unknown"]
"""How a resize stands, by the pod's conditions; the kubelet's refusal to begin goes before its progress."""

DEFERRED_TIMEOUT = 300.0
"""Seconds after which a resize that waits for room is given up for an eviction."""
PROGRESS_TIMEOUT = 3600.0
"""The same for one that does not come to an end."""


class Group(msgspec.Struct):
    """The pods of one controller, and what was done to them since they were counted."""

    configured: int
    """Replicas that the controller wants; of a DaemonSet those that are ready, of a Job those that live."""
    live: int
    """Pods that there are and that are not going."""
    running: int
    """Those of them that are not Pending."""
    tolerance: int
    """How many of `configured` may be missing."""
    registered: bool = True
    """False when there are too few pods for any to be moved."""
    resizes_only: bool = False
    """There are too few pods for evictions, but resizes do not count as disruptions."""
    evicted: int = 0
    resized: int = 0

    @property
    def disruptable(self) -> bool:
        """Whether one more running pod may be moved."""
        moved = self.evicted + self.resized
        if self.running - moved > self.configured - self.tolerance:
            return True
        return self.configured == self.running and self.tolerance == 0 and moved == 0


class Budgets(msgspec.Struct, frozen=True):
    """The updater's settings of budgets."""

    min_replicas: int = 2
    tolerance: float = 0.5
    skip_for_resizes: bool = False
    """A resize that restarts no container needs no budget."""


def group_of(pods: Iterable[SizedPod], configured: int | None, budgets: Budgets, *, resizes: bool = False) -> Group:
    """The group of a controller's live pods; `configured` None takes their number.

    `budgets.min_replicas` is that of the VPA where it has one; `resizes` says that its mode resizes.
    """
    found = list(pods)
    wanted = len(found) if configured is None else configured
    running = sum(pod.status.phase != "Pending" for pod in found)
    few = len(found) < budgets.min_replicas
    boosted = few and any(has_boost(pod) for pod in found)
    resizes_only = few and not boosted and resizes and budgets.skip_for_resizes
    registered = bool(wanted) and (not few or boosted or resizes_only)
    return Group(wanted, len(found), running, int(wanted * budgets.tolerance), registered, resizes_only)


def has_boost(pod: SizedPod) -> bool:
    """Whether a container of the pod still has more cpu than it is to have in the long run."""
    return bool(boosted_containers(pod))


def may_evict(pod: SizedPod, group: Group, waited: float, pending_period: float = DEFERRED_TIMEOUT) -> bool:
    """Whether the pod may be evicted now; `waited` is for how long a resize of it has been seen, in seconds."""
    if not group.registered or group.resizes_only:
        return False
    if pod.status.phase == "Pending":
        return True
    status = resize_status(pod)
    if status == "None":
        return group.disruptable
    return gives_up_resize(status, group, waited, pending_period)


def gives_up_resize(
    status: ResizeStatus, group: Group, waited: float, pending_period: float = DEFERRED_TIMEOUT
) -> bool:
    """Whether a pod in the middle of a resize is to be evicted instead; `waited` in seconds since it was seen.

    `pending_period` is how long it may wait for room on its node.
    """
    if status == "None" or not group.disruptable:
        return False
    if status == "Deferred":
        return waited > pending_period
    if status == "InProgress":
        return waited > PROGRESS_TIMEOUT
    return True


def count_eviction(pod: SizedPod, group: Group) -> None:
    """One pod fewer runs; a Pending one did not run before."""
    if pod.status.phase != "Pending":
        group.evicted += 1


def count_resize(group: Group) -> None:
    """One pod may be interrupted by its resize."""
    group.resized += 1


def resize_status(pod: SizedPod) -> ResizeStatus:
    """How a resize of the pod stands."""
    pending = pod.condition("PodResizePending")
    if pending is not None:
        known: dict[str, ResizeStatus] = {"Deferred": "Deferred", "Infeasible": "Infeasible"}
        return known.get(pending.reason, "Unknown")
    progress = pod.condition("PodResizeInProgress")
    if progress is None:
        return "None"
    if progress.reason == "Error":
        return "Error"
    return "Unknown" if progress.reason or progress.message else "InProgress"


def resize_restarts(pod: SizedPod) -> bool:
    """Whether a resize restarts one of the pod's containers."""
    policies = (policy for container in pod.spec.containers or () for policy in container.resize_policy or ())
    return any(policy.restart_policy == "RestartContainer" for policy in policies)


def is_alive(renewed: str | None, created: str | None, now: float, timeout: float) -> bool:
    """Whether the holder of a Lease was heard of within `timeout` seconds, by its renewal, or its making if none."""
    heard = renewed or created
    return heard is not None and now - from_rfc3339(heard) < timeout
