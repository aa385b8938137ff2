"""How long the steps of a round take, counted as Prometheus counts durations."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

EDGES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds; upstream's."""
LATENCIES: Final = (1.0, 2.0, 5.0, 7.5, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0, 120.0, 150.0, 180.0, 240.0, 300.0)
"""Seconds from an object's making to its first recommendation."""


class Durations:
    """One histogram."""

    def __init__(self, edges: tuple[float, ...] = EDGES) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0
        self.last = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.edges, seconds)] += 1
        self.sum += seconds
        self.last = seconds


class Steps:
    """A histogram for each step."""

    def __init__(self) -> None:
        self.by_name: dict[str, Durations] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count how long the body takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.by_name.setdefault(step, Durations()).add(time.perf_counter() - begun)
