"""The scale subresource: one shape (autoscaling/v1 Scale) for whatever has replicas."""

from typing import Any

import msgspec

from scaler.errors import Problem
from scaler.sim.apiserver import refusals, selectors
from scaler.sim.apiserver.registry import ORDINARY, Options, Registry, Review, Served
from scaler.sim.apiserver.resources import ScalePaths, at, placed
from scaler.sim.apiserver.store import Key, Object, Stored

SCALE_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def read(registry: Registry, served: Served, key: Key) -> Object:
    """The Scale of an object; 404 when it or the subresource is not there."""
    return scale_of(served, registry.get(served, key))


def scale_of(served: Served, stored: Stored) -> Object:
    """An object seen as a Scale."""
    paths, obj = _paths(served), stored.object
    status: Object = {"replicas": at(obj, paths.status_replicas) or 0}
    selector = _selector(paths, obj, custom=served.resource.custom)
    if selector:
        status["selector"] = selector
    replicas = at(obj, paths.spec_replicas)
    meta = {field: obj["metadata"][field] for field in SCALE_META if field in obj["metadata"]}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


async def write(registry: Registry, served: Served, key: Key, change: Any, options: Options = ORDINARY) -> Object:
    """Let `change` make a new Scale of the current one, and give the object its replicas."""
    paths, old = _paths(served), scale_of(served, registry.get(served, key))
    asked = change(old)
    review = Review("UPDATE", served, key, "scale", asked, old, options)
    reviewed = await registry.reviewed(review)
    assert reviewed is not None, "a scale goes in, and a scale comes out"

    def rescaled(obj: Object) -> Object:
        stored = registry.get(served, key)
        scale = reviewed
        replicas = (scale.get("spec") or {}).get("replicas") or 0
        _check(served, key, scale, replicas)
        version = (scale.get("metadata") or {}).get("resourceVersion")
        if version and version != str(stored.version):
            raise refusals.modified(served.group, served.resource.plural, key[1])
        return placed(obj, paths.spec_replicas, replicas)

    unreviewed = msgspec.structs.replace(options, unreviewed=True)
    return scale_of(served, await registry.update(served, key, rescaled, unreviewed, "scale"))


def _check(served: Served, key: Key, scale: Object, replicas: Any) -> None:
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise refusals.bad_request(
            f'Scale in version "v1" cannot be handled as a Scale: spec.replicas must be an integer, not {replicas!r}'
        )
    if replicas < 0:
        raise _negative(served, key, replicas)
    name = (scale.get("metadata") or {}).get("name")
    if name and name != key[1]:
        raise refusals.bad_request(f"the name of the object ({name}) does not match the name on the URL ({key[1]})")


def _negative(served: Served, key: Key, replicas: int) -> refusals.Refusal:
    if served.resource.custom:
        problem = Problem(".spec.replicas", f"Invalid value: {replicas}: should be a non-negative integer", replicas)
        return refusals.invalid(served.group, served.resource.kind, key[1], [problem])
    problem = Problem("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0", replicas)
    return refusals.invalid("autoscaling", "Scale", key[1], [problem])


def _paths(served: Served) -> ScalePaths:
    if served.resource.scale is None:
        raise refusals.no_such_path()
    return served.resource.scale


def _selector(paths: ScalePaths, obj: Object, *, custom: bool) -> str:
    if custom:
        return str(at(obj, paths.selector) or "") if paths.selector else ""
    return selectors.as_text(at(obj, "spec.selector") or {})
