"""What the operator's journal is to a backtest: a load, as its triggers showed it, and decisions to be equal to."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from scaler.errors import Invalid, Problem
from scaler.history.journal import Check, Record
from scaler.history.replay import Replayed, ReplayedLook, Unplayable, replay
from scaler.horizontal.readings import Reading
from scaler.sim.backtest.loads import Meant
from scaler.sim.backtest.manifests import Played
from scaler.sim.backtest.scene import Floats, Load

_BLIND = (
    "the journal has what triggers showed, and not the cpu and memory of pods: those are taken for nothing, so "
    "replicas and what they request count, and saturation does not"
)
HOLDS = 3.0
"""Intervals of checks that a reading holds for; for longer nothing is known."""


class Again(msgspec.Struct, frozen=True):
    """One object's journal, judged again."""

    object: str
    """``namespace/name``."""
    first: float
    last: float
    """Epoch seconds of its first and last check."""
    checks: int
    looks: int
    same: int
    """Checks that came to the decision that was made then."""
    decided: dict[str, int]
    """Checks by the rule that decided."""
    scaled: int
    """Checks that set replicas."""
    differs: str = ""
    """The first check that came to something else."""
    unplayable: int = 0
    """Records of it that stand before the object itself: something was lost."""


def again(records: Iterable[Record]) -> list[Again]:
    """Every object of a journal."""
    found: dict[str, _Counted] = {}
    for one in replay(records):
        found.setdefault(_object(one), _Counted()).take(one)
    return [found[name].told(name) for name in sorted(found)]


def _object(one: Replayed | ReplayedLook | Unplayable) -> str:
    if isinstance(one, Unplayable):
        return one.record.object
    return one.look.object if isinstance(one, ReplayedLook) else one.check.object


class _Counted:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.rules: Counter[str] = Counter()
        self.looks = self.same = self.scaled = self.unplayable = 0
        self.differs = ""

    def take(self, one: Replayed | ReplayedLook | Unplayable) -> None:
        if isinstance(one, Unplayable):
            self.unplayable += 1
        elif isinstance(one, ReplayedLook):
            self.looks += 1
        else:
            self._check(one)

    def _check(self, one: Replayed) -> None:
        self.times.append(one.check.at)
        self.rules[one.check.rule] += 1
        self.scaled += one.check.replicas is not None
        if one.same:
            self.same += 1
        elif not self.differs:
            now = one.evaluation.decision
            was = f"{one.check.rule} ({_to(one.check.replicas)})"
            self.differs = f"at {one.check.at:.3f} it was {was}, and is {now.rule} ({_to(now.replicas)})"

    def told(self, name: str) -> Again:
        first, last = (min(self.times), max(self.times)) if self.times else (0.0, 0.0)
        return Again(
            name,
            first,
            last,
            len(self.times),
            self.looks,
            self.same,
            dict(self.rules.most_common()),
            self.scaled,
            self.differs,
            self.unplayable,
        )


def _to(replicas: int | None) -> str:
    return "replicas left" if replicas is None else f"to {replicas}"


# -- as a load -------------------------------------------------------------------------------------------------


def load_from(played: Played, records: Iterable[Record], last: float = 0.0) -> Meant:
    """What the triggers of a ScaledObject showed, at even steps; Invalid when the journal knows nothing of it."""
    subject = played.subject
    name = f"{played.workload.namespace}/{subject.scaled.metadata.name}" if subject is not None else ""
    checks = [one for one in records if isinstance(one, Check) and one.object == name]
    if subject is None or len(checks) < 2:
        words = f"has fewer than two checks of a ScaledObject of {played.title}"
        raise Invalid([Problem("--journal", words)])
    times = np.array([one.at for one in checks])
    if last:
        checks = [one for one in checks if one.at >= times[-1] - last]
        times = times[times >= times[-1] - last]
    step = max(float(np.median(np.diff(times))), 1.0)
    grid = np.arange(times[0], times[-1] + step / 2, step)
    wanted = [spec.name for plan in subject.triggers for spec in plan.metrics]
    metrics = {metric: _held(times, _shown(checks, metric), grid, step) for metric in wanted}
    notes = [_BLIND]
    notes += [f"{name} is not in the journal: it counts as unreadable" for name in wanted if _unknown(metrics[name])]
    load = Load(float(grid[0]), step, np.zeros(len(grid)), metrics=metrics)
    return Meant(load, (*played.notes, *notes))


def _shown(checks: Sequence[Check], metric: str) -> Floats:
    """The value at each check; NaN where it failed or was not read."""
    return np.array(
        [
            next((seen.value for seen in one.readings if isinstance(seen, Reading) and seen.metric == metric), np.nan)
            for one in checks
        ]
    )


def _held(times: Floats, values: Floats, grid: Floats, step: float) -> Floats:
    """A reading holds until the next check, but not for ever."""
    rows = np.clip(np.searchsorted(times, grid + 1e-6, side="right") - 1, 0, len(times) - 1)
    held: Floats = np.where(grid - times[rows] <= HOLDS * step, values[rows], np.nan)
    return held


def _unknown(values: Floats) -> bool:
    return bool(np.isnan(values).all())
