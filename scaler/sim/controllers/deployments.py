"""Deployments: a ReplicaSet for each version of the template, rolled over within surge and unavailability."""

import hashlib
import math
from collections.abc import Callable, Iterable

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Event, Key, Object, Table, encode
from scaler.sim.controllers import owned
from scaler.sim.controllers.owned import Owned

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


class Deployments:
    """Reconciles Deployments."""

    def __init__(self, registry: Registry, sets: Owned) -> None:
        self.registry = registry
        self.owned = sets
        self.deployments = registry.kind("deployments", "apps")
        self.sets = registry.kind("replicasets", "apps")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "deployments.apps":
            yield event.key
        elif table.name == "replicasets.apps":
            yield from owned.owner_keys(event, "Deployment")

    async def reconcile(self, key: Key) -> float | None:
        current = self.registry.get(self.deployments, key).object
        if current["metadata"].get("deletionTimestamp"):
            return None
        mark = template_hash(current["spec"]["template"])
        sets = self.owned.of(current)
        if current["spec"].get("paused"):
            await self._keep(current, sets)
        else:
            if not any(_mark(one) == mark for one in sets):
                await self._create_set(current, mark, len(sets) + 1)
            await self._roll(current, mark)
            await self._clean_up(current, mark)
        await self._write_status(key, mark)
        return None

    async def _keep(self, current: Object, sets: list[Object]) -> None:
        """A paused Deployment rolls nothing out; the set it has follows the number of replicas."""
        busy = [one for one in sets if _size(one)] or sets[-1:]
        if len(busy) == 1:
            await self._resize(busy[0], current["spec"].get("replicas", 1))

    async def _create_set(self, current: Object, mark: str, revision: int) -> None:
        spec, template = current["spec"], current["spec"]["template"]
        about = template.get("metadata") or {}
        labels = {**(about.get("labels") or {}), HASH: mark}
        selector = spec["selector"]
        matching = {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH: mark}}
        body = {
            "metadata": {
                "name": f"{current['metadata']['name']}-{mark}",
                "labels": labels,
                "annotations": {REVISION: str(revision)},
                "ownerReferences": [owned.reference(self.deployments, current)],
            },
            "spec": {
                "replicas": 0,
                "selector": matching,
                "template": {**template, "metadata": {**about, "labels": labels}},
                **{name: spec[name] for name in ("minReadySeconds",) if name in spec},
            },
        }
        await self.registry.create(self.sets, current["metadata"]["namespace"], body)

    async def _roll(self, current: Object, mark: str) -> None:
        """Move replicas towards the newest set, as fast as the strategy lets them go."""
        sets = self.owned.of(current)
        newest = next(one for one in sets if _mark(one) == mark)
        others = [one for one in sets if one is not newest]
        wanted = current["spec"].get("replicas", 1)
        surge, unavailable = _allowances(current["spec"], wanted)
        if at(current, "spec.strategy.type") == "Recreate":
            await self._shrink(others, sum(map(_size, others)))
            await self._resize(newest, 0 if any(at(one, "status.replicas") for one in others) else wanted)
            return
        room = wanted + surge - sum(map(_size, others))
        await self._resize(newest, min(wanted, max(room, min(_size(newest), wanted))))
        available = sum(at(one, "status.availableReplicas") or 0 for one in sets)
        unready = sum(_size(one) - (at(one, "status.availableReplicas") or 0) for one in others)
        await self._shrink(others, max(available - (wanted - unavailable), 0) + max(unready, 0))

    async def _shrink(self, sets: list[Object], by: int) -> None:
        """Take replicas from the oldest sets first."""
        for one in sets:
            part = min(_size(one), by)
            by -= part
            await self._resize(one, _size(one) - part)

    async def _resize(self, one: Object, replicas: int) -> None:
        if _size(one) != replicas:
            key = owned.key_of(one)
            await self.registry.update(
                self.sets, key, lambda obj: {**obj, "spec": {**obj["spec"], "replicas": replicas}}
            )

    async def _clean_up(self, current: Object, mark: str) -> None:
        """Old sets without pods are kept for undoing, up to the limit."""
        empty = [
            one
            for one in self.owned.of(current)
            if _mark(one) != mark and not _size(one) and not at(one, "status.replicas")
        ]
        for one in empty[: max(len(empty) - current["spec"].get("revisionHistoryLimit", 10), 0)]:
            await deletion.delete(self.registry, self.sets, owned.key_of(one), DeleteOptions())

    async def _write_status(self, key: Key, mark: str) -> None:
        current = self.registry.get(self.deployments, key).object
        sets = self.owned.of(current)
        status, annotations = self._status(current, sets, mark), current["metadata"].get("annotations") or {}
        newest = next((one for one in sets if _mark(one) == mark), None)
        revision = {REVISION: newest["metadata"]["annotations"][REVISION]} if newest else {}
        marked = {**annotations, **revision}
        if status == current.get("status") and marked == annotations:
            return

        def written(obj: Object) -> Object:
            return {**obj, "metadata": {**obj["metadata"], "annotations": marked or None}, "status": status}

        await self.registry.update(self.deployments, key, written, subresource="status")

    def _status(self, current: Object, sets: list[Object], mark: str) -> Object:
        wanted = current["spec"].get("replicas", 1)
        total, ready, available = (
            sum(at(one, f"status.{name}") or 0 for one in sets)
            for name in ("replicas", "readyReplicas", "availableReplicas")
        )
        updated = sum(at(one, "status.replicas") or 0 for one in sets if _mark(one) == mark)
        counts = {
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": available,
            "unavailableReplicas": max(total, wanted) - available,
        }
        done = updated == total == available == wanted
        new = [
            _progressing(mark, current, done),
            _available(available >= wanted - _allowances(current["spec"], wanted)[1]),
        ]
        now = self.registry.clock.now()
        return {
            "observedGeneration": current["metadata"]["generation"],
            **{name: count for name, count in counts.items() if count},
            "terminatingReplicas": sum(at(one, "status.terminatingReplicas") or 0 for one in sets),
            "conditions": [
                _updated(part, now) for part in owned.conditions(at(current, "status.conditions") or (), new, now)
            ],
        }


def template_hash(template: Object) -> str:
    """A short name for a version of the template."""
    return hashlib.sha256(encode(template)).hexdigest()[:10]


def _mark(one: Object) -> str:
    return str((one["metadata"].get("labels") or {}).get(HASH, ""))


def _size(one: Object) -> int:
    return int(one["spec"].get("replicas", 1))


def _allowances(spec: Object, wanted: int) -> tuple[int, int]:
    """How many pods more, and how many available ones fewer, a rollout may have."""
    rolling = at(spec, "strategy.rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", 0), wanted, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", 0), wanted, math.floor)
    return surge, unavailable if surge or unavailable else 1


def _share(amount: int | str, of: int, rounded: Callable[[float], int]) -> int:
    return amount if isinstance(amount, int) else rounded(int(amount.removesuffix("%")) * of / 100)


def _available(enough: bool) -> Object:
    if enough:
        reason, said = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, said = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return {"type": "Available", "status": "True" if enough else "False", "reason": reason, "message": said}


def _updated(part: Object, now: float) -> Object:
    return {**part, "lastUpdateTime": part.get("lastUpdateTime", to_rfc3339(now))}


def _progressing(mark: str, current: Object, done: bool) -> Object:
    if current["spec"].get("paused"):
        said = "Deployment is paused"
        return {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "message": said}
    name = f"{current['metadata']['name']}-{mark}"
    if done:
        reason, said = "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.'
    else:
        reason, said = "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'
    return {"type": "Progressing", "status": "True", "reason": reason, "message": said}
