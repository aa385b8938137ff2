"""ReplicaSets: as many pods as are wanted, and a status that counts them."""

from collections.abc import Iterable

from scaler.clock import from_rfc3339
from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.store import Event, Key, Object, Table
from scaler.sim.controllers import owned
from scaler.sim.controllers.owned import Owned

PLAIN = DeleteOptions()


class ReplicaSets:
    """Reconciles ReplicaSets."""

    def __init__(self, registry: Registry, pods: Owned) -> None:
        self.registry = registry
        self.owned = pods
        self.sets = registry.kind("replicasets", "apps")
        self.pods = registry.kind("pods")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "replicasets.apps":
            yield event.key
        elif table.name == "pods":
            yield from owned.owner_keys(event, "ReplicaSet")

    async def reconcile(self, key: Key) -> float | None:
        current = self.registry.get(self.sets, key).object
        if current["metadata"].get("deletionTimestamp"):
            return None
        await self._replicate(current)
        return await self._write_status(key)

    async def _replicate(self, current: Object) -> None:
        active = [pod for pod in self.owned.of(current) if owned.is_active(pod)]
        wanted = current["spec"].get("replicas", 1)
        for _ in range(wanted - len(active)):
            await self.registry.create(self.pods, current["metadata"]["namespace"], self._pod(current))
        for pod in sorted(active, key=_dispensable)[: max(len(active) - wanted, 0)]:
            await deletion.delete(self.registry, self.pods, owned.key_of(pod), PLAIN)

    def _pod(self, current: Object) -> Object:
        template = current["spec"]["template"]
        about = template.get("metadata") or {}
        return {
            "metadata": {
                "generateName": f"{current['metadata']['name']}-",
                **{name: about[name] for name in ("labels", "annotations") if name in about},
                "ownerReferences": [owned.reference(self.sets, current)],
            },
            "spec": template["spec"],
        }

    async def _write_status(self, key: Key) -> float | None:
        """Count the pods; seconds until one more becomes available, when that only takes time."""
        current = self.registry.get(self.sets, key).object
        now, delay = self.registry.clock.now(), current["spec"].get("minReadySeconds", 0)
        every = self.owned.of(current)
        pods = [pod for pod in every if owned.is_active(pod)]
        ready = sum(map(owned.is_ready, pods))
        available = sum(owned.is_available(pod, delay, now) for pod in pods)
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": available}
        status = {
            "replicas": len(pods),
            **{name: count for name, count in counts.items() if count},
            "terminatingReplicas": sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in every),
            "observedGeneration": current["metadata"]["generation"],
        }
        if status != current.get("status"):
            await self.registry.update(self.sets, key, owned.with_status(status), subresource="status")
        return max(delay, 1.0) if available < ready else None


def _dispensable(pod: Object) -> tuple[bool, bool, float]:
    """Those that go first: without a node, not ready, then the youngest."""
    born = from_rfc3339(pod["metadata"]["creationTimestamp"])
    return bool(pod["spec"].get("nodeName")), owned.is_ready(pod), -born
