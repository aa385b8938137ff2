"""The past of a cluster from its Prometheus."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from scaler.advice.gathered import Gathered, columns, largest
from scaler.advice.judging import resource_amounts
from scaler.advice.learning import Learning
from scaler.advice.subjects import Facts
from scaler.drawing.units import shown
from scaler.history.cluster import ClusterHistory
from scaler.history.owners import Workload
from scaler.history.queries import Container
from scaler.history.state import NO_STATE, State, state
from scaler.history.usage import Progress
from scaler.vertical.usage import MemoryRules

Key = tuple[Workload, str]


async def gather(
    past: ClusterHistory,
    namespaces: Sequence[str],
    *,
    half_lives: tuple[float, float],
    memory: MemoryRules,
    progress: Progress,
) -> Gathered:
    """Everything of those namespaces. Raises Unreadable."""
    grouped = await past.workloads(namespaces)
    told = await state(past.prometheus, past.names, past.end, past.length)
    keys = {(workload, one.container): None for workload, own in grouped.items() for one in own}
    looked = past.window(sum(map(len, grouped.values())))
    learning = Learning(looked.begin, looked.end, half_lives=half_lives, memory=memory, columns=columns(len(keys)))
    facts = _facts(grouped, told)
    async for workload, usage in past.read(grouped, progress):
        key = (workload, usage.container.container)
        kills = told.kills.get(usage.container, ())
        learning.add(workload, usage, told.requests.get(usage.container) or _cores(facts[key]), kills)
    notes = (
        *told.notes,
        *_coarse(looked.step),
        *(f"Prometheus remarks: {text}" for text in past.prometheus.warnings),
    )
    return Gathered(past.prometheus.place, learning, facts, looked.step, notes=notes)


def _facts(grouped: Mapping[Workload, Sequence[Container]], told: State) -> dict[Key, Facts]:
    """Of all pods of a workload the largest: while a rollout is under way they differ."""
    pods: dict[Key, list[Container]] = defaultdict(list)
    for workload, own in grouped.items():
        for one in own:
            pods[workload, one.container].append(one)
    known = NO_STATE not in told.notes
    return {key: _fact(key, own, told, known) for key, own in pods.items()}


def _fact(key: Key, own: Sequence[Container], told: State, known: bool) -> Facts:
    workload, _ = key
    asked = [told.requests[one] for one in own if one in told.requests]
    limits = [told.limits[one] for one in own if one in told.limits]
    return Facts(
        requests=resource_amounts(largest(asked)),
        limits=resource_amounts(largest(limits)),
        replicas=told.replicas.get((workload.namespace, workload.name)) if workload.kind == "Deployment" else None,
        asked=known,
        kills={one.pod: told.kills[one] for one in own if one in told.kills},
        throttled=max((told.throttled.get(one, 0.0) for one in own), default=0.0),
    )


def _cores(facts: Facts) -> dict[str, float]:
    """A pod that is gone asked for what its successors ask for, as far as anybody knows."""
    scale = {"cpu": 1000.0, "memory": 1.0}
    return {resource: amount / scale[resource] for resource, amount in facts.requests.items()}


def _coarse(step: float) -> tuple[str, ...]:
    if step <= 60:
        return ()
    words = (
        f"it was read at {shown(step, 'seconds')} a value: cpu is the mean of each, so that shorter peaks are lost; "
        "memory is the most of each. --history-resolution 1m reads it all"
    )
    return (words,)
