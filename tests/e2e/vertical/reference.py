"""What upstream recommends from checkpoints, once more and in plain Python, sharing nothing with the product.

A second opinion for what cannot be asked of upstream itself here: it reads the checkpoints that stand in the cluster.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

MIB = 1024 * 1024
LARGEST = 10**14


def recommended(checkpoint: Mapping[str, Any], containers: int = 1) -> dict[str, dict[str, int]]:
    """Target, lowerBound and upperBound in millicores and bytes, with upstream's defaults."""
    status = checkpoint["status"]
    days = confidence(status)
    found: dict[str, dict[str, int]] = {"target": {}, "lowerBound": {}, "upperBound": {}}
    for resource, histogram, first, scale, minimum in (
        ("cpu", status["cpuHistogram"], 0.01, 1000.0, 25),
        ("memory", status["memoryHistogram"], 1e7, 1.0, 250 * MIB),
    ):
        least = int(minimum / containers)
        for name, share, factor in (
            ("target", 0.9, 1.0),
            ("lowerBound", 0.5, (1 + 0.001 / days) ** -2 if days else 0.0),
            ("upperBound", 0.95, 1 + 1 / days if days else math.inf),
        ):
            base = int(percentile(histogram, share, first) * scale)
            marked = base + int(base * 0.15)
            bounded = min(marked * factor, LARGEST) if marked else 0
            found[name][resource] = max(int(bounded), least)
    return found


def percentile(histogram: Mapping[str, Any], share: float, first: float) -> float:
    weights = {int(bucket): weight for bucket, weight in (histogram.get("bucketWeights") or {}).items()}
    if not weights:
        return 0.0
    within, whole = 0.0, sum(weights.values())
    for bucket in sorted(weights):
        within += weights[bucket]
        if within >= share * whole:
            break
    return first * (1.05 ** (bucket + 1) - 1) / 0.05


def confidence(status: Mapping[str, Any]) -> float:
    count = status.get("totalSamplesCount", 0)
    if not count:
        return 0.0
    first, last = (datetime.fromisoformat(status[name]) for name in ("firstSampleStart", "lastSampleStart"))
    return min((last - first).total_seconds() / 86400, count / 1440)
