"""managedFields: who owns what of an object, kept in step with every write, and the conflicts that come of it.

Source: the field manager of Kubernetes 1.36, and a kube-apiserver's words.
"""

from typing import Any

import msgspec

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.fields import merging, paths
from scaler.sim.apiserver.fields.paths import Paths
from scaler.sim.apiserver.fields.shapes import Shape

Object = dict[str, Any]

APPLY, UPDATE = "Apply", "Update"
UNKNOWN = "before-first-apply"
"""Owns what was there before anyone applied, when nobody is known to."""


class Manager(msgspec.Struct, frozen=True):
    """Who writes: one entry of managedFields."""

    name: str
    operation: str
    version: str
    subresource: str = ""


Owners = dict[Manager, tuple[Paths, str]]
"""The fields of each, and since when."""


def owners(obj: Object) -> Owners:
    """What an object's managedFields say."""
    return {
        Manager(
            one.get("manager", ""),
            one.get("operation", UPDATE),
            one.get("apiVersion", ""),
            one.get("subresource", ""),
        ): (paths.decoded(one.get("fieldsV1") or {}), one.get("time", ""))
        for one in obj["metadata"].get("managedFields") or ()
        if one.get("manager")
    }


def entries(known: Owners) -> list[Object]:
    """The same as managedFields: applied ones first, then by time and name."""

    def rank(item: tuple[Manager, tuple[Paths, str]]) -> tuple[str, str, str]:
        return item[0].operation, item[1][1], item[0].name

    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.version,
            "time": since,
            "fieldsType": "FieldsV1",
            "fieldsV1": paths.encoded(fields),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, (fields, since) in sorted(known.items(), key=rank)
        if fields or manager.operation == APPLY
    ]


def updated(new: Object, old: Object | None, manager: Manager, shape: Shape, now: float) -> list[Object]:
    """The managedFields after an ordinary write: whoever changes a field owns it, and nobody else."""
    known = owners(old) if old is not None else {}
    found = paths.difference(old or {}, new, shape)
    if not (found.set or found.removed):
        return (old or {"metadata": {}})["metadata"].get("managedFields") or []
    known = _without(known, found.set | found.removed, but=manager)
    own, since = known.get(manager, (frozenset(), ""))
    mine = (own | found.set) - found.removed
    known[manager] = (mine, since if mine == own else to_rfc3339(now))
    return entries(known)


def _without(known: Owners, taken: Paths | set[paths.Path], *, but: Manager) -> Owners:
    lost = frozenset(taken)
    return {
        manager: (fields if manager == but else fields - lost, since)
        for manager, (fields, since) in known.items()
        if manager == but or not fields or fields - lost
    }


def applied(
    live: Object, config: Object, manager: Manager, shape: Shape, now: float, *, force: bool
) -> tuple[Object, list[Object]]:
    """The object after an apply, and its managedFields; 409 when somebody else owns what it changes."""
    known = owners(live)
    if not live["metadata"].get("managedFields"):
        everything = paths.difference({}, live, shape).set
        known[Manager(UNKNOWN, UPDATE, manager.version)] = (everything, live["metadata"]["creationTimestamp"])
    mine, (last, since) = paths.owned(config, shape), known.get(manager, (frozenset(), ""))
    others = {one: held for one, held in known.items() if one != manager}
    kept = mine.union(*(fields for fields, _ in others.values()))
    new = merging.pruned(merging.merged(live, config, shape), last - mine, kept, shape)
    found = paths.difference(live, new, shape)
    clashes = {one: fields & found.set for one, (fields, _) in others.items() if fields & found.set}
    if clashes and not force:
        raise _conflict(clashes)
    left = _without(others, found.set | found.removed, but=manager)
    return new, entries({**left, manager: (mine, since if mine == last and since else to_rfc3339(now))})


def _conflict(clashes: dict[Manager, Paths]) -> refusals.Refusal:
    ordered = sorted(clashes.items(), key=lambda item: item[0].name)
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_called(one)}", "field": paths.spelled(path)}
        for one, fields in ordered
        for path in sorted(fields)
    ]
    if len(causes) == 1:
        said = f"conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        said = "conflicts: " + "\n".join(
            "\n".join([f"conflicts with {_called(one)}:", *(f"- {paths.spelled(path)}" for path in sorted(fields))])
            for one, fields in ordered
        )
    return refusals.Refusal(409, "Conflict", f"Apply failed with {len(causes)} {said}", {"causes": causes})


def _called(manager: Manager) -> str:
    name = msgspec.json.encode(manager.name).decode()
    part = f' with subresource "{manager.subresource}"' if manager.subresource else ""
    return f"{name}{part}" if manager.operation == APPLY else f"{name}{part} using {manager.version}"
