"""What a backtest tells: the same workload under each policy side by side, and what that says in a sentence."""

from collections.abc import Sequence

import msgspec

from scaler.sim.backtest.manifests import Played
from scaler.sim.backtest.run import Prices, Run, Score
from scaler.sim.backtest.scene import POLICIES, Load, Policy

MONTH = 365.25 / 12
"""Days."""
NAMES: dict[Policy, str] = {
    "as-it-is": "as it is",
    "hpa": "HPA alone",
    "vpa": "VPA alone",
    "naive": "both, naively",
    "together": "both, as one",
}
ABOUT: dict[Policy, str] = {
    "as-it-is": "replicas and requests stay as the manifest has them",
    "hpa": "the HPA (or ScaledObject) moves replicas, requests stay",
    "vpa": "the VPA moves requests, replicas stay",
    "naive": "both act as if the other were not there, as upstream does",
    "together": "Scaler decides both together",
}


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """One workload under each policy."""

    played: Played
    load: Load
    runs: dict[Policy, Run]
    scores: dict[Policy, Score]
    notes: tuple[str, ...]
    """What was assumed."""

    @property
    def days(self) -> float:
        return self.scores["as-it-is"].days

    def monthly(self, policy: Policy) -> float:
        """Cost of a month at this pace."""
        return self.scores[policy].cost / self.days * MONTH

    def saving(self, policy: Policy) -> float:
        """Share of the cost as it is that is saved; negative when it costs more, 0 where there is nothing to save."""
        before = self.scores["as-it-is"].cost
        return 1.0 - self.scores[policy].cost / before if before else 0.0


def policies(played: Played) -> tuple[Policy, ...]:
    """Those that mean something for its autoscalers."""
    horizontal, vertical = played.hpa is not None or played.subject is not None, played.vpa is not None
    both = horizontal and vertical
    needs = {"hpa": horizontal, "vpa": vertical, "naive": both, "together": both}
    return tuple(policy for policy in POLICIES if needs.get(policy, True))


def compared(
    played: Played, load: Load, runs: dict[Policy, Run], notes: tuple[str, ...], prices: Prices
) -> Comparison:
    """Scores of all runs of one workload."""
    ordered = {policy: runs[policy] for policy in POLICIES if policy in runs}
    return Comparison(played, load, ordered, {name: run.score(prices) for name, run in ordered.items()}, notes)


def best(comparison: Comparison) -> Policy:
    """The policy to look at: both as one where it was played, else the one autoscaler there is."""
    return list(comparison.scores)[-1]


def verdict(comparison: Comparison, currency: str) -> str:
    """What it says, in a sentence or two."""
    policy = best(comparison)
    if policy == "as-it-is":
        return "It has no autoscaler, so there is nothing to compare; --add-hpa and --add-vpa try one."
    before, after = comparison.scores["as-it-is"], comparison.scores[policy]
    share = comparison.saving(policy)
    cost = f"{abs(share):.0%} {'less' if share >= 0 else 'more'} than" if abs(share) >= 0.005 else "as much"
    name, monthly = NAMES[policy], comparison.monthly(policy)
    words = [
        f"{name[0].upper()}{name[1:]} costs {currency}{monthly:,.2f} a month, {cost} as it is",
        _suffers("short of cpu", before.saturated_minutes, after.saturated_minutes),
        _suffers("near the end of memory", before.risk_minutes, after.risk_minutes),
    ]
    return "; ".join(words) + "."


def _suffers(what: str, before: float, after: float) -> str:
    if round(before) == round(after) == 0:
        return f"never {what}, before or after"
    return f"{after:,.0f} minutes {what} instead of {before:,.0f}"


class Line(msgspec.Struct, frozen=True):
    """One policy of one workload, for programs."""

    policy: Policy
    score: Score
    cost_a_month: float
    saving: float
    """Share of the cost as it is."""


class Told(msgspec.Struct, frozen=True):
    """One workload, for programs."""

    namespace: str
    kind: str
    name: str
    days: float
    verdict: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def told(comparisons: Sequence[Comparison], currency: str) -> list[Told]:
    """All of it without series, as JSON and YAML have it."""
    return [_told(one, currency) for one in comparisons]


def _told(one: Comparison, currency: str) -> Told:
    workload = one.played.workload
    lines = tuple(Line(name, score, one.monthly(name), one.saving(name)) for name, score in one.scores.items())
    return Told(
        workload.namespace, one.played.kind, workload.name, one.days, verdict(one, currency), lines, one.notes
    )
