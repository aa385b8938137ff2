"""`scaler explain vpa/NAME`: why it recommends what it does, and why each pod was moved or stays.

Everything comes from the cluster: the object, its checkpoints, its pods, their controllers and the LimitRanges. No
program of ours is asked. What the programs' own flags may be is not known here; their defaults are taken.
"""

import asyncio
import contextlib
import time

import msgspec

from scaler.api.meta import Kind, ObjectMeta
from scaler.api.selector import Selector
from scaler.api.verticalpodautoscaler import (
    OOM_FLOOR,
    CheckpointSpec,
    CheckpointStatus,
    VerticalPodAutoscaler,
    VpaCondition,
)
from scaler.errors import ApiError, Invalid, Problem
from scaler.kube.connection import Connection
from scaler.kube.controllers import RESOURCES
from scaler.kube.resources import PODS, VPA_CHECKPOINTS, VPAS, Resource
from scaler.kube.targets import Targets
from scaler.loops.recommender.checkpoints import floor_of
from scaler.vertical.amounts import Amounts
from scaler.vertical.conditions import Trouble
from scaler.vertical.explain import ContainerWhy, why
from scaler.vertical.limit_ranges import LimitRange, Ranges, ranges_of
from scaler.vertical.moving import Memory, is_live, judge_all
from scaler.vertical.moving_reasons import Reason
from scaler.vertical.pods import Owner, SizedPod, sized
from scaler.vertical.reading import rules_of
from scaler.vertical.rules import Rules
from scaler.vertical.terms import Defaults
from scaler.vertical.verdict import Circumstances

LIMIT_RANGES = Resource("", "v1", "limitranges")


class PodWhy(msgspec.Struct, frozen=True):
    """One pod: what it requests, and why it is moved or stays."""

    name: str
    requests: dict[str, Amounts]
    """By container: millicores and bytes."""
    move: str
    """resize, evict, unboost, or nothing."""
    reasons: tuple[Reason, ...]


class VpaExplanation(msgspec.Struct, frozen=True):
    """Everything about one object."""

    namespace: str
    name: str
    target: str
    mode: str
    recommender: str
    checkpointed: str | None
    """When the oldest of its checkpoints was written."""
    conditions: tuple[VpaCondition, ...]
    containers: tuple[ContainerWhy, ...]
    pods: tuple[PodWhy, ...]
    trouble: str = ""
    """Why its pods are not known."""


class _Found(Kind, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: CheckpointSpec = CheckpointSpec()
    status: CheckpointStatus = CheckpointStatus()


class _Replicas(Kind, frozen=True):
    replicas: int | None = None
    number_ready: int = 0


class _Controller(Kind, frozen=True):
    spec: _Replicas = _Replicas()
    status: _Replicas = _Replicas()


async def told(connection: Connection, namespace: str, name: str) -> VpaExplanation:
    """The explanation; Invalid when there is no such object."""
    vpa = await _object(connection, namespace, name)
    checkpoints, (found, trouble) = await asyncio.gather(_checkpoints(connection, vpa), _pods(connection, vpa))
    rules = rules_of(vpa)
    ref = vpa.spec.target_ref
    return VpaExplanation(
        namespace,
        name,
        f"{ref.kind} {ref.name}" if ref else "nothing",
        vpa.spec.update_mode,
        vpa.spec.recommender,
        min((one.status.last_update_time or "" for one in checkpoints), default="") or None,
        vpa.status.conditions,
        _containers(vpa, checkpoints),
        await _judged(connection, namespace, rules, found),
        trouble,
    )


async def _object(connection: Connection, namespace: str, name: str) -> VerticalPodAutoscaler:
    try:
        return await connection.get(VPAS, namespace, name, into=VerticalPodAutoscaler)
    except ApiError as error:
        if error.status != 404:
            raise
        there = await connection.listing(VPAS, namespace, into=VerticalPodAutoscaler)
        names = ", ".join(sorted(one.metadata.name for one in there.items)) or "none at all"
        words = f"no such VerticalPodAutoscaler in namespace {namespace}: there is {names}"
        raise Invalid([Problem(f"vpa/{name}", words)]) from None


async def _checkpoints(connection: Connection, vpa: VerticalPodAutoscaler) -> list[_Found]:
    listing = await connection.listing(VPA_CHECKPOINTS, vpa.metadata.namespace, into=_Found)
    return [one for one in listing.items if one.spec.vpa_object_name == vpa.metadata.name]


def _containers(vpa: VerticalPodAutoscaler, checkpoints: list[_Found]) -> tuple[ContainerWhy, ...]:
    floors = {
        one.spec.container_name: floor
        for one in checkpoints
        if (floor := floor_of(one.metadata.annotations.get(OOM_FLOOR, ""))) is not None
    }
    known = {one.spec.container_name: one.status for one in checkpoints}
    return why(vpa, known, floors, defaults=Defaults(), now=time.time())


async def _pods(connection: Connection, vpa: VerticalPodAutoscaler) -> tuple[list[SizedPod], str]:
    namespace = vpa.metadata.namespace
    targets = Targets(connection, (namespace,))
    following = asyncio.create_task(targets.run())
    try:
        selector = await targets.find(namespace, vpa.spec.target_ref)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    if isinstance(selector, Trouble):
        return [], selector.message
    return await _selected(connection, namespace, selector), ""


async def _selected(connection: Connection, namespace: str, selector: Selector) -> list[SizedPod]:
    listing = await connection.listing(PODS, namespace, into=SizedPod, labels=str(selector))
    return [pod for pod in listing.items if is_live(pod)]


async def _judged(connection: Connection, namespace: str, rules: Rules, pods: list[SizedPod]) -> tuple[PodWhy, ...]:
    if not pods:
        return ()
    owners = {(owner.kind, owner.name): owner for pod in pods if (owner := pod.owner) is not None}
    wanted = {place: await _configured(connection, namespace, owner) for place, owner in owners.items()}
    judged = judge_all(
        rules,
        pods,
        ranges=await _ranges(connection, namespace),
        configured=lambda owner: wanted.get((owner.kind, owner.name)),
        around=Circumstances(),
        memory=Memory(),
        now=time.time(),
    )
    return tuple(
        PodWhy(
            one.pod.metadata.name,
            {container.name: {**container.requests} for container in sized(one.pod, rules.init_containers)},
            one.verdict.move,
            one.verdict.reasons,
        )
        for one in judged
    )


async def _ranges(connection: Connection, namespace: str) -> Ranges:
    listing = await connection.listing(LIMIT_RANGES, namespace, into=LimitRange)
    return ranges_of(sorted(listing.items, key=lambda one: one.metadata.name))


async def _configured(connection: Connection, namespace: str, owner: Owner) -> int | None:
    resource = RESOURCES.get(owner.kind)
    if resource is None:
        return None
    try:
        found = await connection.get(resource, namespace, owner.name, into=_Controller)
    except ApiError:
        return None
    return found.status.number_ready if owner.kind == "DaemonSet" else found.spec.replicas
