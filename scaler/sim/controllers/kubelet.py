"""The fake kubelet and scheduler: pods get a node, start, become ready, are resized, end, all on paper."""

import itertools
from collections.abc import Iterable

import msgspec

from scaler.clock import from_rfc3339, to_rfc3339
from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table
from scaler.sim.controllers import container_status, fates, owned

NODE = "sim-node"
NOW = DeleteOptions(grace_period_seconds=0)


class Pace(msgspec.Struct, frozen=True):
    """How long things take; seconds of the world's clock."""

    start: float = 0.0
    """From being placed on a node to running."""
    ready: float = 0.0
    """From running to ready."""
    stop: float = 0.0
    """From deletion to the end, at most the grace period."""


class Kubelet:
    """Reconciles Pods."""

    def __init__(self, registry: Registry, pace: Pace) -> None:
        self.registry = registry
        self.pace = pace
        self.pods = registry.kind("pods")
        self._addresses = itertools.count(2)
        self._placed: dict[Key, float] = {}

    async def furnish(self) -> None:
        """The one node there is, with room for everything."""
        amounts = {"cpu": "1k", "memory": "1Ti", "pods": "1M"}
        body = {
            "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
            "status": {
                "allocatable": amounts,
                "capacity": amounts,
                "conditions": owned.conditions((), [_true("Ready", "KubeletReady")], self.registry.clock.now()),
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            },
        }
        await self.registry.create(self.registry.kind("nodes"), "", body)

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name != "pods":
            return
        if event.type == DELETED:
            self._placed.pop(event.key, None)
        else:
            yield event.key

    async def reconcile(self, key: Key) -> float | None:
        """One step of a pod's life; seconds until the next."""
        pod = self.registry.get(self.pods, key).object
        if pod["metadata"].get("deletionTimestamp"):
            return await self._end(pod)
        if not pod["spec"].get("nodeName"):
            await self._place(key)
            return None
        if owned.phase(pod) == "Pending":
            return await self._start(pod)
        if owned.phase(pod) == "Running":
            return await self._go_on(pod)
        return None

    async def _place(self, key: Key) -> None:
        """What the scheduler does: a node, and the condition that says so."""
        self._placed[key] = now = self.registry.clock.now()

        def placed(pod: Object) -> Object:
            status = pod.get("status") or {}
            conditions = owned.conditions(status.get("conditions") or (), [_true("PodScheduled")], now)
            spec = {**pod["spec"], "nodeName": NODE}
            return {**pod, "spec": spec, "status": {**status, "conditions": conditions}}

        await self.registry.bind(self.pods, key, placed)

    async def _start(self, pod: Object) -> float | None:
        if fates.says(pod, "stays-pending") == "true":
            return None
        key, now = owned.key_of(pod), self.registry.clock.now()
        left = self._placed.get(key, now) + self.pace.start - now
        if left > 0:
            return left
        waits = self.pace.ready > 0 or fates.says(pod, "ready-after") or fates.says(pod, "never-ready")
        await self._write(pod, self._running(pod, now, ready=not waits))
        return None

    async def _go_on(self, pod: Object) -> float | None:
        """The next step of a running pod whose time has come, or the seconds until there is one."""
        now = self.registry.clock.now()
        steps: list[float] = []
        for due, step in fates.of_running(pod, self.pace.ready):
            if due <= now:
                await self._write(pod, step(pod, now))
                return None
            steps.append(due - now)
        return min(steps, default=None)

    async def _end(self, pod: Object) -> float | None:
        meta, now = pod["metadata"], self.registry.clock.now()
        grace = meta.get("deletionGracePeriodSeconds") or 0
        asked = from_rfc3339(meta["deletionTimestamp"]) - grace
        wished = fates.says(pod, "terminates-after")
        left = asked + min(fates.seconds(wished) if wished else self.pace.stop, grace) - now
        if left > 0:
            return left
        await deletion.delete(self.registry, self.pods, owned.key_of(pod), NOW)
        return None

    async def _write(self, pod: Object, status: Object) -> None:
        await self.registry.update(self.pods, owned.key_of(pod), owned.with_status(status), subresource="status")

    def _running(self, pod: Object, now: float, *, ready: bool) -> Object:
        number = next(self._addresses)
        address = f"10.{64 + number // 65536 % 64}.{number // 256 % 256}.{number % 256}"
        status = pod["status"]
        new = [_true("PodReadyToStartContainers"), _true("Initialized"), *fates.readiness(ready=ready)]
        return {
            **status,
            "phase": "Running",
            "observedGeneration": pod["metadata"]["generation"],
            "conditions": owned.conditions(status.get("conditions") or (), new, now),
            "hostIP": "127.0.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": to_rfc3339(now),
            **container_status.started(pod, now, ready=ready),
        }


def _true(kind: str, reason: str = "") -> Object:
    return {"type": kind, "status": "True", **({"reason": reason} if reason else {})}
