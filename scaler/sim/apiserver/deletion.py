"""Deletion: preconditions, finalizers, grace periods, and what becomes of dependents.

An object with finalizers or a grace period is only marked; whoever removes the last reason to wait completes it.
Source: the generic registry's rules for deletion, Kubernetes 1.36.
"""

from typing import Any

import msgspec

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.resources import Resource
from scaler.sim.apiserver.store import Key, Object, Stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    # The registry imports this module.
    from scaler.sim.apiserver.registry import Registry, Served

PRECONDITIONS = {
    "uid": ("UID", "The object might have been deleted and then recreated"),
    "resourceVersion": ("ResourceVersion", "The object might have been modified"),
}
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class DeleteOptions(msgspec.Struct, frozen=True, rename="camel"):
    """The body or the query of a deletion."""

    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    preconditions: dict[str, Any] = {}
    dry_run: list[str] = []


def is_due(resource: Resource, obj: Object) -> bool:
    """Whether a marked object has nothing left to wait for."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if resource.plural == "namespaces" and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not resource.graceful or not meta.get("deletionGracePeriodSeconds")


async def delete(
    registry: "Registry", served: "Served", key: Key, options: DeleteOptions, *, reviewed: bool = True
) -> tuple[Stored, bool]:
    """Delete or mark an object; gives its last version, and whether it is gone."""
    resource, old = served.resource, registry.get(served, key)
    _check_preconditions(served, old.object, options)
    if reviewed:
        await registry.review_deletion(served, key, old.object, dry_run=bool(options.dry_run))
        old = registry.get(served, key)
    new = _marked(resource, old.object, options, registry.clock.now())
    gone = is_due(resource, new)
    if options.dry_run:
        return Stored(new, old.version), gone
    table = registry.store.table(resource.table)
    if gone:
        return registry.store.remove(table, key), True
    if new == old.object:
        return old, False
    return registry.store.put(table, key, new), False


def _check_preconditions(served: "Served", obj: Object, options: DeleteOptions) -> None:
    meta = obj["metadata"]
    for field, (name, consequence) in PRECONDITIONS.items():
        wanted = options.preconditions.get(field)
        if wanted is not None and wanted != meta[field]:
            why = f"the {name} in the precondition ({wanted}) does not match the {name} in record ({meta[field]}). "
            raise refusals.conflict(served.group, served.resource.kind, meta["name"], why + consequence)


def _marked(resource: Resource, old: Object, options: DeleteOptions, now: float) -> Object:
    """The object with its mark of deletion: time, grace, and the finalizers that the policy asks for."""
    meta = {**old["metadata"]}
    grace = _grace(resource, old, options)
    if "deletionTimestamp" not in meta:
        meta["deletionTimestamp"] = to_rfc3339(now + grace)
        meta["deletionGracePeriodSeconds"] = grace
        if "generation" in meta and not resource.last_finalizer:
            meta["generation"] += 1
    elif grace < (meta.get("deletionGracePeriodSeconds") or 0):
        meta["deletionTimestamp"] = to_rfc3339(now + grace)
        meta["deletionGracePeriodSeconds"] = grace
    finalizers = _finalizers(resource, meta.get("finalizers") or [], options)
    if resource.last_finalizer and "deletionTimestamp" not in old["metadata"]:
        finalizers = list(dict.fromkeys([*finalizers, resource.last_finalizer]))
    meta.pop("finalizers", None)
    new = {**old, "metadata": {**meta, **({"finalizers": finalizers} if finalizers else {})}}
    return (
        {**new, "status": {**(old.get("status") or {}), "phase": "Terminating"}} if _is_namespace(resource) else new
    )


def _is_namespace(resource: Resource) -> bool:
    return resource.plural == "namespaces" and not resource.group


def _grace(resource: Resource, old: Object, options: DeleteOptions) -> int:
    """Seconds to wait; pods that run nothing need none."""
    if not resource.graceful:
        return 0
    spec, phase = old.get("spec") or {}, (old.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in {"Succeeded", "Failed"}:
        return 0
    if options.grace_period_seconds is not None:
        return max(options.grace_period_seconds, 0)
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _finalizers(resource: Resource, known: list[str], options: DeleteOptions) -> list[str]:
    policy = options.propagation_policy
    if policy is None and options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    if policy is None and resource.orphans:
        policy = "Orphan"
    rest = [name for name in known if policy is None or name not in {FOREGROUND, ORPHAN}]
    if policy == "Foreground":
        return [*rest, FOREGROUND]
    return [*rest, ORPHAN] if policy == "Orphan" else rest
