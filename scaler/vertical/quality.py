"""How good recommendations are: each sample against what was recommended when it was taken, counted in columns.

The counts are upstream's `vpa_quality_*` metrics: a free score of how much is wasted, and how often it is too
little.
"""

from typing import Final, NamedTuple

import numpy as np

from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.recommending import Judged, Plan
from scaler.vertical.samples import Batch
from scaler.vertical.sizing import CPU, MEMORY, TARGET

MODES: Final = ("Off", "Initial", "Recreate", "InPlaceOrRecreate", "InPlace", "Auto")
RELATIVE: Final = (-1.0, -0.75, -0.5, -0.25, -0.1, -0.05, 0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
"""Of (recommended - used) / used."""
CORES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MEMORY_SIZES: Final = tuple(float(1 << power) for power in range(20, 38))
"""Bytes: 1 MiB to 128 GiB."""


class Counted:
    """A histogram with one row for each update mode."""

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = np.zeros((len(MODES), len(edges) + 1), np.int64)
        self.sums = np.zeros(len(MODES))

    def add(self, modes: Integers, values: Floats) -> None:
        """Count these; an edge belongs to what is below it."""
        places = np.searchsorted(np.array(self.edges), values)
        np.add.at(self.counts, (modes, places), 1)
        np.add.at(self.sums, modes, values)


class InForce(NamedTuple):
    """What is recommended for the containers of each aggregate."""

    targets: Integers
    """(aggregates, 2) millicores and bytes; -1 where nothing is recommended."""
    modes: Integers
    """(aggregates) number of the update mode; -1 where no object is."""


class Quality:
    """The counts since the program began."""

    def __init__(self) -> None:
        self.relative = {"cpu": Counted(RELATIVE), "memory": Counted(RELATIVE)}
        self.over = {"cpu": Counted(CORES), "memory": Counted(MEMORY_SIZES)}
        """How much more was recommended than used, in cores and bytes."""
        self.under = {"cpu": Counted(CORES), "memory": Counted(MEMORY_SIZES)}
        """How much less, or nothing."""
        self.unadvised = {"cpu": np.zeros(len(MODES), np.int64), "memory": np.zeros(len(MODES), np.int64)}
        """Samples of containers that an object is there for, but no recommendation yet."""

    def count(self, aggregates: Integers, batch: Batch, known: InForce) -> None:
        """Compare a round's samples; `aggregates` is the row that each adds to."""
        ours = aggregates < len(known.modes)
        ours[ours] = known.modes[aggregates[ours]] >= 0
        modes, targets = known.modes[aggregates[ours]], known.targets[aggregates[ours]]
        self._compare("cpu", modes, targets[:, CPU] / 1000.0, batch.millicores[ours] / 1000.0)
        self._compare("memory", modes, targets[:, MEMORY].astype(np.float64), batch.sizes[ours].astype(np.float64))

    def _compare(self, resource: str, modes: Integers, target: Floats, used: Floats) -> None:
        told = used >= 0
        unadvised = told & (target < 0)
        np.add.at(self.unadvised[resource], modes[unadvised], 1)
        both = told & (target >= 0)
        modes, target, used = modes[both], target[both], used[both]
        difference = target - used
        some = used > 0
        self.relative[resource].add(modes[some], difference[some] / used[some])
        over = difference > 0
        self.over[resource].add(modes[over], difference[over])
        self.under[resource].add(modes[~over], -difference[~over])


def in_force(plan: Plan, judged: Judged, modes: list[str], aggregates: int) -> InForce:
    """What was just judged, by aggregate; `modes` are those of the plan's subjects."""
    targets, known = np.full((aggregates, 2), -1, np.int64), np.full(aggregates, -1, np.int64)
    numbers = np.array([MODES.index(mode) if mode in MODES else -1 for mode in modes], np.int64)
    sizes = np.diff(np.append(plan.groups.begins, len(plan.groups.rows)))
    group = np.repeat(np.arange(len(sizes)), sizes)
    sized = judged.given[group]
    rows = plan.groups.rows
    known[rows] = numbers[plan.owners[group]] if len(numbers) else -1
    controlled = plan.controlled[group] & sized[:, None]
    targets[rows] = np.where(controlled, judged.sizes[group, TARGET], -1)
    known[rows[plan.off[group]]] = -1
    return InForce(targets, known)
