"""What the server refuses of pods: bad containers, changes that no update may make, and bad resizes.

Source of the words: a kube-apiserver 1.36.
"""

from collections.abc import Iterator
from typing import Any

from scaler.errors import Problem
from scaler.quantity import exact_quantity
from scaler.sim.apiserver.pod_defaults import quality
from scaler.sim.apiserver.resources import at

Object = dict[str, Any]

RESIZABLE = ("cpu", "memory")
CONTAINERS = ("containers", "initContainers")
UPDATABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", *CONTAINERS)
UPDATE_RULE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(obj: Object, old: Object | None) -> list[Problem]:
    """A new pod, or what becomes of one by an ordinary update."""
    problems = list(containers(obj["spec"], "spec"))
    if old is not None and not problems and _without_updatable(obj["spec"]) != _without_updatable(old["spec"]):
        problems.append(Problem("spec", f"Forbidden: {UPDATE_RULE}"))
    return problems


def _without_updatable(spec: Object) -> Object:
    rest = {key: value for key, value in spec.items() if key not in UPDATABLE}
    for field in CONTAINERS:
        rest[field] = [{**container, "image": ""} for container in spec.get(field) or ()]
    return rest


def containers(spec: Object, path: str) -> Iterator[Problem]:
    """What is wrong with the containers of a pod or of a template."""
    found = spec.get("containers")
    if not found:
        yield Problem(f"{path}.containers", "Required value")
        return
    seen: set[str] = set()
    for index, container in enumerate(found):
        here, name = f"{path}.containers[{index}]", container.get("name")
        if not name:
            yield Problem(f"{here}.name", "Required value")
        elif name in seen:
            yield Problem(f"{here}.name", f'Duplicate value: "{name}"', name)
        seen.add(name or "")
        if not container.get("image"):
            yield Problem(f"{here}.image", "Required value")
        yield from _amounts(container.get("resources") or {}, f"{here}.resources")


def _amounts(resources: Object, path: str) -> Iterator[Problem]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            if exact_quantity(amount) < 0:
                said = f'Invalid value: "{amount}": must be greater than or equal to 0'
                yield Problem(f"{path}.{field}[{name}]", said, amount)
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is not None and exact_quantity(amount) > exact_quantity(limit):
            said = f'Invalid value: "{amount}": must be less than or equal to {name} limit of {limit}'
            yield Problem(f"{path}.requests", said, amount)


# -- resizing --------------------------------------------------------------------------------------------------


def resized(new: Object, old: Object) -> Object:
    """What a write to pods/resize may touch: the resources of the containers that are there; the rest stays."""
    spec = {**old["spec"], **_resized(new.get("spec") or {}, old["spec"])}
    return {**old, "metadata": {**old["metadata"]}, "spec": spec}


def _resized(new: Object, old: Object) -> Object:
    return {field: _resized_list(new.get(field) or [], old[field]) for field in CONTAINERS if field in old}


def _resized_list(new: list[Object], old: list[Object]) -> list[Object]:
    """Lists that do not name the same containers are left for the checks to refuse."""
    if [one.get("name") for one in new] != [one["name"] for one in old]:
        return new
    kept = ("resources", "resizePolicy")
    return [
        {key: value for key, value in before.items() if key not in kept}
        | {key: one[key] for key in kept if key in one}
        for one, before in zip(new, old, strict=True)
    ]


def resize(obj: Object, old: Object | None) -> list[Problem]:
    """What a write to pods/resize made of a pod."""
    assert old is not None, "resize is a subresource: there is a pod to resize"
    problems, strangers = list(containers(obj["spec"], "spec")), list(_membership(obj["spec"], old["spec"]))
    if strangers:
        return [*problems, *strangers]
    if quality(obj["spec"]) != quality(old["spec"]):
        was = quality(old["spec"])
        said = f'Invalid value: "{was}": Pod QOS Class may not change as a result of resizing'
        problems.append(Problem("spec", said, was))
    for field in CONTAINERS:
        problems += _removed(obj["spec"], old["spec"], field)
    if not problems and _without_resizable(obj["spec"]) != _without_resizable(old["spec"]):
        problems.append(Problem("spec", "Forbidden: only cpu and memory resources are mutable"))
    return problems


def _membership(new: Object, old: Object) -> Iterator[Problem]:
    for field in CONTAINERS:
        ours, theirs = new.get(field) or [], old.get(field) or []
        if len(ours) != len(theirs):
            yield Problem(f"spec.{field}", f"Forbidden: {_spaced(field)} may not be added or removed on resize")
            continue
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one.get("name") != other["name"]:
                said = f"Forbidden: {_spaced(field)} may not be renamed or reordered on resize"
                yield Problem(f"spec.{field}[{index}].name", said)


def _spaced(field: str) -> str:
    return "init containers" if field == "initContainers" else "containers"


def _removed(new: Object, old: Object, field: str) -> Iterator[Problem]:
    for index, (one, other) in enumerate(zip(new.get(field) or (), old.get(field) or (), strict=False)):
        for part in ("requests", "limits"):
            before, now = (at(container, f"resources.{part}") or {} for container in (other, one))
            if before.keys() & set(RESIZABLE) - now.keys():
                said = f"Forbidden: resource {part} cannot be removed"
                yield Problem(f"spec.{field}[{index}].resources.{part}", said)


def _without_resizable(spec: Object) -> Object:
    return {**spec, **{field: [_rest(one) for one in spec.get(field) or ()] for field in CONTAINERS}}


def _rest(container: Object) -> Object:
    resources = container.get("resources") or {}
    kept = {
        part: {name: amount for name, amount in (resources.get(part) or {}).items() if name not in RESIZABLE}
        for part in ("requests", "limits")
    }
    return {**container, "resources": {**resources, **kept}}
