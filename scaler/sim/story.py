"""What a demo has seen: samples over time, decisions with their reasons, and the summary. It shows nothing itself."""

import itertools
from collections import Counter
from typing import Any

import msgspec

from scaler.sim.load import Play


class Sample(msgspec.Struct, frozen=True):
    """One moment."""

    at: float
    """Seconds since the load began to play, in the time of the load."""
    clock: str
    depth: int
    """Messages that wait or are worked on."""
    wanted: int
    """spec.replicas."""
    ready: int
    dark: bool
    """The queue cannot be read."""


class Told(msgspec.Struct, frozen=True):
    """Something worth a line: a decision, or an HPA that moved."""

    clock: str
    rule: str
    message: str


class Summary(msgspec.Struct, frozen=True):
    """What came of it; times in hours of the load."""

    title: str
    arrived: int
    worked: int
    deepest: int
    fewest: int
    most: int
    first_scaling_seconds: float | None
    """Real seconds from the start of the program to the first replicas."""
    hours: float
    hours_at_zero: float
    replica_hours: float
    replica_hours_of_a_fixed_fleet: float
    """Had the most replicas that were needed run all the time."""
    activations: int
    decisions: dict[str, int]
    before_unreadable: int | None
    """Replicas wanted when the queue began to be unreadable; None when it always could be read."""
    fewest_while_unreadable: int | None
    """The fewest wanted while it was; never zero, since no data is not zero."""


class Story:
    """Grows while the demo runs."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.samples: list[Sample] = []
        self.told: list[Told] = []
        self.rules: Counter[str] = Counter()
        self.now: dict[str, Any] = {}
        """The latest explanation, for the page."""
        self.first_scaling: float | None = None
        self._decided = ""

    def see(self, sample: Sample) -> None:
        """One more moment."""
        self.samples.append(sample)

    def tell(self, clock: str, rule: str, message: str) -> None:
        """One more line, unless it is the last one again."""
        if not self.told or (self.told[-1].rule, self.told[-1].message) != (rule, message):
            self.told.append(Told(clock, rule, message))

    def decided(self, clock: str, rule: str, message: str) -> None:
        """A check decided."""
        self.rules[rule] += 1
        if rule != self._decided:
            self._decided = rule
            self.tell(clock, rule, message)

    def summary(self, arrived: float, worked: float) -> Summary:
        """What came of it so far."""
        samples = self.samples
        spans = [(right.at - left.at) / 3600 for left, right in itertools.pairwise(samples)]
        pairs = list(zip(samples, spans, strict=False))
        most = max((sample.wanted for sample in samples), default=0)
        dark = [sample.wanted for sample in samples if sample.dark]
        ups = sum(left.wanted == 0 < right.wanted for left, right in itertools.pairwise(samples))
        return Summary(
            title=self.play.title,
            arrived=round(arrived),
            worked=round(worked),
            deepest=max((sample.depth for sample in samples), default=0),
            fewest=min((sample.wanted for sample in samples), default=0),
            most=most,
            first_scaling_seconds=self.first_scaling,
            hours=round(sum(spans), 2),
            hours_at_zero=round(sum(span for sample, span in pairs if sample.wanted == 0), 2),
            replica_hours=round(sum(sample.wanted * span for sample, span in pairs), 1),
            replica_hours_of_a_fixed_fleet=round(most * sum(spans), 1),
            activations=ups,
            decisions=dict(self.rules),
            before_unreadable=dark[0] if dark else None,
            fewest_while_unreadable=min(dark, default=None),
        )
