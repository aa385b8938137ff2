"""Where we would have decided otherwise than who is in charge: replicas and requests, why, and what it costs. Pure.

Between one replica and the maximum the HPA decides, and ours would be the same HPA, unless its wish differs. So what
can differ is going to zero and back, what holds while a source fails, and the bounds; and of requests the numbers.
"""

from collections.abc import Iterable

import msgspec

from scaler.api.meta import Raw
from scaler.horizontal import conditions
from scaler.horizontal.answer import answer
from scaler.horizontal.demand import asks
from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.hpa import hpa_differs, wanted_hpa
from scaler.horizontal.readings import Evaluation, Failure, Memory, NoScale, Policy, Reading, Scale, Subject
from scaler.vertical.amounts import RESOURCES, Amounts, Bounds

HOURS = 730.0
"""Of a month."""
_HPAS = frozenset({"active", "partial-error", "scale-out-paused"})
"""Rules that leave the number to the HPA."""


class Prices(msgspec.Struct, frozen=True):
    """What capacity costs an hour."""

    core: float
    gib: float

    def monthly(self, amounts: Amounts, replicas: int) -> float:
        """Of so many pods that request so much, for a month."""
        hourly = amounts.get("cpu", 0) / 1000 * self.core + amounts.get("memory", 0) / (1 << 30) * self.gib
        return hourly * HOURS * replicas


class ReplicasLine(msgspec.Struct, frozen=True):
    """One ScaledObject."""

    namespace: str
    name: str
    workload: str
    """As in ``Deployment/web``."""
    now: int | None
    theirs: int | None
    """What its HPA wants; what there is where the HPA says nothing."""
    ours: int | None
    """None where nobody could say."""
    rule: str
    why: str
    says: str
    """What who is in charge said at its last check."""
    monthly: float = 0.0
    """What ours costs more than theirs in a month; negative where it saves."""

    @property
    def same(self) -> bool:
        """Nobody would notice who is in charge."""
        return self.ours is None or self.ours == self.theirs


class RequestsLine(msgspec.Struct, frozen=True):
    """One container of one VerticalPodAutoscaler."""

    namespace: str
    name: str
    workload: str
    container: str
    replicas: int
    now: dict[str, int]
    """Requested by the workload's template: millicores and bytes."""
    theirs: dict[str, int]
    """VPA's target."""
    ours: dict[str, int]
    why: str
    monthly_now: float = 0.0
    monthly_theirs: float = 0.0
    monthly_ours: float = 0.0

    @property
    def same(self) -> bool:
        """Within a hundredth, which is less than a bucket of either's histograms."""
        return bool(self.ours) and all(
            abs(self.ours.get(resource, 0) - self.theirs.get(resource, 0)) <= 0.01 * self.theirs.get(resource, 0)
            for resource in {*self.ours, *self.theirs}
        )


class Difference(msgspec.Struct, frozen=True):
    """Everything that was looked at."""

    replicas: tuple[ReplicasLine, ...]
    requests: tuple[RequestsLine, ...]
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""

    @property
    def monthly(self) -> float:
        """What ours costs more than theirs, together; a workload without a recommendation of both counts nothing."""
        sized = sum(line.monthly_ours - line.monthly_theirs for line in self.requests if line.ours and line.theirs)
        return sized + sum(line.monthly for line in self.replicas)


class Case(msgspec.Struct, frozen=True):
    """One ScaledObject as it was found."""

    subject: Subject
    readings: tuple[Reading | Failure, ...]
    """What the HPA controller would be told now."""
    scale: Scale | NoScale
    memory: Memory
    now: float
    hpa: Raw | None
    """The one at work."""
    pod: Amounts
    """What a pod requests."""


def replicas_line(case: Case, policy: Policy, prices: Prices) -> ReplicasLine:
    """Judge it once, and set that beside what its HPA wants."""
    scaled, scale = case.subject.scaled, case.scale
    told = evaluate(case.subject, case.readings, scale, case.memory, policy, case.now, case.hpa)
    there = scale.replicas if isinstance(scale, Scale) else None
    theirs = _desired(case.hpa, there)
    ours, why = _ours(case, told, policy, theirs)
    said = conditions.found(scaled.status.conditions, conditions.ACTIVE)
    ref = scaled.spec.scale_target_ref
    known = ours is not None and theirs is not None
    more = prices.monthly(case.pod, ours or 0) - prices.monthly(case.pod, theirs or 0) if known else 0.0
    return ReplicasLine(
        namespace=scaled.metadata.namespace,
        name=scaled.metadata.name,
        workload=f"{ref.kind or 'Deployment'}/{ref.name}",
        now=there,
        theirs=theirs,
        ours=ours,
        rule=told.decision.rule,
        why=why,
        says=f"Active={said.status}" + (f" ({said.reason})" if said.reason else ""),
        monthly=more,
    )


def _desired(hpa: Raw | None, there: int | None) -> int | None:
    """At zero the HPA rests, and says nothing of worth."""
    wanted = ((hpa or {}).get("status") or {}).get("desiredReplicas")
    return there if not there or not isinstance(wanted, int) or wanted < 1 else wanted


def _ours(case: Case, told: Evaluation, policy: Policy, theirs: int | None) -> tuple[int | None, str]:
    decision, scale, hpa = told.decision, case.scale, case.hpa
    if not isinstance(scale, Scale):
        return None, decision.message
    if decision.replicas is not None:
        return decision.replicas, decision.message
    if decision.rule not in _HPAS:  # nothing is done by us: what there is goes on as the HPA has it
        return theirs, decision.message
    if hpa is not None and not hpa_differs(hpa, wanted_hpa(case.subject, policy)):
        return theirs, f"{decision.message}; ours would be the same HPA"
    answers = answer(case.subject, case.readings, scale, case.memory, case.now)
    most = max((ask for _, ask in asks(case.subject, answers, scale)), default=scale.replicas)
    spec = case.subject.scaled.spec
    wanted = min(max(most, spec.minimum or 1), spec.maximum)
    other = "there is no HPA yet" if hpa is None else "our HPA would be another one"
    return wanted, f"{decision.message}; {other}, and its metrics ask for {wanted}"


class Sized(msgspec.Struct, frozen=True):
    """One VerticalPodAutoscaler as it was found; by container."""

    namespace: str
    name: str
    workload: str
    replicas: int
    requested: dict[str, Amounts]
    theirs: dict[str, Amounts]
    """VPA's targets."""
    ours: dict[str, Bounds]
    samples: dict[str, int]


def requests_lines(found: Sized, prices: Prices) -> list[RequestsLine]:
    """Its containers, those that anybody sizes."""
    names = [*found.requested, *found.theirs, *found.ours]
    return [_line(found, one, prices) for one in dict.fromkeys(names) if one in found.theirs or one in found.ours]


def _line(found: Sized, container: str, prices: Prices) -> RequestsLine:
    now, theirs = found.requested.get(container, {}), found.theirs.get(container)
    bounds = found.ours.get(container)
    ours = bounds.target if bounds is not None else {}
    return RequestsLine(
        namespace=found.namespace,
        name=found.name,
        workload=found.workload,
        container=container,
        replicas=found.replicas,
        now=_plain(now),
        theirs=_plain(theirs or {}),
        ours=_plain(ours),
        why=_why(theirs, bounds, found.samples.get(container, 0)),
        monthly_now=prices.monthly(now, found.replicas),
        monthly_theirs=prices.monthly(theirs or {}, found.replicas),
        monthly_ours=prices.monthly(ours, found.replicas),
    )


def _plain(amounts: Amounts) -> dict[str, int]:
    return {resource: amounts[resource] for resource in RESOURCES if resource in amounts}


def _why(theirs: Amounts | None, ours: Bounds | None, samples: int) -> str:
    if ours is None:
        return "no usage is known to us yet: neither a checkpoint nor a pod that runs"
    seen = f"{samples:,} samples"
    capped = [resource for resource in RESOURCES if ours.target.get(resource) != ours.uncapped.get(resource)]
    if capped:
        seen += f"; {' and '.join(capped)} capped by its policy"
    if theirs is None:
        return f"{seen}; VPA recommends nothing yet"
    return seen


def summary(found: Difference) -> dict[str, int]:
    """How many of each are the same, and how many are not."""
    return {
        "replicas_same": _count(found.replicas),
        "replicas_other": len(found.replicas) - _count(found.replicas),
        "requests_same": _count(found.requests),
        "requests_other": len(found.requests) - _count(found.requests),
    }


def _count(lines: Iterable[ReplicasLine | RequestsLine]) -> int:
    return sum(line.same for line in lines)
