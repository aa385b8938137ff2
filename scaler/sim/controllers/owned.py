"""Objects and the controllers they belong to, and the states of pods: what several controllers look at."""

from collections.abc import Iterable
from typing import Any

from scaler.clock import from_rfc3339, to_rfc3339
from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Event, Key, Object, Table


def controller_of(obj: Object) -> Object | None:
    """The owner reference that controls the object."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def reference(served: Served, obj: Object) -> Object:
    """An owner reference to the object, as its controller."""
    return {
        "apiVersion": served.api_version,
        "kind": served.resource.kind,
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def owner_keys(event: Event, kind: str) -> Iterable[Key]:
    """The key of the controller of that kind, from a change of what it controls."""
    owner = controller_of(event.now.object)
    if owner is not None and owner["kind"] == kind:
        yield event.key[0], owner["name"]


class Owned:
    """The objects of one resource by the uid of their controller, kept in step with the store."""

    def __init__(self, registry: Registry, served: Served) -> None:
        self.table_name = served.resource.table
        self._by_owner: dict[str, dict[Key, Object]] = {}
        registry.store.observers.append(self._observe)

    def _observe(self, table: Table, event: Event) -> None:
        if table.name != self.table_name:
            return
        if event.before is not None:
            owner = controller_of(event.before.object)
            if owner is not None:
                self._by_owner.get(owner["uid"], {}).pop(event.key, None)
        owner = controller_of(event.now.object)
        if owner is not None and event.type != "DELETED":
            self._by_owner.setdefault(owner["uid"], {})[event.key] = event.now.object

    def of(self, obj: Object) -> list[Object]:
        """What the object controls, in the order of birth and name."""
        found = self._by_owner.get(obj["metadata"]["uid"], {}).values()
        return sorted(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))


# -- pods ------------------------------------------------------------------------------------------------------


def condition(obj: Object, kind: str) -> Object | None:
    conditions: list[Object] = at(obj, "status.conditions") or []
    return next((part for part in conditions if part["type"] == kind), None)


def is_ready(pod: Object) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def is_active(pod: Object) -> bool:
    """Neither finished nor going."""
    return not pod["metadata"].get("deletionTimestamp") and phase(pod) not in {"Succeeded", "Failed"}


def phase(pod: Object) -> str:
    return str(at(pod, "status.phase") or "Pending")


def is_available(pod: Object, seconds: float, now: float) -> bool:
    """Ready for that long."""
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return False
    return not seconds or from_rfc3339(ready["lastTransitionTime"]) + seconds <= now


def conditions(old: Iterable[Object], new: Iterable[Object], now: float) -> list[Object]:
    """The new conditions, each with the time of its last change; others are kept."""
    known = {part["type"]: part for part in old}
    stamp = to_rfc3339(now)
    for part in new:
        before = known.get(part["type"])
        unchanged = before is not None and before["status"] == part["status"]
        since = before["lastTransitionTime"] if before is not None and unchanged else stamp
        known[part["type"]] = {**part, "lastTransitionTime": since}
    return list(known.values())


def with_status(status: dict[str, Any]) -> Any:
    """A change that sets the whole status."""
    return lambda obj: {**obj, "status": status}
