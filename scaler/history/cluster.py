"""The past of a cluster, as a Prometheus that watches it has it: what each workload's containers used.

    history = ClusterHistory(prometheus)
    async for workload, usage in history.everything(): ...       at a start
    usages = await history.of(Workload("shop", "Deployment", "web"))     when one appears

Pods that are gone count, too: they are found in the index, and their owners as `scaler.history.owners` says.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

from scaler.errors import Unreadable
from scaler.history.answers import Labels
from scaler.history.owners import METRICS, Owners, Workload
from scaler.history.pieces import Window, affordable, batches, window
from scaler.history.prometheus import Prometheus
from scaler.history.queries import Container, Names
from scaler.history.usage import ContainerUsage, Progress, present, questions, scrape_interval, usage

DAY = 86400.0
LENGTH = 8 * DAY
"""As far back as usage counts: after eight half-lives a day weighs 1/256 of today."""
BUDGET = 20_000_000
"""Samples that are read for the whole of a cluster, about half a gigabyte of answers: more makes the step longer."""
BATCH = 100
"""Containers whose usage is asked for at once."""


class ClusterHistory:
    """Reads from one server, up to a fixed moment."""

    def __init__(
        self,
        prometheus: Prometheus,
        names: Names | None = None,
        *,
        length: float = LENGTH,
        step: float = 0.0,
        end: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.prometheus, self.names = prometheus, names or Names()
        self.length = length
        self.step = step
        """Seconds; 0 chooses the finest that the budget allows."""
        self._end, self._now = end, now

    async def everything(
        self, namespaces: Sequence[str] = (), progress: Progress = lambda _done, _total: None
    ) -> AsyncIterator[tuple[Workload, ContainerUsage]]:
        """The usage of every container of the namespaces (all when empty), one workload after the other.

        Raises Unreadable, which says what is missing when there is nothing.
        """
        grouped = await self.workloads(namespaces)
        async for found in self.read(grouped, progress):
            yield found

    async def of(self, workload: Workload) -> list[ContainerUsage]:
        """The usage of one workload's containers; empty when nothing is known of it. Raises Unreadable."""
        owners = await self.owners()
        there = await self._present((workload.namespace,))
        own = [one for one in there if owners.workload(one.namespace, one.pod) == workload]
        return [found async for _, found in self.read({workload: own})] if own else []

    async def workloads(self, namespaces: Sequence[str] = ()) -> dict[Workload, list[Container]]:
        """Every workload with its containers. Raises Unreadable when there is none."""
        there, owners = await asyncio.gather(self._present(namespaces), self.owners())
        if not there:
            raise Unreadable(await self._nothing(namespaces))
        grouped: dict[Workload, list[Container]] = defaultdict(list)
        for one in there:
            grouped[owners.workload(one.namespace, one.pod)].append(one)
        return dict(sorted(grouped.items()))

    async def read(
        self, grouped: dict[Workload, list[Container]], progress: Progress = lambda _done, _total: None
    ) -> AsyncIterator[tuple[Workload, ContainerUsage]]:
        """The usage of those containers, in the order of the workloads."""
        looked = self.window(sum(map(len, grouped.values())))
        scrape = await scrape_interval(self.prometheus, self.names, looked.end)
        parts = list(_batches(grouped))
        total, read = sum(questions(looked, len(part)) for part in parts), 0

        def done() -> None:
            nonlocal read
            read += 1
            progress(read, total)

        whose = {one: workload for workload, own in grouped.items() for one in own}
        progress(0, total)
        for part in parts:
            for found in await usage(self.prometheus, self.names, looked, part, scrape=scrape, done=done):
                yield whose[found.container], found

    def window(self, containers: int) -> Window:
        """What is looked at, for so many containers."""
        return window(self.end, self.length, self.step or affordable(2 * containers, self.length, BUDGET))

    @property
    def end(self) -> float:
        """The moment up to which is read; fixed at its first use, so that all parts fit together."""
        if self._end is None:
            self._end = self._now()
        return self._end

    async def owners(self) -> Owners:
        """Who owned the pods that were there."""
        matches = [self.names.state(metric) for metric in METRICS]
        return Owners(await self.prometheus.series(matches, self.end - self.length, self.end))

    async def _present(self, namespaces: Sequence[str]) -> list[Container]:
        return await present(self.prometheus, self.names, self.end - self.length, self.end, namespaces)

    async def _nothing(self, namespaces: Sequence[str]) -> str:
        """What is missing, and what is there instead."""
        names, begin = self.names, self.end - self.length
        metrics = await self.prometheus.values("__name__", begin, self.end)
        if names.memory not in metrics:
            return _no_metric(self.prometheus.place, names.memory, metrics)
        labels = await self.prometheus.series([names.state(names.memory)], begin, self.end)
        if not labels:
            return f"{self.prometheus.place} has {names.memory}, but none that matches {names.matchers}"
        lacking = [name for name in (names.namespace, names.pod, names.container) if not any(map(_has(name), labels))]
        if lacking:
            there = ", ".join(sorted(set().union(*labels) - {"__name__"}))
            return (
                f"{self.prometheus.place} has {names.memory} without the label {' and '.join(lacking)}; "
                f"its labels are {there}. Say which are meant: --container-namespace-label, "
                "--container-pod-name-label, --container-name-label"
            )
        known = sorted({one.get(names.namespace, "") for one in labels} - {""})
        wanted = f" in namespace {', '.join(namespaces)}" if namespaces else ""
        job = f" of job {names.job}" if names.job else ""
        return (
            f"{self.prometheus.place} has no containers{wanted}{job} in the last {self.length / DAY:g} days; "
            f"it knows the namespaces {', '.join(known[:20])}"
        )


def _has(name: str) -> Callable[[Labels], bool]:
    return lambda labels: bool(labels.get(name))


def _no_metric(place: str, wanted: str, metrics: Sequence[str]) -> str:
    near = [name for name in metrics if name.startswith(("container_", "kube_pod_", "pod_"))]
    if near:
        there = f"what it has of containers is {', '.join(near[:12])}{' ...' if len(near) > 12 else ''}"
    else:
        there = f"it has {len(metrics)} metrics, none of containers"
    return (
        f"{place} has no {wanted}: {there}. Is the kubelet scraped (/metrics/cadvisor, or /metrics/resource)? "
        "Another name is given with --history-memory-metric and --history-cpu-metric"
    )


def _batches(grouped: dict[Workload, list[Container]]) -> list[list[Container]]:
    """Of one namespace each, and workloads together where they are small."""
    spaces: dict[str, list[list[Container]]] = defaultdict(list)
    for workload, own in grouped.items():
        spaces[workload.namespace].append(own)
    return [batch for groups in spaces.values() for batch in batches(groups, BATCH)]
