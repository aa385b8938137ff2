"""How many replicas one resource metric asks for, reckoned over all pods at once.

The rules are `scaler.sim.autoscaling.calculations`', which follow upstream pod by pod; a test holds the two equal.
Pods are rows; amounts are whole thousandths (of cores, of bytes), divisions cut off.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from scaler.sim.autoscaling.calculations import CannotCompute, Timing, Tolerance
from scaler.sim.backtest.scene import Floats

Rows = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


class Sight(msgspec.Struct, frozen=True, eq=False):
    """The pods as the HPA controller sees them."""

    replicas: int
    """What is wanted of the workload."""
    started: Floats
    """Epoch seconds of ``status.startTime``."""
    ready: Rows
    ready_since: Floats
    """When the Ready condition last changed."""
    known: Rows
    """Whether the pod has a sample."""
    at: float
    """When the samples were taken."""
    window: float
    """Seconds they were taken over."""
    now: float


def doubtful(sight: Sight, timing: Timing) -> Rows:
    """Pods with a sample that are too young for their cpu to be believed."""
    young = sight.started + timing.cpu_initialization > sight.now
    early = ~sight.ready | (sight.at < sight.ready_since + sight.window)
    never = ~sight.ready & (sight.started + timing.readiness_delay > sight.ready_since)
    return sight.known & np.where(young, early, never)


def asked(  # noqa: PLR0917 - what one metric is judged from
    sight: Sight,
    values: Whole,
    requests: Whole | None,
    target: int,
    tolerance: Tolerance,
    unready: Rows,
) -> int:
    """Replicas that the metric asks for: `target` percent of `requests`, or without them `target` thousandths a pod.

    `values` counts where a pod has a sample; raises `CannotCompute` when none does.
    """
    if len(sight.ready) == 0:
        raise CannotCompute("no pods returned by selector while calculating replica count")
    counted = sight.known & ~unready
    if not counted.any():
        raise CannotCompute("did not receive metrics for targeted pods (pods might be unready)")
    ratio = _ratio(values, requests, target, counted)
    missing = ~sight.known
    some_missing = bool(missing.any())
    with_unready = ratio > 1.0 and bool(unready.any())
    if not with_unready and not some_missing:
        return sight.replicas if tolerance.covers(ratio) else math.ceil(ratio * int(counted.sum()))
    return _settled(sight, values, requests, target, tolerance, counted, missing, unready, ratio)


def _settled(  # noqa: PLR0917 - as above
    sight: Sight,
    values: Whole,
    requests: Whole | None,
    target: int,
    tolerance: Tolerance,
    counted: Rows,
    missing: Rows,
    unready: Rows,
    ratio: float,
) -> int:
    """Assuming the worst of pods that are missing or not ready, and never turning round."""
    assumed, rows = values.copy(), counted
    if ratio < 1.0:
        assumed[missing] = target if requests is None else requests[missing] * max(100, target) // 100
        rows = rows | missing
    elif ratio > 1.0:
        assumed[missing | unready] = 0
        rows = rows | missing | unready
    new = _ratio(assumed, requests, target, rows)
    if tolerance.covers(new) or (ratio < 1.0 < new) or (new < 1.0 < ratio):
        return sight.replicas
    replicas = math.ceil(new * int(rows.sum()))
    turned = (new < 1.0 and replicas > sight.replicas) or (new > 1.0 and replicas < sight.replicas)
    return sight.replicas if turned else replicas


def _ratio(values: Whole, requests: Whole | None, target: int, rows: Rows) -> float:
    total = int(values[rows].sum())
    if requests is None:
        return (total // int(rows.sum())) / target
    wanted = int(requests[rows].sum())
    if wanted == 0:
        raise CannotCompute("no metrics returned matched known pods")
    return (total * 100 // wanted) / target
