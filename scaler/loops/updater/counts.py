"""What the updater counts, by the labels that upstream's metrics have."""

from collections import Counter

from scaler.loops.recommender.timing import Steps
from scaler.loops.updater.view import Sizer
from scaler.vertical.moving import Judged
from scaler.vertical.rules import RESIZING

Labels = tuple[tuple[str, str], ...]


class Counts:
    """Counters grow for ever; what is of the last round is replaced by each."""

    def __init__(self) -> None:
        self.steps = Steps()
        self.controlled: Counter[Labels] = Counter()
        self.evictable: Counter[Labels] = Counter()
        self.resizable: Counter[Labels] = Counter()
        self.with_evictable: Counter[Labels] = Counter()
        self.with_resizable: Counter[Labels] = Counter()
        self.evicted: Counter[Labels] = Counter()
        self.resized: Counter[Labels] = Counter()
        self.failed_evictions: Counter[Labels] = Counter()
        self.failed_resizes: Counter[Labels] = Counter()
        self.infeasible: Counter[Labels] = Counter()
        self.why: Counter[str] = Counter()
        """Pods of the last round by the reason that decided."""
        self.rounds = 0

    def begin(self) -> None:
        """A new round."""
        for counted in (self.controlled, self.evictable, self.resizable, self.with_evictable, self.with_resizable):
            counted.clear()
        self.why.clear()
        self.rounds += 1

    def judged(self, sizer: Sizer, found: list[Judged]) -> None:
        """All pods of one object."""
        about = size_and_mode(sizer, len(found))
        self.controlled[about] += len(found)
        evictable = sum(one.verdict.move == "evict" for one in found)
        resizable = sum(one.verdict.move == "resize" for one in found)
        if evictable:
            self.evictable[about] += evictable
            self.with_evictable[about] += 1
        if resizable and sizer.rules.mode in RESIZING:
            self.resizable[about[:1]] += resizable
            self.with_resizable[about[:1]] += 1
        self.why.update(one.verdict.reasons[-1].code for one in found)


def size_and_mode(sizer: Sizer, pods: int) -> Labels:
    """Upstream's two labels: the size as the whole part of its logarithm to the base of 2."""
    return (("vpa_size_log2", str(max(pods, 1).bit_length() - 1)), ("update_mode", sizer.rules.mode))


def named(sizer: Sizer, labels: Labels, reason: str = "") -> Labels:
    """The labels of what was done to pods."""
    about = (*labels, ("vpa_name", sizer.ref.name), ("vpa_namespace", sizer.ref.namespace))
    return (*about, ("reason", reason)) if reason else about
