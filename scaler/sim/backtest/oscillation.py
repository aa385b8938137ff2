"""What an oscillation is, in numbers: quantities that turn round more often than their load gives them reason to.

A *turn* is where a quantity that has gone one way by more than a threshold goes back by more than it. Requests answer
the habit of a load, so they may turn round once a day. Replicas answer the load itself; how often that turns them
round is shown by a reference: the same load with an HPA at the same set-point in absolute terms, and requests that
never change. Beyond that each change of requests may turn them round once: there and back.
"""

from scaler.sim.backtest.run import DAY, Run
from scaler.sim.backtest.scene import Floats

REQUESTS, REPLICAS = 0.1, 0.25
"""Smaller swings, relative to where they turn, are none; a single replica never is one."""


def turns(values: Floats, threshold: float, least: float = 0.0) -> int:
    """How often the values turn round by more than a share of where they turn, and by more than `least`."""
    count, direction = 0, 0
    low = high = float(values[0])
    for value in values.tolist():
        falls = high - value > max(threshold * high, least)
        rises = value - low > max(threshold * low, least)
        if direction >= 0 and falls:
            count, direction, low = count + direction, -1, value
        elif direction <= 0 and rises:
            count, direction, high = count - direction, 1, value
        low = min(low, value) if direction <= 0 else low
        high = max(high, value) if direction >= 0 else high
    return count


def oscillation(run: Run, reference: Run) -> str:
    """What oscillates, in a sentence; empty when nothing does."""
    days = max(len(run.series.times) * run.step / DAY, 1.0)
    requests = turns(run.series.request, REQUESTS)
    if requests > days:
        return f"requests turn round {requests} times in {days:g} days"
    changes = sum(event.kind == "requests" for event in run.events)
    own, given = (turns(one.series.replicas, REPLICAS, least=1.0) for one in (run, reference))
    if own > given + 2 * changes:
        return f"replicas turn round {own} times, where the load gives reason for {given} and {changes} new sizes"
    return ""
