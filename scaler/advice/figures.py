"""The recommendation as plain values, for scripts: quantities as manifests have them, numbers as numbers."""

import math
from collections.abc import Sequence
from typing import Any

from scaler.advice import patches, words
from scaler.advice.gathered import Gathered
from scaler.advice.money import Prices, saving, totals
from scaler.advice.subjects import Advice
from scaler.vertical.amounts import RESOURCES, Amounts
from scaler.vertical.estimation import Estimation
from scaler.vertical.quantities import spelt


def figures(advice: Sequence[Advice], gathered: Gathered, prices: Prices, how: Estimation) -> dict[str, Any]:
    """Everything that the table and the page show, but for the pictures."""
    found = totals(advice, prices)
    return {
        "source": gathered.source,
        "begin": gathered.learning.begin,
        "end": gathered.learning.end,
        "stepSeconds": gathered.step,
        "notes": list(gathered.notes),
        "totals": {
            "requested": {"cores": found.now[0], "bytes": found.now[1], "month": sum(found.cost_now)},
            "recommended": {"cores": found.then[0], "bytes": found.then[1], "month": sum(found.cost_then)},
            "savedMonth": found.saved,
            "currency": prices.currency,
        },
        "containers": [_one(one, prices, how) for one in advice],
    }


def _one(one: Advice, prices: Prices, how: Estimation) -> dict[str, Any]:
    saved = saving(one, prices)
    return {
        "namespace": one.workload.namespace,
        "kind": one.workload.kind,
        "name": one.workload.name,
        "container": one.container,
        "pods": one.replicas,
        "podsSeen": one.pods,
        "requests": _exact(one.facts.requests) if one.facts.asked else None,
        "limits": _exact(one.facts.limits) if one.facts.asked else None,
        "target": _exact(one.bounds.target),
        "lowerBound": _exact(one.bounds.lower),
        "upperBound": _exact(one.bounds.upper),
        "patch": patches.resources(one),
        "peak": {which: _number(one.courses[which].peak) for which in RESOURCES},
        "aboveRequest": {which: one.courses[which].over for which in RESOURCES},
        "samples": one.samples,
        "confidence": _number(one.confidence),
        "sure": words.sure(one.confidence),
        "risks": list(one.risks),
        "kills": list(one.kills),
        "savedMonth": saved,
        "why": {which: words.why(one, which, how) for which in RESOURCES},
        "amiss": list(words.risks(one)),
    }


def _exact(amounts: Amounts) -> dict[str, str]:
    return {which: spelt(which, amounts[which]) for which in RESOURCES if which in amounts}


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
