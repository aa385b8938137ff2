"""The three kinds of patches: JSON merge patch, JSON patch, and strategic merge patch for the built-in kinds.

All give a new object and leave the old one alone. Server-side apply is no patch in this sense: see `applying`.
Sources: RFC 7386, RFC 6902, and the strategic merge rules (directives ``$patch``, ``$retainKeys``,
``$deleteFromPrimitiveList``, ``$setElementOrder``).
"""

from typing import Any

from scaler.sim.apiserver import refusals

Object = dict[str, Any]

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "ownerReferences": ("uid",),
    "addresses": ("type",),
    "resourceClaims": ("name",),
    "secrets": ("name",),
    "webhooks": ("name",),
    "podIPs": ("ip",),
    "schedulingGates": ("name",),
}
"""Lists of built-in kinds that merge item by item, and what tells their items apart (the first key that is there)."""

PRIMITIVE_LISTS = frozenset({"finalizers"})
"""Lists of plain values that merge as sets."""


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: members replace members, null removes, everything but objects replaces whole."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


# -- strategic merge -------------------------------------------------------------------------------------------


def strategic_merge(target: Any, patch: Any) -> Any:
    """As `merge`, but lists of `MERGE_KEYS` merge by key, and directives are obeyed."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    merged = _retained(target if isinstance(target, dict) else {}, patch)
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_member(merged, key, value, patch.get(f"$setElementOrder/{key}"))
        elif key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name, ()) if item not in value]
    return merged


def _retained(target: Object, patch: Object) -> Object:
    keys = patch.get("$retainKeys")
    return dict(target) if keys is None else {key: value for key, value in target.items() if key in keys}


def _merge_member(merged: Object, key: str, value: Any, order: list[Any] | None) -> None:
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, list):
        merged[key] = _merged_list(key, merged.get(key), value, order)
    elif isinstance(value, dict):
        result = strategic_merge(merged.get(key), value)
        if result is None:
            merged.pop(key, None)
        else:
            merged[key] = result
    else:
        merged[key] = value


def _merged_list(name: str, old: Any, patch: list[Any], order: list[Any] | None) -> list[Any]:
    if name in PRIMITIVE_LISTS:
        known = list(old or ())
        return known + [item for item in patch if item not in known]
    keyed = name in MERGE_KEYS and all(isinstance(item, dict) for item in patch)
    if not keyed or {"$patch": "replace"} in patch:
        return [item for item in patch if item != {"$patch": "replace"}]
    merged = _merged_by_key(MERGE_KEYS[name], list(old or ()), patch)
    return _ordered(MERGE_KEYS[name], merged, list(old or ()), patch if order is None else order)


def _merged_by_key(keys: tuple[str, ...], old: list[Object], patch: list[Object]) -> list[Any]:
    merged = list(old)
    for item in patch:
        place = _place(keys, item, merged)
        if item.get("$patch") == "delete":
            if place is not None:
                del merged[place]
        elif place is None:
            merged.append(strategic_merge({}, item))
        else:
            merged[place] = strategic_merge(merged[place], item)
    return merged


def _place(keys: tuple[str, ...], item: Object, items: list[Object]) -> int | None:
    key = next((key for key in keys if key in item), None)
    return next((at for at, known in enumerate(items) if key and known.get(key) == item[key]), None)


def _ordered(keys: tuple[str, ...], merged: list[Object], old: list[Object], order: list[Object]) -> list[Any]:
    """Named items in the order of the patch; of the others, those go before that stood before."""
    ours = sorted(
        (item for item in merged if _place(keys, item, order) is not None), key=lambda i: _rank(keys, i, order)
    )
    theirs = [item for item in merged if _place(keys, item, order) is None]
    result: list[Any] = []
    while ours and theirs:
        one, other = _place(keys, theirs[0], old), _place(keys, ours[0], old)
        first = one is not None and other is not None and one < other
        result.append((theirs if first else ours).pop(0))
    return [*result, *ours, *theirs]


def _rank(keys: tuple[str, ...], item: Object, order: list[Object]) -> int:
    return _place(keys, item, order) or 0


# -- JSON patch ------------------------------------------------------------------------------------------------


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902; a `test` that fails or a path that is not there refuses the whole."""
    if not isinstance(operations, list):
        raise refusals.bad_request("error decoding patch: a JSON patch is a list of operations")
    for operation in operations:
        target = _applied(target, operation)
    return target


def _applied(target: Any, operation: Object) -> Any:
    name, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _unprocessable(f"the path {path!r} of a JSON patch starts with a slash")
    steps = _steps(path)
    match name:
        case "add":
            return _set(target, steps, operation.get("value"), "add")
        case "replace":
            return _set(target, steps, operation.get("value"), "replace")
        case "remove":
            return _set(target, steps, None, "remove")
        case "move":
            moved = _found(target, _steps(operation["from"]))
            return _set(_set(target, _steps(operation["from"]), None, "remove"), steps, moved, "add")
        case "copy":
            return _set(target, steps, _found(target, _steps(operation["from"])), "add")
        case "test":
            if _found(target, steps) != operation.get("value"):
                raise _unprocessable(f"testing value {path} failed")
            return target
    raise _unprocessable(f"Unexpected kind: {name}")


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _unprocessable(why: str) -> refusals.Refusal:
    """The real server keeps the reason to itself; ours tells it among the details."""
    said = "the server rejected our request due to an error in our request"
    return refusals.Refusal(422, "Invalid", said, {"causes": [{"reason": "InvalidPatch", "message": why}]})


def _found(target: Any, steps: list[str]) -> Any:
    for step in steps:
        target = target[_index(target, step)] if isinstance(target, list) else _member(target, step)
    return target


def _member(holder: Any, key: str) -> Any:
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    raise _unprocessable(f"there is no {key!r}")


def _index(holder: list[Any], step: str, *, beyond: bool = False) -> int:
    if step == "-" and beyond:
        return len(holder)
    if step.isdigit() and int(step) < len(holder) + beyond:
        return int(step)
    raise _unprocessable(f"Unable to access invalid index: {step}")


def _set(target: Any, steps: list[str], value: Any, action: str) -> Any:
    """A copy of `target` with the value at the path added, replaced or removed."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(target, list):
        copy = list(target)
        at = _index(copy, step, beyond=action == "add" and not rest)
        if rest:
            copy[at] = _set(copy[at], rest, value, action)
        elif action == "add":
            copy.insert(at, value)
        elif action == "replace":
            copy[at] = value
        else:
            del copy[at]
        return copy
    return _set_member(target, step, rest, value, action)


def _set_member(target: Any, key: str, rest: list[str], value: Any, action: str) -> Any:
    if not isinstance(target, dict) or ((rest or action != "add") and key not in target):
        raise _unprocessable(f"{action} operation does not apply: doc is missing path: /{key}")
    copy = dict(target)
    if rest:
        copy[key] = _set(copy[key], rest, value, action)
    elif action == "remove":
        del copy[key]
    else:
        copy[key] = value
    return copy
