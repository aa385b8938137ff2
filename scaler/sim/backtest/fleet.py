"""Pods as nature has them: what each may use and uses, how it starts, is resized, is killed for memory and replaced.

Pods are rows of arrays, so that a step costs the same few array operations however many there are. Load is spread
evenly over ready pods, but for what `Nature` says of skew and jitter. Cpu beyond a limit is throttled and lost;
memory beyond a limit ends the container, which begins anew, later each time (CrashLoopBackOff).
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from scaler.sim.backtest.scene import Floats, MemoryUse, Nature, Workload
from scaler.vertical.amounts import Amounts

Rows = npt.NDArray[np.bool_]
CPU, MEMORY = 0, 1

FULL = 0.9
"""With more of its limit than this in use a pod is near the end of its memory."""
SURGE = 0.25
"""The share of pods that a rollout may add, and the share it may be without (a Deployment's defaults)."""
QUICK = 600.0
"""A container that is killed so soon after its start is helped at once (the updater's default)."""
_COLUMNS = (
    *("ids", "born", "ready_at", "fresh_since", "kills", "quick"),
    *("skew", "requests", "limits", "cpu", "memory"),
)
LEAST_SHARE = 0.05
"""However uneven the load is, a pod gets this much of an even share."""


class Shape(msgspec.Struct, frozen=True, eq=False):
    """What new pods are given: millicores and bytes, by container and resource; no limit is infinity."""

    requests: Floats
    limits: Floats


class Happened(msgspec.Struct, gc=False):
    """What a step came to."""

    ready: int = 0
    used: float = 0.0
    """Cores."""
    short: float = 0.0
    """Cores that were asked for beyond what is sure."""
    memory: float = 0.0
    """Bytes."""
    at_risk: int = 0
    killed: int = 0


def shape(requests: Sequence[Amounts], limits: Sequence[Amounts]) -> Shape:
    """From each container's amounts."""
    return Shape(_table(requests, 0.0), _table(limits, math.inf))


def _table(amounts: Sequence[Amounts], missing: float) -> Floats:
    return np.array([[one.get("cpu", missing), one.get("memory", missing)] for one in amounts], dtype=np.float64)


class Fleet:
    """The pods of one workload."""

    def __init__(self, workload: Workload, nature: Nature, random: np.random.Generator) -> None:
        self.nature = nature
        self.startup = workload.startup
        self.share = np.array([container.share for container in workload.containers])
        uses = [container.memory for container in workload.containers]
        self._uses = _Memory(uses)
        self._random = random
        self._next = 0
        self._rollout = -math.inf
        containers = len(workload.containers)
        self.ids = np.zeros(0, dtype=np.int64)
        self.born = np.zeros(0)
        self.ready_at = np.zeros(0)
        self.fresh_since = np.zeros(0)
        """When its memory last began anew."""
        self.kills = np.zeros(0)
        """How often it was killed for memory."""
        self.quick = np.zeros(0)
        """Whether the last of these kills came soon after a start (1) or not (0)."""
        self.skew = np.zeros(0)
        self.requests = np.zeros((0, containers, 2))
        self.limits = np.zeros((0, containers, 2))
        self.cpu = np.zeros((0, containers))
        """Millicores in use."""
        self.memory = np.zeros((0, containers))
        """Bytes in use."""
        self.killed: list[tuple[int, int, float]] = []
        """Containers that the last step ended for memory: id of the pod, number, bytes that it had requested."""

    def __len__(self) -> int:
        return len(self.ids)

    # -- coming and going --------------------------------------------------------------------------------------

    def add(self, count: int, given: Shape, now: float, ready_at: float) -> None:
        """New pods."""
        nature = self.nature
        spread = self._random.normal(0.0, nature.skew, count) if nature.skew else np.zeros(count)
        self.ids = np.concatenate([self.ids, np.arange(self._next, self._next + count)])
        self._next += count
        for name, value in (
            ("born", now),
            ("ready_at", ready_at),
            ("fresh_since", now),
            ("kills", 0.0),
            ("quick", 0.0),
        ):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(count, value)]))
        self.skew = np.concatenate([self.skew, np.maximum(1.0 + spread, LEAST_SHARE)])
        self.requests = np.concatenate([self.requests, np.repeat(given.requests[None], count, axis=0)])
        self.limits = np.concatenate([self.limits, np.repeat(given.limits[None], count, axis=0)])
        nothing = np.zeros((count, len(self.share)))
        self.cpu = np.concatenate([self.cpu, nothing])
        self.memory = np.concatenate([self.memory, nothing + self._uses.base])

    def remove(self, gone: Rows) -> None:
        """Pods that end."""
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[~gone])

    def resize(self, rows: Rows, given: Shape) -> None:
        """Running pods get other requests and limits, and run on."""
        self.requests[rows] = given.requests
        self.limits[rows] = given.limits

    def roll_out(self, now: float) -> None:
        """The user rolls his workload out: all pods of today are replaced."""
        self._rollout = now

    @property
    def outdated(self) -> Rows:
        """Pods that a rollout is still to replace."""
        return self.born < self._rollout

    def reconcile(self, wanted: int, given: Shape, now: float) -> None:
        """What the workload's controller does: as many pods as wanted, old ones replaced step by step."""
        outdated = self.outdated
        if outdated.any():
            self._replace(outdated, wanted, given, now)
            return
        if len(self) < wanted:
            self.add(wanted - len(self), given, now, now + self.startup)
        elif len(self) > wanted:
            self._drop(len(self) - wanted, np.ones(len(self), dtype=np.bool_), now)

    def _replace(self, outdated: Rows, wanted: int, given: Shape, now: float) -> None:
        old = int(outdated.sum())
        room = wanted + math.ceil(wanted * SURGE) - len(self)
        missing = max(wanted - (len(self) - old), 0)
        coming = min(room, missing)
        if coming > 0:
            self.add(coming, given, now, now + self.startup)
        spare = int((self.ready_at <= now).sum()) - (wanted - int(wanted * SURGE))
        waiting = int((self.outdated & (self.ready_at > now)).sum())
        self._drop(min(max(spare, 0) + waiting, old), self.outdated, now)

    def _drop(self, count: int, among: Rows, now: float) -> None:
        """Those not ready go first, then the youngest."""
        if count <= 0:
            return
        order = np.lexsort((-self.born, (self.ready_at <= now).astype(np.int8), (~among).astype(np.int8)))
        gone = np.zeros(len(self), dtype=np.bool_)
        gone[order[:count]] = True
        self.remove(gone & among)

    # -- working -----------------------------------------------------------------------------------------------

    def step(self, cores: float, memory: float | None, now: float) -> Happened:
        """Let pods work on a load that asks for so many cores, and keeps so many bytes (None: as they are made)."""
        happened = Happened()
        working = self.ready_at <= now
        ready = int(working.sum())
        happened.ready = ready
        self.killed = []
        if ready == 0:
            self.cpu[:] = 0.0
            happened.short = cores
            return happened
        asked = np.where(working, self._weights(working), 0.0)[:, None] * (cores * 1000.0 / ready * self.share)
        limits = self.limits[:, :, CPU]
        self.cpu = np.minimum(asked, limits)
        sure = np.where(np.isinf(limits), self.requests[:, :, CPU], limits)
        happened.used = float(self.cpu.sum()) / 1000.0
        happened.short = float(np.maximum(asked - sure, 0.0).sum()) / 1000.0
        even = None if memory is None else np.where(working, memory / ready * self.skew, 0.0)
        self._remember(asked, even, now, happened)
        return happened

    def _weights(self, working: Rows) -> Floats:
        nature = self.nature
        weights = self.skew
        if nature.jitter:
            weights = weights * np.maximum(1.0 + self._random.normal(0.0, nature.jitter, len(weights)), LEAST_SHARE)
        elif not nature.skew:
            return weights
        mean: float = weights[working].mean()
        return weights / mean

    def _remember(self, asked: Floats, kept: Floats | None, now: float, happened: Happened) -> None:
        """Memory follows what is asked, or is what each pod keeps; what goes beyond its limit is ended."""
        if kept is None:
            self.memory = self._uses.of(asked, now - self.fresh_since)
        else:
            self.memory = np.maximum(kept[:, None] * self.share, self._uses.base)
        happened.memory = float(self.memory.sum())
        limits = self.limits[:, :, MEMORY]
        ends = np.where(np.isinf(limits), self.requests[:, :, MEMORY], limits * FULL)
        near = (self.memory > ends) & (ends > 0.0)
        if near.any():
            happened.at_risk = int(near.any(axis=1).sum())
            self._kill(self.memory > limits, now, happened)

    def _kill(self, beyond: Rows, now: float, happened: Happened) -> None:
        rows = beyond.any(axis=1)
        if not rows.any():
            return
        self.killed = [
            (int(self.ids[row]), int(column), float(self.requests[row, column, MEMORY]))
            for row, column in np.argwhere(beyond)
        ]
        happened.killed = int(beyond.sum())
        pause = np.minimum(10.0 * 2.0 ** self.kills[rows], 300.0) * (self.kills[rows] > 0)
        self.ready_at[rows] = now + self.startup + pause
        self.quick[rows] = now - self.fresh_since[rows] < QUICK
        self.fresh_since[rows] = now
        self.kills[rows] += 1


class _Memory:
    """What containers keep, as arrays."""

    def __init__(self, uses: list[MemoryUse]) -> None:
        self.base = np.array([use.base for use in uses])
        self._per_millicore = np.array([use.per_core for use in uses]) / 1000.0
        self._leak = np.array([use.leak for use in uses])

    def of(self, asked: Floats, age: Floats) -> Floats:
        """Bytes, from millicores that are asked for and seconds of age."""
        return self.base + self._per_millicore * asked + self._leak * age[:, None]
