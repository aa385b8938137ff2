"""How good what is known of a metric is. **No data is never zero**, so it must show what is data.

One rule for the decision table (strict semantics go to zero only on a fresh zero), the condition `TriggerData`, the
metric `kube_scaler_trigger_data` and explain, so that they cannot disagree.

fresh     read, of real data, within the last `FRESH_INTERVALS` polling intervals
stale     read, but longer ago
missing   the source had no data (the value is what the trigger's parameters take that for), or nobody has asked yet
error     the source could not be read
"""

from typing import Literal

from scaler.horizontal.readings import Failure, Reading

Freshness = Literal["fresh", "stale", "missing", "error"]

WORST_FIRST: tuple[Freshness, ...] = ("error", "missing", "stale", "fresh")

FRESH_INTERVALS = 2.0
"""Polling intervals after which a reading is no fresh one any more: one may be shared, one may be under way."""


def freshness(seen: Reading | Failure | None, now: float, polling: float) -> Freshness:
    """Of one metric, by what was last seen of it; `polling` in seconds."""
    if isinstance(seen, Failure):
        return "error"
    if seen is None or seen.assumed:
        return "missing"
    return "fresh" if seen.at >= now - FRESH_INTERVALS * polling else "stale"
