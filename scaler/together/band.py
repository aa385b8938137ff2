"""Where a request may stand around a set-point, and where replicas are held while pods have this request.

                 0        S                1.25 S              2 S
                 |--------|------------------|==================|-------------->  request a pod
    utilisation  |       100 %               80 %              50 %

`=` is the band. Its lower edge leaves room for what an HPA lets pass: it acts only a tenth above its target, and at
1.1 S a pod of 1.25 S is as full (88 %) as VPA's own margin makes it (1 / 1.15 = 87 %). Its upper edge is where pods
stand half empty. A target of the user's own beyond either edge is his wish: the band reaches that far.

Source of the idea: StormForge's 50 to 90 %.
"""

import math

import msgspec

from scaler.together.setpoints import SetPoint

FULLEST, EMPTIEST = 80, 50
"""Percent of a request that a set-point may be, free between the bounds."""
BRIM = 90
"""Percent of a request that replicas are held at, at most: a tenth above it, where the HPA acts, pods are full."""


class Edges(msgspec.Struct, frozen=True):
    """From where to where a request may be."""

    low: float
    high: float

    def clipped(self, amount: float) -> float:
        return min(max(amount, self.low), self.high)


def edges(point: SetPoint, *, low: bool, high: bool) -> Edges:
    """The band of a request around a set-point; an edge that gave way to a pin is none."""
    return Edges(
        point.amount * 100 / max(FULLEST, point.utilization) if low else 0.0,
        point.amount * 100 / min(EMPTIEST, point.utilization) if high else math.inf,
    )


def scale_point(point: SetPoint, request: int | None) -> int:
    """What replicas are held at: the set-point, within what pods of this request can be asked for and are worth.

    `request` is that of the smallest pod; None when there is none. Without a pin's resizing it is the set-point.
    """
    if not request:
        return point.amount
    most = request * max(BRIM, point.utilization) // 100
    least = request * min(EMPTIEST, point.utilization) // 100
    return max(min(max(point.amount, least), most), 1)
