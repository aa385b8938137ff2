"""StatefulSets: numbered pods, one after the other unless told otherwise. Templates are not rolled out."""

from collections.abc import Iterable

from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.store import Event, Key, Object, Table
from scaler.sim.controllers import owned
from scaler.sim.controllers.owned import Owned


class StatefulSets:
    """Reconciles StatefulSets."""

    def __init__(self, registry: Registry, pods: Owned) -> None:
        self.registry = registry
        self.owned = pods
        self.sets = registry.kind("statefulsets", "apps")
        self.pods = registry.kind("pods")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "statefulsets.apps":
            yield event.key
        elif table.name == "pods":
            yield from owned.owner_keys(event, "StatefulSet")

    async def reconcile(self, key: Key) -> float | None:
        current = self.registry.get(self.sets, key).object
        if current["metadata"].get("deletionTimestamp"):
            return None
        pods = {_number(pod): pod for pod in self.owned.of(current)}
        parallel = current["spec"].get("podManagementPolicy") == "Parallel"
        wanted = current["spec"].get("replicas", 1)
        if await self._grow(current, pods, wanted, parallel=parallel):
            await self._shrink(pods, wanted, parallel=parallel)
        await self._write_status(key)
        return None

    async def _grow(self, current: Object, pods: dict[int, Object], wanted: int, *, parallel: bool) -> bool:
        """Make what is missing; False while an earlier pod is waited for."""
        for number in range(wanted):
            pod = pods.get(number)
            if pod is None:
                await self.registry.create(self.pods, current["metadata"]["namespace"], self._pod(current, number))
            if not parallel and (pod is None or not owned.is_ready(pod)):
                return False
        return True

    async def _shrink(self, pods: dict[int, Object], wanted: int, *, parallel: bool) -> None:
        for number in sorted((number for number in pods if number >= wanted), reverse=True):
            if not pods[number]["metadata"].get("deletionTimestamp"):
                await deletion.delete(self.registry, self.pods, owned.key_of(pods[number]), DeleteOptions())
            if not parallel:
                return

    def _pod(self, current: Object, number: int) -> Object:
        template, name = current["spec"]["template"], f"{current['metadata']['name']}-{number}"
        about = template.get("metadata") or {}
        marks = {"apps.kubernetes.io/pod-index": str(number), "statefulset.kubernetes.io/pod-name": name}
        return {
            "metadata": {
                "name": name,
                "labels": {**(about.get("labels") or {}), **marks},
                **({"annotations": about["annotations"]} if "annotations" in about else {}),
                "ownerReferences": [owned.reference(self.sets, current)],
            },
            "spec": {**template["spec"], "hostname": name},
        }

    async def _write_status(self, key: Key) -> None:
        current = self.registry.get(self.sets, key).object
        pods = self.owned.of(current)
        ready = sum(map(owned.is_ready, pods))
        counts = {"readyReplicas": ready, "currentReplicas": len(pods), "updatedReplicas": len(pods)}
        status = {
            "observedGeneration": current["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": ready,
            **{name: count for name, count in counts.items() if count},
            "collisionCount": 0,
        }
        if status != current.get("status"):
            await self.registry.update(self.sets, key, owned.with_status(status), subresource="status")


def _number(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
