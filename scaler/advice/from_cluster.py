"""What the cluster itself knows: the usage of this moment from metrics.k8s.io, requests and owners from the API."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scaler.advice.gathered import Gathered, columns, largest
from scaler.advice.judging import resource_amounts
from scaler.advice.learning import Learning
from scaler.advice.nearby import hint
from scaler.advice.subjects import Facts
from scaler.api.meta import Raw
from scaler.clock import Clock, from_rfc3339
from scaler.errors import ApiError, Unreadable
from scaler.history.answers import Labels
from scaler.history.owners import Owners, Workload
from scaler.history.queries import Container
from scaler.history.series import Array, Series
from scaler.history.usage import ContainerUsage
from scaler.kube.connection import Connection
from scaler.kube.resources import PODS, Resource
from scaler.quantity import parse_quantity
from scaler.vertical.usage import MemoryRules

POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
JOBS = Resource("batch", "v1", "jobs")
EVERY = 15.0
"""Seconds between two looks: as often as a metrics-server looks itself, at most."""
_OWNERS = ((REPLICA_SETS, "kube_replicaset_owner", "replicaset"), (JOBS, "kube_job_owner", "job_name"))

Samples = dict[Container, list[tuple[float, float, float]]]
"""By container: time, cores, bytes."""


async def gather(
    connection: Connection,
    namespaces: Sequence[str],
    *,
    clock: Clock,
    watch_for: float,
    half_lives: tuple[float, float],
    memory: MemoryRules,
    progress: Callable[[int, int], None],
) -> Gathered:
    """What runs now. Raises Unreadable when there are no metrics, ApiError when nobody may read."""
    begun = clock.now()
    samples = await _samples(connection, namespaces, clock, watch_for, progress)
    pods = [pod for each in namespaces or ("",) for pod in (await connection.listing(PODS, each, into=Raw)).items]
    owners = Owners([label async for label in _owned(connection, namespaces, pods)])
    usages = [(owners.workload(one.namespace, one.pod), _usage(one, rows)) for one, rows in sorted(samples.items())]
    times = [float(at) for _, usage in usages for at in usage.cpu.times]
    keys = {(workload, usage.container.container) for workload, usage in usages}
    learning = Learning(
        min(times), max(times) + 1.0, half_lives=half_lives, memory=memory, columns=columns(len(keys))
    )
    asked = dict(_asked(pods))
    for workload, usage in usages:
        learning.add(workload, usage, asked.get(usage.container, ({}, {}))[0])
    note = (
        f"metrics.k8s.io knows this moment only, and was watched for {max(0.0, clock.now() - begun):.0f} s: nothing "
        "of yesterday, of a busy hour or of a peak is in these figures"
    )
    notes = (note, await hint(connection) or "give --prometheus URL for what was")
    return Gathered("metrics.k8s.io", learning, _facts(usages, asked), EVERY, notes=notes)


async def _samples(
    connection: Connection,
    namespaces: Sequence[str],
    clock: Clock,
    watch_for: float,
    progress: Callable[[int, int], None],
) -> Samples:
    found: Samples = defaultdict(list)
    looks = max(1, round(watch_for / EVERY) + 1)
    for look in range(looks):
        for each in namespaces or ("",):
            for pod in await _metrics(connection, each):
                _add(found, pod)
        progress(look + 1, looks)
        if look + 1 < looks:
            await clock.sleep(EVERY)
    if not found:
        where = f" in {', '.join(namespaces)}" if namespaces else ""
        raise Unreadable(f"metrics.k8s.io has no pods{where}: nothing runs there, or nothing was measured yet")
    return found


async def _metrics(connection: Connection, namespace: str) -> list[Raw]:
    try:
        return list((await connection.listing(POD_METRICS, namespace, into=Raw)).items)
    except ApiError as refused:
        if refused.status in {404, 503}:
            elsewhere = await hint(connection) or "install metrics-server, or give --prometheus URL or a FILE"
            raise Unreadable(f"the cluster serves no metrics.k8s.io; {elsewhere}") from refused
        raise


def _add(found: Samples, pod: Raw) -> None:
    """A sample that was seen before is not seen twice."""
    meta, at = pod["metadata"], from_rfc3339(pod["timestamp"])
    for one in pod.get("containers") or ():
        rows = found[Container(meta["namespace"], meta["name"], one["name"])]
        used = one.get("usage") or {}
        if "cpu" in used and "memory" in used and (not rows or rows[-1][0] < at):
            rows.append((at, parse_quantity(used["cpu"]), parse_quantity(used["memory"])))


def _usage(one: Container, rows: Sequence[tuple[float, float, float]]) -> ContainerUsage:
    table: Array = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return ContainerUsage(one, Series(table[:, 0], table[:, 1]), Series(table[:, 0], table[:, 2]))


async def _owned(connection: Connection, namespaces: Sequence[str], pods: Sequence[Raw]) -> AsyncIterator[Labels]:
    """What kube-state-metrics would say of owners; what may not be read is left to the names."""
    for pod in pods:
        yield _owner("kube_pod_owner", "pod", pod)
    for resource, metric, label in _OWNERS:
        try:
            for namespace in namespaces or ("",):
                for each in (await connection.listing(resource, namespace, into=Raw)).items:
                    yield _owner(metric, label, each)
        except ApiError:
            continue


def _owner(metric: str, label: str, each: Raw) -> Labels:
    meta: Mapping[str, Any] = each["metadata"]
    nobody: Mapping[str, Any] = {}
    owner = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), nobody)
    return {
        "__name__": metric,
        "namespace": meta["namespace"],
        label: meta["name"],
        "owner_kind": owner.get("kind", "<none>"),
        "owner_name": owner.get("name", "<none>"),
        "owner_is_controller": "true",
    }


Asked = tuple[dict[str, float], dict[str, float]]


def _asked(pods: Sequence[Raw]) -> Iterator[tuple[Container, Asked]]:
    """Requests and limits of each container, in cores and bytes."""
    for pod in pods:
        meta = pod["metadata"]
        for one in (pod.get("spec") or {}).get("containers") or ():
            said = one.get("resources") or {}
            yield (
                Container(meta["namespace"], meta["name"], one["name"]),
                (_numbers(said.get("requests") or {}), _numbers(said.get("limits") or {})),
            )


def _numbers(quantities: Mapping[str, Any]) -> dict[str, float]:
    return {which: parse_quantity(text) for which, text in quantities.items() if which in {"cpu", "memory"}}


def _facts(
    usages: Sequence[tuple[Workload, ContainerUsage]], asked: Mapping[Container, Asked]
) -> dict[tuple[Workload, str], Facts]:
    found: dict[tuple[Workload, str], list[Asked]] = defaultdict(list)
    for workload, usage in usages:
        found[workload, usage.container.container].append(asked.get(usage.container, ({}, {})))
    return {
        key: Facts(
            requests=resource_amounts(largest([requests for requests, _ in each])),
            limits=resource_amounts(largest([limits for _, limits in each])),
            replicas=len(each),
        )
        for key, each in found.items()
    }
