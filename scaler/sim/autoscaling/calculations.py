"""How many replicas one metric asks for.

All amounts are whole thousandths (of cores, bytes, messages), as upstream computes; divisions cut off as its integers
do. Source: the replica calculator of Kubernetes 1.36.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

LARGEST = 2**31 - 1


class CannotCompute(Exception):
    """A metric gives no number of replicas; the text is what the condition says."""


class Container(msgspec.Struct, frozen=True):
    """A container and what it asks for."""

    name: str
    requests: Mapping[str, int] = {}
    """Thousandths, by resource."""


class Pod(msgspec.Struct, frozen=True):
    """What the calculation looks at in a pod."""

    name: str
    phase: str = "Running"
    deleted: bool = False
    started: float | None = None
    """Epoch seconds of ``status.startTime``."""
    ready: bool | None = None
    """The Ready condition; None when there is none."""
    ready_since: float = 0.0
    """When the Ready condition last changed, epoch seconds."""
    containers: Sequence[Container] = ()
    """Containers, and init containers that run beside them."""


class Sample(msgspec.Struct, frozen=True):
    """One pod's value of a metric."""

    value: int
    """Thousandths."""
    at: float = 0.0
    window: float = 60.0
    """Seconds over which it was taken."""


class Tolerance(msgspec.Struct, frozen=True):
    """How far from the target a ratio may be before anything moves."""

    down: float = 0.1
    up: float = 0.1

    def covers(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Timing(msgspec.Struct, frozen=True):
    """Which young pods' cpu is not believed; seconds."""

    cpu_initialization: float = 300.0
    readiness_delay: float = 30.0


class Groups(msgspec.Struct, frozen=True):
    """The pods of a target by what their metrics are good for."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group(pods: Sequence[Pod], samples: Mapping[str, Sample], resource: str, timing: Timing, now: float) -> Groups:
    """Ignored: going or failed. Unready: pending, or too young for its cpu. Missing: no sample."""
    sorted_out: dict[str, set[str]] = {"ready": set(), "unready": set(), "missing": set(), "ignored": set()}
    for pod in pods:
        sorted_out[_group_of(pod, samples.get(pod.name), resource, timing, now)].add(pod.name)
    return Groups(
        len(sorted_out["ready"]),
        frozenset(sorted_out["unready"]),
        frozenset(sorted_out["missing"]),
        frozenset(sorted_out["ignored"]),
    )


def _group_of(pod: Pod, sample: Sample | None, resource: str, timing: Timing, now: float) -> str:
    if pod.deleted or pod.phase == "Failed":
        return "ignored"
    if pod.phase == "Pending":
        return "unready"
    if sample is None:
        return "missing"
    return "unready" if resource == "cpu" and _cpu_is_doubtful(pod, sample, timing, now) else "ready"


def _cpu_is_doubtful(pod: Pod, sample: Sample, timing: Timing, now: float) -> bool:
    if pod.ready is None or pod.started is None:
        return True
    if pod.started + timing.cpu_initialization > now:
        return not pod.ready or sample.at < pod.ready_since + sample.window
    return not pod.ready and pod.started + timing.readiness_delay > pod.ready_since


class Target(msgspec.Struct, frozen=True):
    """How values are held against a target."""

    ratio: Callable[[Mapping[str, int]], float]
    """From values, by pod, to their ratio to the target."""
    missing: Mapping[str, int]
    """What pods without a value are assumed to use when the others are below the target."""


class Asked(msgspec.Struct, frozen=True):
    """What a metric asks for, and what it showed."""

    replicas: int
    value: int = 0
    """Thousandths: the average a pod, or the whole, as the target is."""
    utilization: int | None = None
    """Percent of the request."""


class Situation(msgspec.Struct, frozen=True):
    """What all metrics of one autoscaler are judged against."""

    spec_replicas: int
    status_replicas: int
    pods: Sequence[Pod]
    tolerance: Tolerance
    timing: Timing
    now: float


def by_utilization(
    situation: Situation, samples: Mapping[str, Sample], target: int, resource: str, container: str = ""
) -> Asked:
    """Average percent of what pods requested."""
    counted, groups = _counted(situation, samples, resource)
    requests = {pod.name: _request(pod, container, resource) for pod in situation.pods}

    def ratio(values: Mapping[str, int]) -> tuple[float, Asked]:
        known = {name: value for name, value in values.items() if name in requests}
        asked = sum(requests[name] for name in known)
        if asked == 0:
            raise CannotCompute("no metrics returned matched known pods")
        percent = _quotient(sum(known.values()) * 100, asked)
        return percent / target, Asked(0, _quotient(sum(known.values()), len(known)), percent)

    used, shown = ratio(counted)
    full = max(100, target)
    missing = {name: _quotient(requests[name] * full, 100) for name in groups.missing}
    target_of = Target(lambda values: ratio(values)[0], missing)
    return msgspec.structs.replace(shown, replicas=_settled(situation, groups, counted, used, target_of))


def by_average(situation: Situation, samples: Mapping[str, Sample], target: int, resource: str = "") -> Asked:
    """Average value a pod, of a resource or of a pods metric."""
    counted, groups = _counted(situation, samples, resource)

    def average(values: Mapping[str, int]) -> int:
        return _quotient(sum(values.values()), len(values))

    usage = average(counted)
    held = Target(lambda values: average(values) / target, dict.fromkeys(groups.missing, target))
    return Asked(_settled(situation, groups, counted, usage / target, held), usage)


def by_total(situation: Situation, usage: int, target: int) -> Asked:
    """One value for all pods, compared as it is (external and object metrics with a Value target)."""
    ratio = usage / target
    if situation.spec_replicas == 0:
        return Asked(math.ceil(ratio), usage)
    if situation.tolerance.covers(ratio):
        return Asked(situation.spec_replicas, usage)
    if not situation.pods:
        raise CannotCompute(
            "unable to calculate ready pods: no pods returned by selector while calculating replica count"
        )
    ready = sum(pod.phase == "Running" and pod.ready is True for pod in situation.pods)
    return Asked(_whole(ratio * ready), usage)


def by_total_per_pod(situation: Situation, usage: int, target: int) -> Asked:
    """One value for all pods, compared a pod (external and object metrics with an AverageValue target)."""
    current = situation.status_replicas
    replicas = current
    if not situation.tolerance.covers(_ratio(usage, target * current)):
        replicas = _whole(usage / target)
    return Asked(replicas, _average(usage, current))


def _ratio(usage: int, wanted: int) -> float:
    """A quotient as floating point has it: nothing by nothing is covered by no tolerance."""
    if wanted:
        return usage / wanted
    return math.inf if usage > 0 else math.nan


def _average(usage: int, pods: int) -> int:
    """A pod's share, rounded up; among no pods the least whole number there is, as upstream shows it."""
    return math.ceil(usage / pods) if pods else -(2**63)


def _whole(replicas: float) -> int:
    return LARGEST if replicas > LARGEST else math.ceil(replicas)


def _quotient(one: int, other: int) -> int:
    """Division of whole numbers that cuts off towards zero."""
    return int(one / other) if abs(one) < 2**52 else (abs(one) // other) * (1 if one >= 0 else -1)


def _counted(situation: Situation, samples: Mapping[str, Sample], resource: str) -> tuple[dict[str, int], Groups]:
    """The values that count, and the groups of the pods."""
    if not situation.pods:
        raise CannotCompute("no pods returned by selector while calculating replica count")
    groups = group(situation.pods, samples, resource, situation.timing, situation.now)
    left_out = groups.ignored | groups.unready
    counted = {name: sample.value for name, sample in samples.items() if name not in left_out}
    if not counted:
        raise CannotCompute("did not receive metrics for targeted pods (pods might be unready)")
    return counted, groups


def _settled(situation: Situation, groups: Groups, counted: Mapping[str, int], ratio: float, target: Target) -> int:
    """Replicas from a ratio, assuming the worst of pods that are missing or not ready, and never turning round."""
    current = situation.spec_replicas
    unready_counts = bool(groups.unready) and ratio > 1.0
    if not unready_counts and not groups.missing:
        return current if situation.tolerance.covers(ratio) else math.ceil(ratio * groups.ready)
    assumed = dict(counted)
    if ratio < 1.0:
        assumed |= target.missing
    elif ratio > 1.0:
        assumed |= dict.fromkeys(groups.missing, 0)
    if unready_counts:
        assumed |= dict.fromkeys(groups.unready, 0)
    new = target.ratio(assumed)
    if situation.tolerance.covers(new) or (ratio < 1.0 < new) or (new < 1.0 < ratio):
        return current
    replicas = math.ceil(new * len(assumed))
    turned = (new < 1.0 and replicas > current) or (new > 1.0 and replicas < current)
    return current if turned else replicas


def _request(pod: Pod, container: str, resource: str) -> int:
    """What a pod asks for, or one container of it."""
    total = 0
    for part in pod.containers:
        if container and part.name != container:
            continue
        if resource not in part.requests:
            raise CannotCompute(f"missing request for {resource} in container {part.name} of Pod {pod.name}")
        total += part.requests[resource]
        if container:
            return total
    if container:
        raise CannotCompute(f"container {container} not found in Pod {pod.name}")
    return total
