"""The world that the cluster's pods live in: load that arrives, queues that fill, pods that work them off.

Quantities only: messages are numbers unless somebody sends or receives one. Decisions are made elsewhere.
"""

import abc
from collections.abc import Callable
from typing import Any

import msgspec

from scaler.clock import Clock
from scaler.sim.apiserver import selectors
from scaler.sim.apiserver.registry import Registry
from scaler.sim.controllers import owned
from scaler.sim.demand import Demand, Usage
from scaler.sim.usage import UsageApi

Object = dict[str, Any]
Load = Callable[[float], float]
"""Arrivals a second at a time (epoch seconds)."""


def quiet(_: float) -> float:
    """Nothing arrives."""
    return 0.0


class Workers(msgspec.Struct, frozen=True):
    """The pods that work a queue off."""

    namespace: str
    selector: str
    """Their labels, as in ``app=consumer``."""
    rate: float
    """Messages a second that one ready pod finishes."""
    in_flight: int = 1
    """Messages that one pod holds while it works."""
    idle: Usage = (0.01, 32.0 * 2**20)
    """What a pod uses that has nothing to do: cores and bytes."""
    busy: Usage = (0.5, 64.0 * 2**20)
    """What a pod uses that works all the time."""


class Queue:
    """A number of messages, over time."""

    def __init__(self, name: str, arrivals: Load = quiet, workers: Workers | None = None, depth: float = 0.0) -> None:
        self.name = name
        self.arrivals = arrivals
        self.workers = workers
        self.backlog = depth
        """Messages that are not finished: waiting and held by pods."""
        self.pods = 0
        """Ready workers at the last step."""
        self.strain = 0.0
        """The share of their time that the workers worked in the last step, 0 to 1."""
        self.arrived = 0.0
        self.finished = 0.0

    @property
    def held(self) -> int:
        """Messages that pods hold now."""
        per_pod = self.workers.in_flight if self.workers else 0
        return min(int(self.backlog), self.pods * per_pod)

    @property
    def waiting(self) -> int:
        return int(self.backlog) - self.held

    def step(self, now: float, seconds: float, pods: int) -> None:
        """Let that much time go by, with so many ready workers."""
        came = max(self.arrivals(now), 0.0) * seconds
        capacity = pods * self.workers.rate * seconds if self.workers else 0.0
        done = min(self.backlog + came, capacity)
        self.pods = pods
        self.strain = done / capacity if capacity else 0.0
        self.backlog += came - done
        self.arrived += came
        self.finished += done

    def put(self, messages: float = 1.0) -> None:
        """Messages that somebody sent."""
        self.backlog += messages
        self.arrived += messages

    def take(self) -> bool:
        """One waiting message leaves for somebody who asked; False when there is none."""
        if self.waiting < 1:
            return False
        self.backlog -= 1
        return True


class Queues(abc.ABC):
    """Queues over time, whoever works them off."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.queues: dict[str, Queue] = {}
        self._last = clock.now()

    def add_queue(
        self, name: str, arrivals: Load = quiet, workers: Workers | None = None, depth: float = 0.0
    ) -> Queue:
        """A new queue, or a new version of the one of that name."""
        queue = self.queues[name] = Queue(name, arrivals, workers, depth)
        return queue

    def step(self) -> None:
        """Catch up with the clock."""
        now = self.clock.now()
        seconds, self._last = now - self._last, now
        if seconds <= 0:
            return
        for queue in self.queues.values():
            queue.step(now, seconds, self.ready(queue.workers) if queue.workers else 0)

    @abc.abstractmethod
    def ready(self, workers: Workers) -> int:
        """How many pods work a queue off now."""


class World(Queues):
    """All there is beside the embedded cluster."""

    def __init__(self, registry: Registry, clock: Clock, usage: UsageApi, tick: float = 0.25) -> None:
        super().__init__(clock)
        self.registry = registry
        self.usage = usage
        self.tick = tick
        """Seconds between steps."""
        usage.rules.append(self._usage)

    def ready_pods(self, namespace: str, selector: str) -> list[Object]:
        matches = selectors.label_selector(selector)
        stored = (one.object for one in self.registry.list(self.registry.kind("pods"), namespace))
        return [
            pod
            for pod in stored
            if owned.is_ready(pod) and owned.is_active(pod)
            if matches is None or matches(pod["metadata"].get("labels") or {})
        ]

    def uses(self, namespace: str, selector: str, usage: Callable[[Object], Usage]) -> None:
        """Say what the pods of a selector use, whatever the queues say."""
        matches = selectors.label_selector(selector)

        def rule(pod: Any) -> Usage | None:
            meta = pod["metadata"]
            here = meta["namespace"] == namespace and (matches is None or matches(meta.get("labels") or {}))
            return usage(pod) if here else None

        self.usage.rules.append(rule)

    def works(self, namespace: str, selector: str, demand: Demand) -> None:
        """Let the pods of a selector share a demand; what the queues say of them counts no more."""
        matches = selectors.label_selector(selector)
        counted = (-1, 0)
        """The version of the cluster in which the ready pods were counted last, and how many there were."""

        def rule(pod: Any) -> dict[str, Usage] | None:
            nonlocal counted
            meta, version = pod["metadata"], self.registry.store.version
            if meta["namespace"] != namespace or not (matches is None or matches(meta.get("labels") or {})):
                return None
            if counted[0] != version:
                counted = (version, len(self.ready_pods(namespace, selector)))
            return demand.used(pod, counted[1], self.clock.now())

        self.usage.rules.append(rule)

    def ready(self, workers: Workers) -> int:
        return len(self.ready_pods(workers.namespace, workers.selector))

    async def run(self) -> None:
        """For ever; cancel to stop."""
        while True:
            await self.clock.sleep(self.tick)
            self.step()

    def _usage(self, pod: Any) -> Usage | None:
        """Pods that work a queue use as much as they are strained."""
        for queue in self.queues.values():
            workers = queue.workers
            if workers is None or pod["metadata"]["namespace"] != workers.namespace:
                continue
            matches = selectors.label_selector(workers.selector)
            if matches is None or matches(pod["metadata"].get("labels") or {}):
                cores, size = (
                    low + (high - low) * queue.strain for low, high in zip(workers.idle, workers.busy, strict=True)
                )
                return cores, size
        return None
